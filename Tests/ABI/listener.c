/*
 * listener.c - a prometheus backend that listens: no thread before it is loaded, one page for whoever asks, gone with
 * the engine.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "host.h"
#include "process.h"

static const char *const quiet =
    YAML_HEAD("Policy", "p") "spec: {rules: [{name: put, action: DENY, when: request.method == 'PUT'}]}\n---\n"
    YAML_HEAD("Telemetry", "t") "spec: {metrics: [{name: requests_total, kind: counter, value: 1, labels: {code: response.code}, backends: [prom]}]}\n---\n"
    YAML_HEAD("Backend", "prom") "spec: {prometheus: {}}\n";

static const char *const listening =
    YAML_HEAD("Policy", "p") "spec: {rules: [{name: put, action: DENY, when: request.method == 'PUT'}]}\n---\n"
    YAML_HEAD("Telemetry", "t") "spec: {metrics: [{name: requests_total, kind: counter, value: 1, labels: {code: response.code}, backends: [prom]}]}\n---\n"
    YAML_HEAD("Backend", "prom") "spec: {prometheus: {listen: \"127.0.0.1:0\"}}\n";

static int connect_to(const char *address, size_t size) {
  char text[64];
  char *colon;
  struct sockaddr_in peer;
  struct timeval wait;
  int descriptor;
  if (size >= sizeof text) return -1;
  memcpy(text, address, size);
  text[size] = 0;
  colon = strrchr(text, ':');
  if (!colon) return -1;
  *colon = 0;
  CLEAR(peer);
  peer.sin_family = AF_INET;
  peer.sin_port = htons((uint16_t)atoi(colon + 1));
  if (inet_pton(AF_INET, text, &peer.sin_addr) != 1) return -1;
  descriptor = socket(AF_INET, SOCK_STREAM, 0);
  wait.tv_sec = 10;
  wait.tv_usec = 0;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  if (connect(descriptor, (struct sockaddr *)&peer, sizeof peer) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

/* Sends the request and reads all there is. Returns the bytes read. */
static size_t ask(purser_text address, const char *request, char *answer, size_t answer_size) {
  size_t size = 0;
  int descriptor = connect_to(address.data, address.size);
  if (!CHECK(descriptor >= 0)) return 0;
  CHECK(send(descriptor, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request));
  while (size < answer_size - 1) {
    ssize_t got = recv(descriptor, answer + size, answer_size - 1 - size, 0);
    if (got <= 0) break;
    size += (size_t)got;
  }
  answer[size] = 0;
  close(descriptor);
  return size;
}

static void a_listener_serves_what_render_renders(void) {
  static char answer[1 << 20];
  house house;
  host_request context = host_reviews();
  purser_text address;
  int threads = process_threads();
  CLEAR(address);
  if (!house_open(&house, NULL, quiet)) return;
  house_serve(&house, &context);
  CHECK(process_threads() == threads);
  CHECK(purser_backend_address(house.engine, text_of("prom"), &address) == PURSER_NOT_FOUND);
  CHECK(set_loads(house.set, listening));
  CHECK(process_threads() > threads);
  house_serve(&house, &context);
  REQUIRE(purser_backend_address(house.engine, text_of("prom"), &address) == PURSER_OK);
  CHECK(text_has(address, "127.0.0.1:") && !text_is(address, "127.0.0.1:0"));
  REQUIRE(ask(address, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer, sizeof answer) > 0);
  CHECK(strncmp(answer, "HTTP/1.1 200", 12) == 0);
  CHECK(strstr(answer, "text/plain; version=0.0.4") != NULL);
  CHECK(strstr(answer, "requests_total{code=\"200\"} 2\n") != NULL);

  /* Strangers get an answer too, and the next one is served. */
  REQUIRE(ask(address, "GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer, sizeof answer) > 0);
  CHECK(strncmp(answer, "HTTP/1.1 404", 12) == 0);
  (void)ask(address, "\x01\x02\x03 nonsense\r\n\r\n", answer, sizeof answer);
  REQUIRE(ask(address, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", answer, sizeof answer) > 0);
  CHECK(strncmp(answer, "HTTP/1.1 405", 12) == 0);
  REQUIRE(ask(address, "GET /metrics HTTP/1.0\r\n\r\n", answer, sizeof answer) > 0);
  CHECK(strstr(answer, "requests_total{code=\"200\"} 2\n") != NULL);
  {
    purser_text gone = address;
    house_close(&house);
    CHECK(connect_to(gone.data, gone.size) < 0);
    CHECK(process_threads() == threads);
    purser_text_free(&address);
  }
}

static void a_reload_keeps_the_listener(void) {
  house house;
  purser_text before, after;
  char yaml[4096];
  CLEAR(before);
  CLEAR(after);
  if (!house_open(&house, NULL, listening)) return;
  CHECK(purser_backend_address(house.engine, text_of("prom"), &before) == PURSER_OK);
  snprintf(yaml, sizeof yaml, "%s---\n%s", listening, YAML_HEAD("PolicySet", "s") "spec: {default: DENY}\n");
  CHECK(set_loads(house.set, yaml));
  CHECK(purser_backend_address(house.engine, text_of("prom"), &after) == PURSER_OK);
  CHECK(before.size == after.size && memcmp(before.data, after.data, before.size) == 0);
  purser_text_free(&before);
  purser_text_free(&after);
  house_close(&house);
}

static void a_port_that_is_taken_leaves_the_old_plan(void) {
  house house, other;
  host_request context = host_reviews();
  purser_text address;
  char yaml[4096];
  CLEAR(address);
  if (!house_open(&house, NULL, listening) || !house_open(&other, NULL, quiet)) return;
  REQUIRE(purser_backend_address(house.engine, text_of("prom"), &address) == PURSER_OK);
  snprintf(yaml, sizeof yaml, "%sspec: {rules: [{name: all, action: DENY, when: true}]}\n---\n%sspec: {prometheus: {listen: \"%.*s\"}}\n",
           YAML_HEAD("Policy", "p"), YAML_HEAD("Backend", "prom"), (int)address.size, address.data);
  CHECK(set_load(other.set, yaml, NULL) == PURSER_UNAVAILABLE);
  CHECK(house_decide(&other, &context) == PURSER_VERDICT_ALLOW);
  purser_text_free(&address);
  house_close(&house);
  house_close(&other);
}

/* A port of the loopback that nobody has at this moment. */
static int free_port(void) {
  struct sockaddr_in own;
  socklen_t size = sizeof own;
  int descriptor = socket(AF_INET, SOCK_STREAM, 0), port = -1;
  CLEAR(own);
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (descriptor < 0) return -1;
  if (bind(descriptor, (struct sockaddr *)&own, sizeof own) == 0 && getsockname(descriptor, (struct sockaddr *)&own, &size) == 0)
    port = ntohs(own.sin_port);
  close(descriptor);
  return port;
}

/* The same documents, with the backend called so and listening there. */
static void listening_as(char *yaml, size_t size, const char *name, int port) {
  snprintf(yaml, size,
           YAML_HEAD("Policy", "p") "spec: {rules: [{name: put, action: DENY, when: request.method == 'PUT'}]}\n---\n"
           YAML_HEAD("Telemetry", "t") "spec: {metrics: [{name: requests_total, kind: counter, value: 1, labels: {code: response.code}, backends: [%s]}]}\n---\n"
           "apiVersion: purser.dev/v1alpha1\nkind: Backend\nmetadata: {name: %s}\nspec: {prometheus: {listen: \"127.0.0.1:%d\"}}\n",
           name, name, port);
}

static void a_backend_may_be_renamed_while_its_address_stays(void) {
  static char answer[1 << 20];
  house house;
  host_request context = host_reviews();
  purser_text address, text;
  char yaml[4096], expected[32];
  int port = 0, attempt, turn;
  static const char *const names[] = {"scrape", "prom", "scrape"};
  if (!house_open(&house, NULL, NULL)) return;
  for (attempt = 0; attempt < 10; attempt += 1) { /* someone else may have taken it since */
    port = free_port();
    REQUIRE(port > 0);
    listening_as(yaml, sizeof yaml, "prom", port);
    if (set_load(house.set, yaml, NULL) == PURSER_OK) break;
  }
  REQUIRE(attempt < 10);
  snprintf(expected, sizeof expected, "127.0.0.1:%d", port);
  for (turn = 0; turn < 3; turn += 1) {
    const char *old = turn % 2 ? "scrape" : "prom";
    listening_as(yaml, sizeof yaml, names[turn], port);
    REQUIRE(set_loads(house.set, yaml));
    house_serve(&house, &context);
    CLEAR(address);
    CLEAR(text);
    REQUIRE(purser_backend_address(house.engine, text_of(names[turn]), &address) == PURSER_OK);
    CHECK(text_is(address, expected));
    REQUIRE(ask(address, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer, sizeof answer) > 0);
    CHECK(strncmp(answer, "HTTP/1.1 200", 12) == 0);
    CHECK(strstr(answer, "requests_total{code=\"200\"} ") != NULL);
    CHECK(purser_metrics_render(house.engine, text_of(names[turn]), &text) == PURSER_OK);
    CHECK(text_has(text, "requests_total{code=\"200\"} "));
    purser_text_free(&text);
    purser_text_free(&address);
    CHECK(purser_backend_address(house.engine, text_of(old), &address) == PURSER_NOT_FOUND);
    CHECK(purser_metrics_render(house.engine, text_of(old), &text) == PURSER_NOT_FOUND);
  }
  house_close(&house);
}

int main(void) {
  RUN(a_listener_serves_what_render_renders);
  RUN(a_reload_keeps_the_listener);
  RUN(a_backend_may_be_renamed_while_its_address_stays);
  RUN(a_port_that_is_taken_leaves_the_old_plan);
  return test_end();
}

/*
 * fork.c - a plan may be loaded before a fork and used in the child; an engine may not, and says so.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

static const char *const get_only = YAML_HEAD("Policy", "get") "spec:\n  rules:\n  - {name: get, action: ALLOW, when: request.method == 'GET'}\n";

#define FORKED(call) CHECK((call) == PURSER_FORKED)

/* Runs in a child and tells whether its checks held; _exit, so that nothing of the parent's is flushed twice. */
#define IN_CHILD(body)                                                          \
  do {                                                                          \
    pid_t child;                                                                \
    int status = -1;                                                            \
    fflush(stdout);                                                             \
    child = fork();                                                             \
    if (child == 0) {                                                           \
      test_failures_here = 0;                                                   \
      body;                                                                     \
      fflush(stdout);                                                           \
      _exit(test_failures_here == 0 ? 0 : 1);                                   \
    }                                                                           \
    CHECK(child > 0 && waitpid(child, &status, 0) == child);                    \
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);                       \
  } while (0)

static void use_the_parent_s(house *house, purser_request *open, purser_plan *plan) {
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_request *fresh = request_memory();
  purser_policy_set *set = NULL;
  purser_worker *worker = NULL;
  purser_document document;
  purser_load_options load = load_options(get_only, &document);
  purser_text text;
  purser_verdict verdict;
  uint32_t number;
  FORKED(purser_request_begin(fresh, house->worker, house->set, &host, &context, NULL));
  FORKED(purser_check(open, 0, NULL));
  FORKED(purser_report(open, 0));
  FORKED(purser_decision_verdict(open, &verdict));
  FORKED(purser_request_end(open));
  FORKED(purser_worker_new(house->engine, &worker));
  FORKED(purser_policy_set_new(house->engine, text_of("a"), &set));
  FORKED(purser_policy_set_use(house->set, plan, NULL));
  FORKED(purser_policy_set_load(house->set, &load, NULL));
  FORKED(purser_policy_set_watch(house->set, &load, NULL, NULL));
  FORKED(purser_policy_set_unwatch(house->set));
  FORKED(purser_policy_set_digest(house->set, &text));
  FORKED(purser_engine_attribute(house->engine, text_of("a.b"), text_of("string"), &number));
  FORKED(purser_metrics_render(house->engine, text_of(""), &text));
  FORKED(purser_engine_flush(house->engine, 10));
  FORKED(purser_worker_free(house->worker));
  FORKED(purser_policy_set_free(house->set));
  FORKED(purser_engine_free(house->engine));
}

static void the_child_is_told_that_the_engine_is_the_parent_s(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_document document;
  purser_load_options load = load_options(get_only, &document);
  purser_plan *plan = NULL;
  purser_request *open = request_memory();
  REQUIRE(purser_plan_load(&load, &plan, NULL) == PURSER_OK);
  if (!house_open(&house, NULL, get_only)) return;
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  CHECK(purser_request_begin(open, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  IN_CHILD(use_the_parent_s(&house, open, plan));
  /* The parent notices nothing. */
  CHECK(purser_check(open, 0, NULL) == PURSER_OK && verdict_of(open) == PURSER_VERDICT_ALLOW);
  CHECK(purser_request_end(open) == PURSER_OK);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  free(open);
  purser_plan_free(plan);
  house_close(&house);
}

/* ---------------------------------------------------------------------------------- a check that waits */

/* A provider that takes connections and never says anything; its port. */
static unsigned silent_provider(int *socket_out) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  *socket_out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (*socket_out < 0 || bind(*socket_out, (const struct sockaddr *)&address, size) != 0 || listen(*socket_out, 8) != 0 ||
      getsockname(*socket_out, (struct sockaddr *)&address, &size) != 0)
    return 0;
  return ntohs(address.sin_port);
}

static int told, told_outcome;
static void tell(void *user, purser_outcome outcome) {
  (void)user;
  told += 1;
  told_outcome = (int)outcome;
}

static void leave_the_check_alone(house *house, purser_request *waiting) {
  purser_verdict verdict;
  FORKED(purser_resume(waiting, 0));
  FORKED(purser_cancel(waiting));
  FORKED(purser_check_wait(waiting, 0, 1));
  FORKED(purser_decision_verdict(waiting, &verdict));
  FORKED(purser_request_end(waiting));
  FORKED(purser_cache_purge(house->engine));
  CHECK(told == 0);
}

static void a_check_that_waits_stays_the_parent_s(void) {
  static const char *const format =
      YAML_HEAD("Policy", "asked") "spec: {rules: [{name: ask, action: CUSTOM, provider: silent, cache: {ttl: 1m}}]}\n---\n"
      YAML_HEAD("Provider", "silent") "spec: {extAuthzHttp: {url: \"http://127.0.0.1:%u\", timeout: 60s}}\n";
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_request *waiting = request_memory();
  purser_pending pending;
  char text[512];
  int listener = -1;
  snprintf(text, sizeof text, format, silent_provider(&listener));
  if (!house_open(&house, NULL, NULL)) return;
  CLEAR(pending);
  pending.size = sizeof pending;
  pending.done = tell;
  told = 0;
  /* The small flavour asks nobody. */
  if (set_load(house.set, text, NULL) == PURSER_OK) {
    CHECK(purser_request_begin(waiting, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
    CHECK(purser_check(waiting, 0, &pending) == PURSER_PENDING);
    IN_CHILD(leave_the_check_alone(&house, waiting));
    CHECK(purser_resume(waiting, 0) == PURSER_PENDING && told == 0);
    CHECK(purser_cancel(waiting) == PURSER_OK);
    CHECK(told == 1 && told_outcome == PURSER_OUTCOME_CANCELLED);
    CHECK(verdict_of(waiting) == PURSER_VERDICT_DENY);
    CHECK(purser_request_end(waiting) == PURSER_OK);
  }
  free(waiting);
  house_close(&house);
  close(listener);
}

static void decide_with(purser_plan *plan) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL, NULL)) return;
  CHECK(purser_policy_set_use(house.set, plan, NULL) == PURSER_OK);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("PUT"));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_DENY);
  CHECK(set_loads(house.set, get_only));
  house_close(&house);
  purser_plan_free(plan);
}

static void a_plan_loaded_before_a_fork_serves_the_children(void) {
  purser_document document;
  purser_load_options load = load_options(get_only, &document);
  purser_plan *plan = NULL;
  REQUIRE(purser_plan_load(&load, &plan, NULL) == PURSER_OK);
  IN_CHILD(decide_with(plan));
  IN_CHILD(decide_with(plan));
  purser_plan_free(plan);
}

static void the_child_makes_an_engine_of_its_own(void) {
  house house;
  purser_document document;
  purser_load_options load = load_options(get_only, &document);
  purser_plan *plan = NULL;
  if (!house_open(&house, NULL, get_only)) return;
  REQUIRE(purser_plan_load(&load, &plan, NULL) == PURSER_OK);
  IN_CHILD(decide_with(plan));
  purser_plan_free(plan);
  house_close(&house);
}

int main(void) {
  RUN(the_child_is_told_that_the_engine_is_the_parent_s);
  RUN(a_check_that_waits_stays_the_parent_s);
  RUN(a_plan_loaded_before_a_fork_serves_the_children);
  RUN(the_child_makes_an_engine_of_its_own);
  return test_end();
}

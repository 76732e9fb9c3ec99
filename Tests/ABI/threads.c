/*
 * threads.c - eight threads check and report, each with a worker of its own, while the main thread reloads. Every
 * decision is of one plan or the other, never a mix; nothing reported is lost.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "host.h"

enum { threads_count = 8, turns_least = 5000, reloads_count = 60 };

/* Both deny PUT; each lets in only what carries its own mark, by two rules that must agree. */
#define PLAN(mark)                                                                                                     \
  YAML_HEAD("Policy", "p")                                                                                             \
  "spec:\n  rules:\n"                                                                                                  \
  "  - {name: put, action: DENY, when: request.method == 'PUT', response: {status: 4" mark ", body: 'plan " mark "'}}\n" \
  "  - {name: all, action: ALLOW, when: true, requestHeaders: {set: {x-plan: '" mark "', x-again: '" mark "'}}}\n---\n"  \
  YAML_HEAD("Telemetry", "t") "spec: {metrics: [{name: requests_total, kind: counter, value: 1, labels: {verdict: purser.verdict}, backends: [prom]}]}\n---\n" \
  YAML_HEAD("Backend", "prom") "spec: {prometheus: {}}\n"

static const char *const plans[2] = {PLAN("10"), PLAN("20")};

typedef struct server {
  purser_engine *engine;
  purser_policy_set *set;
  int number;
  unsigned allowed, denied, wrong; /* atomic while it runs: the reloading thread watches `denied` grow */
  unsigned turns;
  const int *is_reloading;
} server;

static int one_request(server *server, purser_worker *worker, purser_request *request, int turn) {
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_verdict verdict;
  purser_header first, second;
  purser_text body;
  uint32_t status, code;
  int put = (turn + server->number) % 4 == 0, good;
  if (put) host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("PUT"));
  if (purser_request_begin(request, worker, server->set, &host, &context, NULL) != PURSER_OK) return 0;
  good = purser_check(request, 0, NULL) == PURSER_OK && purser_decision_verdict(request, &verdict) == PURSER_OK;
  if (good && put) {
    good = verdict == PURSER_VERDICT_DENY && purser_decision_status(request, &status, &code) == PURSER_OK &&
           purser_decision_body(request, &body) == PURSER_OK &&
           ((status == 410 && text_is(body, "plan 10")) || (status == 420 && text_is(body, "plan 20")));
    __atomic_fetch_add(&server->denied, 1, __ATOMIC_RELAXED);
  } else if (good) {
    good = verdict == PURSER_VERDICT_ALLOW && purser_decision_request_header(request, 0, &first) == PURSER_OK &&
           purser_decision_request_header(request, 1, &second) == PURSER_OK && first.value.size == 2 &&
           second.value.size == 2 && memcmp(first.value.data, second.value.data, 2) == 0;
    server->allowed += 1;
  }
  good = purser_report(request, 0) == PURSER_OK && good;
  return purser_request_end(request) == PURSER_OK && good;
}

static void *serve(void *pointer) {
  server *server = (struct server *)pointer;
  purser_worker *worker = NULL;
  purser_request *request = request_memory();
  int turn;
  if (purser_worker_new(server->engine, &worker) != PURSER_OK) {
    server->wrong += 1;
    free(request);
    return NULL;
  }
  for (turn = 0; turn < turns_least || __atomic_load_n(server->is_reloading, __ATOMIC_ACQUIRE); turn += 1) {
    if (!one_request(server, worker, request, turn)) server->wrong += 1;
    if (turn % 5000 == 4999) { /* workers come and go */
      if (purser_worker_free(worker) != PURSER_OK || purser_worker_new(server->engine, &worker) != PURSER_OK)
        server->wrong += 1;
    }
  }
  if (purser_worker_free(worker) != PURSER_OK) server->wrong += 1;
  server->turns = (unsigned)turn;
  free(request);
  return NULL;
}

static unsigned denied_by_all(server *servers) {
  unsigned sum = 0;
  int at;
  for (at = 0; at < threads_count; at += 1) sum += __atomic_load_n(&servers[at].denied, __ATOMIC_RELAXED);
  return sum;
}

/* Until some requests were decided by the plan that was just loaded; at most 30 seconds. */
static int traffic_goes_on(server *servers) {
  unsigned before = denied_by_all(servers);
  time_t end = time(NULL) + 30;
  while (denied_by_all(servers) < before + 2 * threads_count) {
    if (time(NULL) > end) return 0;
    sched_yield();
  }
  return 1;
}

static void no_reload_is_seen_half(void) {
  static server servers[threads_count];
  pthread_t threads[threads_count];
  house house;
  purser_text text;
  char line[64];
  unsigned allowed = 0, denied = 0, turns = 0;
  int at, reload, is_reloading = 1;
  if (!house_open(&house, NULL, plans[0])) return;
  for (at = 0; at < threads_count; at += 1) {
    CLEAR(servers[at]);
    servers[at].engine = house.engine;
    servers[at].set = house.set;
    servers[at].number = at;
    servers[at].is_reloading = &is_reloading;
    CHECK(pthread_create(&threads[at], NULL, serve, &servers[at]) == 0);
  }
  for (reload = 1; reload <= reloads_count; reload += 1) {
    if (!CHECK(traffic_goes_on(servers)) || !CHECK(set_loads(house.set, plans[reload % 2]))) break;
    if (reload % 10 == 0) {
      CHECK(set_load(house.set, "kind: [", NULL) == PURSER_PROBLEMS);
      CHECK(purser_metrics_render(house.engine, text_of("prom"), &text) == PURSER_OK);
      purser_text_free(&text);
    }
  }
  CHECK(traffic_goes_on(servers));
  __atomic_store_n(&is_reloading, 0, __ATOMIC_RELEASE);
  for (at = 0; at < threads_count; at += 1) {
    CHECK(pthread_join(threads[at], NULL) == 0);
    CHECK(servers[at].wrong == 0);
    turns += servers[at].turns;
    allowed += servers[at].allowed;
    denied += servers[at].denied;
  }
  CHECK(allowed + denied == turns && turns >= (unsigned)threads_count * turns_least);
  REQUIRE(purser_metrics_render(house.engine, text_of("prom"), &text) == PURSER_OK);
  snprintf(line, sizeof line, "requests_total{verdict=\"allow\"} %u\n", allowed);
  CHECK(text_has(text, line));
  snprintf(line, sizeof line, "requests_total{verdict=\"deny\"} %u\n", denied);
  CHECK(text_has(text, line));
  purser_text_free(&text);
  house_close(&house);
}

/* A worker may be used by one thread after another. */
typedef struct handed {
  house *owner;
  int good;
} handed;

static void *use_once(void *pointer) {
  handed *handed = (struct handed *)pointer;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_request *request = request_memory();
  handed->good = purser_request_begin(request, handed->owner->worker, handed->owner->set, &host, &context, NULL) == PURSER_OK &&
                 purser_check(request, 0, NULL) == PURSER_OK && purser_report(request, 0) == PURSER_OK &&
                 purser_request_end(request) == PURSER_OK;
  free(request);
  return NULL;
}

static void *free_worker(void *pointer) {
  handed *handed = (struct handed *)pointer;
  handed->good = purser_worker_free(handed->owner->worker) == PURSER_OK;
  return NULL;
}

static void a_worker_moves_between_threads(void) {
  house house;
  handed handed;
  pthread_t thread;
  int turn;
  if (!house_open(&house, NULL, plans[0])) return;
  handed.owner = &house;
  for (turn = 0; turn < 20; turn += 1) {
    handed.good = 0;
    CHECK(pthread_create(&thread, NULL, use_once, &handed) == 0 && pthread_join(thread, NULL) == 0 && handed.good);
  }
  handed.good = 0;
  CHECK(pthread_create(&thread, NULL, free_worker, &handed) == 0 && pthread_join(thread, NULL) == 0 && handed.good);
  CHECK(purser_policy_set_free(house.set) == PURSER_OK);
  CHECK(purser_engine_free(house.engine) == PURSER_OK);
  free(house.request);
}

/* Engines, sets and plans may be made and freed on any thread. */
static void *live_and_die(void *pointer) {
  int *good = (int *)pointer, turn;
  *good = 1;
  for (turn = 0; turn < 5; turn += 1) {
    purser_engine *engine = NULL;
    purser_policy_set *set = NULL;
    *good = *good && purser_engine_new(NULL, &engine) == PURSER_OK &&
            purser_policy_set_new(engine, text_of("x"), &set) == PURSER_OK && set_load(set, plans[turn % 2], NULL) == PURSER_OK &&
            purser_policy_set_free(set) == PURSER_OK && purser_engine_free(engine) == PURSER_OK;
  }
  return NULL;
}

static void engines_live_and_die_on_many_threads(void) {
  pthread_t threads[threads_count];
  int good[threads_count], at;
  for (at = 0; at < threads_count; at += 1) CHECK(pthread_create(&threads[at], NULL, live_and_die, &good[at]) == 0);
  for (at = 0; at < threads_count; at += 1) CHECK(pthread_join(threads[at], NULL) == 0 && good[at]);
}

int main(void) {
  RUN(no_reload_is_seen_half);
  RUN(a_worker_moves_between_threads);
  RUN(engines_live_and_die_on_many_threads);
  return test_end();
}

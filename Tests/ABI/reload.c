/*
 * reload.c - a thousand reloads under load: two sets of documents that disagree in everything a decision can tell. Every
 * decision is wholly of one of them, and nothing of the replaced plans stays.
 */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>

#include "host.h"

enum { threads_count = 3, reloads_count = 1000, warm_up = 200, told_max = 2048 };

/* AA is 41 or 42, BB 7 or 8. They differ in verdict too, by the method. */
#define PLAN(AA, BB, denied, missing)                                                                                    \
  "# a line more, or not\n" missing                                                                                      \
  YAML_HEAD("Policy", "p" AA)                                                                                            \
  "spec:\n  rules:\n"                                                                                                    \
  "  - {name: audit" AA ", action: AUDIT, when: true}\n"                                                                 \
  "  - {name: err" AA ", action: AUDIT, when: \"request.headers['x-" AA "'] == 'a'\"}\n"                                 \
  "  - {name: no" AA ", action: DENY, when: request.method == '" denied "', response: {status: 4" AA ", body: 'b" AA "', headers: {x-plan: r" AA "}}}\n" \
  "  - {name: yes" AA ", action: ALLOW, when: true, requestHeaders: {set: {x-plan: q" AA ", x-more: q" AA "}}}\n---\n"   \
  YAML_HEAD("Policy", "s" AA)                                                                                            \
  "spec:\n  mode: Shadow\n  rules:\n  - {name: shadow" AA ", action: DENY, when: request.method == '" BB "'}\n"

static const char *const plans[2] = {PLAN("41", "GET", "PUT", ""), PLAN("42", "PUT", "GET", "\n\n")};
static const char *const methods[2] = {"GET", "PUT"};

typedef struct server {
  purser_engine *engine;
  purser_policy_set *set;
  const int *is_over;
  char (*expected)[told_max]; /* by plan and method: [plan * 2 + method] */
  unsigned checks[2], wrong;
} server;

typedef struct told {
  char text[told_max];
  size_t used;
} told;

static void tell(told *told, const char *what, purser_text text) {
  int size = snprintf(told->text + told->used, sizeof told->text - told->used, "%s=%.*s\n", what, (int)text.size, text.data ? text.data : "");
  if (size > 0 && told->used + (size_t)size < sizeof told->text) told->used += (size_t)size;
}

static void tell_number(told *told, const char *what, unsigned long number) {
  char text[32];
  snprintf(text, sizeof text, "%lu", number);
  tell(told, what, text_of(text));
}

static void tell_rule(told *told, const char *what, purser_rule_reference rule) {
  tell(told, what, rule.policy);
  tell(told, what, rule.rule);
  tell(told, what, rule.file);
  tell_number(told, what, rule.line);
}

/* Everything that the decision tells, in words. */
static int tell_all(told *told, const purser_request *request) {
  purser_verdict verdict;
  purser_reason_kind kind;
  purser_text text;
  purser_header header;
  purser_rule_reference rule;
  uint32_t status, code;
  size_t count, at;
  int good = 1;
  told->used = 0;
  good = good && purser_decision_verdict(request, &verdict) == PURSER_OK;
  if (good) tell_number(told, "verdict", verdict);
  good = good && purser_decision_status(request, &status, &code) == PURSER_OK;
  if (good) tell_number(told, "status", status * 1000 + code);
  good = good && purser_decision_message(request, &text) == PURSER_OK;
  if (good) tell(told, "message", text);
  good = good && purser_decision_body(request, &text) == PURSER_OK;
  if (good) tell(told, "body", text);
  good = good && purser_decision_reason_kind(request, &kind) == PURSER_OK;
  if (good) tell_number(told, "kind", kind);
  good = good && purser_decision_reason(request, &text) == PURSER_OK;
  if (good) tell(told, "reason", text);
  if (good && purser_decision_rule(request, &rule) == PURSER_OK) tell_rule(told, "rule", rule);
  good = good && purser_decision_request_headers_count(request, &count) == PURSER_OK;
  for (at = 0; good && at < count; at += 1) {
    good = purser_decision_request_header(request, at, &header) == PURSER_OK;
    if (good) tell(told, "request header", header.value);
  }
  good = good && purser_decision_response_headers_count(request, &count) == PURSER_OK;
  for (at = 0; good && at < count; at += 1) {
    good = purser_decision_response_header(request, at, &header) == PURSER_OK;
    if (good) tell(told, "response header", header.value);
  }
  good = good && purser_decision_audits_count(request, &count) == PURSER_OK;
  for (at = 0; good && at < count; at += 1) {
    good = purser_decision_audit(request, at, &rule) == PURSER_OK;
    if (good) tell_rule(told, "audit", rule);
  }
  good = good && purser_decision_errors_count(request, &count) == PURSER_OK;
  for (at = 0; good && at < count; at += 1) {
    good = purser_decision_error(request, at, &rule, &text) == PURSER_OK;
    if (good) tell_rule(told, "error", rule);
    if (good) tell(told, "error", text);
  }
  good = good && purser_decision_shadow_verdict(request, &verdict) == PURSER_OK;
  if (good) tell_number(told, "shadow", verdict);
  good = good && purser_decision_shadow_rules_count(request, &count) == PURSER_OK;
  for (at = 0; good && at < count; at += 1) {
    good = purser_decision_shadow_rule(request, at, &rule) == PURSER_OK;
    if (good) tell_rule(told, "shadow", rule);
  }
  good = good && purser_decision_plan(request, &text) == PURSER_OK;
  if (good) tell(told, "plan", text);
  return good;
}

static int ask(purser_worker *worker, purser_policy_set *set, purser_request *request, int method, told *told) {
  host_request context = host_reviews();
  purser_host host = host_table();
  int good;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string(methods[method]));
  if (purser_request_begin(request, worker, set, &host, &context, NULL) != PURSER_OK) return 0;
  good = purser_check(request, 0, NULL) == PURSER_OK && tell_all(told, request);
  good = purser_report(request, 0) == PURSER_OK && good;
  return purser_request_end(request) == PURSER_OK && good;
}

static void *serve(void *pointer) {
  server *server = (struct server *)pointer;
  purser_worker *worker = NULL;
  purser_request *request = request_memory();
  told told;
  int method = 0;
  if (purser_worker_new(server->engine, &worker) != PURSER_OK) server->wrong += 1;
  while (worker && !__atomic_load_n(server->is_over, __ATOMIC_ACQUIRE)) {
    method = !method;
    if (!ask(worker, server->set, request, method, &told)) {
      server->wrong += 1;
    } else if (strcmp(told.text, server->expected[method]) == 0) {
      __atomic_fetch_add(&server->checks[0], 1, __ATOMIC_RELAXED);
    } else if (strcmp(told.text, server->expected[2 + method]) == 0) {
      __atomic_fetch_add(&server->checks[1], 1, __ATOMIC_RELAXED);
    } else if (server->wrong++ == 0) {
      printf("  of neither:\n%s\n", told.text);
    }
  }
  if (purser_worker_free(worker) != PURSER_OK) server->wrong += 1;
  free(request);
  return NULL;
}

static unsigned checks_of(server *servers, int plan) {
  unsigned sum = 0;
  int at;
  for (at = 0; at < threads_count; at += 1) sum += __atomic_load_n(&servers[at].checks[plan], __ATOMIC_RELAXED);
  return sum;
}

static void decisions_are_wholly_of_one_plan_and_nothing_stays_of_the_others(void) {
  static char expected[4][told_max];
  static server servers[threads_count];
  pthread_t threads[threads_count];
  purser_text metrics;
  house house;
  told told;
  size_t after_warm_up = 0, at_end;
  int at, plan, reload, is_over = 0;
  if (!house_open(&house, NULL, plans[0])) return;
  for (plan = 0; plan < 2; plan += 1) {
    CHECK(set_loads(house.set, plans[plan]));
    for (at = 0; at < 2; at += 1) {
      CHECK(ask(house.worker, house.set, house.request, at, &told));
      memcpy(expected[plan * 2 + at], told.text, sizeof told.text);
    }
  }
  for (at = 0; at < 2; at += 1) { /* they disagree, or nothing is shown */
    CHECK(strncmp(expected[at], expected[2 + at], sizeof "verdict=0" - 1) != 0);
    CHECK(strstr(expected[at], "42") == NULL || strstr(expected[at], "plan=") < strstr(expected[at], "42"));
    CHECK(strstr(expected[at], "error=err41") != NULL && strstr(expected[2 + at], "error=err42") != NULL);
  }
  for (at = 0; at < threads_count; at += 1) {
    CLEAR(servers[at]);
    servers[at].engine = house.engine;
    servers[at].set = house.set;
    servers[at].is_over = &is_over;
    servers[at].expected = expected;
    CHECK(pthread_create(&threads[at], NULL, serve, &servers[at]) == 0);
  }
  for (reload = 0; reload < reloads_count; reload += 1) {
    unsigned before = checks_of(servers, reload % 2);
    if (!CHECK(set_loads(house.set, plans[reload % 2]))) break;
    if (reload % 10 == 0) /* now and then, until it has decided something */
      while (checks_of(servers, reload % 2) == before) sched_yield();
    if (reload == warm_up) after_warm_up = mallinfo2().uordblks;
  }
  at_end = mallinfo2().uordblks;
  __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
  for (at = 0; at < threads_count; at += 1) CHECK(pthread_join(threads[at], NULL) == 0 && servers[at].wrong == 0);
  printf("  %u and %u checks; %zu bytes after %d reloads, %zu after %d\n", checks_of(servers, 0), checks_of(servers, 1),
         after_warm_up, warm_up, at_end, reloads_count);
  CHECK(checks_of(servers, 0) >= reloads_count / 20 && checks_of(servers, 1) >= reloads_count / 20);
  /* A plan of these takes tens of kilobytes: 800 that stayed would be many megabytes. */
  CHECK(at_end < after_warm_up + (512 << 10));
  REQUIRE(purser_metrics_render(house.engine, text_of(""), &metrics) == PURSER_OK);
  CHECK(text_has(metrics, "purser_reloads_total{result=\"ok\"} 1003\n"));
  purser_text_free(&metrics);
  house_close(&house);
}

int main(void) {
  RUN(decisions_are_wholly_of_one_plan_and_nothing_stays_of_the_others);
  return test_end();
}

/*
 * reentry.c - what a callback may not do: call Purser with the worker that asks. And what two threads may not do: use
 * one worker at once. And what is told of an answer may not do: wait for another one. All get PURSER_BUSY; none harms the
 * request that is being served.
 */
#include <pthread.h>
#include <sched.h>

#include "authorizer.h"
#include "host.h"

static const char *const policies =
    YAML_HEAD("Policy", "get") "spec:\n  rules:\n  - {name: get, action: ALLOW, when: request.method == 'GET'}\n"
    "  - {name: many, action: DENY, when: size(request.headers) > 50}\n";

/* --------------------------------------------------------------------------------------------- re-entry */

typedef struct reentrant {
  house *owner;
  host_request table;
  purser_request *other;  /* begun on the same worker */
  purser_scratch *scratch;
  purser_visitor *visitor;
  int calls;
} reentrant;

static void try_everything(reentrant *context) {
  house *house = context->owner;
  purser_host host = host_table();
  purser_request *fresh = request_memory();
  purser_text text;
  context->calls += 1;
  CHECK(purser_request_begin(fresh, house->worker, house->set, &host, &context->table, NULL) == PURSER_BUSY);
  CHECK(purser_check(house->request, 0, NULL) == PURSER_BUSY);
  CHECK(purser_check(context->other, 0, NULL) == PURSER_BUSY);
  CHECK(purser_request_end(context->other) == PURSER_BUSY);
  CHECK(purser_request_end(house->request) == PURSER_BUSY);
  /* Two faults at once, not checked and busy: either may be told. */
  CHECK(purser_report(context->other, 0) != PURSER_OK);
  CHECK(purser_explain(context->other, 0, &text) != PURSER_OK);
  CHECK(purser_worker_free(house->worker) == PURSER_BUSY);
  CHECK(purser_policy_set_free(house->set) == PURSER_BUSY);
  CHECK(purser_engine_free(house->engine) == PURSER_BUSY);
  free(fresh);
}

static purser_presence reentrant_get(void *pointer, uint32_t number, purser_scratch *scratch, purser_value *out) {
  reentrant *context = (reentrant *)pointer;
  context->scratch = scratch;
  try_everything(context);
  return host_get(&context->table, number, scratch, out);
}

static purser_presence reentrant_entry(void *pointer, uint32_t number, purser_text key, purser_scratch *scratch,
                                       purser_value *out) {
  reentrant *context = (reentrant *)pointer;
  try_everything(context);
  return host_entry(&context->table, number, key, scratch, out);
}

static purser_presence reentrant_iterate(void *pointer, uint32_t number, purser_scratch *scratch,
                                         purser_visitor *visitor) {
  reentrant *context = (reentrant *)pointer;
  context->visitor = visitor;
  try_everything(context);
  return host_iterate(&context->table, number, scratch, visitor);
}

static void a_callback_that_calls_back_is_told_busy(void) {
  house house;
  reentrant context;
  purser_host host;
  CLEAR(context);
  CLEAR(host);
  if (!house_open(&house, NULL, policies)) return;
  context.owner = &house;
  context.table = host_reviews();
  context.other = request_memory();
  host.size = sizeof host;
  host.get = reentrant_get;
  host.entry = reentrant_entry;
  host.iterate = reentrant_iterate;
  CHECK(purser_request_begin(context.other, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK);
  CHECK(context.calls >= 2);
  CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  house_end(&house);
  CHECK(purser_request_end(context.other) == PURSER_OK);
  free(context.other);
  house_close(&house);
}

/* While it is being decided there is no decision to be read, not even the one of the request before in this memory. */
static void read_everything(reentrant *context) {
  const purser_request *request = context->owner->request;
  purser_text text = text_of("kept"), error = text_of("kept");
  purser_header header;
  purser_rule_reference rule;
  purser_verdict verdict = (purser_verdict)7;
  purser_reason_kind kind = (purser_reason_kind)7;
  uint32_t a = 77, b = 77;
  size_t count = 77;
  context->calls += 1;
#define WRONG(call) CHECK((call) == PURSER_WRONG_STATE)
  WRONG(purser_decision_verdict(request, &verdict));
  WRONG(purser_decision_status(request, &a, &b));
  WRONG(purser_decision_message(request, &text));
  WRONG(purser_decision_body(request, &text));
  WRONG(purser_decision_reason_kind(request, &kind));
  WRONG(purser_decision_reason(request, &text));
  WRONG(purser_decision_rule(request, &rule));
  WRONG(purser_decision_request_headers_count(request, &count));
  WRONG(purser_decision_request_header(request, 0, &header));
  WRONG(purser_decision_response_headers_count(request, &count));
  WRONG(purser_decision_response_header(request, 0, &header));
  WRONG(purser_decision_audits_count(request, &count));
  WRONG(purser_decision_audit(request, 0, &rule));
  WRONG(purser_decision_errors_count(request, &count));
  WRONG(purser_decision_error(request, 0, &rule, &error));
  WRONG(purser_decision_is_cached(request, &a));
  WRONG(purser_decision_shadow_verdict(request, &verdict));
  WRONG(purser_decision_shadow_rules_count(request, &count));
  WRONG(purser_decision_shadow_rule(request, 0, &rule));
  WRONG(purser_decision_plan(request, &text));
#undef WRONG
  CHECK(text_is(text, "kept") && text_is(error, "kept") && verdict == (purser_verdict)7 && kind == (purser_reason_kind)7);
  CHECK(a == 77 && b == 77 && count == 77);
}

static purser_presence reading_get(void *pointer, uint32_t number, purser_scratch *scratch, purser_value *out) {
  reentrant *context = (reentrant *)pointer;
  read_everything(context);
  return host_get(&context->table, number, scratch, out);
}

static purser_presence reading_entry(void *pointer, uint32_t number, purser_text key, purser_scratch *scratch, purser_value *out) {
  reentrant *context = (reentrant *)pointer;
  read_everything(context);
  return host_entry(&context->table, number, key, scratch, out);
}

static purser_presence reading_iterate(void *pointer, uint32_t number, purser_scratch *scratch, purser_visitor *visitor) {
  reentrant *context = (reentrant *)pointer;
  read_everything(context);
  return host_iterate(&context->table, number, scratch, visitor);
}

static void a_callback_of_a_check_reads_no_decision(void) {
  house house;
  reentrant context;
  purser_host host = host_table();
  int turn;
  CLEAR(context);
  host.get = reading_get;
  host.entry = reading_entry;
  host.iterate = reading_iterate;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: user, action: DENY, when: \"'x-user' in request.headers && request.headers['x-user'] == 'eve'\"}\n"
                  "  - {name: many, action: DENY, when: size(request.headers) > 50}\n"
                  "  - {name: get, action: ALLOW, when: request.method == 'GET', requestHeaders: {set: {x-a: b}}}\n"
                  "  - {name: late, action: AUDIT, when: request.scheme == 'http'}\n---\n"
                  YAML_HEAD("Policy", "s") "spec: {mode: Shadow, rules: [{name: get, action: DENY, when: request.method == 'GET'}]}\n"))
    return;
  context.owner = &house;
  context.table = host_reviews();
  host_set(&context.table, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_string("http"));
  for (turn = 0; turn < 2; turn += 1) {
    context.calls = 0;
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
    CHECK(purser_check(house.request, 0, NULL) == PURSER_OK);
    CHECK(context.calls >= 4);
    CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
    house_end(&house);
  }
  house_close(&house);
}

/* A reload from a callback needs no worker, so it is allowed. */
static purser_presence reloading_get(void *pointer, uint32_t number, purser_scratch *scratch, purser_value *out) {
  reentrant *context = (reentrant *)pointer;
  context->calls += 1;
  CHECK(set_loads(context->owner->set, policies));
  return host_get(&context->table, number, scratch, out);
}

static void a_callback_may_reload(void) {
  house house;
  reentrant context;
  purser_host host = host_table();
  CLEAR(context);
  host.get = reloading_get;
  host.entry = reentrant_entry;
  host.iterate = NULL;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "get") "spec:\n  rules:\n"
                                "  - {name: get, action: ALLOW, when: request.method == 'GET'}\n")) return;
  context.owner = &house;
  context.table = host_reviews();
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && context.calls == 1);
  CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  CHECK(purser_report(house.request, 0) == PURSER_OK);
  house_end(&house);
  house_close(&house);
}

/* -------------------------------------------------------------------------------- a worker, two threads */

typedef struct crowd {
  house *owner;
  pthread_barrier_t *start;
  unsigned ok, busy, other;
} crowd;

static void *crowd_run(void *pointer) {
  crowd *crowd = (struct crowd *)pointer;
  purser_request *request = request_memory();
  host_request context = host_reviews();
  purser_host host = host_table();
  int turn;
  pthread_barrier_wait(crowd->start);
  for (turn = 0; turn < 20000; turn += 1) {
    purser_status status =
        purser_request_begin(request, crowd->owner->worker, crowd->owner->set, &host, &context, NULL);
    if (status == PURSER_OK) {
      do status = purser_check(request, 0, NULL);
      while (status == PURSER_BUSY);
      do status = purser_report(request, 0);
      while (status == PURSER_BUSY);
      do status = purser_request_end(request);
      while (status == PURSER_BUSY);
      if (status == PURSER_OK) crowd->ok += 1;
      else crowd->other += 1;
    } else if (status == PURSER_BUSY) {
      crowd->busy += 1;
      sched_yield();
    } else {
      crowd->other += 1;
    }
  }
  free(request);
  return NULL;
}

static void threads_that_share_a_worker_are_told_busy_at_worst(void) {
  house house;
  crowd crowds[4];
  pthread_t threads[4];
  pthread_barrier_t start;
  int at;
  if (!house_open(&house, NULL, policies)) return;
  CHECK(pthread_barrier_init(&start, NULL, 4) == 0);
  for (at = 0; at < 4; at += 1) {
    CLEAR(crowds[at]);
    crowds[at].owner = &house;
    crowds[at].start = &start;
    CHECK(pthread_create(&threads[at], NULL, crowd_run, &crowds[at]) == 0);
  }
  for (at = 0; at < 4; at += 1) {
    CHECK(pthread_join(threads[at], NULL) == 0);
    CHECK(crowds[at].ok > 0 && crowds[at].other == 0);
  }
  pthread_barrier_destroy(&start);
  house_close(&house);
}

/* A check that is held inside a callback while another thread comes. */
typedef struct held {
  host_request table;
  pthread_barrier_t *inside, *leave;
} held;

static purser_presence held_get(void *pointer, uint32_t number, purser_scratch *scratch, purser_value *out) {
  held *context = (held *)pointer;
  pthread_barrier_wait(context->inside);
  pthread_barrier_wait(context->leave);
  return host_get(&context->table, number, scratch, out);
}

static void *held_run(void *pointer) {
  return (void *)(uintptr_t)purser_check((purser_request *)pointer, 0, NULL);
}

static void the_second_thread_is_told_busy_while_the_first_is_inside(void) {
  house house;
  held context;
  purser_host host = host_table();
  pthread_barrier_t inside, leave;
  pthread_t thread;
  void *status = NULL;
  purser_request *second = request_memory();
  host_request table = host_reviews();
  purser_host plain = host_table();
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "get") "spec:\n  rules:\n"
                                "  - {name: get, action: ALLOW, when: request.method == 'GET'}\n")) return;
  pthread_barrier_init(&inside, NULL, 2);
  pthread_barrier_init(&leave, NULL, 2);
  CLEAR(context);
  context.table = host_reviews();
  context.inside = &inside;
  context.leave = &leave;
  host.get = held_get;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(pthread_create(&thread, NULL, held_run, house.request) == 0);
  pthread_barrier_wait(&inside);
  CHECK(purser_request_begin(second, house.worker, house.set, &plain, &table, NULL) == PURSER_BUSY);
  CHECK(purser_worker_free(house.worker) == PURSER_BUSY);
  CHECK(purser_request_end(house.request) == PURSER_BUSY);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_BUSY);
  pthread_barrier_wait(&leave);
  CHECK(pthread_join(thread, &status) == 0 && (purser_status)(uintptr_t)status == PURSER_OK);
  CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  house_end(&house);
  pthread_barrier_destroy(&inside);
  pthread_barrier_destroy(&leave);
  free(second);
  house_close(&house);
}

/* ------------------------------------------------------------------------------------------------- answers */

typedef struct answered {
  house *owner;
  purser_worker *other;
  purser_status waited, freed;
  int is_told;
  pthread_mutex_t lock;
  pthread_cond_t told;
} answered;

/* Runs on the thread that brings answers, which must not wait for one. */
static void wait_for_another(void *user, purser_outcome outcome) {
  answered *answered = (struct answered *)user;
  house *house = answered->owner;
  purser_host host = host_table();
  host_request table = host_reviews();
  purser_request *another = request_memory();
  (void)outcome;
  if (purser_request_begin(another, answered->other, house->set, &host, &table, NULL) == PURSER_OK) {
    answered->waited = purser_check_wait(another, 0, 0);
    (void)purser_request_end(another);
  }
  answered->freed = purser_engine_free(house->engine);
  free(another);
  pthread_mutex_lock(&answered->lock);
  answered->is_told = 1;
  pthread_cond_signal(&answered->told);
  pthread_mutex_unlock(&answered->lock);
}

static void who_is_told_of_an_answer_cannot_wait_for_another(void) {
  static const char *const format =
      YAML_HEAD("Policy", "asked") "spec: {rules: [{name: ask, action: CUSTOM, provider: authorizer}]}\n---\n"
      YAML_HEAD("Provider", "authorizer") "spec: {extAuthzHttp: {url: \"http://127.0.0.1:%u\", timeout: 20s}}\n";
  authorizer server;
  house house;
  host_request table = host_reviews();
  purser_host host = host_table();
  purser_pending pending;
  answered answered;
  char text[512];
  REQUIRE(authorizer_start(&server, NULL));
  snprintf(text, sizeof text, format, server.port);
  if (!house_open(&house, NULL, NULL)) return;
  CLEAR(answered);
  answered.owner = &house;
  pthread_mutex_init(&answered.lock, NULL);
  pthread_cond_init(&answered.told, NULL);
  CLEAR(pending);
  pending.size = sizeof pending;
  pending.done = wait_for_another;
  pending.user = &answered;
  CHECK(purser_worker_new(house.engine, &answered.other) == PURSER_OK);
  /* The small flavour asks nobody. */
  if (set_load(house.set, text, NULL) == PURSER_OK) {
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &table, NULL) == PURSER_OK);
    CHECK(purser_check(house.request, 0, &pending) == PURSER_PENDING);
    pthread_mutex_lock(&answered.lock);
    while (!answered.is_told) pthread_cond_wait(&answered.told, &answered.lock);
    pthread_mutex_unlock(&answered.lock);
    CHECK(answered.waited == PURSER_BUSY && answered.freed == PURSER_BUSY);
    CHECK(purser_resume(house.request, 0) == PURSER_OK);
    CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
    house_end(&house);
  }
  CHECK(purser_worker_free(answered.other) == PURSER_OK);
  house_close(&house);
  authorizer_stop(&server);
  pthread_cond_destroy(&answered.told);
  pthread_mutex_destroy(&answered.lock);
}

int main(void) {
  RUN(a_callback_that_calls_back_is_told_busy);
  RUN(a_callback_of_a_check_reads_no_decision);
  RUN(a_callback_may_reload);
  RUN(threads_that_share_a_worker_are_told_busy_at_worst);
  RUN(the_second_thread_is_told_busy_while_the_first_is_inside);
  RUN(who_is_told_of_an_answer_cannot_wait_for_another);
  return test_end();
}

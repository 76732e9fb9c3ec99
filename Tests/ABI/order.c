/*
 * order.c - the calls of one request out of order: each is answered by PURSER_WRONG_STATE and changes nothing.
 */
#include "host.h"

#define WRONG(call) CHECK((call) == PURSER_WRONG_STATE)

static const char *const allow_all = YAML_HEAD("Policy", "all") "spec:\n  rules:\n  - {name: all, action: ALLOW, when: true}\n";

static void nothing_can_be_done_with_a_request_that_was_not_begun(void) {
  house house;
  purser_text text;
  purser_verdict verdict;
  if (!house_open(&house, NULL, allow_all)) return;
  memset(house.request, 0, purser_request_size());
  WRONG(purser_check(house.request, 0, NULL));
  WRONG(purser_report(house.request, 0));
  WRONG(purser_resume(house.request, 0));
  WRONG(purser_cancel(house.request));
  WRONG(purser_explain(house.request, 0, &text));
  WRONG(purser_decision_verdict(house.request, &verdict));
  WRONG(purser_request_end(house.request));
  memset(house.request, 0xA5, purser_request_size());
  WRONG(purser_check(house.request, 0, NULL));
  WRONG(purser_request_end(house.request));
  memset(house.request, 0xFF, purser_request_size());
  WRONG(purser_check(house.request, 0, NULL));
  WRONG(purser_request_end(house.request));
  house_close(&house);
}

static void a_request_goes_from_begin_to_check_to_report_to_end(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_text text;
  purser_header header;
  purser_rule_reference rule;
  purser_verdict verdict;
  size_t count;
  if (!house_open(&house, NULL, allow_all)) return;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  /* Begun, not checked. */
  WRONG(purser_report(house.request, 0));
  WRONG(purser_resume(house.request, 0));
  WRONG(purser_cancel(house.request));
  WRONG(purser_explain(house.request, 0, &text));
  WRONG(purser_decision_verdict(house.request, &verdict));
  WRONG(purser_decision_reason(house.request, &text));
  WRONG(purser_decision_request_headers_count(house.request, &count));
  WRONG(purser_decision_request_header(house.request, 0, &header));
  WRONG(purser_decision_rule(house.request, &rule));
  WRONG(purser_decision_plan(house.request, &text));
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK);
  /* Checked. */
  WRONG(purser_check(house.request, 0, NULL));
  WRONG(purser_resume(house.request, 0));
  WRONG(purser_cancel(house.request));
  CHECK(purser_decision_verdict(house.request, &verdict) == PURSER_OK && verdict == PURSER_VERDICT_ALLOW);
  CHECK(purser_report(house.request, 0) == PURSER_OK);
  /* Reported. */
  WRONG(purser_report(house.request, 0));
  WRONG(purser_check(house.request, 0, NULL));
  CHECK(purser_decision_verdict(house.request, &verdict) == PURSER_OK && verdict == PURSER_VERDICT_ALLOW);
  CHECK(purser_request_end(house.request) == PURSER_OK);
  /* Ended. */
  WRONG(purser_request_end(house.request));
  WRONG(purser_report(house.request, 0));
  WRONG(purser_check(house.request, 0, NULL));
  WRONG(purser_decision_verdict(house.request, &verdict));
  house_close(&house);
}

static void a_request_may_end_without_a_check_or_a_report(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  int turn;
  if (!house_open(&house, NULL, allow_all)) return;
  for (turn = 0; turn < 100; turn += 1) {
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
    CHECK(purser_request_end(house.request) == PURSER_OK);
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
    CHECK(purser_check(house.request, 0, NULL) == PURSER_OK);
    CHECK(purser_request_end(house.request) == PURSER_OK);
  }
  house_close(&house);
}

static void hundreds_of_requests_are_open_at_once(void) {
  enum { open_count = 300 };
  static purser_request *requests[open_count];
  static host_request contexts[open_count];
  house house;
  purser_host host = host_table();
  purser_text reason;
  int at;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "a") "spec:\n  rules:\n  - {name: put, action: DENY, when: request.method == 'PUT'}\n"))
    return;
  for (at = 0; at < open_count; at += 1) {
    requests[at] = request_memory();
    contexts[at] = host_reviews();
    host_set(&contexts[at], PURSER_ATTRIBUTE_REQUEST_METHOD, value_string(at % 3 ? "GET" : "PUT"));
    CHECK(purser_request_begin(requests[at], house.worker, house.set, &host, &contexts[at], NULL) == PURSER_OK);
  }
  for (at = open_count - 1; at >= 0; at -= 1) CHECK(purser_check(requests[at], 0, NULL) == PURSER_OK);
  for (at = 0; at < open_count; at += 1) {
    CHECK(verdict_of(requests[at]) == (at % 3 ? PURSER_VERDICT_ALLOW : PURSER_VERDICT_DENY));
    CHECK(purser_decision_reason(requests[at], &reason) == PURSER_OK && (text_has(reason, "put") == !(at % 3)));
    CHECK(purser_report(requests[at], 0) == PURSER_OK);
  }
  for (at = 0; at < open_count; at += 1) {
    CHECK(purser_request_end(requests[(at * 7) % open_count]) == PURSER_OK);
    free(requests[(at * 7) % open_count]);
  }
  house_close(&house);
}

static void done_never_called(void *user, purser_outcome outcome) {
  (void)outcome;
  *(int *)user += 1;
}

static void a_host_that_can_wait_gets_its_answer_at_once(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_pending pending;
  int called = 0;
  CLEAR(pending);
  pending.size = sizeof pending;
  pending.done = done_never_called;
  pending.user = &called;
  if (!house_open(&house, NULL, allow_all)) return;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, &pending) == PURSER_OK);
  WRONG(purser_resume(house.request, 0));
  WRONG(purser_cancel(house.request));
  CHECK(purser_request_end(house.request) == PURSER_OK);
  CHECK(called == 0);
  house_close(&house);
}

int main(void) {
  RUN(nothing_can_be_done_with_a_request_that_was_not_begun);
  RUN(a_request_goes_from_begin_to_check_to_report_to_end);
  RUN(a_request_may_end_without_a_check_or_a_report);
  RUN(hundreds_of_requests_are_open_at_once);
  RUN(a_host_that_can_wait_gets_its_answer_at_once);
  return test_end();
}

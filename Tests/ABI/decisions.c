/*
 * decisions.c - a check and every getter of its decision: allow with header changes, deny with a response of its own,
 * the defaults, errors, audits, shadow.
 */
#include "host.h"

static const char *const policies =
    YAML_HEAD("Policy", "ratings")
    "spec:\n"
    "  match: destination.service.host == \"reviews.default.svc.cluster.local\"\n"
    "  rules:\n"
    "  - name: productpage-only\n"
    "    action: ALLOW\n"
    "    when: source.principal == \"spiffe://cluster.local/ns/default/sa/bookinfo-productpage\"\n"
    "    requestHeaders: {set: {x-caller: productpage}, remove: [x-internal]}\n"
    "  - name: no-old-clients\n"
    "    action: DENY\n"
    "    when: '\"user-agent\" in request.headers && request.headers[\"user-agent\"].startsWith(\"curl/7.\")'\n"
    "    response: {status: 426, headers: {x-reason: old-client}, body: \"upgrade your client\\n\"}\n"
    "  - name: jason\n"
    "    action: AUDIT\n"
    "    when: '\"x-user\" in request.headers && request.headers[\"x-user\"] == \"jason\"'\n";

static void an_allowed_request_gets_its_header_changes(void) {
  house house;
  host_request request = host_reviews();
  purser_header header;
  purser_text text;
  uint32_t status = 0, code = 99, cached = 9;
  size_t count = 99, at;
  int set_seen = 0, remove_seen = 0;
  purser_reason_kind kind;
  purser_rule_reference rule;
  purser_verdict verdict;
  if (!house_open(&house, NULL, policies)) return;
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  CHECK(purser_decision_status(house.request, &status, &code) == PURSER_OK && status == 200 && code == 0);
  CHECK(purser_decision_request_headers_count(house.request, &count) == PURSER_OK && count == 2);
  for (at = 0; at < count && at < 2; at += 1) {
    CHECK(purser_decision_request_header(house.request, at, &header) == PURSER_OK);
    if (header.operation == PURSER_HEADER_SET)
      set_seen += text_is(header.name, "x-caller") && text_is(header.value, "productpage");
    if (header.operation == PURSER_HEADER_REMOVE)
      remove_seen += text_is(header.name, "x-internal") && header.value.size == 0;
  }
  CHECK(set_seen == 1 && remove_seen == 1);
  CHECK(purser_decision_request_header(house.request, 2, &header) == PURSER_INVALID_ARGUMENT);
  CHECK(purser_decision_response_headers_count(house.request, &count) == PURSER_OK && count == 0);
  CHECK(purser_decision_response_header(house.request, 0, &header) == PURSER_INVALID_ARGUMENT);
  CHECK(purser_decision_body(house.request, &text) == PURSER_OK && text.size == 0);
  CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_RULE);
  CHECK(purser_decision_rule(house.request, &rule) == PURSER_OK);
  CHECK(text_is(rule.policy, "ratings") && text_is(rule.rule, "productpage-only"));
  CHECK(text_is(rule.file, "test.yaml") && rule.line == 7);
  CHECK(purser_decision_audits_count(house.request, &count) == PURSER_OK && count == 1);
  CHECK(purser_decision_audit(house.request, 0, &rule) == PURSER_OK && text_is(rule.rule, "jason"));
  CHECK(purser_decision_audit(house.request, 1, &rule) == PURSER_INVALID_ARGUMENT);
  CHECK(purser_decision_errors_count(house.request, &count) == PURSER_OK && count == 0);
  CHECK(purser_decision_is_cached(house.request, &cached) == PURSER_OK && cached == 0);
  CHECK(purser_decision_shadow_verdict(house.request, &verdict) == PURSER_NOT_FOUND);
  CHECK(purser_decision_plan(house.request, &text) == PURSER_OK && text.size == 64);
  house_end(&house);
  house_close(&house);
}

static void a_denied_request_gets_the_rule_s_response_and_the_log_its_reason(void) {
  house house;
  host_request request = host_reviews();
  purser_entry headers[1];
  purser_header header;
  purser_text message, body, reason;
  purser_rule_reference rule;
  uint32_t status = 0, code = 0;
  size_t count = 0;
  headers[0] = entry_of("user-agent", value_string("curl/7.88"));
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 1));
  if (!house_open(&house, NULL, policies)) return;
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_status(house.request, &status, &code) == PURSER_OK && status == 426);
  CHECK(code == 7);
  CHECK(purser_decision_message(house.request, &message) == PURSER_OK && message.size > 0);
  CHECK(!text_has(message, "no-old-clients"));
  CHECK(purser_decision_body(house.request, &body) == PURSER_OK && text_is(body, "upgrade your client\n"));
  CHECK(purser_decision_response_headers_count(house.request, &count) == PURSER_OK && count == 1);
  CHECK(purser_decision_response_header(house.request, 0, &header) == PURSER_OK);
  CHECK(text_is(header.name, "x-reason") && text_is(header.value, "old-client"));
  CHECK(header.operation == PURSER_HEADER_SET);
  CHECK(purser_decision_request_headers_count(house.request, &count) == PURSER_OK && count == 0);
  CHECK(purser_decision_reason(house.request, &reason) == PURSER_OK && text_has(reason, "no-old-clients"));
  CHECK(purser_decision_rule(house.request, &rule) == PURSER_OK && text_is(rule.rule, "no-old-clients"));
  house_end(&house);
  house_close(&house);
}

static void nobody_is_let_in_who_is_on_no_allow_rule(void) {
  house house;
  host_request request = host_reviews();
  purser_reason_kind kind;
  purser_rule_reference rule;
  uint32_t status = 0, code = 0;
  host_set(&request, PURSER_ATTRIBUTE_SOURCE_PRINCIPAL, value_string("spiffe://somebody/else"));
  if (!house_open(&house, NULL, policies)) return;
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_status(house.request, &status, &code) == PURSER_OK && status == 403 && code == 7);
  CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_NO_ALLOW_RULE);
  CHECK(purser_decision_rule(house.request, &rule) == PURSER_NOT_FOUND);
  house_end(&house);
  house_close(&house);
}

static void whom_no_policy_is_about_gets_the_set_s_default(void) {
  house house;
  host_request request = host_reviews();
  purser_reason_kind kind;
  char yaml[4096];
  host_set(&request, PURSER_ATTRIBUTE_DESTINATION_SERVICE_HOST, value_string("details"));
  if (!house_open(&house, NULL, policies)) return;
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_DEFAULT);
  house_end(&house);
  snprintf(yaml, sizeof yaml, "%s---\n%s", policies, YAML_HEAD("PolicySet", "edge") "spec: {default: DENY}\n");
  CHECK(set_loads(house.set, yaml));
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY);
  house_close(&house);
}

static void a_rule_that_errs_denies_and_says_what_went_wrong(void) {
  house house;
  host_request request = host_reviews();
  purser_reason_kind kind;
  purser_rule_reference rule;
  purser_text reason, error;
  size_t count = 0;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "strict") "spec:\n  rules:\n  - name: tier\n    action: DENY\n"
                                                "    when: request.headers[\"x-tier\"] == \"none\"\n"))
    return;
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_RULE_ERROR);
  CHECK(purser_decision_reason(house.request, &reason) == PURSER_OK && text_has(reason, "x-tier"));
  CHECK(purser_decision_errors_count(house.request, &count) == PURSER_OK && count == 1);
  CHECK(purser_decision_error(house.request, 0, &rule, &error) == PURSER_OK);
  CHECK(text_is(rule.rule, "tier") && error.size > 0);
  CHECK(purser_decision_error(house.request, 1, &rule, &error) == PURSER_INVALID_ARGUMENT);
  house_end(&house);

  /* What the host could not find out is an error too, not an absence. */
  host_fail(&request, PURSER_ATTRIBUTE_REQUEST_ID);
  CHECK(set_loads(house.set, YAML_HEAD("Policy", "strict") "spec:\n  rules:\n  - name: id\n    action: DENY\n"
                                                           "    when: request.id == \"7\"\n"));
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_reason(house.request, &reason) == PURSER_OK && text_has(reason, "request.id"));
  house_end(&house);
  house_close(&house);
}

static void a_shadow_policy_is_told_and_not_applied(void) {
  house house;
  host_request request = host_reviews();
  purser_verdict verdict = PURSER_VERDICT_ALLOW;
  purser_rule_reference rule;
  size_t count = 0;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "now") "spec:\n  rules:\n  - {name: all, action: ALLOW, when: true}\n---\n"
                  YAML_HEAD("Policy", "next") "spec:\n  mode: Shadow\n  rules:\n"
                                              "  - name: no-get\n    action: DENY\n    when: request.method == \"GET\"\n"))
    return;
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  CHECK(purser_decision_shadow_verdict(house.request, &verdict) == PURSER_OK && verdict == PURSER_VERDICT_DENY);
  CHECK(purser_decision_shadow_rules_count(house.request, &count) == PURSER_OK && count == 1);
  CHECK(purser_decision_shadow_rule(house.request, 0, &rule) == PURSER_OK && text_is(rule.rule, "no-get"));
  CHECK(purser_decision_shadow_rule(house.request, 1, &rule) == PURSER_INVALID_ARGUMENT);
  house_end(&house);
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("PUT"));
  if (!house_check(&house, &request)) return;
  CHECK(purser_decision_shadow_verdict(house.request, &verdict) == PURSER_OK && verdict == PURSER_VERDICT_ALLOW);
  CHECK(purser_decision_shadow_rules_count(house.request, &count) == PURSER_OK && count == 0);
  house_end(&house);
  house_close(&house);
}

static void paths_are_normalised_before_rules_see_them(void) {
  static const char *const same[] = {"/admin/x", "//admin/x?q=/public", "/public/../admin/x", "/%61dmin/x", "\\admin\\x"};
  house house;
  host_request request = host_reviews();
  size_t at;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "admin") "spec:\n  rules:\n  - name: admin\n    action: DENY\n"
                                               "    when: request.url_path.startsWith(\"/admin/\")\n"))
    return;
  for (at = 0; at < sizeof same / sizeof same[0]; at += 1) {
    host_set(&request, PURSER_ATTRIBUTE_REQUEST_PATH, value_string(same[at]));
    if (!CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY)) printf("  %s\n", same[at]);
  }
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_PATH, value_string("/public/admin/x"));
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void regular_expressions_match_as_re2_does(void) {
  house house;
  host_request request = host_reviews();
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "expressions") "spec:\n  rules:\n  - name: digits\n    action: DENY\n"
                                                     "    when: request.path.matches(r'^/reviews/\\d+($|\\?)')\n"))
    return;
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY);
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_PATH, value_string("/reviews/x"));
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void the_order_of_documents_decides_nothing(void) {
  static const char a[] = YAML_HEAD("Policy", "a") "spec:\n  rules:\n  - {name: get, action: DENY, when: request.method == \"GET\"}\n";
  static const char b[] = YAML_HEAD("Policy", "b") "spec:\n  rules:\n  - {name: all, action: DENY, when: true}\n";
  house house;
  host_request request = host_reviews();
  purser_rule_reference rule;
  char yaml[2048];
  int turn;
  if (!house_open(&house, NULL, NULL)) return;
  for (turn = 0; turn < 2; turn += 1) {
    snprintf(yaml, sizeof yaml, "%s---\n%s", turn ? a : b, turn ? b : a);
    CHECK(set_loads(house.set, yaml));
    if (!house_check(&house, &request)) return;
    CHECK(purser_decision_rule(house.request, &rule) == PURSER_OK);
    CHECK(text_is(rule.policy, "a") && text_is(rule.rule, "get"));
    house_end(&house);
  }
  house_close(&house);
}

int main(void) {
  RUN(an_allowed_request_gets_its_header_changes);
  RUN(a_denied_request_gets_the_rule_s_response_and_the_log_its_reason);
  RUN(nobody_is_let_in_who_is_on_no_allow_rule);
  RUN(whom_no_policy_is_about_gets_the_set_s_default);
  RUN(a_rule_that_errs_denies_and_says_what_went_wrong);
  RUN(a_shadow_policy_is_told_and_not_applied);
  RUN(paths_are_normalised_before_rules_see_them);
  RUN(regular_expressions_match_as_re2_does);
  RUN(the_order_of_documents_decides_nothing);
  return test_end();
}

/*
 * explain.c - the whole story of a decision as JSON, with secrets masked.
 */
#include "host.h"

static void explain_tells_every_rule_and_masks_secrets(void) {
  house house;
  host_request context = host_reviews();
  purser_entry headers[3];
  purser_text json;
  CLEAR(json);
  headers[0] = entry_of("authorization", value_string("Bearer hunter2"));
  headers[1] = entry_of("cookie", value_string("session=hunter2"));
  headers[2] = entry_of("x-user", value_string("jason"));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 3));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_API_KEY, value_string("hunter2"));
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: no-put, action: DENY, when: request.method == 'PUT'}\n"
                  "  - name: secrets\n    action: DENY\n    when: >-\n"
                  "      has(request.api_key) && request.api_key == 'x' || 'cookie' in request.headers && request.headers['cookie'] == 'x'\n"
                  "      || 'authorization' in request.headers && request.headers['authorization'] == 'y'\n"
                  "  - name: jason\n    action: ALLOW\n    when: \"request.method == 'GET' && 'x-user' in request.headers && request.headers['x-user'] == 'nobody'\"\n"))
    return;
  if (!house_check(&house, &context)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  REQUIRE(purser_explain(house.request, 0, &json) == PURSER_OK);
  CHECK(json.size > 2 && json.data[0] == '{');
  CHECK(text_has(json, "\"deny\"") && text_has(json, "no-put") && text_has(json, "secrets") && text_has(json, "jason"));
  CHECK(!text_has(json, "hunter2"));
  purser_text_free(&json);
  CHECK(json.data == NULL && json.size == 0);
  CHECK(purser_report(house.request, 0) == PURSER_OK);
  CHECK(purser_explain(house.request, 0, &json) == PURSER_OK);
  purser_text_free(&json);
  house_end(&house);
  house_close(&house);
}

static void explain_changes_no_decision(void) {
  house house;
  host_request context = host_reviews();
  purser_text json, before, after;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - {name: get, action: DENY, when: request.method == 'GET'}\n"))
    return;
  if (!house_check(&house, &context)) return;
  CHECK(purser_decision_reason(house.request, &before) == PURSER_OK);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("POST"));
  CLEAR(json);
  CHECK(purser_explain(house.request, 0, &json) == PURSER_OK);
  purser_text_free(&json);
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_reason(house.request, &after) == PURSER_OK);
  CHECK(before.size == after.size && memcmp(before.data, after.data, before.size) == 0);
  house_end(&house);
  house_close(&house);
}

int main(void) {
  RUN(explain_tells_every_rule_and_masks_secrets);
  RUN(explain_changes_no_decision);
  return test_end();
}

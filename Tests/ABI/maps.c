/*
 * maps.c - maps that an expression reads whole: the host is asked for all entries once a check, however often, and
 * is not asked again for what it then has told.
 */
#include "host.h"

/* A rule's expression as the only DENY rule. */
#define DENY_WHEN(expression) YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - name: p\n    action: DENY\n    when: >-\n      " expression "\n"

/* The decision must be of this kind, with one question for the whole map and none for an entry. */
static void decides_by_one_question(house *house, host_request *context, purser_reason_kind expected) {
  purser_reason_kind kind = PURSER_REASON_NO_PLAN;
  context->gets = context->entries = context->iterations = 0;
  if (!house_check(house, context)) return;
  CHECK(purser_decision_reason_kind(house->request, &kind) == PURSER_OK);
  if (!CHECK(kind == expected) || !CHECK(context->iterations == 1) || !CHECK(context->entries == 0))
    printf("  kind %d, asked for the map %u times, for entries %u times\n", (int)kind, context->iterations, context->entries);
  house_end(house);
}

static void a_nested_walk_asks_for_the_map_once(void) {
  house house;
  host_request context = host_reviews();
  purser_entry headers[3];
  if (!house_open(&house, NULL,
                  DENY_WHEN("request.headers.exists(k, request.headers.exists(j, j != k && request.headers[j] == request.headers[k]))")))
    return;
  decides_by_one_question(&house, &context, PURSER_REASON_DEFAULT);
  headers[0] = entry_of("x-a", value_string("1"));
  headers[1] = entry_of("x-b", value_string("2"));
  headers[2] = entry_of("x-c", value_string("1"));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 3));
  decides_by_one_question(&house, &context, PURSER_REASON_RULE);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 0));
  decides_by_one_question(&house, &context, PURSER_REASON_DEFAULT);
  house_close(&house);
}

static void several_uses_ask_for_the_map_once(void) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL,
                  DENY_WHEN("size(request.headers) == 2 && request.headers.all(k, k != 'x-b') && request.headers.exists(k, k == 'x-user')")))
    return;
  decides_by_one_question(&house, &context, PURSER_REASON_RULE);
  /* In several rules, and on the other side of an `||`. */
  CHECK(set_loads(house.set, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: a, action: DENY, when: size(request.headers) == 3}\n"
                  "  - {name: b, action: DENY, when: \"request.headers.exists(k, k == 'x-b') || size(request.headers) == 4\"}\n"
                  "  - {name: c, action: AUDIT, when: \"request.headers.all(k, k != 'x-b')\"}\n"));
  decides_by_one_question(&house, &context, PURSER_REASON_DEFAULT);
  house_close(&house);
}

static void a_map_that_cannot_be_had_is_asked_for_once(void) {
  house house;
  host_request context;
  if (!house_open(&house, NULL,
                  DENY_WHEN("size(request.headers) == 3 || request.headers.exists(k, k == 'a') || request.headers.exists(k, k == 'b')")))
    return;
  CLEAR(context);
  host_fail(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS);
  decides_by_one_question(&house, &context, PURSER_REASON_RULE_ERROR);
  house_close(&house);
}

static void two_hundred_small_headers_are_walked(void) {
  enum { count = 200 };
  static char keys[count][16];
  purser_entry entries[count];
  house house;
  host_request context = host_reviews();
  int at;
  for (at = 0; at < count; at += 1) {
    snprintf(keys[at], sizeof keys[at], "x-h-%03d", at);
    entries[at] = entry_of(keys[at], value_string("v"));
  }
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(entries, count));
  if (!house_open(&house, NULL, DENY_WHEN("size(request.headers) == 200 && request.headers.exists(k, request.headers.exists(j, j == 'x-none'))")))
    return;
  decides_by_one_question(&house, &context, PURSER_REASON_DEFAULT);
  entries[count - 1] = entry_of("x-none", value_string("v"));
  decides_by_one_question(&house, &context, PURSER_REASON_RULE);
  CHECK(set_loads(house.set, DENY_WHEN("request.headers.all(k, request.headers[k] == 'v' && k.startsWith('x-'))")));
  decides_by_one_question(&house, &context, PURSER_REASON_RULE);
  house_close(&house);
}

static void an_entry_of_a_map_that_is_known_is_not_asked_for(void) {
  house house;
  host_request context = host_reviews();
  purser_entry headers[2];
  headers[0] = entry_of("GET", value_string("yes"));
  headers[1] = entry_of("x-user", value_string("jason"));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 2));
  if (!house_open(&house, NULL, DENY_WHEN("size(request.headers) == 2 && request.headers[request.method] == 'yes'"))) return;
  decides_by_one_question(&house, &context, PURSER_REASON_RULE);
  CHECK(set_loads(house.set, DENY_WHEN("request.headers.exists(k, k == 'x-user') && request.method in request.headers")));
  decides_by_one_question(&house, &context, PURSER_REASON_RULE);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("PUT"));
  decides_by_one_question(&house, &context, PURSER_REASON_DEFAULT);
  CHECK(set_loads(house.set, DENY_WHEN("size(request.headers) == 2 && request.headers[request.method] == 'yes'")));
  decides_by_one_question(&house, &context, PURSER_REASON_RULE_ERROR);
  house_close(&house);
}

int main(void) {
  RUN(a_nested_walk_asks_for_the_map_once);
  RUN(several_uses_ask_for_the_map_once);
  RUN(a_map_that_cannot_be_had_is_asked_for_once);
  RUN(two_hundred_small_headers_are_walked);
  RUN(an_entry_of_a_map_that_is_known_is_not_asked_for);
  return test_end();
}

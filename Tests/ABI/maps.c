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
  context->entries = context->iterations = context->probes = 0;
  if (!house_check(house, context)) return;
  CHECK(purser_decision_reason_kind(house->request, &kind) == PURSER_OK);
  if (!CHECK(kind == expected) || !CHECK(context->iterations == 1) || !CHECK(context->entries == 0 && context->probes <= 1))
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

/* `entry` knows the map, `iterate` fails: at once, or after more entries than anybody takes. */
static purser_presence iterate_in_vain(void *context, uint32_t number, purser_scratch *scratch, purser_visitor *visitor) {
  purser_value value = value_string("v");
  host_request *request = (host_request *)context;
  size_t left;
  request->iterations += 1;
  for (left = number == PURSER_ATTRIBUTE_SOURCE_LABELS ? 100000 : 0; left > 0; left -= 1) {
    char *key = (char *)purser_scratch_allocate(scratch, 16);
    if (!key) break;
    snprintf(key, 16, "k%u", (unsigned)left);
    if (purser_visit(visitor, text_of(key), &value) != PURSER_OK) break;
  }
  return PURSER_FAILED;
}

static void a_map_that_cannot_be_had_is_asked_for_once(void) {
  static const char *const policies[] = {
      DENY_WHEN("size(request.headers) == 3 || request.headers.exists(k, k == 'a') || request.headers.exists(k, k == 'b')"),
      DENY_WHEN("size(source.labels) == 3 || source.labels.exists(k, k == 'a') || source.labels.exists(k, k == 'b')")};
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_reason_kind kind = PURSER_REASON_NO_PLAN;
  size_t at;
  host_set(&context, PURSER_ATTRIBUTE_SOURCE_LABELS, value_map(NULL, 0));
  host.iterate = iterate_in_vain;
  if (!house_open(&house, NULL, NULL)) return;
  for (at = 0; at < 2; at += 1) {
    CHECK(set_loads(house.set, policies[at]));
    context.iterations = 0;
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
    CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
    CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_RULE_ERROR);
    if (!CHECK(context.iterations == 1)) printf("  policy %u: asked %u times\n", (unsigned)at, context.iterations);
    house_end(&house);
  }
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

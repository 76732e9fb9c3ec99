/*
 * values.c - what a host may hand over by mistake or malice: wrong types, text that is not UTF-8, NULs, huge and deep
 * values, unknown numbers. A rule that reads such an attribute errs, and so denies; the host lives on.
 */
#include "host.h"

/* Denies unless the attribute can be read and is not "bad". */
static const char *const reads_scheme = YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - {name: p, action: DENY, when: request.scheme == 'bad'}\n";

static purser_reason_kind kind_of(house *house, host_request *context, purser_verdict *verdict_out) {
  purser_reason_kind kind = PURSER_REASON_NO_PLAN;
  if (house_check(house, context)) {
    *verdict_out = verdict_of(house->request);
    CHECK(purser_decision_reason_kind(house->request, &kind) == PURSER_OK);
    CHECK(purser_report(house->request, 0) == PURSER_OK);
  }
  house_end(house);
  return kind;
}

#define ERRS(house, context)                                              \
  do {                                                                    \
    purser_verdict verdict = PURSER_VERDICT_ALLOW;                        \
    CHECK(kind_of(house, context, &verdict) == PURSER_REASON_RULE_ERROR); \
    CHECK(verdict == PURSER_VERDICT_DENY);                                \
  } while (0)

static void a_value_of_another_type_is_an_error(void) {
  house house;
  host_request context = host_reviews();
  purser_value value;
  uint32_t type;
  if (!house_open(&house, NULL, reads_scheme)) return;
  for (type = 0; type < 14; type += 1) {
    if (type == PURSER_TYPE_STRING) continue;
    CLEAR(value);
    value.type = type;
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value);
    ERRS(&house, &context);
    memset(&value, 0xFF, sizeof value);
    value.type = type;
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value);
    ERRS(&house, &context);
  }
  value.type = UINT32_MAX;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value);
  ERRS(&house, &context);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_string("http"));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void text_that_is_not_utf8_is_an_error(void) {
  static const char *const texts[] = {"\xff", "\xc0\xaf", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"};
  house house;
  host_request context = host_reviews();
  size_t at;
  if (!house_open(&house, NULL, reads_scheme)) return;
  for (at = 0; at < sizeof texts / sizeof texts[0]; at += 1) {
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_string(texts[at]));
    ERRS(&house, &context);
  }
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_string("h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void a_nul_is_a_character_like_others(void) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL, reads_scheme)) return;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes("bad\0x", 5)));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes("bad\0", 4)));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes("bad", 3)));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_DENY);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes(NULL, 0)));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void text_without_memory_is_an_error(void) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL, reads_scheme)) return;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes(NULL, 5)));
  ERRS(&house, &context);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes("x", SIZE_MAX)));
  ERRS(&house, &context);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes("x", (size_t)1 << 62)));
  ERRS(&house, &context);
  house_close(&house);
}

static void huge_text_is_read_or_refused(void) {
  size_t size = (size_t)64 << 20;
  char *huge = (char *)malloc(size);
  house house;
  host_request context = host_reviews();
  REQUIRE(huge != NULL);
  memset(huge, '/', size);
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: p, action: DENY, when: request.scheme == 'bad'}\n"
                  "  - {name: q, action: DENY, when: request.url_path == '/x'}\n"
                  "  - {name: r, action: AUDIT, when: (request.scheme + request.scheme).contains('x')}\n"))
    return;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_SCHEME, value_text(text_bytes(huge, size)));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_PATH, value_text(text_bytes(huge, size)));
  (void)house_decide(&house, &context);
  huge[size - 1] = (char)0xff;
  (void)house_decide(&house, &context);
  house_serve(&house, &context);
  free(huge);
  house_close(&house);
}

static void huge_and_deep_lists_and_maps_are_read_or_refused(void) {
  enum { count = 200000, depth = 100000 };
  purser_value *items = (purser_value *)malloc(count * sizeof *items);
  purser_entry *entries = (purser_entry *)malloc(count * sizeof *entries);
  purser_value *levels = (purser_value *)malloc(depth * sizeof *levels);
  purser_entry *steps = (purser_entry *)malloc(depth * sizeof *steps);
  static char keys[count][8];
  purser_entry claims[3];
  house house;
  host_request context = host_reviews();
  int at;
  for (at = 0; at < count; at += 1) {
    snprintf(keys[at], sizeof keys[at], "k%06d", at);
    items[at] = value_string("aud");
    entries[at] = entry_of(keys[at], value_string("v"));
  }
  for (at = 0; at < depth; at += 1) {
    levels[at] = at ? value_list(&levels[at - 1], 1) : value_int(1);
    steps[at] = entry_of("down", at ? value_map(&steps[at - 1], 1) : value_int(1));
  }
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: size, action: AUDIT, when: size(request.auth.audiences) > 3}\n"
                  "  - {name: in, action: AUDIT, when: \"'admin' in request.auth.audiences\"}\n"
                  "  - {name: all, action: AUDIT, when: \"request.auth.audiences.all(a, a.startsWith('a'))\"}\n"
                  "  - {name: headers, action: AUDIT, when: size(request.headers) > 3}\n"
                  "  - {name: exists, action: AUDIT, when: \"request.headers.exists(k, k == 'zzz')\"}\n"
                  "  - {name: whole, action: AUDIT, when: request.auth.claims == request.auth.claims}\n"
                  "  - {name: claims, action: AUDIT, when: size(request.auth.claims) > 3}\n"
                  "  - {name: list, action: AUDIT, when: \"request.auth.claims['list'] == request.auth.claims['map']\"}\n"
                  "  - {name: deny, action: DENY, when: \"'admin' in request.auth.audiences\"}\n"))
    return;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_AUDIENCES, value_list(items, count));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(entries, count));
  claims[0] = entry_of("list", levels[depth - 1]);
  claims[1] = entry_of("map", steps[depth - 1].value);
  claims[2] = entry_of("flat", value_map(entries, count));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_CLAIMS, value_map(claims, 3));
  house_serve(&house, &context);

  /* The same where only the type was wrong before: lists of mixed types, maps with wrong members, counts that lie. */
  items[7] = value_int(7);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_AUDIENCES, value_list(items, 100));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_DENY);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_AUDIENCES, value_list(NULL, 100));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_DENY);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_AUDIENCES, value_list(items, SIZE_MAX / 8));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_DENY);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_AUDIENCES, value_list(NULL, 0));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  free(items);
  free(entries);
  free(levels);
  free(steps);
  house_close(&house);
}

static void times_out_of_range_are_errors(void) {
  static const int64_t seconds[] = {INT64_MIN, INT64_MAX, 253402300800, -62135596801};
  static const int32_t nanos[] = {INT32_MIN, -1, 1000000000, INT32_MAX};
  house house;
  host_request context = host_reviews();
  purser_value value;
  size_t at;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                                "  - {name: p, action: DENY, when: request.time < timestamp('2000-01-01T00:00:00Z')}\n"))
    return;
  CLEAR(value);
  value.type = PURSER_TYPE_TIMESTAMP;
  for (at = 0; at < 4; at += 1) {
    value.as.seconds = seconds[at];
    value.nanos = 0;
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_TIME, value);
    ERRS(&house, &context);
    value.as.seconds = 1767323045;
    value.nanos = nanos[at];
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_TIME, value);
    ERRS(&house, &context);
  }
  value.nanos = 999999999;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_TIME, value);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void overflowing_arithmetic_is_an_error(void) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                                "  - {name: p, action: DENY, when: request.headers_bytes + 1 == 0}\n"
                                "  - {name: q, action: DENY, when: 10 / request.headers_bytes == 77}\n"))
    return;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS_BYTES, value_int(INT64_MAX));
  ERRS(&house, &context);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS_BYTES, value_int(0));
  ERRS(&house, &context);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS_BYTES, value_int(INT64_MIN));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

/* ---------------------------------------------------------------------------------------------- callbacks */

static void a_host_without_maps_has_none(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_verdict verdict;
  host.entry = NULL;
  host.iterate = NULL;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: p, action: DENY, when: \"'x-user' in request.headers && request.headers['x-user'] == 'jason'\"}\n"))
    return;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK);
  CHECK(purser_decision_verdict(house.request, &verdict) == PURSER_OK);
  house_end(&house);
  CHECK(set_loads(house.set, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                             "  - {name: p, action: DENY, when: size(request.headers) > 100}\n"));
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
  house_end(&house);
  house_close(&house);
}

static purser_presence iterate_twice(void *context, uint32_t number, purser_scratch *scratch, purser_visitor *visitor) {
  purser_value first = value_string("first"), second = value_string("second");
  (void)context;
  (void)number;
  (void)scratch;
  CHECK(purser_visit(visitor, text_of("x-user"), &first) == PURSER_OK);
  CHECK(purser_visit(visitor, text_of("x-other"), &first) == PURSER_OK);
  CHECK(purser_visit(visitor, text_of("x-user"), &second) == PURSER_OK);
  CHECK(purser_visit(visitor, text_of("x-user"), NULL) == PURSER_INVALID_ARGUMENT);
  return PURSER_PRESENT;
}

static void an_entry_given_twice_replaces_the_first(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  host.iterate = iterate_twice;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - name: p\n    action: DENY\n    when: >-\n"
                  "      request.headers == {'x-user': 'second', 'x-other': 'first'}\n"))
    return;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
  {
    purser_reason_kind kind;
    CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_RULE);
  }
  house_end(&house);
  house_close(&house);
}

static purser_presence get_nothing(void *context, uint32_t number, purser_scratch *scratch, purser_value *out) {
  (void)context;
  (void)number;
  (void)scratch;
  (void)out;
  return PURSER_ABSENT;
}

static purser_presence iterate_badly(void *context, uint32_t number, purser_scratch *scratch, purser_visitor *visitor) {
  purser_value good = value_string("v"), bad = value_int(7);
  purser_text key = text_of("x-user");
  (void)number;
  (void)scratch;
  switch (*(int *)context) {
    case 0: (void)purser_visit(visitor, text_bytes(NULL, 4), &good); break;
    case 1: (void)purser_visit(visitor, text_bytes("\xff", 1), &good); break;
    case 2: (void)purser_visit(visitor, text_bytes("x", SIZE_MAX), &good); break;
    case 3: (void)purser_visit(visitor, key, &bad); break;
    default: return (purser_presence)9;
  }
  (void)purser_visit(visitor, key, &good);
  return PURSER_PRESENT;
}

static void a_map_with_a_bad_entry_is_an_error(void) {
  house house;
  purser_host host = host_table();
  purser_reason_kind kind;
  int which;
  host.get = get_nothing;
  host.iterate = iterate_badly;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                                "  - {name: p, action: DENY, when: size(request.headers) == 100}\n"))
    return;
  for (which = 0; which < 5; which += 1) {
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &which, NULL) == PURSER_OK);
    CHECK(purser_check(house.request, 0, NULL) == PURSER_OK);
    CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK);
    if (!CHECK(kind == PURSER_REASON_RULE_ERROR)) printf("  case %d\n", which);
    house_end(&house);
  }
  house_close(&house);
}

static purser_presence iterate_forever(void *context, uint32_t number, purser_scratch *scratch,
                                       purser_visitor *visitor) {
  purser_value value = value_string("v");
  uint64_t count;
  (void)number;
  for (count = 0; count < 100000000; count += 1) {
    char *key = (char *)purser_scratch_allocate(scratch, 24);
    if (!key) break;
    snprintf(key, 24, "k%llu", (unsigned long long)count);
    if (purser_visit(visitor, text_of(key), &value) == PURSER_LIMIT_REACHED) break;
  }
  *(uint64_t *)context = count;
  return PURSER_FAILED;
}

static void entries_and_scratch_are_bounded(void) {
  house house;
  purser_host host = host_table();
  uint64_t count = 0;
  host.get = get_nothing;
  host.iterate = iterate_forever;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                                "  - {name: p, action: DENY, when: size(request.headers) == 0}\n"))
    return;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &count, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(count > 100 && count < 1000000);
  house_end(&house);
  house_close(&house);
}

static purser_presence get_from_scratch(void *context, uint32_t number, purser_scratch *scratch, purser_value *out) {
  size_t *sizes = (size_t *)context;
  char *memory;
  (void)number;
  CHECK(purser_scratch_allocate(scratch, SIZE_MAX) == NULL);
  CHECK(purser_scratch_allocate(scratch, SIZE_MAX - 15) == NULL);
  CHECK(purser_scratch_allocate(scratch, (size_t)1 << 62) == NULL);
  CHECK(purser_scratch_allocate(scratch, (size_t)1 << 30) == NULL);
  (void)purser_scratch_allocate(scratch, 0);
  memory = (char *)purser_scratch_allocate(scratch, 100);
  if (!CHECK(memory != NULL)) return PURSER_FAILED;
  CHECK((uintptr_t)memory % 16 == 0);
  memset(memory, 'x', 100);
  sizes[0] += 1;
  *out = value_text(text_bytes(memory, 100));
  return PURSER_PRESENT;
}

static void a_value_may_be_built_in_scratch(void) {
  house house;
  purser_host host = host_table();
  size_t asked = 0;
  int turn;
  host.get = get_from_scratch;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                                "  - {name: p, action: DENY, when: size(request.scheme) == 100 && request.scheme.endsWith('xxx')}\n"))
    return;
  for (turn = 0; turn < 1000; turn += 1) {
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &asked, NULL) == PURSER_OK);
    CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
    house_end(&house);
  }
  CHECK(asked == 1000);
  house_close(&house);
}

static purser_presence get_nonsense(void *context, uint32_t number, purser_scratch *scratch, purser_value *out) {
  (void)number;
  (void)scratch;
  memset(out, 0xEE, sizeof *out);
  return (purser_presence) * (int *)context;
}

static void an_answer_that_is_none_is_an_error(void) {
  house house;
  purser_host host = host_table();
  purser_verdict verdict;
  purser_reason_kind kind;
  int answer = 3;
  host.get = get_nonsense;
  if (!house_open(&house, NULL, reads_scheme)) return;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &answer, NULL) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK);
  CHECK(purser_decision_verdict(house.request, &verdict) == PURSER_OK && verdict == PURSER_VERDICT_DENY);
  CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_RULE_ERROR);
  house_end(&house);
  house_close(&house);
}

int main(void) {
  RUN(a_value_of_another_type_is_an_error);
  RUN(text_that_is_not_utf8_is_an_error);
  RUN(a_nul_is_a_character_like_others);
  RUN(text_without_memory_is_an_error);
  RUN(huge_text_is_read_or_refused);
  RUN(huge_and_deep_lists_and_maps_are_read_or_refused);
  RUN(times_out_of_range_are_errors);
  RUN(overflowing_arithmetic_is_an_error);
  RUN(a_host_without_maps_has_none);
  RUN(an_entry_given_twice_replaces_the_first);
  RUN(a_map_with_a_bad_entry_is_an_error);
  RUN(entries_and_scratch_are_bounded);
  RUN(a_value_may_be_built_in_scratch);
  RUN(an_answer_that_is_none_is_an_error);
  return test_end();
}

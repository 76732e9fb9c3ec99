/*
 * sizes.c - sizes and counts that no memory can have, past half of the address space: each is an error where it is
 * read, never an empty text, list or map, and never the end of the host. The pointers beside them are good, so that only
 * the size can be what is refused.
 */
#include "host.h"

static const size_t impossible[] = {SIZE_MAX, SIZE_MAX - 15, ((size_t)1 << 63) + 4, (size_t)1 << 63};
enum { impossible_count = sizeof impossible / sizeof impossible[0] };

static const char *const deny_put = YAML_HEAD("Policy", "p") "spec: {rules: [{name: put, action: DENY, when: request.method == 'PUT'}]}\n";

/* A rule that would hold, or not hold, were the attribute empty: both must err, and so deny. */
static void errs(house *house, const purser_host *host, void *context, const char *when, size_t size) {
  char yaml[1024];
  purser_reason_kind kind = PURSER_REASON_NO_PLAN;
  snprintf(yaml, sizeof yaml, "%sspec:\n  rules:\n  - name: p\n    action: DENY\n    when: >-\n      %s\n", YAML_HEAD("Policy", "p"), when);
  if (!CHECK(set_loads(house->set, yaml))) return;
  CHECK(purser_request_begin(house->request, house->worker, house->set, host, context, NULL) == PURSER_OK);
  CHECK(purser_check(house->request, 0, NULL) == PURSER_OK && verdict_of(house->request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_reason_kind(house->request, &kind) == PURSER_OK);
  if (!CHECK(kind == PURSER_REASON_RULE_ERROR)) printf("  kind %d with size %zx: %s\n", (int)kind, size, when);
  CHECK(purser_report(house->request, 0) == PURSER_OK);
  CHECK(purser_request_end(house->request) == PURSER_OK);
}

static void text_is_not_empty_for_being_too_long(void) {
  static const char *const rules[] = {
      "request.path == '' || request.path == '/'", "request.path == 'x'", "request.path.startsWith('/a')",
      "request.url_path == '' || request.url_path == '/'", "request.url_path == '/x'", "request.query == 'x'",
      "size(request.path) == 0", "request.path.matches('^$')"};
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  size_t at, rule;
  if (!house_open(&house, NULL, NULL)) return;
  for (at = 0; at < impossible_count; at += 1) {
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_PATH, value_text(text_bytes("/reviews", impossible[at])));
    for (rule = 0; rule < sizeof rules / sizeof rules[0]; rule += 1) errs(&house, &host, &context, rules[rule], impossible[at]);
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_HOST, value_text(text_bytes("reviews", impossible[at])));
    errs(&house, &host, &context, "request.host == 'x'", impossible[at]);
    errs(&house, &host, &context, "request.host == ''", impossible[at]);
  }
  house_close(&house);
}

static void lists_and_maps_are_not_empty_for_being_too_long(void) {
  static purser_value items[1];
  static purser_entry members[1], claims[2];
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  size_t at;
  if (!house_open(&house, NULL, NULL)) return;
  items[0] = value_string("x");
  members[0] = entry_of("x", value_string("x"));
  for (at = 0; at < impossible_count; at += 1) {
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_AUDIENCES, value_list(items, impossible[at]));
    errs(&house, &host, &context, "size(request.auth.audiences) == 0", impossible[at]);
    errs(&house, &host, &context, "'y' in request.auth.audiences", impossible[at]);
    errs(&house, &host, &context, "request.auth.audiences == []", impossible[at]);
    claims[0] = entry_of("list", value_list(items, impossible[at]));
    claims[1] = entry_of("map", value_map(members, impossible[at]));
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_CLAIMS, value_map(claims, 2));
    errs(&house, &host, &context, "size(request.auth.claims['list']) == 0", impossible[at]);
    errs(&house, &host, &context, "size(request.auth.claims['map']) == 0", impossible[at]);
    errs(&house, &host, &context, "'y' in request.auth.claims['map']", impossible[at]);
    errs(&house, &host, &context, "size(request.auth.claims) == 0", impossible[at]);
  }
  house_close(&house);
}

static void an_entry_is_not_empty_for_being_too_long(void) {
  static purser_entry headers[1];
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  size_t at;
  if (!house_open(&house, NULL, NULL)) return;
  for (at = 0; at < impossible_count; at += 1) {
    headers[0] = entry_of("x-user", value_text(text_bytes("jason", impossible[at])));
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 1));
    errs(&house, &host, &context, "request.headers['x-user'] == ''", impossible[at]);
    errs(&house, &host, &context, "size(request.headers) == 0", impossible[at]);
    headers[0] = entry_of("x-user", value_string("jason"));
    headers[0].key.size = impossible[at];
    errs(&house, &host, &context, "size(request.headers) == 0", impossible[at]);
    errs(&house, &host, &context, "request.headers.exists(k, k == '')", impossible[at]);
  }
  house_close(&house);
}

#define REFUSED(call) CHECK((call) == PURSER_INVALID_ARGUMENT)

static void documents_are_not_empty_for_being_too_long(void) {
  house house;
  host_request context = host_reviews();
  purser_document document;
  purser_load_options options = load_options(deny_put, &document);
  purser_plan *plan = NULL;
  purser_text path;
  size_t at;
  if (!house_open(&house, NULL, deny_put)) return;
  for (at = 0; at < impossible_count; at += 1) {
    options = load_options(deny_put, &document);
    document.text.size = impossible[at];
    REFUSED(purser_plan_load(&options, &plan, NULL));
    REFUSED(purser_policy_set_load(house.set, &options, NULL));
    options = load_options(deny_put, &document);
    document.name.size = impossible[at];
    REFUSED(purser_plan_load(&options, &plan, NULL));
    CLEAR(options);
    options.size = sizeof options;
    path = text_bytes("policies", impossible[at]);
    options.paths = &path;
    options.paths_count = 1;
    REFUSED(purser_plan_load(&options, &plan, NULL));
    /* Counts of what lies in an array. */
    options.paths_count = impossible[at];
    REFUSED(purser_plan_load(&options, &plan, NULL));
    options = load_options(deny_put, &document);
    options.documents_count = impossible[at];
    REFUSED(purser_plan_load(&options, &plan, NULL));
  }
  CHECK(plan == NULL);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void names_and_constants_are_not_empty_for_being_too_long(void) {
  house house;
  purser_engine_options engine_options;
  purser_constant constant;
  purser_engine *engine = NULL;
  purser_policy_set *set = NULL;
  purser_document document;
  purser_load_options options = load_options(YAML_HEAD("Policy", "p") "spec: {rules: [{name: p, action: DENY, when: destination.workload.name == 'x'}]}\n", &document);
  purser_plan *plan = NULL;
  purser_text text;
  uint32_t number = 7;
  size_t at;
  if (!house_open(&house, NULL, NULL)) return;
  for (at = 0; at < impossible_count; at += 1) {
    CHECK(purser_attribute_number(text_bytes("request.method", impossible[at]), &number) != PURSER_OK && number == 7);
    CHECK(purser_engine_attribute(house.engine, text_bytes("a.b", impossible[at]), text_of("string"), &number) != PURSER_OK && number == 7);
    CHECK(purser_engine_attribute(house.engine, text_of("a.b"), text_bytes("string", impossible[at]), &number) != PURSER_OK && number == 7);
    REFUSED(purser_policy_set_new(house.engine, text_bytes("a", impossible[at]), &set));
    CHECK(purser_metrics_render(house.engine, text_bytes("prom", impossible[at]), &text) != PURSER_OK);
    CHECK(purser_backend_address(house.engine, text_bytes("prom", impossible[at]), &text) != PURSER_OK);

    CLEAR(engine_options);
    engine_options.size = sizeof engine_options;
    engine_options.constants = &constant;
    engine_options.constants_count = 1;
    constant.attribute = text_bytes("destination.workload.name", impossible[at]);
    constant.value = value_string("x");
    CHECK(purser_engine_new(&engine_options, &engine) != PURSER_OK);
    constant.attribute = text_of("destination.workload.name");
    constant.value.as.text.size = impossible[at];
    options.constants = &constant;
    options.constants_count = 1;
    CHECK(purser_plan_load(&options, &plan, NULL) != PURSER_OK);
    options.constants_count = impossible[at];
    REFUSED(purser_plan_load(&options, &plan, NULL));
  }
  CHECK(engine == NULL && set == NULL && plan == NULL);
  house_close(&house);
}

int main(void) {
  RUN(text_is_not_empty_for_being_too_long);
  RUN(lists_and_maps_are_not_empty_for_being_too_long);
  RUN(an_entry_is_not_empty_for_being_too_long);
  RUN(documents_are_not_empty_for_being_too_long);
  RUN(names_and_constants_are_not_empty_for_being_too_long);
  return test_end();
}

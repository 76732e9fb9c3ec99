/*
 * attributes.c - numbers and names, custom attributes, constants, and what a host says that it serves.
 */
#include "host.h"

static void numbers_and_names_lead_to_each_other(void) {
  uint32_t number, again, seen = 0;
  purser_attribute_info info;
  for (number = 1; number < PURSER_ATTRIBUTE_CUSTOM_FIRST; number += 1) {
    CLEAR(info);
    info.size = sizeof info;
    if (purser_attribute_describe(number, &info) != PURSER_OK) continue;
    seen += 1;
    CHECK(info.name.size > 0 && info.type.size > 0);
    CHECK(purser_attribute_number(info.name, &again) == PURSER_OK && again == number);
  }
  CHECK(seen >= 100);
  CLEAR(info);
  info.size = sizeof info;
  CHECK(purser_attribute_describe(PURSER_ATTRIBUTE_SOURCE_LABELS, &info) == PURSER_OK);
  CHECK(text_is(info.name, "source.labels") && text_is(info.type, "map(string,string)"));
  CHECK(info.phase == PURSER_PHASE_REQUEST);
  CHECK(purser_attribute_describe(PURSER_ATTRIBUTE_SOURCE_ADDRESS, &info) == PURSER_OK);
  CHECK(info.phase == PURSER_PHASE_CONNECTION);
  CHECK(purser_attribute_describe(PURSER_ATTRIBUTE_RESPONSE_CODE, &info) == PURSER_OK);
  CHECK(info.phase == PURSER_PHASE_RESPONSE && text_is(info.type, "int"));
  CHECK(purser_attribute_describe(0, &info) == PURSER_NOT_FOUND);
  CHECK(purser_attribute_describe(UINT32_MAX, &info) == PURSER_NOT_FOUND);
  info.size = 0;
  CHECK(purser_attribute_describe(1, &info) == PURSER_INVALID_ARGUMENT);
}

static void an_alias_is_the_same_attribute(void) {
  uint32_t number = 0;
  CHECK(purser_attribute_number(text_of("source.ip"), &number) == PURSER_OK);
  CHECK(number == PURSER_ATTRIBUTE_SOURCE_ADDRESS);
  CHECK(purser_attribute_number(text_of("http.request.method"), &number) == PURSER_OK);
  CHECK(number == PURSER_ATTRIBUTE_REQUEST_METHOD);
  number = 77;
  CHECK(purser_attribute_number(text_of("request.metod"), &number) == PURSER_NOT_FOUND && number == 77);
  CHECK(purser_attribute_number(text_of(""), &number) == PURSER_NOT_FOUND);
  CHECK(purser_attribute_number(text_bytes(NULL, 0), &number) == PURSER_NOT_FOUND);
  CHECK(purser_attribute_number(text_bytes("request.method\0x", 16), &number) == PURSER_NOT_FOUND);
  CHECK(purser_attribute_number(text_bytes("\xff\xfe.method", 9), &number) != PURSER_OK && number == 77);
}

static void a_custom_attribute_gets_one_number_for_the_engine_s_life(void) {
  house house;
  host_request request = host_reviews();
  uint32_t first = 0, again = 0, other_type = 0;
  if (!house_open(&house, NULL, NULL)) return;
  CHECK(purser_engine_attribute(house.engine, text_of("company.user"), text_of("string"), &first) == PURSER_OK);
  CHECK(first >= PURSER_ATTRIBUTE_CUSTOM_FIRST);
  CHECK(purser_engine_attribute(house.engine, text_of("company.user"), text_of("int"), &other_type) == PURSER_OK);
  CHECK(other_type != first && other_type >= PURSER_ATTRIBUTE_CUSTOM_FIRST);
  CHECK(set_loads(house.set, YAML_HEAD("AttributeManifest", "ours")
                  "spec: {attributes: {company.user: {type: string, phase: request}}}\n---\n"
                  YAML_HEAD("Policy", "users")
                  "spec:\n  rules:\n  - {name: eve, action: DENY, when: has(company.user) && company.user == 'eve'}\n"));
  CHECK(purser_engine_attribute(house.engine, text_of("company.user"), text_of("string"), &again) == PURSER_OK);
  CHECK(again == first);
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_ALLOW);
  host_set(&request, first, value_string("eve"));
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY);
  CHECK(purser_engine_attribute(house.engine, text_of("source.ip"), text_of("nonsense"), &again) == PURSER_OK);
  CHECK(again == PURSER_ATTRIBUTE_SOURCE_ADDRESS);
  CHECK(purser_engine_attribute(house.engine, text_of("undotted"), text_of("string"), &again) == PURSER_NOT_FOUND);
  CHECK(purser_engine_attribute(house.engine, text_of("a.b"), text_of("strin"), &again) == PURSER_NOT_FOUND);
  CHECK(purser_engine_attribute(house.engine, text_of("a..b"), text_of("string"), &again) == PURSER_NOT_FOUND);
  CHECK(purser_engine_attribute(house.engine, text_of(""), text_of("string"), &again) == PURSER_NOT_FOUND);
  house_close(&house);
}

static void custom_attributes_are_bounded(void) {
  house house;
  uint32_t number = 0, at;
  char name[32];
  purser_status status = PURSER_OK;
  if (!house_open(&house, NULL, NULL)) return;
  for (at = 0; at < 5000 && status == PURSER_OK; at += 1) {
    snprintf(name, sizeof name, "company.a%u", (unsigned)at);
    status = purser_engine_attribute(house.engine, text_of(name), text_of("string"), &number);
  }
  CHECK(status == PURSER_LIMIT_REACHED && at == 4097);
  CHECK(purser_engine_attribute(house.engine, text_of("company.a7"), text_of("string"), &number) == PURSER_OK);
  house_close(&house);
}

static void a_plan_tells_the_custom_attributes_it_declares(void) {
  purser_document document;
  purser_load_options options = load_options(
      YAML_HEAD("AttributeManifest", "ours")
      "spec: {attributes: {company.user: {type: string, phase: request}, company.score: {type: int, phase: response}}}\n",
      &document);
  purser_plan *plan = NULL;
  purser_attribute_info info;
  size_t count = 0;
  REQUIRE(purser_plan_load(&options, &plan, NULL) == PURSER_OK);
  CHECK(purser_plan_attributes_count(plan, &count) == PURSER_OK && count == 2);
  CLEAR(info);
  info.size = sizeof info;
  CHECK(purser_plan_attribute(plan, 0, &info) == PURSER_OK && text_is(info.name, "company.score"));
  CHECK(text_is(info.type, "int") && info.phase == PURSER_PHASE_RESPONSE);
  CHECK(purser_plan_attribute(plan, 1, &info) == PURSER_OK && text_is(info.name, "company.user"));
  CHECK(purser_plan_attribute(plan, 2, &info) == PURSER_INVALID_ARGUMENT);
  purser_plan_free(plan);
}

static void a_constant_is_folded_in_and_never_asked_for(void) {
  house house;
  host_request request = host_reviews();
  purser_engine_options options;
  purser_constant constants[2];
  purser_entry labels[1];
  labels[0] = entry_of("tier", value_string("gold"));
  constants[0].attribute = text_of("destination.workload.name");
  constants[0].value = value_string("reviews-v1");
  constants[1].attribute = text_of("destination.labels");
  constants[1].value = value_map(labels, 1);
  CLEAR(options);
  options.size = sizeof options;
  options.constants = constants;
  options.constants_count = 2;
  if (!house_open(&house, &options,
                  YAML_HEAD("Policy", "own") "spec:\n  rules:\n  - name: own\n    action: DENY\n    when: >-\n"
                  "      destination.workload.name == 'reviews-v1' && destination.labels['tier'] == 'gold'\n"))
    return;
  host_set(&request, PURSER_ATTRIBUTE_DESTINATION_WORKLOAD_NAME, value_string("somebody else"));
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY);
  CHECK(request.gets == 0 && request.entries == 0 && request.iterations == 0);
  house_close(&house);
}

static void a_constant_must_be_one(void) {
  purser_engine *engine = NULL;
  purser_engine_options options;
  purser_constant constant;
  purser_text served;
  house house;
  CLEAR(options);
  options.size = sizeof options;
  options.constants = &constant;
  options.constants_count = 1;
  constant.attribute = text_of("undotted");
  constant.value = value_string("x");
  CHECK(purser_engine_new(&options, &engine) == PURSER_NOT_FOUND && engine == NULL);
  options.constants_count = 0;
  served = text_of("undotted");
  options.attributes_served = &served;
  options.attributes_served_count = 1;
  CHECK(purser_engine_new(&options, &engine) == PURSER_NOT_FOUND && engine == NULL);

  /* Of the wrong type: said at the latest when a plan reads it. */
  CLEAR(options);
  options.size = sizeof options;
  options.constants = &constant;
  options.constants_count = 1;
  constant.attribute = text_of("destination.workload.name");
  constant.value = value_int(7);
  if (purser_engine_new(&options, &engine) != PURSER_OK) return;
  CHECK(purser_engine_free(engine) == PURSER_OK);
  if (!house_open(&house, &options, NULL)) return;
  CHECK(set_load(house.set, YAML_HEAD("Policy", "own") "spec:\n  rules:\n"
                 "  - {name: own, action: DENY, when: destination.workload.name == 'a'}\n", NULL) == PURSER_PROBLEMS);
  house_close(&house);
}

static void a_plan_that_needs_what_the_host_does_not_serve_is_refused(void) {
  static const char *const by_principal =
      YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - {name: p, action: DENY, when: source.principal == 'a'}\n";
  house house;
  host_request request = host_reviews();
  purser_engine_options options;
  purser_problems *problems = NULL;
  purser_plan *plan = NULL;
  purser_document document;
  purser_load_options load = load_options(by_principal, &document);
  purser_text text, served[2];
  served[0] = text_of("request.method");
  served[1] = text_of("request.path");
  CLEAR(options);
  options.size = sizeof options;
  options.attributes_served = served;
  options.attributes_served_count = 2;
  if (!house_open(&house, &options, NULL)) return;
  CHECK(set_load(house.set, by_principal, &problems) == PURSER_PROBLEMS);
  REQUIRE(problems != NULL);
  CHECK(purser_problems_text(problems, &text) == PURSER_OK && text_has(text, "source.principal"));
  purser_problems_free(problems);
  problems = NULL;

  /* A plan loaded elsewhere is held to it as well. */
  REQUIRE(purser_plan_load(&load, &plan, NULL) == PURSER_OK);
  CHECK(purser_policy_set_use(house.set, plan, &problems) == PURSER_PROBLEMS);
  REQUIRE(problems != NULL);
  CHECK(purser_problems_text(problems, &text) == PURSER_OK && text_has(text, "source.principal"));
  purser_problems_free(problems);
  purser_plan_free(plan);

  /* What is derived from a served attribute counts as served. */
  CHECK(set_loads(house.set, YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                             "  - {name: p, action: DENY, when: request.url_path == '/reviews/1'}\n"));
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY);
  house_close(&house);
}

static void an_attribute_is_asked_for_once_and_only_if_it_is_read(void) {
  house house;
  host_request request = host_reviews();
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "a") "spec:\n  rules:\n"
                  "  - {name: a, action: DENY, when: request.method == 'PUT' && request.scheme == 'http'}\n"
                  "  - {name: b, action: DENY, when: request.method == 'POST'}\n"
                  "  - name: c\n    action: DENY\n    when: \"'x-user' in request.headers && request.headers['x-user'] == 'eve'\"\n"
                  "  - name: d\n    action: DENY\n    when: \"'x-user' in request.headers && request.headers['x-user'] == 'mallory'\"\n"))
    return;
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_ALLOW);
  CHECK(request.gets == 1);
  CHECK(request.entries == 1);
  CHECK(request.iterations == 0);
  house_close(&house);
}

int main(void) {
  RUN(numbers_and_names_lead_to_each_other);
  RUN(an_alias_is_the_same_attribute);
  RUN(a_custom_attribute_gets_one_number_for_the_engine_s_life);
  RUN(custom_attributes_are_bounded);
  RUN(a_plan_tells_the_custom_attributes_it_declares);
  RUN(a_constant_is_folded_in_and_never_asked_for);
  RUN(a_constant_must_be_one);
  RUN(a_plan_that_needs_what_the_host_does_not_serve_is_refused);
  RUN(an_attribute_is_asked_for_once_and_only_if_it_is_read);
  return test_end();
}

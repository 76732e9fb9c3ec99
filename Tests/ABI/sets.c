/*
 * sets.c - policy sets and plans: no plan yet, reload, what a reload refuses, what an open request keeps.
 */
#include "host.h"

static const char *const allow_all = YAML_HEAD("Policy", "all") "spec:\n  rules:\n  - {name: all, action: ALLOW, when: true}\n";
static const char *const deny_all = YAML_HEAD("Policy", "none") "spec:\n  rules:\n  - {name: none, action: DENY, when: true}\n";
static const char *const broken = YAML_HEAD("Policy", "all") "spec:\n  rules:\n  - {name: all, action: ALLOW, when: request.metod == 'GET'}\n";

static void before_the_first_plan_everything_is_denied(void) {
  house house;
  host_request request = host_reviews();
  purser_reason_kind kind;
  purser_text text;
  uint32_t status = 0, code = 0;
  if (!house_open(&house, NULL, NULL)) return;
  CHECK(purser_policy_set_digest(house.set, &text) == PURSER_NOT_FOUND);
  if (!house_check(&house, &request)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_status(house.request, &status, &code) == PURSER_OK && status == 503 && code == 14);
  CHECK(purser_decision_reason_kind(house.request, &kind) == PURSER_OK && kind == PURSER_REASON_NO_PLAN);
  CHECK(purser_decision_reason(house.request, &text) == PURSER_OK && text_has(text, "no-plan"));
  CHECK(purser_decision_plan(house.request, &text) == PURSER_NOT_FOUND);
  CHECK(purser_explain(house.request, 0, &text) == PURSER_WRONG_STATE);
  CHECK(request.gets == 0 && request.entries == 0);
  CHECK(purser_report(house.request, 0) == PURSER_OK);
  house_end(&house);
  house_close(&house);
}

static void a_bad_reload_says_why_and_the_old_plan_serves_on(void) {
  house house;
  host_request request = host_reviews();
  purser_problems *problems = NULL;
  purser_problem problem;
  purser_text text, before, after;
  size_t count = 0;
  if (!house_open(&house, NULL, allow_all)) return;
  CHECK(purser_policy_set_digest(house.set, &before) == PURSER_OK && before.size == 64);
  CHECK(set_load(house.set, broken, &problems) == PURSER_PROBLEMS);
  REQUIRE(problems != NULL);
  CHECK(purser_problems_count(problems, &count) == PURSER_OK && count == 1);
  CHECK(purser_problems_get(problems, 0, &problem) == PURSER_OK);
  CHECK(problem.severity == PURSER_SEVERITY_ERROR && text_is(problem.file, "test.yaml"));
  CHECK(problem.line == 6 && problem.column > 10);
  CHECK(text_has(problem.message, "request.metod") && text_has(problem.message, "request.method"));
  CHECK(purser_problems_get(problems, 1, &problem) == PURSER_INVALID_ARGUMENT);
  CHECK(purser_problems_text(problems, &text) == PURSER_OK);
  CHECK(text_has(text, "test.yaml:6:") && text_has(text, "error: ") && text_has(text, "^"));
  purser_problems_free(problems);
  CHECK(set_load(house.set, broken, NULL) == PURSER_PROBLEMS);
  CHECK(purser_policy_set_digest(house.set, &after) == PURSER_OK);
  CHECK(after.size == before.size && memcmp(after.data, before.data, after.size) == 0);
  purser_text_free(&before);
  purser_text_free(&after);
  CHECK(before.data == NULL && before.size == 0);
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void an_emptied_configuration_is_refused_unless_it_may_be_empty(void) {
  house house;
  host_request request = host_reviews();
  purser_problems *problems = NULL;
  purser_load_options nothing;
  if (!house_open(&house, NULL, deny_all)) return;
  CHECK(set_load(house.set, YAML_HEAD("PolicySet", "edge") "spec: {default: ALLOW}\n", &problems) == PURSER_PROBLEMS);
  CHECK(problems != NULL);
  purser_problems_free(problems);
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY);
  CLEAR(nothing);
  nothing.size = sizeof nothing;
  CHECK(purser_policy_set_load(house.set, &nothing, NULL) == PURSER_PROBLEMS);
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_DENY);
  CHECK(set_loads(house.set, YAML_HEAD("PolicySet", "edge") "spec: {default: ALLOW, allowEmpty: true}\n"));
  CHECK(house_decide(&house, &request) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void an_open_request_keeps_the_plan_of_its_check(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_request *second = request_memory();
  purser_text first_plan, plan;
  char kept[64];
  if (!house_open(&house, NULL, allow_all)) return;
  if (!house_check(&house, &context)) return;
  CHECK(purser_decision_plan(house.request, &first_plan) == PURSER_OK && first_plan.size == sizeof kept);
  memcpy(kept, first_plan.data, sizeof kept);
  CHECK(set_loads(house.set, deny_all));
  CHECK(verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  CHECK(purser_decision_plan(house.request, &plan) == PURSER_OK && memcmp(plan.data, kept, sizeof kept) == 0);
  CHECK(purser_request_begin(second, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  CHECK(purser_check(second, 0, NULL) == PURSER_OK && verdict_of(second) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_plan(second, &plan) == PURSER_OK && memcmp(plan.data, kept, sizeof kept) != 0);
  CHECK(purser_policy_set_free(house.set) == PURSER_BUSY);
  CHECK(purser_worker_free(house.worker) == PURSER_BUSY);
  CHECK(purser_engine_free(house.engine) == PURSER_BUSY);
  CHECK(purser_report(house.request, 0) == PURSER_OK);
  CHECK(purser_report(second, 0) == PURSER_OK);
  CHECK(purser_request_end(second) == PURSER_OK);
  house_end(&house);
  free(second);
  house_close(&house);
}

static void a_plan_is_shared_by_sets_and_outlives_its_owner_s_share(void) {
  house house, other;
  host_request context = host_reviews();
  purser_document document;
  purser_load_options options = load_options(deny_all, &document);
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  purser_plan_summary summary;
  purser_text digest, of_set;
  REQUIRE(purser_plan_load(&options, &plan, &problems) == PURSER_OK);
  CHECK(problems == NULL);
  CHECK(purser_plan_digest(plan, &digest) == PURSER_OK && digest.size == 64);
  CLEAR(summary);
  summary.size = sizeof summary;
  CHECK(purser_plan_summarize(plan, &summary) == PURSER_OK);
  CHECK(summary.policies == 1 && summary.rules == 1 && summary.metrics == 0 && summary.backends == 0);
  if (!house_open(&house, NULL, NULL) || !house_open(&other, NULL, NULL)) return;
  CHECK(purser_policy_set_use(house.set, plan, NULL) == PURSER_OK);
  CHECK(purser_policy_set_use(other.set, plan, &problems) == PURSER_OK);
  purser_problems_free(problems);
  CHECK(purser_policy_set_digest(other.set, &of_set) == PURSER_OK);
  CHECK(of_set.size == digest.size && memcmp(of_set.data, digest.data, digest.size) == 0);
  purser_text_free(&of_set);
  purser_plan_free(plan);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_DENY);
  house_close(&house);
  CHECK(house_decide(&other, &context) == PURSER_VERDICT_DENY);
  house_close(&other);
}

static void equal_documents_have_equal_digests(void) {
  purser_document document;
  purser_load_options options = load_options(allow_all, &document);
  purser_plan *first = NULL, *second = NULL, *third = NULL;
  purser_text a, b, c;
  REQUIRE(purser_plan_load(&options, &first, NULL) == PURSER_OK);
  REQUIRE(purser_plan_load(&options, &second, NULL) == PURSER_OK);
  document.text = text_of(deny_all);
  REQUIRE(purser_plan_load(&options, &third, NULL) == PURSER_OK);
  CHECK(purser_plan_digest(first, &a) == PURSER_OK && purser_plan_digest(second, &b) == PURSER_OK);
  CHECK(purser_plan_digest(third, &c) == PURSER_OK);
  CHECK(memcmp(a.data, b.data, 64) == 0 && memcmp(a.data, c.data, 64) != 0);
  purser_plan_free(first);
  purser_plan_free(second);
  purser_plan_free(third);
}

static void all_problems_of_a_load_are_told_at_once(void) {
  purser_document documents[3];
  purser_load_options options = load_options(broken, &documents[0]);
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  purser_text text;
  size_t count = 0;
  documents[1].name = text_of("kind.yaml");
  documents[1].text = text_of("apiVersion: purser.dev/v1alpha1\nkind: Polcy\nmetadata: {name: a}\nspec: {}\n");
  documents[2].name = text_of("field.yaml");
  documents[2].text = text_of(YAML_HEAD("Policy", "b") "spec:\n  rules:\n  - {name: x, action: DENY, whenn: true}\n");
  options.documents_count = 3;
  CHECK(purser_plan_load(&options, &plan, &problems) == PURSER_PROBLEMS);
  CHECK(plan == NULL);
  REQUIRE(problems != NULL);
  CHECK(purser_problems_count(problems, &count) == PURSER_OK && count >= 3);
  CHECK(purser_problems_text(problems, &text) == PURSER_OK);
  CHECK(text_has(text, "test.yaml:6:") && text_has(text, "kind.yaml:2:") && text_has(text, "field.yaml:"));
  CHECK(text_has(text, "Policy") && text_has(text, "when"));
  purser_problems_free(problems);
}

static void a_warning_comes_with_the_plan(void) {
  purser_document document;
  purser_load_options options = load_options(
      YAML_HEAD("Policy", "a") "spec:\n  rules:\n  - name: tier\n    action: DENY\n"
                               "    when: request.headers[\"x-tier\"] == \"none\"\n", &document);
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  purser_problem problem;
  REQUIRE(purser_plan_load(&options, &plan, &problems) == PURSER_OK);
  REQUIRE(problems != NULL);
  CHECK(purser_problems_get(problems, 0, &problem) == PURSER_OK);
  CHECK(problem.severity == PURSER_SEVERITY_WARNING && text_has(problem.message, "x-tier"));
  purser_problems_free(problems);
  purser_plan_free(plan);
}

int main(void) {
  RUN(before_the_first_plan_everything_is_denied);
  RUN(a_bad_reload_says_why_and_the_old_plan_serves_on);
  RUN(an_emptied_configuration_is_refused_unless_it_may_be_empty);
  RUN(an_open_request_keeps_the_plan_of_its_check);
  RUN(a_plan_is_shared_by_sets_and_outlives_its_owner_s_share);
  RUN(equal_documents_have_equal_digests);
  RUN(all_problems_of_a_load_are_told_at_once);
  RUN(a_warning_comes_with_the_plan);
  return test_end();
}

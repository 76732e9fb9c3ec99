/*
 * misuse.c - NULL wherever a pointer is taken, options that are too small, handles that are none, freeing out of order.
 * Each returns a status; nothing is written to out parameters.
 */
#include "host.h"

#define REFUSED(call) CHECK((call) == PURSER_INVALID_ARGUMENT)

static const char *const allow_all = YAML_HEAD("Policy", "all") "spec:\n  rules:\n  - {name: all, action: ALLOW, when: true}\n";

static void null_is_refused_by_what_needs_no_engine(void) {
  uint32_t number = 7;
  size_t count = 7;
  purser_text text;
  purser_problem problem;
  purser_plan *plan = NULL;
  purser_plan_summary summary;
  purser_rule_reference rule;
  purser_attribute_info info;
  purser_external_rule external;
  purser_store *store = NULL;
  purser_document document;
  purser_load_options options = load_options(allow_all, &document);
  CLEAR(summary);
  summary.size = sizeof summary;
  CLEAR(info);
  info.size = sizeof info;
  CLEAR(external);
  external.size = sizeof external;
  purser_text_free(NULL);
  purser_problems_free(NULL);
  purser_plan_free(NULL);
  REFUSED(purser_attribute_number(text_of("request.method"), NULL));
  REFUSED(purser_attribute_number(text_bytes(NULL, 5), &number));
  REFUSED(purser_attribute_describe(1, NULL));
  REFUSED(purser_problems_count(NULL, &count));
  REFUSED(purser_problems_get(NULL, 0, &problem));
  REFUSED(purser_problems_text(NULL, &text));
  REFUSED(purser_plan_load(NULL, &plan, NULL));
  REFUSED(purser_plan_load(&options, NULL, NULL));
  REFUSED(purser_plan_digest(NULL, &text));
  REFUSED(purser_plan_summarize(NULL, &summary));
  REFUSED(purser_plan_compiled(NULL, &count, &count));
  REFUSED(purser_plan_attributes_count(NULL, &count));
  REFUSED(purser_plan_unindexed_count(NULL, &count));
  REFUSED(purser_plan_unindexed_rule(NULL, 0, &rule));
  REFUSED(purser_plan_attribute(NULL, 0, &info));
  REFUSED(purser_plan_externals_count(NULL, &count));
  REFUSED(purser_plan_external(NULL, 0, &external));
  REFUSED(purser_plan_external_key(NULL, 0, 0, &text));
  REFUSED(purser_store_open(text_of(""), &store, NULL));
  REFUSED(purser_store_open(text_of("/nowhere"), NULL, NULL));
  REFUSED(purser_store_scan(NULL, 0, 0, &count));
  REFUSED(purser_store_file(NULL, 0, NULL));
  REFUSED(purser_store_find(NULL, NULL, 0, NULL));
  REFUSED(purser_store_purge(NULL));
  REFUSED(purser_store_purge_policy(NULL, text_of("a")));
  REFUSED(purser_store_purge_attribute(NULL, text_of("a.b"), NULL));
  REFUSED(purser_cache_purge(NULL));
  REFUSED(purser_cache_purge_policy(NULL, text_of("a")));
  REFUSED(purser_cache_purge_attribute(NULL, text_of("a.b"), NULL));
  REFUSED(purser_cache_problem(NULL, &text));
  purser_store_free(NULL);
  CHECK(purser_scratch_allocate(NULL, 8) == NULL);
  REFUSED(purser_visit(NULL, text_of("a"), NULL));
  CHECK(number == 7 && count == 7 && plan == NULL);
}

static void null_is_refused_by_plans_and_problems(void) {
  purser_rule_reference rule;
  purser_document document;
  purser_load_options options = load_options(allow_all, &document);
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  size_t count = 7;
  REQUIRE(purser_plan_load(&options, &plan, NULL) == PURSER_OK);
  REFUSED(purser_plan_digest(plan, NULL));
  REFUSED(purser_plan_summarize(plan, NULL));
  REFUSED(purser_plan_compiled(plan, NULL, &count));
  REFUSED(purser_plan_compiled(plan, &count, NULL));
  REFUSED(purser_plan_attributes_count(plan, NULL));
  REFUSED(purser_plan_unindexed_count(plan, NULL));
  REFUSED(purser_plan_unindexed_rule(plan, 0, NULL));
  REFUSED(purser_plan_unindexed_rule(plan, SIZE_MAX, &rule));
  REFUSED(purser_plan_attribute(plan, 0, NULL));
  REFUSED(purser_plan_externals_count(plan, NULL));
  REFUSED(purser_plan_external(plan, 0, NULL));
  REFUSED(purser_plan_external_key(plan, 0, 0, NULL));
  purser_plan_free(plan);
  plan = NULL;
  document.text = text_of("kind: [");
  REQUIRE(purser_plan_load(&options, &plan, &problems) == PURSER_PROBLEMS);
  REFUSED(purser_problems_count(problems, NULL));
  REFUSED(purser_problems_get(problems, 0, NULL));
  REFUSED(purser_problems_text(problems, NULL));
  purser_problems_free(problems);
}

static void arrays_with_a_count_and_no_memory_are_refused(void) {
  purser_load_options options;
  purser_engine_options engine_options;
  purser_document document;
  purser_engine *engine = NULL;
  purser_plan *plan = NULL;
  purser_text path;
  CLEAR(options);
  options.size = sizeof options;
  options.paths_count = 1;
  REFUSED(purser_plan_load(&options, &plan, NULL));
  path = text_bytes(NULL, 9);
  options.paths = &path;
  REFUSED(purser_plan_load(&options, &plan, NULL));
  CLEAR(options);
  options.size = sizeof options;
  options.documents_count = 1;
  REFUSED(purser_plan_load(&options, &plan, NULL));
  document.name = text_of("a");
  document.text = text_bytes(NULL, 9);
  options.documents = &document;
  REFUSED(purser_plan_load(&options, &plan, NULL));
  options = load_options(allow_all, &document);
  options.constants_count = 1;
  REFUSED(purser_plan_load(&options, &plan, NULL));
  options = load_options(allow_all, &document);
  options.attributes_served_count = 1; /* with NULL it would mean all, which nobody counts */
  REFUSED(purser_plan_load(&options, &plan, NULL));
  CLEAR(engine_options);
  engine_options.size = sizeof engine_options;
  engine_options.constants_count = 1;
  REFUSED(purser_engine_new(&engine_options, &engine));
  CLEAR(engine_options);
  engine_options.size = sizeof engine_options;
  engine_options.attributes_served_count = 1;
  REFUSED(purser_engine_new(&engine_options, &engine));
  CHECK(plan == NULL && engine == NULL);
}

static void structs_that_are_too_small_are_refused(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_document document;
  purser_load_options load = load_options(allow_all, &document);
  purser_engine_options engine_options;
  purser_request_options request_options;
  purser_plan_summary summary;
  purser_pending pending;
  purser_watch watch;
  purser_load_options watched;
  purser_text path = text_of("/");
  purser_engine *engine = NULL;
  purser_plan *plan = NULL;
  size_t sizes[3] = {0, 1, sizeof(size_t) - 1}, at;
  if (!house_open(&house, NULL, allow_all)) return;
  CLEAR(engine_options);
  CLEAR(request_options);
  CLEAR(summary);
  CLEAR(pending);
  CLEAR(watch);
  CLEAR(watched);
  watched.size = sizeof watched;
  watched.paths = &path;
  watched.paths_count = 1;
  REQUIRE(purser_plan_load(&load, &plan, NULL) == PURSER_OK);
  for (at = 0; at < 3; at += 1) {
    purser_plan *none = NULL;
    load.size = engine_options.size = request_options.size = summary.size = pending.size = host.size = sizes[at];
    REFUSED(purser_plan_load(&load, &none, NULL));
    REFUSED(purser_policy_set_load(house.set, &load, NULL));
    REFUSED(purser_policy_set_watch(house.set, &load, NULL, NULL));
    watch.size = sizes[at];
    REFUSED(purser_policy_set_watch(house.set, &watched, &watch, NULL));
    REFUSED(purser_engine_new(&engine_options, &engine));
    REFUSED(purser_plan_summarize(plan, &summary));
    REFUSED(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL));
    host.size = sizeof host;
    REFUSED(purser_request_begin(house.request, house.worker, house.set, &host, &context, &request_options));
    CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
    REFUSED(purser_check(house.request, 0, &pending));
    CHECK(purser_request_end(house.request) == PURSER_OK);
  }
  /* A host of a later header knows more fields than this library. */
  {
    struct {
      purser_engine_options known;
      char later[64];
    } larger;
    memset(&larger, 0x5A, sizeof larger);
    CLEAR(larger.known);
    larger.known.size = sizeof larger;
    CHECK(purser_engine_new(&larger.known, &engine) == PURSER_OK);
    CHECK(purser_engine_free(engine) == PURSER_OK);
  }
  purser_plan_free(plan);
  house_close(&house);
}

static void null_is_refused_by_engine_set_and_worker(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_document document;
  purser_load_options load = load_options(allow_all, &document);
  purser_policy_set *set = NULL;
  purser_worker *worker = NULL;
  purser_plan *plan = NULL;
  purser_text text;
  uint32_t number = 0;
  size_t count = 0;
  if (!house_open(&house, NULL, allow_all)) return;
  REQUIRE(purser_plan_load(&load, &plan, NULL) == PURSER_OK);
  CHECK(purser_engine_free(NULL) == PURSER_OK);
  CHECK(purser_policy_set_free(NULL) == PURSER_OK);
  CHECK(purser_worker_free(NULL) == PURSER_OK);
  REFUSED(purser_engine_new(NULL, NULL));
  REFUSED(purser_engine_attribute(NULL, text_of("a.b"), text_of("string"), &number));
  REFUSED(purser_engine_attribute(house.engine, text_of("a.b"), text_of("string"), NULL));
  REFUSED(purser_engine_attribute(house.engine, text_bytes(NULL, 3), text_of("string"), &number));
  REFUSED(purser_policy_set_new(NULL, text_of("a"), &set));
  REFUSED(purser_policy_set_new(house.engine, text_of("a"), NULL));
  REFUSED(purser_policy_set_new(house.engine, text_bytes(NULL, 3), &set));
  REFUSED(purser_policy_set_use(NULL, plan, NULL));
  REFUSED(purser_policy_set_use(house.set, NULL, NULL));
  REFUSED(purser_policy_set_load(NULL, &load, NULL));
  REFUSED(purser_policy_set_load(house.set, NULL, NULL));
  REFUSED(purser_policy_set_watch(NULL, &load, NULL, NULL));
  REFUSED(purser_policy_set_watch(house.set, NULL, NULL, NULL));
  REFUSED(purser_policy_set_watch(house.set, &load, NULL, NULL)); /* documents, but no path */
  REFUSED(purser_policy_set_unwatch(NULL));
  CHECK(purser_policy_set_unwatch(house.set) == PURSER_NOT_FOUND);
  REFUSED(purser_policy_set_digest(NULL, &text));
  REFUSED(purser_policy_set_digest(house.set, NULL));
  REFUSED(purser_policy_set_compiled(NULL, &count, &count));
  REFUSED(purser_policy_set_compiled(house.set, NULL, &count));
  REFUSED(purser_policy_set_compiled(house.set, &count, NULL));
  REFUSED(purser_worker_new(NULL, &worker));
  REFUSED(purser_worker_new(house.engine, NULL));
  REFUSED(purser_metrics_render(NULL, text_of(""), &text));
  REFUSED(purser_metrics_render(house.engine, text_of(""), NULL));
  REFUSED(purser_backend_address(NULL, text_of("a"), &text));
  REFUSED(purser_backend_address(house.engine, text_of("a"), NULL));
  REFUSED(purser_engine_flush(NULL, 0));
  REFUSED(purser_request_begin(NULL, house.worker, house.set, &host, &context, NULL));
  REFUSED(purser_request_begin(house.request, NULL, house.set, &host, &context, NULL));
  REFUSED(purser_request_begin(house.request, house.worker, NULL, &host, &context, NULL));
  REFUSED(purser_request_begin(house.request, house.worker, house.set, NULL, &context, NULL));
  host.get = NULL;
  REFUSED(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL));
  REFUSED(purser_check(NULL, 0, NULL));
  REFUSED(purser_check_wait(NULL, 0, 0));
  REFUSED(purser_cache_purge_policy(house.engine, text_of("")));
  REFUSED(purser_cache_purge_attribute(house.engine, text_of("source.principal"), NULL));
  REFUSED(purser_cache_problem(house.engine, NULL));
  REFUSED(purser_resume(NULL, 0));
  REFUSED(purser_cancel(NULL));
  REFUSED(purser_report(NULL, 0));
  REFUSED(purser_request_end(NULL));
  REFUSED(purser_explain(NULL, 0, &text));
  CHECK(set == NULL && worker == NULL);
  purser_plan_free(plan);
  house_close(&house);
}

static void null_is_refused_by_every_getter(void) {
  house house;
  host_request context = host_reviews();
  purser_text text;
  purser_header header;
  purser_rule_reference rule;
  purser_verdict verdict;
  purser_reason_kind kind;
  uint32_t a = 0, b = 0;
  size_t count = 0;
  if (!house_open(&house, NULL, allow_all)) return;
  REFUSED(purser_decision_verdict(NULL, &verdict));
  REFUSED(purser_decision_status(NULL, &a, &b));
  REFUSED(purser_decision_message(NULL, &text));
  REFUSED(purser_decision_body(NULL, &text));
  REFUSED(purser_decision_reason_kind(NULL, &kind));
  REFUSED(purser_decision_reason(NULL, &text));
  REFUSED(purser_decision_rule(NULL, &rule));
  REFUSED(purser_decision_request_headers_count(NULL, &count));
  REFUSED(purser_decision_request_header(NULL, 0, &header));
  REFUSED(purser_decision_response_headers_count(NULL, &count));
  REFUSED(purser_decision_response_header(NULL, 0, &header));
  REFUSED(purser_decision_audits_count(NULL, &count));
  REFUSED(purser_decision_audit(NULL, 0, &rule));
  REFUSED(purser_decision_errors_count(NULL, &count));
  REFUSED(purser_decision_error(NULL, 0, &rule, &text));
  REFUSED(purser_decision_is_cached(NULL, &a));
  REFUSED(purser_decision_shadow_verdict(NULL, &verdict));
  REFUSED(purser_decision_shadow_rules_count(NULL, &count));
  REFUSED(purser_decision_shadow_rule(NULL, 0, &rule));
  REFUSED(purser_decision_plan(NULL, &text));
  if (!house_check(&house, &context)) return;
  REFUSED(purser_decision_verdict(house.request, NULL));
  REFUSED(purser_decision_status(house.request, NULL, &b));
  REFUSED(purser_decision_status(house.request, &a, NULL));
  REFUSED(purser_decision_message(house.request, NULL));
  REFUSED(purser_decision_body(house.request, NULL));
  REFUSED(purser_decision_reason_kind(house.request, NULL));
  REFUSED(purser_decision_reason(house.request, NULL));
  REFUSED(purser_decision_rule(house.request, NULL));
  REFUSED(purser_decision_request_headers_count(house.request, NULL));
  REFUSED(purser_decision_request_header(house.request, 0, NULL));
  REFUSED(purser_decision_response_headers_count(house.request, NULL));
  REFUSED(purser_decision_response_header(house.request, 0, NULL));
  REFUSED(purser_decision_audits_count(house.request, NULL));
  REFUSED(purser_decision_audit(house.request, 0, NULL));
  REFUSED(purser_decision_errors_count(house.request, NULL));
  REFUSED(purser_decision_error(house.request, 0, NULL, NULL));
  REFUSED(purser_decision_is_cached(house.request, NULL));
  REFUSED(purser_decision_shadow_verdict(house.request, NULL));
  REFUSED(purser_decision_shadow_rules_count(house.request, NULL));
  REFUSED(purser_decision_shadow_rule(house.request, 0, NULL));
  REFUSED(purser_decision_plan(house.request, NULL));
  REFUSED(purser_explain(house.request, 0, NULL));
  REFUSED(purser_decision_audit(house.request, SIZE_MAX, &rule));
  REFUSED(purser_decision_request_header(house.request, SIZE_MAX, &header));
  house_end(&house);
  house_close(&house);
}

static void an_engine_is_not_freed_before_its_sets_and_workers(void) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL, allow_all)) return;
  CHECK(purser_engine_free(house.engine) == PURSER_BUSY);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  CHECK(purser_worker_free(house.worker) == PURSER_OK);
  CHECK(purser_engine_free(house.engine) == PURSER_BUSY);
  CHECK(purser_policy_set_free(house.set) == PURSER_OK);
  CHECK(purser_engine_free(house.engine) == PURSER_OK);
  free(house.request);
}

static void worker_and_set_belong_to_one_engine(void) {
  house house, other;
  host_request context = host_reviews();
  purser_host host = host_table();
  if (!house_open(&house, NULL, allow_all) || !house_open(&other, NULL, allow_all)) return;
  CHECK(purser_request_begin(house.request, house.worker, other.set, &host, &context, NULL) == PURSER_WRONG_STATE);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
  house_close(&other);
}

static void request_memory_that_is_not_aligned_is_refused(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  char *memory = (char *)calloc(1, purser_request_size() + 64);
  uintptr_t aligned = ((uintptr_t)memory + 15) / 16 * 16;
  if (!house_open(&house, NULL, allow_all)) return;
  CHECK(purser_request_begin((purser_request *)(aligned + 4), house.worker, house.set, &host, &context, NULL) ==
        PURSER_INVALID_ARGUMENT);
  free(memory);
  house_close(&house);
}

static void backends_that_are_not_there_are_not_found(void) {
  house house;
  purser_text text;
  if (!house_open(&house, NULL, allow_all)) return;
  CHECK(purser_metrics_render(house.engine, text_of("prom"), &text) == PURSER_NOT_FOUND);
  CHECK(purser_backend_address(house.engine, text_of("prom"), &text) == PURSER_NOT_FOUND);
  CHECK(purser_backend_address(house.engine, text_of(""), &text) == PURSER_NOT_FOUND);
  CHECK(purser_engine_flush(house.engine, 0) == PURSER_OK);
  house_close(&house);
}

int main(void) {
  RUN(null_is_refused_by_what_needs_no_engine);
  RUN(null_is_refused_by_plans_and_problems);
  RUN(arrays_with_a_count_and_no_memory_are_refused);
  RUN(structs_that_are_too_small_are_refused);
  RUN(null_is_refused_by_engine_set_and_worker);
  RUN(null_is_refused_by_every_getter);
  RUN(an_engine_is_not_freed_before_its_sets_and_workers);
  RUN(worker_and_set_belong_to_one_engine);
  RUN(request_memory_that_is_not_aligned_is_refused);
  RUN(backends_that_are_not_there_are_not_found);
  return test_end();
}

/*
 * addresses.c - every function of purser.h exists: the compiler takes its address, the linker finds it, and the loader
 * gives the same one by name. A function that is declared and missing fails here; symbols.sh holds this table to the
 * header.
 */
#include <dlfcn.h>

#include "host.h"

typedef void (*function)(void);

typedef struct named_function {
  const char *name;
  function address;
} named_function;

#define ADDRESS(name) {#name, (function)(name)}

static const named_function functions[] = {
    ADDRESS(purser_attribute_describe),
    ADDRESS(purser_attribute_number),
    ADDRESS(purser_backend_address),
    ADDRESS(purser_cache_problem),
    ADDRESS(purser_cache_purge),
    ADDRESS(purser_cache_purge_attribute),
    ADDRESS(purser_cache_purge_policy),
    ADDRESS(purser_cancel),
    ADDRESS(purser_check),
    ADDRESS(purser_check_wait),
    ADDRESS(purser_decision_audit),
    ADDRESS(purser_decision_audits_count),
    ADDRESS(purser_decision_body),
    ADDRESS(purser_decision_error),
    ADDRESS(purser_decision_errors_count),
    ADDRESS(purser_decision_is_cached),
    ADDRESS(purser_decision_message),
    ADDRESS(purser_decision_plan),
    ADDRESS(purser_decision_reason),
    ADDRESS(purser_decision_reason_kind),
    ADDRESS(purser_decision_request_header),
    ADDRESS(purser_decision_request_headers_count),
    ADDRESS(purser_decision_response_header),
    ADDRESS(purser_decision_response_headers_count),
    ADDRESS(purser_decision_rule),
    ADDRESS(purser_decision_shadow_rule),
    ADDRESS(purser_decision_shadow_rules_count),
    ADDRESS(purser_decision_shadow_verdict),
    ADDRESS(purser_decision_status),
    ADDRESS(purser_decision_verdict),
    ADDRESS(purser_engine_attribute),
    ADDRESS(purser_engine_flush),
    ADDRESS(purser_engine_free),
    ADDRESS(purser_engine_new),
    ADDRESS(purser_explain),
    ADDRESS(purser_metrics_render),
    ADDRESS(purser_plan_attribute),
    ADDRESS(purser_plan_attributes_count),
    ADDRESS(purser_plan_compiled),
    ADDRESS(purser_plan_digest),
    ADDRESS(purser_plan_external),
    ADDRESS(purser_plan_external_key),
    ADDRESS(purser_plan_externals_count),
    ADDRESS(purser_plan_free),
    ADDRESS(purser_plan_load),
    ADDRESS(purser_plan_summarize),
    ADDRESS(purser_plan_unindexed_count),
    ADDRESS(purser_plan_unindexed_rule),
    ADDRESS(purser_policy_set_compiled),
    ADDRESS(purser_policy_set_digest),
    ADDRESS(purser_policy_set_free),
    ADDRESS(purser_policy_set_load),
    ADDRESS(purser_policy_set_new),
    ADDRESS(purser_policy_set_unwatch),
    ADDRESS(purser_policy_set_use),
    ADDRESS(purser_policy_set_watch),
    ADDRESS(purser_problems_count),
    ADDRESS(purser_problems_free),
    ADDRESS(purser_problems_get),
    ADDRESS(purser_problems_text),
    ADDRESS(purser_report),
    ADDRESS(purser_request_begin),
    ADDRESS(purser_request_end),
    ADDRESS(purser_request_size),
    ADDRESS(purser_resume),
    ADDRESS(purser_scratch_allocate),
    ADDRESS(purser_status_text),
    ADDRESS(purser_store_file),
    ADDRESS(purser_store_find),
    ADDRESS(purser_store_free),
    ADDRESS(purser_store_open),
    ADDRESS(purser_store_purge),
    ADDRESS(purser_store_purge_attribute),
    ADDRESS(purser_store_purge_policy),
    ADDRESS(purser_store_scan),
    ADDRESS(purser_text_free),
    ADDRESS(purser_version),
    ADDRESS(purser_visit),
    ADDRESS(purser_worker_free),
    ADDRESS(purser_worker_new),
};

static void every_function_has_the_address_that_its_name_has(void) {
  size_t at;
  for (at = 0; at < sizeof functions / sizeof functions[0]; at += 1) {
    void *found = dlsym(RTLD_DEFAULT, functions[at].name);
    function address = functions[at].address;
    if (!CHECK(found != NULL) || !CHECK(memcmp(&found, &address, sizeof address) == 0))
      printf("  %s\n", functions[at].name);
  }
}

static void every_function_has_the_version_PURSER_1(void) {
  size_t at;
  for (at = 0; at < sizeof functions / sizeof functions[0]; at += 1)
    if (!CHECK(dlvsym(RTLD_DEFAULT, functions[at].name, "PURSER_1") != NULL)) printf("  %s\n", functions[at].name);
}

int main(void) {
  RUN(every_function_has_the_address_that_its_name_has);
  RUN(every_function_has_the_version_PURSER_1);
  return test_end();
}

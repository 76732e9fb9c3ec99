#include "filter_configuration.h"

#include "attributes.h"
#include "envoy_abi.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

ENVOY_HOOK const char *envoy_dynamic_module_on_program_init(void);
ENVOY_HOOK filter_configuration *envoy_dynamic_module_on_http_filter_config_new(void *envoy, envoy_text name,
                                                                                envoy_text text);
ENVOY_HOOK void envoy_dynamic_module_on_http_filter_config_destroy(filter_configuration *made);

const char *envoy_dynamic_module_on_program_init(void) { return ENVOY_ABI_VERSION; }

static bool is_validating(void) { return ENVOY(is_validation_mode) != NULL && ENVOY(is_validation_mode)(); }

/* Every line of every problem; warnings of a load that succeeded are there too. */
static void log_problems(const purser_problems *problems, enum envoy_log_level level) {
  purser_text text;
  if (problems == NULL) return;
  if (purser_problems_text(problems, &text) == PURSER_OK) log_lines(level, text);
}

/* What to load, held against what this module can supply. The caller frees what it gives; NULL without memory. */
static purser_text *load_options(const filter_configuration *made, purser_load_options *options_out) {
  purser_load_options options = {.size = sizeof options};
  purser_text *served = attributes_served(&made->configuration, &options.attributes_served_count);
  options.attributes_served = served;
  options.paths = made->configuration.policies;
  options.paths_count = made->configuration.policies_count;
  options.constants = made->configuration.constants;
  options.constants_count = made->configuration.constants_count;
  *options_out = options;
  return served;
}

/* The plan of the documents; NULL after saying why in the log. */
static purser_plan *load_plan(const filter_configuration *made) {
  purser_load_options options;
  purser_problems *problems = NULL;
  purser_plan *plan = NULL;
  purser_status status;
  purser_text *served = load_options(made, &options);
  if (served == NULL) return NULL;
  status = purser_plan_load(&options, &plan, &problems);
  free(served);
  log_problems(problems, status == PURSER_OK ? ENVOY_LOG_WARN : ENVOY_LOG_ERROR);
  purser_problems_free(problems);
  if (status == PURSER_OK) return plan;
  log_line(ENVOY_LOG_ERROR, "purser: %s: policies not loaded: %s", made->name.data, purser_status_text(status));
  return NULL;
}

/* A store that cannot be used stops nobody, but who configured it wants to know. */
static void log_store_problem(const filter_configuration *made) {
  purser_text problem = {NULL, 0};
  if (made->configuration.engine_options.store_directory.size == 0) return;
  if (purser_cache_problem(process_engine_get(made->engine), &problem) != PURSER_OK) return;
  log_line(ENVOY_LOG_WARN, "purser: %s: answers are kept in memory only: %.*s", made->name.data, (int)problem.size,
           problem.data);
  purser_text_free(&problem);
}

/* Gives the plan to a policy set of its own. */
static bool use_plan(filter_configuration *made, purser_plan *plan) {
  purser_problems *problems = NULL;
  purser_status status;
  made->engine = process_engine_acquire(&made->configuration.engine_options);
  if (made->engine == NULL) return false;
  status = purser_policy_set_new(process_engine_get(made->engine), made->name, &made->set);
  if (status == PURSER_OK) {
    status = purser_policy_set_use(made->set, plan, &problems);
    log_problems(problems, status == PURSER_OK ? ENVOY_LOG_WARN : ENVOY_LOG_ERROR);
    purser_problems_free(problems);
  }
  if (status == PURSER_OK) {
    log_store_problem(made);
    return true;
  }
  log_line(ENVOY_LOG_ERROR, "purser: %s: policies not used: %s", made->name.data, purser_status_text(status));
  return false;
}

/* Before the plan meets its first request. */
static void prepare_plan(void *user, const purser_plan *plan) {
  filter_configuration *made = user;
  made->loaded = (purser_plan_summary){.size = sizeof made->loaded};
  if (purser_plan_summarize(plan, &made->loaded) != PURSER_OK || made->loaded.metrics + made->loaded.access_logs > 0) {
    atomic_store_explicit(&made->has_telemetry, true, memory_order_release);
  }
}

/* Files changed. On a thread of the engine, as log.h allows; nothing else here calls Envoy. */
static void tell_change(void *user, purser_status status, const purser_problems *problems) {
  filter_configuration *made = user;
  purser_text digest = {NULL, 0};
  log_problems(problems, status == PURSER_OK ? ENVOY_LOG_WARN : ENVOY_LOG_ERROR);
  if (status != PURSER_OK) {
    log_line(ENVOY_LOG_ERROR, "purser: %s: files changed: not loaded, the old policies go on: %s", made->name.data,
             purser_status_text(status));
    return;
  }
  if (purser_policy_set_digest(made->set, &digest) != PURSER_OK) return;
  log_line(ENVOY_LOG_INFO, "purser: %s: files changed: %zu policies with %zu rules, %zu metrics, %zu access logs, digest %.12s",
           made->name.data, made->loaded.policies, made->loaded.rules, made->loaded.metrics, made->loaded.access_logs,
           digest.data);
  purser_text_free(&digest);
}

/* From here on the set follows its files, until it is freed. They are loaded once more: what changed since they were loaded is
 * held against the plan that is there, and a swap to no enforced Policy is refused. */
static bool watch_files(filter_configuration *made) {
  purser_load_options options;
  purser_watch watch = {.size = sizeof watch, .user = made, .prepare = prepare_plan, .done = tell_change};
  purser_problems *problems = NULL;
  purser_status status;
  purser_text *served = load_options(made, &options);
  if (served == NULL) return false;
  status = purser_policy_set_watch(made->set, &options, &watch, &problems);
  free(served);
  /* Warnings were in the log before. */
  if (status != PURSER_OK) log_problems(problems, ENVOY_LOG_ERROR);
  purser_problems_free(problems);
  if (status == PURSER_OK) return true;
  log_line(ENVOY_LOG_ERROR, "purser: %s: policies not watched: %s", made->name.data, purser_status_text(status));
  return false;
}

static void log_loaded(const filter_configuration *made, const purser_plan *plan, const purser_plan_summary *summary) {
  purser_text digest = {"", 0};
  purser_plan_digest(plan, &digest);
  log_line(ENVOY_LOG_INFO, "purser: %s: %s %zu policies with %zu rules, %zu metrics, %zu access logs, digest %.12s",
           made->name.data, made->set == NULL ? "validated" : "loaded", summary->policies, summary->rules,
           summary->metrics, summary->access_logs, digest.data);
}

static void destroy(filter_configuration *made) {
  purser_status status = purser_policy_set_free(made->set);
  if (status != PURSER_OK) {
    /* Open requests would be a mistake of ours. What they use is left alone. */
    log_line(ENVOY_LOG_ERROR, "purser: %s: the policy set stays: %s", made->name.data, purser_status_text(status));
    return;
  }
  if (made->engine != NULL) process_engine_release(made->engine);
  configuration_free(&made->configuration);
  free(made->name_bytes);
  free(made);
}

static filter_configuration *allocate(envoy_text name) {
  filter_configuration *made = calloc(1, sizeof *made);
  /* With a NUL at the end, for the log. */
  char *copy = calloc(1, name.size + 1);
  if (made == NULL || copy == NULL) {
    free(made);
    free(copy);
    return NULL;
  }
  if (name.size > 0) memcpy(copy, name.data, name.size);
  made->name_bytes = copy;
  made->name = (purser_text){copy, name.size};
  return made;
}

static bool load(filter_configuration *made) {
  purser_plan_summary summary = {.size = sizeof summary};
  purser_plan *plan = load_plan(made);
  bool is_good;
  if (plan == NULL) return false;
  is_good = purser_plan_summarize(plan, &summary) == PURSER_OK;
  atomic_init(&made->has_telemetry, summary.metrics + summary.access_logs > 0);
  /* Each configuration has a set of its own, so the engine cannot see that policies were there before: a swap to none must
   * be meant. */
  if (is_good && summary.enforced_policies == 0 && !summary.allows_empty) {
    log_line(ENVOY_LOG_ERROR, "purser: %s: no enforced Policy among the documents; a PolicySet with `allowEmpty: true` permits it",
             made->name.data);
    is_good = false;
  }
  /* A validating Envoy gets every diagnostic of the documents, but no threads and no ports. */
  if (is_good && !is_validating()) {
    is_good = use_plan(made, plan) && (!made->configuration.watches || watch_files(made));
  }
  if (is_good) log_loaded(made, plan, &summary);
  purser_plan_free(plan);
  return is_good;
}

filter_configuration *envoy_dynamic_module_on_http_filter_config_new(void *envoy, envoy_text name, envoy_text text) {
  filter_configuration *made = allocate(name);
  char message[512];
  (void)envoy;
  if (made == NULL) return NULL;
  if (!configuration_read(&made->configuration, text.data, text.size, message, sizeof message)) {
    log_line(ENVOY_LOG_ERROR, "purser: %s: filter_config: %s", made->name.data, message);
  } else if (load(made)) {
    return made;
  }
  destroy(made);
  return NULL;
}

void envoy_dynamic_module_on_http_filter_config_destroy(filter_configuration *made) {
  log_line(ENVOY_LOG_DEBUG, "purser: %s: policy set given up", made->name.data);
  destroy(made);
}

#include <purser.h>
#include <stdio.h>
#include <stdlib.h>

static purser_presence get(void *path, uint32_t attribute, purser_scratch *scratch, purser_value *value_out) {
  (void)scratch;
  if (attribute != PURSER_ATTRIBUTE_REQUEST_PATH) return PURSER_ABSENT;
  *value_out = (purser_value){.type = PURSER_TYPE_STRING, .as.text = *(purser_text *)path};
  return PURSER_PRESENT;
}

int main(void) {
  purser_text policy = {"policy.yaml", 11}, path = {"/static/..//admin?x=1", 21}, reason;
  purser_load_options load = {.size = sizeof load, .paths = &policy, .paths_count = 1};
  purser_host host = {.size = sizeof host, .get = get};
  purser_engine *engine;
  purser_policy_set *set;
  purser_worker *worker; /* one a thread */
  if (purser_engine_new(NULL, &engine) || purser_policy_set_new(engine, (purser_text){0}, &set) ||
      purser_policy_set_load(set, &load, NULL) || purser_worker_new(engine, &worker)) return 1;
  purser_request *request = aligned_alloc(16, purser_request_size());
  purser_verdict verdict;
  if (purser_request_begin(request, worker, set, &host, &path, NULL) || purser_check(request, 0, NULL) ||
      purser_decision_verdict(request, &verdict) || purser_decision_reason(request, &reason)) return 1;
  printf("%s: %.*s\n", verdict == PURSER_VERDICT_ALLOW ? "allow" : "deny", (int)reason.size, reason.data);
  if (purser_report(request, 0) || purser_request_end(request)) return 1;
  free(request);
  return purser_worker_free(worker) || purser_policy_set_free(set) || purser_engine_free(engine);
}

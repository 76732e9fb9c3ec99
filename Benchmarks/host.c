#define _POSIX_C_SOURCE 200809L

#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATHS_MAX 32

void demand(purser_status status, const char *what) {
  if (status != PURSER_OK) {
    fprintf(stderr, "%s: %s\n", what, purser_status_text(status));
    exit(1);
  }
}

void host_start(host *host, const char *const *paths, size_t count) {
  purser_text texts[PATHS_MAX];
  purser_text name = {NULL, 0};
  purser_load_options options;
  purser_problems *problems = NULL;
  purser_status status;
  size_t i;
  if (count > PATHS_MAX) demand(PURSER_LIMIT_REACHED, "paths");
  for (i = 0; i < count; i++) {
    texts[i].data = paths[i];
    texts[i].size = strlen(paths[i]);
  }
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.paths = texts;
  options.paths_count = count;
  status = purser_plan_load(&options, &host->plan, &problems);
  if (problems != NULL) {
    purser_text words;
    if (purser_problems_text(problems, &words) == PURSER_OK) fprintf(stderr, "%.*s\n", (int)words.size, words.data);
    purser_problems_free(problems);
  }
  demand(status, "policies");
  demand(purser_engine_new(NULL, &host->engine), "engine");
  demand(purser_policy_set_new(host->engine, name, &host->set), "policy set");
  demand(purser_policy_set_use(host->set, host->plan, NULL), "plan");
  demand(purser_worker_new(host->engine, &host->worker), "worker");
  host->request = aligned_alloc(16, (purser_request_size() + 15) / 16 * 16);
  if (host->request == NULL) demand(PURSER_UNAVAILABLE, "request memory");
}

void host_stop(host *host) {
  demand(purser_worker_free(host->worker), "worker");
  demand(purser_policy_set_free(host->set), "policy set");
  demand(purser_engine_free(host->engine), "engine");
  purser_plan_free(host->plan);
  free(host->request);
}

int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

void sort_samples(double *samples, size_t count) { qsort(samples, count, sizeof *samples, compare); }

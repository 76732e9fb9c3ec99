/*
 * What reloads cost the checks beside them: the time of begin, check and end on one thread, each for itself, while nothing is
 * loaded and while another thread loads one of two sets of documents after the other without a pause.
 *
 *     bench_reload [RELOADS]     1000 unless given
 *
 * The percentiles have the clock in them, some 20 ns a sample. On a machine whose cores others use too, the 99.9th is theirs.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define RULES 100
#define SAMPLES_MAX 4000000

typedef struct loader {
  purser_policy_set *set;
  char *documents[2];
  int reloads;
  int is_over; /* atomic */
  double seconds;
} loader;

static purser_presence get(void *context, uint32_t attribute, purser_scratch *scratch, purser_value *value_out) {
  static const char path[] = "/p77/x";
  (void)context, (void)scratch;
  if (attribute != PURSER_ATTRIBUTE_REQUEST_PATH) return PURSER_ABSENT;
  *value_out = (purser_value){.type = PURSER_TYPE_STRING, .as.text = {path, sizeof path - 1}};
  return PURSER_PRESENT;
}

static char *documents(const char *prefix) {
  char *text = malloc(256 * (RULES + 2));
  size_t used = 0;
  int i;
  if (text == NULL) abort();
  used += (size_t)sprintf(text, "apiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: %s}\nspec:\n  rules:\n", prefix);
  for (i = 0; i < RULES; i++) {
    used += (size_t)sprintf(text + used, "  - {name: r%d, action: ALLOW, when: \"request.path.startsWith('/%s%d/')\"}\n", i, prefix, i);
  }
  return text;
}

static void load(purser_policy_set *set, const char *text) {
  purser_document document = {{"bench", 5}, {text, strlen(text)}};
  purser_load_options options = {.size = sizeof options, .documents = &document, .documents_count = 1};
  demand(purser_policy_set_load(set, &options, NULL), "load");
}

static void *reload(void *pointer) {
  loader *loader = pointer;
  const int64_t started = nanoseconds();
  int i;
  for (i = 0; i < loader->reloads; i++) load(loader->set, loader->documents[i % 2]);
  loader->seconds = (double)(nanoseconds() - started) / 1e9;
  __atomic_store_n(&loader->is_over, 1, __ATOMIC_RELEASE);
  return NULL;
}

/* Checks until the loader is done, or so many times; how many samples there are. */
static size_t sample(host *host, double *samples, size_t max, const int *is_over) {
  const purser_host table = {.size = sizeof table, .get = get};
  size_t count = 0, at = 0;
  while (is_over != NULL ? !__atomic_load_n(is_over, __ATOMIC_ACQUIRE) : count < max) {
    const int64_t started = nanoseconds();
    demand(purser_request_begin(host->request, host->worker, host->set, &table, NULL, NULL), "begin");
    demand(purser_check(host->request, 0, NULL), "check");
    demand(purser_request_end(host->request), "end");
    samples[at] = (double)(nanoseconds() - started);
    at = at + 1 < max ? at + 1 : 0; /* the latest are as good as the first */
    if (count < max) count++;
  }
  return count;
}

static double show(const char *name, double *samples, size_t count) {
  sort_samples(samples, count);
  printf("  %-22s %8.0f %8.0f %8.0f %12zu\n", name, samples[count / 2], samples[count / 100 * 99], samples[count / 1000 * 999], count);
  return samples[count / 100 * 99];
}

int main(int argc, char **argv) {
  double *samples = malloc(SAMPLES_MAX * sizeof *samples), quiet, busy;
  loader loader = {.reloads = argc > 1 ? atoi(argv[1]) : 1000};
  host host = {0};
  pthread_t thread;
  size_t count;
  if (samples == NULL || loader.reloads < 1) return 2;
  demand(purser_engine_new(NULL, &host.engine), "engine");
  demand(purser_policy_set_new(host.engine, (purser_text){"bench", 5}, &host.set), "set");
  demand(purser_worker_new(host.engine, &host.worker), "worker");
  host.request = aligned_alloc(16, (purser_request_size() + 15) / 16 * 16);
  loader.set = host.set;
  loader.documents[0] = documents("p");
  loader.documents[1] = documents("q");
  load(host.set, loader.documents[0]);
  sample(&host, samples, 100000, NULL);

  printf("  %-22s %8s %8s %8s %12s\n", "nanoseconds", "median", "p99", "p99.9", "checks");
  count = sample(&host, samples, SAMPLES_MAX / 2, NULL);
  quiet = show("no reloads", samples, count);
  if (pthread_create(&thread, NULL, reload, &loader) != 0) return 1;
  count = sample(&host, samples, SAMPLES_MAX, &loader.is_over);
  pthread_join(thread, NULL);
  busy = show("reloads all the time", samples, count);
  printf("  %d reloads of %d rules in %.1f s; p99 is %.2f times as long (aim: at most 3)\n", loader.reloads, RULES, loader.seconds,
         busy / quiet);

  demand(purser_worker_free(host.worker), "worker");
  demand(purser_policy_set_free(host.set), "set");
  demand(purser_engine_free(host.engine), "engine");
  free(host.request);
  free(loader.documents[0]);
  free(loader.documents[1]);
  free(samples);
  return 0;
}

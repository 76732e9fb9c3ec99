/* What a decision costs by where its provider's answer comes from: in time, in instructions, in allocations. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "external.h"

#define CASES_MAX 8
#define SAMPLES 400
#define ASKED_SAMPLES 2000
#define TABLE_SMALL 65536 /* a worker's table that holds a few hundred answers of many thousands */

/* `name` is in the lines that are printed. Users are below `users`. */
typedef struct kind {
  char name[32];
  house house;
  const char *path;
  uint64_t users;
  int is_kept, repeats;
  double samples[SAMPLES];
} kind;

static kind kinds[CASES_MAX];
static int kinds_count;
static visit batch[BATCH];

#define STORES_MAX 4

/* LMDB alone, for each store. */
static lookups *alone[STORES_MAX];
static double alone_samples[STORES_MAX][SAMPLES];

static kind *add(const char *name, const char *path, uint64_t users, int is_kept, int repeats) {
  kind *made;
  if (kinds_count == CASES_MAX) fail("too many cases");
  made = &kinds[kinds_count++];
  snprintf(made->name, sizeof made->name, "%s", name);
  made->path = path;
  made->users = users;
  made->is_kept = is_kept;
  made->repeats = repeats;
  return made;
}

static void open_kinds(const services *services, char **folders, int folders_count) {
  kind *made;
  int i;
  house_open(&add("local", path_plain, BATCH, 0, 8)->house, services, RULES_LOCAL, NULL);
  house_open(&add("local-when", path_plain, BATCH, 0, 8)->house, services, RULES_LOCAL_WHEN, NULL);
  made = add("table", path_plain, BATCH, 1, 8);
  house_open(&made->house, services, RULES_KEPT, NULL);
  if (ask_for(&made->house, 0, BATCH, path_plain) != BATCH || ask_for(&made->house, 0, BATCH, path_role) != BATCH) fail("not all were asked for");
  made = add("table-header", path_role, BATCH, 1, 8);
  made->house = kinds[kinds_count - 2].house;
  for (i = 0; i < folders_count; i++) {
    const uint64_t entries = entries_of(folders[i]);
    const kept kept = {folders[i], store_bytes_of(entries), TABLE_SMALL};
    char name[32];
    snprintf(name, sizeof name, "store-%llu", (unsigned long long)entries);
    made = add(name, path_plain, entries, 1, 1);
    house_open(&made->house, services, RULES_KEPT, &kept);
    wait_for_store(&made->house, 0);
  }
}

static void close_kinds(void) {
  int i;
  for (i = 0; i < kinds_count; i++) {
    if (i == 0 || kinds[i].house.engine != kinds[i - 1].house.engine) house_close(&kinds[i].house);
  }
}

/* Users at random; each of them is there. */
static void fill_batch(const kind *kind, uint64_t *random) {
  size_t i;
  for (i = 0; i < BATCH; i++) visit_make(&batch[i], random_next(random) % kind->users, kind->path);
}

/* count.sh counts what happens in this function and in this thread: the store's thread has its own work. */
__attribute__((noinline)) static void pass(kind *kind, int64_t now_ns) {
  house *house = &kind->house;
  size_t i;
  for (i = 0; i < BATCH; i++) {
    if (purser_request_begin(house->request, house->worker, house->set, &visit_host, &batch[i], NULL) != PURSER_OK) abort();
    if (purser_check(house->request, now_ns, NULL) != PURSER_OK) abort();
    if (purser_request_end(house->request) != PURSER_OK) abort();
  }
}

/* Ends the program where an answer does not come from where it ought to. */
static void warm(kind *kind, uint64_t *random, int64_t now_ns, int rounds) {
  const char *event = strncmp(kind->name, "store", 5) == 0 ? "store_hit" : "worker_hit";
  const uint64_t before = kind->is_kept ? events(&kind->house, event) : 0;
  int round, i;
  for (round = 0; round < rounds; round++) {
    fill_batch(kind, random);
    for (i = 0; i < BATCH; i++) {
      if (decide(&kind->house, &batch[i], now_ns) == kind->is_kept) continue;
      fprintf(stderr, "%s: %s\n", kind->name, batch[i].user);
      fail(kind->is_kept ? "an answer is not kept" : "an answer is kept that nobody gave");
    }
  }
  if (kind->is_kept && (events(&kind->house, event) - before) * 2 < (uint64_t)rounds * BATCH) fail("most answers come from elsewhere");
}

static int compare(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void print_times(const char *name, double *samples, size_t count, double allocated) {
  qsort(samples, count, sizeof *samples, compare);
  printf("time %s min %.1f median %.1f p90 %.1f allocations %.4f\n", name, samples[0], samples[count / 2], samples[count * 9 / 10], allocated);
}

/* Whole decisions that wait for the provider, one after the other. */
static void measure_asked(const services *services, rules rules, const char *name) {
  static double samples[ASKED_SAMPLES];
  house house;
  visit visit;
  int i;
  house_open(&house, services, rules, NULL);
  for (i = 0; i < ASKED_SAMPLES / 10; i++) {
    visit_make(&visit, (uint64_t)i, path_plain);
    if (decide_waiting(&house, &visit, 0)) fail("an answer is kept that is not to be");
  }
  for (i = 0; i < ASKED_SAMPLES; i++) {
    int64_t started;
    visit_make(&visit, (uint64_t)i, path_plain);
    started = nanoseconds();
    decide_waiting(&house, &visit, 0);
    samples[i] = (double)(nanoseconds() - started);
  }
  print_times(name, samples, ASKED_SAMPLES, 0);
  house_close(&house);
}

void measure(const services *services, char **folders, int folders_count) {
  int64_t now_ns;
  uint64_t random = 88172645463325252;
  int i, sample, repeat;
  if (folders_count > STORES_MAX) fail("too many stores");
  for (i = 0; i < folders_count; i++) alone[i] = lookups_open(folders[i]);
  open_kinds(services, folders, folders_count);
  now_ns = wall_nanoseconds(); /* not before any answer was asked for */
  for (i = 0; i < kinds_count; i++) warm(&kinds[i], &random, now_ns, 64);
  /* In turns, so that a busy moment falls on all. */
  for (sample = 0; sample < SAMPLES; sample++) {
    for (i = 0; i < kinds_count; i++) {
      int64_t started;
      fill_batch(&kinds[i], &random);
      pass(&kinds[i], now_ns); /* the code and the batch are in the caches, as in a host that does nothing else */
      if (kinds[i].repeats == 1) fill_batch(&kinds[i], &random);
      started = nanoseconds();
      for (repeat = 0; repeat < kinds[i].repeats; repeat++) pass(&kinds[i], now_ns);
      kinds[i].samples[sample] = (double)(nanoseconds() - started) / (BATCH * kinds[i].repeats);
    }
    for (i = 0; i < folders_count; i++) {
      int64_t started;
      lookups_draw(alone[i], &random);
      lookups_pass(alone[i]);
      lookups_draw(alone[i], &random);
      started = nanoseconds();
      lookups_pass(alone[i]);
      alone_samples[i][sample] = (double)(nanoseconds() - started) / BATCH;
    }
  }
  for (i = 0; i < kinds_count; i++) {
    unsigned long long before;
    fill_batch(&kinds[i], &random);
    before = allocations;
    pass(&kinds[i], now_ns);
    print_times(kinds[i].name, kinds[i].samples, SAMPLES, (double)(allocations - before) / BATCH);
  }
  close_kinds();
  for (i = 0; i < folders_count; i++) {
    char name[32];
    snprintf(name, sizeof name, "lmdb-%llu", (unsigned long long)entries_of(folders[i]));
    print_times(name, alone_samples[i], SAMPLES, 0);
    lookups_close(alone[i]);
  }
  measure_asked(services, RULES_ASKED, "asked-http");
  if (services->grpc) measure_asked(services, RULES_ASKED_GRPC, "asked-grpc");
}

void count(const services *services, char **folders, int folders_count) {
  int64_t now_ns;
  uint64_t random = 88172645463325252;
  int i;
  open_kinds(services, folders, folders_count);
  now_ns = wall_nanoseconds(); /* not before any answer was asked for */
  for (i = 0; i < kinds_count; i++) {
    unsigned long long before;
    char label[128];
    warm(&kinds[i], &random, now_ns, 8);
    CALLGRIND_START_INSTRUMENTATION;
    fill_batch(&kinds[i], &random);
    pass(&kinds[i], now_ns);
    fill_batch(&kinds[i], &random);
    before = allocations;
    CALLGRIND_ZERO_STATS;
    pass(&kinds[i], now_ns);
    snprintf(label, sizeof label, "%.31s %d %llu", kinds[i].name, BATCH, allocations - before);
    CALLGRIND_DUMP_STATS_AT(label);
    CALLGRIND_STOP_INSTRUMENTATION;
  }
  close_kinds();
}

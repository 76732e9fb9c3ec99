/* What is kept over many requests: how often it is met, before and after a restart, and what memory it takes. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "external.h"

#define STORE_BYTES ((size_t)64 << 20)
#define REQUESTS 1000000
#define KEYS 100000
#define WINDOW 100000
#define DISTINCT 2000000
#define STEP 200000

/* Resident memory in KiB, of a kind that /proc/self/status names. */
static long resident(const char *kind) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  long kilobytes = -1;
  if (status == NULL) fail("no /proc/self/status");
  while (fgets(line, sizeof line, status)) {
    if (strncmp(line, kind, strlen(kind)) == 0) kilobytes = strtol(line + strlen(kind), NULL, 10);
  }
  fclose(status);
  return kilobytes;
}

static void print_memory(const char *what, uint64_t requests) {
  printf("memory %s %llu anonymous %ld file %ld\n", what, (unsigned long long)requests, resident("RssAnon:"), resident("RssFile:"));
}

/* Key k comes with probability proportional to 1 / (k + 1). */
static double *zipf_sums(void) {
  double *sums = malloc(KEYS * sizeof *sums), sum = 0;
  int k;
  if (sums == NULL) fail("no memory");
  for (k = 0; k < KEYS; k++) {
    sum += 1.0 / (k + 1);
    sums[k] = sum;
  }
  return sums;
}

static uint64_t zipf_next(const double *sums, uint64_t *random) {
  const double wanted = (double)(random_next(random) >> 11) / 9007199254740992.0 * sums[KEYS - 1];
  size_t low = 0, high = KEYS - 1;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (sums[middle] > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

void replay(const services *services, const char *folder) {
  const kept kept = {folder, STORE_BYTES, 0};
  double *sums = zipf_sums();
  uint64_t random = 0x9E3779B97F4A7C15;
  long i, hits = 0;
  house house;
  visit visit;
  house_open(&house, services, RULES_KEPT, &kept);
  for (i = 0; i < REQUESTS; i++) {
    if (i == REQUESTS / 2) {
      const int64_t started = nanoseconds();
      house_close(&house);
      house_open(&house, services, RULES_KEPT, &kept);
      wait_for_store(&house, 0);
      printf("restart milliseconds %.0f\n", (double)(nanoseconds() - started) / 1e6);
    }
    visit_make(&visit, zipf_next(sums, &random), path_plain);
    hits += decide_waiting(&house, &visit, 0);
    if ((i + 1) % WINDOW == 0) {
      printf("hits %ld ratio %.4f store %llu\n", i + 1, (double)hits / WINDOW, (unsigned long long)events(&house, "store_hit"));
      hits = 0;
    }
  }
  print_memory("replay", REQUESTS);
  house_close(&house);
  free(sums);
}

void distinct(const services *services, const char *folder) {
  const kept kept = {folder, STORE_BYTES, 0};
  uint64_t user;
  house house;
  house_open(&house, services, RULES_KEPT, &kept);
  print_memory("distinct", 0);
  for (user = 0; user < DISTINCT; user += STEP) {
    const int64_t started = nanoseconds();
    if (ask_for(&house, user, STEP, path_plain) != STEP) fail("a request is not distinct");
    print_memory("distinct", user + STEP);
    fprintf(stderr, "  %llu distinct requests, %.1f us each\n", (unsigned long long)(user + STEP),
            (double)(nanoseconds() - started) / 1e3 / STEP);
  }
  printf("events evicted %llu dropped %llu full %llu\n", (unsigned long long)events(&house, "evicted"),
         (unsigned long long)events(&house, "put_dropped"), (unsigned long long)events(&house, "map_full"));
  house_close(&house);
}

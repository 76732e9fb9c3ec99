/*
 * What a check and a report cost through the C header: nanoseconds and allocations; instructions under callgrind.
 *
 *     bench_bookinfo REQUESTS.tsv POLICY…            a table
 *     bench_bookinfo --rounds N REQUESTS.tsv POLICY… only N rounds of check and report, for callgrind
 *
 * A pass runs all recorded hops once, on connections that were checked when they opened. Passes of three kinds take
 * turns: begin and end; begin, check and end; all four. The differences of their times are the cost of a check and of a
 * report, with no clock inside the pass. The minimum over the passes is what the code costs; the median is what this
 * machine made of it meanwhile.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counted.h"
#include "../examples/bookinfo/connections.h"
#include "../examples/bookinfo/recording.h"
#include "host.h"

#define PASSES 400
#define WARM_UP 20

/* ------------------------------------------------------------------------------------------------------ passes */

enum { EMPTY = 0, CHECK = 1, REPORT = 2, KINDS = 3 };

static void pass(host *host, connections *connections, recording *recording, int kind) {
  size_t i;
  for (i = 0; i < recording->count; i++) {
    recorded_request *hop = &recording->requests[i];
    const int64_t now = 1767348000000000000;
    purser_request_options options = {sizeof options, PURSER_PHASE_REQUEST, connections_of(connections, hop)};
    if (purser_request_begin(host->request, host->worker, host->set, &recording_host, hop, &options) != PURSER_OK) abort();
    if (kind >= CHECK && purser_check(host->request, now, NULL) != PURSER_OK) abort();
    if (kind >= REPORT && purser_report(host->request, now) != PURSER_OK) abort();
    if (purser_request_end(host->request) != PURSER_OK) abort();
  }
}

static void show(const char *name, const double *low, const double *middle, double allocations_a_call) {
  printf("  %-22s %8.0f %8.0f %12.2f\n", name, *low, *middle, allocations_a_call);
}

int main(int argc, char **argv) {
  static double times[KINDS][PASSES];
  double low[KINDS], middle[KINDS], counts[KINDS], difference;
  host host;
  recording recording;
  connections *connections;
  int rounds = 0, first = 1, kind, i;
  if (argc > 2 && strcmp(argv[1], "--rounds") == 0) {
    rounds = atoi(argv[2]);
    first = 3;
  }
  if (argc < first + 2) {
    fprintf(stderr, "usage: bench_bookinfo [--rounds N] REQUESTS.tsv POLICY...\n");
    return 2;
  }
  if (recording_read(argv[first], &recording) != 0) return 1;
  host_start(&host, (const char *const *)argv + first + 1, (size_t)(argc - first - 1));
  connections = connections_new(host.worker, host.set);
  if (connections == NULL) return 1;

  if (rounds > 0) {
    for (i = 0; i < rounds; i++) pass(&host, connections, &recording, REPORT);
  } else {
    for (i = 0; i < WARM_UP; i++) pass(&host, connections, &recording, REPORT);
    for (kind = EMPTY; kind < KINDS; kind++) {
      const unsigned long long before = allocations;
      for (i = 0; i < 10; i++) pass(&host, connections, &recording, kind);
      counts[kind] = (double)(allocations - before) / 10.0 / (double)recording.count;
    }
    for (i = 0; i < PASSES; i++) {
      for (kind = EMPTY; kind < KINDS; kind++) {
        const int64_t started = nanoseconds();
        pass(&host, connections, &recording, kind);
        times[kind][i] = (double)(nanoseconds() - started) / (double)recording.count;
      }
    }
    for (kind = EMPTY; kind < KINDS; kind++) {
      sort_samples(times[kind], PASSES);
      low[kind] = times[kind][0];
      middle[kind] = times[kind][PASSES / 2];
    }
    printf("  %-22s %8s %8s %12s\n", "nanoseconds", "min", "median", "allocations");
    for (kind = KINDS - 1; kind > EMPTY; kind--) {
      difference = low[kind] - low[kind - 1];
      low[kind] = difference;
      difference = middle[kind] - middle[kind - 1];
      middle[kind] = difference;
      counts[kind] -= counts[kind - 1];
    }
    show("begin and end", &low[EMPTY], &middle[EMPTY], counts[EMPTY]);
    show("check", &low[CHECK], &middle[CHECK], counts[CHECK]);
    show("report, two metrics", &low[REPORT], &middle[REPORT], counts[REPORT]);
  }
  connections_free(connections);
  host_stop(&host);
  recording_free(&recording);
  return 0;
}

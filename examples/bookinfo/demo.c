/*
 * Bookinfo's recorded hops through libpurser.so, as a host would run them, and what came of it.
 *
 *     demo POLICIES REQUESTS.tsv
 *
 * The whole of Purser's interface that a host needs is in `start`, `run_hop` and `stop`; the rest counts and prints.
 * The backends of the policies write into the current folder and listen on a port of 127.0.0.1.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connections.h"
#include "recording.h"
#include "tally.h"

#define TIMED_ROUNDS 50

typedef struct host {
  purser_plan *plan;
  purser_engine *engine;
  purser_policy_set *set;
  purser_worker *worker;
  purser_request *request;
  connections *connections;
} host;

static purser_text text(const char *string) {
  purser_text result = {string, strlen(string)};
  return result;
}

/* Ends the program if a call that cannot fail here did. */
static void demand(purser_status status, const char *what) {
  if (status != PURSER_OK) {
    fprintf(stderr, "%s: %s\n", what, purser_status_text(status));
    exit(1);
  }
}

/* -------------------------------------------------------------------------------------------- what a host does */

static void start(host *host, const char *policies) {
  purser_text path = text(policies);
  purser_load_options options;
  purser_problems *problems = NULL;
  purser_status status;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.paths = &path;
  options.paths_count = 1;
  status = purser_plan_load(&options, &host->plan, &problems);
  if (problems != NULL) {
    purser_text words;
    if (purser_problems_text(problems, &words) == PURSER_OK) fprintf(stderr, "%.*s\n", (int)words.size, words.data);
    purser_problems_free(problems);
  }
  demand(status, policies);
  demand(purser_engine_new(NULL, &host->engine), "engine");
  demand(purser_policy_set_new(host->engine, text("bookinfo"), &host->set), "policy set");
  demand(purser_policy_set_use(host->set, host->plan, NULL), "plan");
  demand(purser_worker_new(host->engine, &host->worker), "worker");
  host->request = aligned_alloc(16, (purser_request_size() + 15) / 16 * 16);
  host->connections = connections_new(host->worker, host->set);
  if (host->request == NULL || host->connections == NULL) demand(PURSER_UNAVAILABLE, "memory");
}

static void stop(host *host) {
  connections_free(host->connections);
  demand(purser_worker_free(host->worker), "worker");
  demand(purser_policy_set_free(host->set), "policy set");
  demand(purser_engine_free(host->engine), "engine");
  purser_plan_free(host->plan);
  free(host->request);
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One hop from begin to end. `tally` may be NULL; `timing_out` gets the nanoseconds of check and report. */
static void run_hop(host *host, recorded_request *hop, tally *tally, int64_t timing_out[2]) {
  const int64_t now = recorded_time(hop);
  int64_t *response_code = &hop->values[hop->places[PURSER_ATTRIBUTE_RESPONSE_CODE] - 1].as.integer;
  const int64_t recorded_code = *response_code;
  purser_request_options options = {sizeof options, PURSER_PHASE_REQUEST, connections_of(host->connections, hop)};
  purser_verdict verdict;
  int64_t started;

  demand(purser_request_begin(host->request, host->worker, host->set, &recording_host, hop, &options), "begin");
  started = nanoseconds();
  demand(purser_check(host->request, now, NULL), "check");
  timing_out[0] = nanoseconds() - started;

  /* A proxy answers a denied request itself, so the report sees that answer and not the application's. */
  demand(purser_decision_verdict(host->request, &verdict), "verdict");
  if (verdict == PURSER_VERDICT_DENY) {
    uint32_t http_status, code;
    demand(purser_decision_status(host->request, &http_status, &code), "status");
    *response_code = http_status;
  }
  if (tally != NULL) tally_add(tally, host->request, hop);

  started = nanoseconds();
  demand(purser_report(host->request, now), "report");
  timing_out[1] = nanoseconds() - started;
  demand(purser_request_end(host->request), "end");
  *response_code = recorded_code;
}

/* ------------------------------------------------------------------------------------------------- what it shows */

/* Runs a shell command and prints what it says. */
static void show_command(const char *command) {
  char line[4096];
  FILE *pipe = popen(command, "r");
  if (pipe == NULL) return;
  while (fgets(line, sizeof line, pipe) != NULL) fputs(line, stdout);
  pclose(pipe);
}

static void show_telemetry(host *host) {
  purser_text address;
  char command[512];
  demand(purser_engine_flush(host->engine, 2000), "flush");
  demand(purser_backend_address(host->engine, text("prom"), &address), "listener");
  printf("\nTelemetry, as Prometheus scrapes it from the engine's listener: curl http://ADDRESS/metrics\n\n");
  fflush(stdout);
  /* The whole page goes to a file; what is shown is one metric of each kind, and Purser's own about the work done. */
  snprintf(command, sizeof command, "curl --silent --show-error --fail --max-time 5 --output metrics.txt http://%.*s/metrics",
           (int)address.size, address.data);
  purser_text_free(&address);
  if (system(command) != 0) {
    fprintf(stderr, "the listener did not answer\n");
    exit(1);
  }
  show_command("grep -E '^requests_total.*verdict=\"deny\"' metrics.txt | sed 's/^/  /'");
  show_command("grep -E '^requests_total.*destination_service=\"ratings.*verdict=\"allow\"' metrics.txt | sed 's/^/  /'");
  show_command("grep -E '^request_duration_seconds.*destination_service=\"details.*response_code=\"200\"' metrics.txt"
               " | grep -E 'le=\"(0.005|0.025|\\+Inf)\"|_(sum|count)' | sed 's/^/  /'");
  show_command("printf '  (%s lines in all)\\n' $(wc -l < metrics.txt)");
}

static void show_log(void) {
  printf("\nAccess log, requests that ended with 400 or more: the first 3 of ");
  fflush(stdout);
  show_command("printf '%s lines\\n\\n' $(wc -l < access.log); head -n 3 access.log | sed 's/^/  /'");
}

static int compare(const void *left, const void *right) {
  const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static void show_row(const char *name, int64_t *samples, size_t count, int64_t clock) {
  qsort(samples, count, sizeof *samples, compare);
  printf("  %-8s %8lld %8lld %8lld\n", name, (long long)(samples[0] > clock ? samples[0] - clock : 0),
         (long long)(samples[count / 2] - clock), (long long)(samples[count - 1 - count / 100] - clock));
}

/* Runs the recording again and again with a clock around each call. */
static void show_timing(host *host, recording *recording) {
  const size_t count = recording->count * TIMED_ROUNDS;
  int64_t *checks = malloc(count * sizeof *checks), *reports = malloc(count * sizeof *reports);
  int64_t clock[1001];
  size_t round, i, used = 0;
  if (checks == NULL || reports == NULL) demand(PURSER_UNAVAILABLE, "memory");
  for (i = 0; i < 1001; i++) {
    const int64_t started = nanoseconds();
    clock[i] = nanoseconds() - started;
  }
  qsort(clock, 1001, sizeof clock[0], compare);
  for (round = 0; round < TIMED_ROUNDS; round++) {
    for (i = 0; i < recording->count; i++, used++) {
      int64_t timing[2];
      run_hop(host, &recording->requests[i], NULL, timing);
      checks[used] = timing[0];
      reports[used] = timing[1];
    }
  }
  printf("\nNanoseconds a call, over %d more rounds of all hops (the clock's own %lld ns are taken off)\n\n", TIMED_ROUNDS,
         (long long)clock[500]);
  printf("  %-8s %8s %8s %8s\n", "", "min", "median", "p99");
  show_row("check", checks, used, clock[500]);
  show_row("report", reports, used, clock[500]);
  free(checks);
  free(reports);
}

int main(int argc, char **argv) {
  host host;
  recording recording;
  tally *tally;
  purser_plan_summary summary;
  int64_t timing[2];
  size_t i;
  if (argc != 3) {
    fprintf(stderr, "usage: demo POLICIES REQUESTS.tsv\n");
    return 2;
  }
  if (recording_read(argv[2], &recording) != 0) return 1;
  start(&host, argv[1]);
  summary.size = sizeof summary;
  demand(purser_plan_summarize(host.plan, &summary), "summary");
  printf("Purser %s, bookinfo: %zu recorded hops, %zu policies with %zu rules, %zu metrics\n", purser_version(),
         recording.count, summary.policies, summary.rules, summary.metrics);

  tally = tally_new();
  for (i = 0; i < recording.count; i++) run_hop(&host, &recording.requests[i], tally, timing);
  tally_print(tally);
  printf("\nConnections\n\n  %4zu opened, %zu of them denied before any request\n", connections_opened(host.connections),
         connections_denied(host.connections));
  show_telemetry(&host);
  show_log();
  show_timing(&host, &recording);

  tally_free(tally);
  stop(&host);
  recording_free(&recording);
  return 0;
}

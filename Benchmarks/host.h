/* A host with one thread, on bookinfo's policies and the telemetry of two-metrics.yaml; what both benchmarks run. */
#ifndef BENCHMARK_HOST_H
#define BENCHMARK_HOST_H

#include "purser.h"

typedef struct host {
  purser_plan *plan;
  purser_engine *engine;
  purser_policy_set *set;
  purser_worker *worker;
  purser_request *request;
} host;

/* Loads the files; ends the program with a message if they cannot be used. */
void host_start(host *host, const char *const *paths, size_t count);
void host_stop(host *host);

/* Ends the program if the status is not PURSER_OK. */
void demand(purser_status status, const char *what);

/* A clock that only goes forward, in nanoseconds. */
int64_t nanoseconds(void);

/* Sorts in place. */
void sort_samples(double *samples, size_t count);

#endif

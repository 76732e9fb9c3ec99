/*
 * process_engine.h - the one engine of this process, and its workers.
 *
 *   configuration 1 ─┐                       ┌─ worker of Envoy's thread 0
 *   configuration 2 ─┼─► process_engine ─────┼─ worker of Envoy's thread 1
 *   configuration 3 ─┘   counts its users    └─ …
 *
 * Made with the first configuration and freed with the last, so that what telemetry waits is sent and ports are closed
 * when Envoy removes its last filter or ends.
 */
#ifndef PURSER_ENVOY_PROCESS_ENGINE_H
#define PURSER_ENVOY_PROCESS_ENGINE_H

#include "ticket.h"

#include <purser.h>

typedef struct process_engine process_engine;

/* The check cache: what the first configuration wants is so until the engine is freed. Of the others each member is that, or
 * empty or 0, which leaves it to the engine. */
typedef struct process_engine_options {
  purser_text store_directory;
  size_t store_bytes;
  size_t worker_cache_bytes;
} process_engine_options;

/* One share; NULL, with the reason in the log, if the engine could not be made or is another than wanted. Main thread, because only
 * that may ask for the concurrency. */
process_engine *process_engine_acquire(const process_engine_options *options);

/* Gives the share up. Any thread: Envoy destroys a configuration on the thread that ended its last stream. The caller's
 * policy set must be freed before. */
void process_engine_release(process_engine *engine);

purser_engine *process_engine_get(process_engine *engine);

/* The worker of the calling Envoy thread, made when first asked for; NULL if it cannot be had. */
purser_worker *process_engine_worker(process_engine *engine, uint32_t thread_index);

/* A ticket for the next check of the calling Envoy thread: the same until it is kept, which a check that goes pending does. NULL
 * without memory. */
ticket *process_engine_ticket(process_engine *engine, uint32_t thread_index);
void process_engine_keep_ticket(process_engine *engine, uint32_t thread_index);

#endif

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

#include <purser.h>

typedef struct process_engine process_engine;

/* One share; NULL if the engine could not be made. Main thread, because only that may ask for the concurrency. */
process_engine *process_engine_acquire(void);

/* Gives the share up. Any thread: Envoy destroys a configuration on the thread that ended its last stream. The caller's
 * policy set must be freed before. */
void process_engine_release(process_engine *engine);

purser_engine *process_engine_get(process_engine *engine);

/* The worker of the calling Envoy thread, made when first asked for; NULL if it cannot be had. */
purser_worker *process_engine_worker(process_engine *engine, uint32_t thread_index);

#endif

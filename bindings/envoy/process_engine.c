#include "process_engine.h"

#include "envoy_abi.h"
#include "log.h"

#include <pthread.h>
#include <stdlib.h>

struct process_engine {
  purser_engine *engine;
  size_t users;
  uint32_t workers_max;
  /* A slot is written and read by the thread of its index only, until the last user is gone. */
  purser_worker *workers[];
};

/* Held while an engine is made or freed, so that a new one never meets the ports of the old. Neither calls Envoy. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static process_engine *current;

static process_engine *make(uint32_t workers_max, purser_status *status_out) {
  process_engine *made = calloc(1, sizeof *made + workers_max * sizeof made->workers[0]);
  if (made == NULL) {
    *status_out = PURSER_UNAVAILABLE;
    return NULL;
  }
  made->workers_max = workers_max;
  /* What is served depends on the configuration, so it is said at each load and not here. */
  *status_out = purser_engine_new(NULL, &made->engine);
  if (*status_out == PURSER_OK) return made;
  free(made);
  return NULL;
}

process_engine *process_engine_acquire(void) {
  /* The main thread counts as one more: its index follows those of the workers. */
  const uint32_t workers_max = ENVOY(get_concurrency)() + 1;
  purser_status status = PURSER_OK;
  process_engine *acquired;
  pthread_mutex_lock(&lock);
  if (current == NULL) current = make(workers_max, &status);
  if (current != NULL) current->users++;
  acquired = current;
  pthread_mutex_unlock(&lock);
  if (acquired == NULL) log_line(ENVOY_LOG_ERROR, "purser: no engine: %s", purser_status_text(status));
  return acquired;
}

void process_engine_release(process_engine *engine) {
  purser_status status = PURSER_OK;
  pthread_mutex_lock(&lock);
  if (--engine->users == 0) {
    uint32_t index;
    for (index = 0; index < engine->workers_max && status == PURSER_OK; index++) {
      status = purser_worker_free(engine->workers[index]);
    }
    if (status == PURSER_OK) status = purser_engine_free(engine->engine);
    /* What is still in use, which would be a mistake of ours, is left alone rather than freed under its user. */
    if (status == PURSER_OK) free(engine);
    current = NULL;
  }
  pthread_mutex_unlock(&lock);
  if (status != PURSER_OK) log_line(ENVOY_LOG_ERROR, "purser: the engine stays: %s", purser_status_text(status));
}

purser_engine *process_engine_get(process_engine *engine) { return engine->engine; }

purser_worker *process_engine_worker(process_engine *engine, uint32_t thread_index) {
  purser_worker **slot;
  if (thread_index >= engine->workers_max) return NULL;
  slot = &engine->workers[thread_index];
  if (*slot == NULL && purser_worker_new(engine->engine, slot) != PURSER_OK) *slot = NULL;
  return *slot;
}

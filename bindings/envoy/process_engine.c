#include "process_engine.h"

#include "envoy_abi.h"
#include "log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Of one Envoy thread; read and written by it only, until the last user is gone. */
typedef struct thread_state {
  purser_worker *worker;
  ticket *ticket;
} thread_state;

struct process_engine {
  purser_engine *engine;
  size_t users;
  process_engine_options options;
  char *store_directory; /* the bytes of options.store_directory */
  uint32_t threads_max;
  thread_state threads[];
};

/* Held while an engine is made or freed, so that a new one never meets the ports of the old. Neither calls Envoy. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static process_engine *current;

static void free_memory(process_engine *engine) {
  free(engine->store_directory);
  free(engine);
}

static process_engine *make(uint32_t threads_max, const process_engine_options *options, purser_status *status_out) {
  const size_t directory_size = options->store_directory.size;
  process_engine *made = calloc(1, sizeof *made + threads_max * sizeof made->threads[0]);
  /* What is served depends on the configuration, so it is said at each load and not here. */
  purser_engine_options wanted = {.size = sizeof wanted};
  *status_out = PURSER_UNAVAILABLE;
  if (made == NULL) return NULL;
  made->threads_max = threads_max;
  made->options = *options;
  made->store_directory = malloc(directory_size + 1);
  if (made->store_directory != NULL) {
    if (directory_size > 0) memcpy(made->store_directory, options->store_directory.data, directory_size);
    made->options.store_directory.data = made->store_directory;
    wanted.store_directory = made->options.store_directory;
    wanted.store_bytes = options->store_bytes;
    wanted.worker_cache_bytes = options->worker_cache_bytes;
    *status_out = purser_engine_new(&wanted, &made->engine);
  }
  if (*status_out == PURSER_OK) return made;
  free_memory(made);
  return NULL;
}

/* The member of the configuration in which the two differ; NULL: the engine does. */
static const char *difference(const process_engine_options *has, const process_engine_options *wanted) {
  if (wanted->store_directory.size > 0) {
    const size_t size = wanted->store_directory.size;
    if (has->store_directory.size != size || memcmp(has->store_directory.data, wanted->store_directory.data, size) != 0) {
      return "store.directory";
    }
    if (wanted->store_bytes > 0 && has->store_bytes != wanted->store_bytes) return "store.bytes";
  }
  if (wanted->worker_cache_bytes > 0 && has->worker_cache_bytes != wanted->worker_cache_bytes) return "workerCacheBytes";
  return NULL;
}

process_engine *process_engine_acquire(const process_engine_options *options) {
  /* The main thread counts as one more: its index follows those of the workers. */
  const uint32_t threads_max = ENVOY(get_concurrency)() + 1;
  purser_status status = PURSER_OK;
  const char *other = NULL;
  process_engine *acquired;
  pthread_mutex_lock(&lock);
  if (current == NULL) {
    current = make(threads_max, options, &status);
  } else {
    other = difference(&current->options, options);
  }
  acquired = other == NULL ? current : NULL;
  if (acquired != NULL) acquired->users++;
  pthread_mutex_unlock(&lock);
  if (other != NULL) {
    log_line(ENVOY_LOG_ERROR,
             "purser: `%s` is not what this Envoy's first filter has: it is the same for all of a process; restart Envoy to change it",
             other);
  } else if (acquired == NULL) {
    log_line(ENVOY_LOG_ERROR, "purser: no engine: %s", purser_status_text(status));
  }
  return acquired;
}

void process_engine_release(process_engine *engine) {
  purser_status status = PURSER_OK;
  pthread_mutex_lock(&lock);
  if (--engine->users == 0) {
    uint32_t index;
    for (index = 0; index < engine->threads_max && status == PURSER_OK; index++) {
      ticket_free(engine->threads[index].ticket);
      engine->threads[index].ticket = NULL;
      status = purser_worker_free(engine->threads[index].worker);
    }
    if (status == PURSER_OK) status = purser_engine_free(engine->engine);
    /* What is still in use, which would be a mistake of ours, is left alone rather than freed under its user. */
    if (status == PURSER_OK) free_memory(engine);
    current = NULL;
  }
  pthread_mutex_unlock(&lock);
  if (status != PURSER_OK) log_line(ENVOY_LOG_ERROR, "purser: the engine stays: %s", purser_status_text(status));
}

purser_engine *process_engine_get(process_engine *engine) { return engine->engine; }

purser_worker *process_engine_worker(process_engine *engine, uint32_t thread_index) {
  purser_worker **slot;
  if (thread_index >= engine->threads_max) return NULL;
  slot = &engine->threads[thread_index].worker;
  if (*slot == NULL && purser_worker_new(engine->engine, slot) != PURSER_OK) *slot = NULL;
  return *slot;
}

ticket *process_engine_ticket(process_engine *engine, uint32_t thread_index) {
  ticket **slot;
  if (thread_index >= engine->threads_max) return NULL;
  slot = &engine->threads[thread_index].ticket;
  if (*slot == NULL) *slot = ticket_new();
  return *slot;
}

void process_engine_keep_ticket(process_engine *engine, uint32_t thread_index) {
  if (thread_index < engine->threads_max) engine->threads[thread_index].ticket = NULL;
}

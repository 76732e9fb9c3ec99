/*
 * fake_envoy.c - stands in for Envoy where memory checkers can follow: it gives the module's hooks random streams.
 *
 *   usage: fake_envoy STREAMS SWAPS DOCUMENTS
 *
 * Two threads are Envoy's workers, the main one loads new configurations meanwhile and gives old ones up, which the
 * last stream of a configuration may do on a worker's thread, as Envoy does. Headers and attributes are random bytes
 * more often than not: absent, empty, no UTF-8, addresses without an end. Each stream is allocated anew and its
 * header memory overwritten after each hook, so that whoever keeps a pointer too long is found out.
 *
 * A stream that the module stops waits until its scheduler says so, while its worker runs others; some leave before, and some are
 * answered by Envoy itself. An event for a stream that is gone does nothing; an event for a worker that has ended is a mistake.
 *
 * Compiled with -DLACKS_NEWER_CALLBACKS, it is an Envoy without the callbacks that the module takes for optional.
 */
#include "../../envoy_abi.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MAX 40
#define TEXT_MAX 300
#define WORKERS 2
#define WAITING_MAX 24

const char *envoy_dynamic_module_on_program_init(void);
const void *envoy_dynamic_module_on_http_filter_config_new(void *envoy, envoy_text name, envoy_text text);
void envoy_dynamic_module_on_http_filter_config_destroy(const void *configuration);
const void *envoy_dynamic_module_on_http_filter_new(const void *configuration, void *envoy);
int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *filter, bool end);
void envoy_dynamic_module_on_http_filter_scheduled(void *envoy, const void *filter, uint64_t event);
int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *filter, bool end);
void envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, const void *filter);
void envoy_dynamic_module_on_http_filter_destroy(const void *filter);

typedef struct random_text {
  size_t size;
  char *data; /* on the heap, without a byte to spare */
} random_text;

typedef struct fake_configuration fake_configuration;

typedef struct fake_stream {
  uint64_t random;
  uint64_t number; /* never used again */
  fake_configuration *configuration;
  uint32_t worker;
  const void *filter;
  size_t count[4];
  random_text names[4][HEADERS_MAX], values[4][HEADERS_MAX];
  random_text attributes[80];
  bool has_replied;
  bool is_completed_inside; /* stream_complete comes from inside send_response */
  bool is_destroyed_inside; /* and so does destroy, if the stream waited */
  bool is_waiting;
  bool has_continued;
} fake_stream;

/* A thread of Envoy's: the streams that wait, and what schedulers put into its queue. */
typedef struct fake_worker {
  pthread_mutex_t lock;
  pthread_cond_t some;
  uint64_t *events; /* numbers of streams; a growing array */
  size_t events_count, events_room;
  bool has_ended;
  fake_stream *waiting[WAITING_MAX];
  size_t waiting_count;
  uint32_t index;
} fake_worker;

typedef struct fake_scheduler {
  fake_worker *worker;
  uint64_t stream;
} fake_scheduler;

/* A configuration, and how many streams use it. */
struct fake_configuration {
  const void *module;
  atomic_int users;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fake_configuration *current;
static atomic_ulong left, replies, passes, reports_inside, waited, left_early;
static fake_worker workers[WORKERS];

static void demand(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "fake_envoy: %s\n", what);
  abort();
}

static uint64_t next(uint64_t *random) {
  uint64_t value = (*random += 0x9e3779b97f4a7c15);
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/* ------------------------------------------------------------------------------------------- random texts */

static random_text copy(const char *bytes, size_t size) {
  random_text made = {size, malloc(size)};
  if (size > 0) memcpy(made.data, bytes, size);
  return made;
}

static random_text pick(uint64_t *random) {
  static const char *const words[] = {
    "", "/", "/books/../admin?x=%zz", "/productpage", "GET", "POST", "http", "a,b", "127.0.0.1:80", "[::1]:80", "[::1",
    "]:1", ":", ":80", "1.2.3.4:99999", "/run/socket:1", "@", "spiffe://cluster.local/ns/default/sa/bookinfo-reviews",
    "spiffe://", "spiffe://a/ns//sa/", "spiffe://a/ns/b/sa/c/d", "application/grpc", "application/grpc+x", "robot",
    "\xff\xfe", "\xc3\xa9",
  };
  char bytes[TEXT_MAX];
  size_t size, index;
  if (next(random) % 4 != 0) {
    const char *word = words[next(random) % (sizeof words / sizeof words[0])];
    return copy(word, strlen(word));
  }
  size = next(random) % TEXT_MAX;
  for (index = 0; index < size; index++) bytes[index] = (char)next(random);
  return copy(bytes, size);
}

static random_text pick_name(uint64_t *random) {
  static const char *const names[] = {
    ":path", ":method", ":authority", "user-agent", "x-many", "x-many", "content-type", "x-internal", "host", "",
  };
  const char *name = names[next(random) % (sizeof names / sizeof names[0])];
  return copy(name, strlen(name));
}

static void fill(fake_stream *stream, int map) {
  size_t index;
  stream->count[map] = next(&stream->random) % HEADERS_MAX;
  for (index = 0; index < stream->count[map]; index++) {
    stream->names[map][index] = pick_name(&stream->random);
    stream->values[map][index] = pick(&stream->random);
  }
}

static void fill_attributes(fake_stream *stream) {
  size_t index;
  for (index = 0; index < 80; index++) stream->attributes[index] = pick(&stream->random);
}

static void clear(random_text *text) {
  if (text->size > 0) memset(text->data, 0x5a, text->size);
  free(text->data);
  *text = (random_text){0, NULL};
}

static void empty(fake_stream *stream) {
  size_t index;
  int map;
  for (map = 0; map < 4; map++) {
    for (index = 0; index < stream->count[map]; index++) {
      clear(&stream->names[map][index]);
      clear(&stream->values[map][index]);
    }
    stream->count[map] = 0;
  }
  for (index = 0; index < 80; index++) clear(&stream->attributes[index]);
}

/* What Envoy does between two hooks: the old bytes are gone, others of the same kind are there. */
static void renew(fake_stream *stream) {
  empty(stream);
  fill(stream, ENVOY_REQUEST_HEADERS);
  if (next(&stream->random) % 2 == 0) fill(stream, ENVOY_RESPONSE_HEADERS);
  fill_attributes(stream);
}

/* ---------------------------------------------------------------------------------------------- callbacks */

/* The checkers see every byte that the module hands over. */
static atomic_uint seen;

static void look(envoy_text text) {
  size_t index;
  unsigned sum = 0;
  for (index = 0; index < text.size; index++) sum += (unsigned char)text.data[index];
  atomic_fetch_add(&seen, sum);
}

void ENVOY(log)(int level, envoy_text message) {
  look(message);
  if (level < ENVOY_LOG_ERROR || memmem(message.data, message.size, "check: ", 7) != NULL) return;
  fprintf(stderr, "%.*s\n", (int)message.size, message.data);
}

uint32_t ENVOY(get_concurrency)(void) { return WORKERS; }

/* Now and then a thread that there is not: then no check can be made. */
uint32_t ENVOY(http_filter_get_worker_index)(void *filter) {
  fake_stream *stream = filter;
  return next(&stream->random) % 16 == 0 ? 1000 : stream->worker;
}

bool ENVOY(http_get_header)(void *filter, int map, envoy_text name, envoy_text *value_out, size_t index,
                            size_t *count_out) {
  fake_stream *stream = filter;
  size_t found = 0, at;
  *value_out = (envoy_text){NULL, 0};
  for (at = 0; at < stream->count[map]; at++) {
    const random_text *here = &stream->names[map][at];
    if (here->size != name.size || strncasecmp(here->data, name.data, name.size) != 0) continue;
    if (found++ == index) *value_out = (envoy_text){stream->values[map][at].data, stream->values[map][at].size};
  }
  if (count_out != NULL) *count_out = found;
  return index < found;
}

size_t ENVOY(http_get_headers_size)(void *filter, int map) { return ((fake_stream *)filter)->count[map]; }

bool ENVOY(http_get_headers)(void *filter, int map, envoy_header *headers_out) {
  fake_stream *stream = filter;
  size_t index;
  for (index = 0; index < stream->count[map]; index++) {
    headers_out[index].name = (envoy_text){stream->names[map][index].data, stream->names[map][index].size};
    headers_out[index].value = (envoy_text){stream->values[map][index].data, stream->values[map][index].size};
  }
  return true;
}

bool ENVOY(http_set_header)(void *filter, int map, envoy_text name, envoy_text value) {
  (void)filter, (void)map;
  look(name);
  if (value.data != NULL) look(value);
  return true;
}

bool ENVOY(http_add_header)(void *filter, int map, envoy_text name, envoy_text value) {
  (void)filter, (void)map;
  look(name);
  look(value);
  return true;
}

bool ENVOY(http_filter_get_attribute_string)(void *filter, int attribute, envoy_text *value_out) {
  fake_stream *stream = filter;
  if (next(&stream->random) % 8 == 0) return false;
  *value_out = (envoy_text){stream->attributes[attribute].data, stream->attributes[attribute].size};
  return true;
}

bool ENVOY(http_filter_get_attribute_int)(void *filter, int attribute, uint64_t *value_out) {
  fake_stream *stream = filter;
  (void)attribute;
  *value_out = next(&stream->random) >> (next(&stream->random) % 64);
  return next(&stream->random) % 8 != 0;
}

bool ENVOY(http_filter_get_attribute_bool)(void *filter, int attribute, bool *value_out) {
  fake_stream *stream = filter;
  (void)attribute;
  *value_out = next(&stream->random) % 2 == 0;
  return next(&stream->random) % 8 != 0;
}

void ENVOY(http_get_timing_info)(void *filter, envoy_timing *timing_out) {
  fake_stream *stream = filter;
  int moment;
  for (moment = 0; moment < ENVOY_MOMENTS; moment++) {
    timing_out->is_known[moment] = next(&stream->random) % 4 != 0;
    timing_out->nanoseconds[moment] = (int64_t)(next(&stream->random) >> (next(&stream->random) % 64));
  }
}

void ENVOY(http_set_dynamic_metadata_string)(void *filter, envoy_text name_space, envoy_text key, envoy_text value) {
  (void)filter;
  look(name_space);
  look(key);
  look(value);
}

void *ENVOY(http_filter_scheduler_new)(void *filter) {
  fake_stream *stream = filter;
  fake_scheduler *made = malloc(sizeof *made);
  *made = (fake_scheduler){&workers[stream->worker], stream->number};
  return made;
}

void ENVOY(http_filter_scheduler_delete)(void *scheduler) { free(scheduler); }

void ENVOY(http_filter_scheduler_commit)(void *scheduler, uint64_t event) {
  fake_worker *worker = ((fake_scheduler *)scheduler)->worker;
  demand(event == 0, "event");
  pthread_mutex_lock(&worker->lock);
  demand(!worker->has_ended, "an event for a worker that has ended");
  if (worker->events_count == worker->events_room) {
    worker->events_room = worker->events_room * 2 + 16;
    worker->events = realloc(worker->events, worker->events_room * sizeof *worker->events);
    demand(worker->events != NULL, "memory");
  }
  worker->events[worker->events_count++] = ((fake_scheduler *)scheduler)->stream;
  pthread_cond_signal(&worker->some);
  pthread_mutex_unlock(&worker->lock);
}

void ENVOY(http_filter_continue_decoding)(void *filter) {
  fake_stream *stream = filter;
  demand(stream->is_waiting && !stream->has_replied && !stream->has_continued, "went on without having stopped");
  stream->has_continued = true;
}

#ifndef LACKS_NEWER_CALLBACKS
bool ENVOY(is_validation_mode)(void) { return false; }

bool ENVOY(http_get_downstream_direct_remote_address)(void *filter, envoy_text *value_out) {
  return ENVOY(http_filter_get_attribute_string)(filter, ENVOY_SOURCE_ADDRESS, value_out);
}

void ENVOY(http_set_dynamic_metadata_string_batch)(void *filter, envoy_text name_space, const envoy_header *entries,
                                                   size_t count) {
  size_t index;
  for (index = 0; index < count; index++) {
    ENVOY(http_set_dynamic_metadata_string)(filter, name_space, entries[index].name, entries[index].value);
  }
}
#endif

void ENVOY(http_send_response)(void *filter, uint32_t status, envoy_header *headers, size_t count, envoy_text body,
                               envoy_text details) {
  fake_stream *stream = filter;
  size_t index;
  demand(!stream->has_replied, "two replies");
  demand(status >= 200 && status <= 599, "status");
  stream->has_replied = true;
  for (index = 0; index < count; index++) {
    look(headers[index].name);
    look(headers[index].value);
  }
  look(body);
  look(details);
  demand(memchr(details.data, ' ', details.size) == NULL, "a space in the details");
  atomic_fetch_add(&replies, 1);
  if (stream->is_completed_inside) {
    renew(stream);
    envoy_dynamic_module_on_http_filter_stream_complete(stream, stream->filter);
    atomic_fetch_add(&reports_inside, 1);
    if (stream->is_waiting && stream->is_destroyed_inside) {
      empty(stream);
      envoy_dynamic_module_on_http_filter_destroy(stream->filter);
      stream->filter = NULL;
    }
  }
}

/* ------------------------------------------------------------------------------------------------ streams */

static fake_configuration *share(void) {
  fake_configuration *taken;
  pthread_mutex_lock(&lock);
  taken = current;
  atomic_fetch_add(&taken->users, 1);
  pthread_mutex_unlock(&lock);
  return taken;
}

static void give_up(fake_configuration *configuration) {
  if (atomic_fetch_sub(&configuration->users, 1) > 1) return;
  envoy_dynamic_module_on_http_filter_config_destroy(configuration->module);
  free(configuration);
}

/* From here on the stream is only reported and destroyed, unless that happened inside its reply. */
static void finish(fake_stream *stream) {
  fake_configuration *configuration = stream->configuration;
  if (stream->filter != NULL) {
    renew(stream);
    envoy_dynamic_module_on_http_filter_stream_complete(stream, stream->filter);
    empty(stream);
    envoy_dynamic_module_on_http_filter_destroy(stream->filter);
  }
  free(stream);
  give_up(configuration);
}

static void pass(fake_stream *stream) {
  atomic_fetch_add(&passes, 1);
  renew(stream);
  if (next(&stream->random) % 7 != 0) {
    envoy_dynamic_module_on_http_filter_response_headers(stream, stream->filter, true);
  }
}

static void run_stream(uint64_t seed, fake_worker *worker) {
  static atomic_ulong numbers;
  fake_stream *stream = calloc(1, sizeof *stream);
  int status = ENVOY_CONTINUE;
  stream->configuration = share();
  stream->random = seed;
  stream->number = atomic_fetch_add(&numbers, 1);
  stream->worker = worker->index;
  stream->is_completed_inside = seed % 5 == 0;
  stream->is_destroyed_inside = seed % 3 == 0;
  renew(stream);
  stream->filter = envoy_dynamic_module_on_http_filter_new(stream->configuration->module, stream);
  demand(stream->filter != NULL, "no filter");
  /* One in eight never gets this far: an earlier filter answered. */
  if (seed % 8 != 0) status = envoy_dynamic_module_on_http_filter_request_headers(stream, stream->filter, true);
  if (status == ENVOY_STOP_ALL_AND_WATERMARK) {
    demand(!stream->has_replied, "stopped after a reply");
    renew(stream);
    stream->is_waiting = true;
    worker->waiting[worker->waiting_count++] = stream;
    atomic_fetch_add(&waited, 1);
    return;
  }
  demand((status == ENVOY_CONTINUE) == !stream->has_replied, "stopped without a reply, or went on after one");
  if (!stream->has_replied) pass(stream);
  finish(stream);
}

/* ---------------------------------------------------------------------------------------- streams that wait */

static void no_longer_waits(fake_worker *worker, size_t place) {
  worker->waiting[place] = worker->waiting[--worker->waiting_count];
}

static void wake(fake_worker *worker, uint64_t number) {
  fake_stream *stream;
  size_t place;
  for (place = 0; place < worker->waiting_count && worker->waiting[place]->number != number; place++) continue;
  if (place == worker->waiting_count) return;
  stream = worker->waiting[place];
  no_longer_waits(worker, place);
  envoy_dynamic_module_on_http_filter_scheduled(stream, stream->filter, 0);
  demand(stream->has_continued != stream->has_replied, "woken, and neither went on nor replied, or both");
  if (stream->has_continued) pass(stream);
  finish(stream);
}

/* The client goes, or Envoy answers; then some are woken all the same, before they are destroyed. */
static void leave(fake_worker *worker, size_t place) {
  fake_stream *stream = worker->waiting[place];
  no_longer_waits(worker, place);
  atomic_fetch_add(&left_early, 1);
  if (next(&stream->random) % 2 == 0) {
    envoy_dynamic_module_on_http_filter_response_headers(stream, stream->filter, true);
    renew(stream);
    if (next(&stream->random) % 2 == 0) envoy_dynamic_module_on_http_filter_scheduled(stream, stream->filter, 0);
    demand(!stream->has_continued && !stream->has_replied, "woken after it was answered");
  }
  finish(stream);
}

/* Handles the events that are there; waits for one if it is told to. */
static void handle_events(fake_worker *worker, bool waits) {
  pthread_mutex_lock(&worker->lock);
  while (waits && worker->events_count == 0) pthread_cond_wait(&worker->some, &worker->lock);
  while (worker->events_count > 0) {
    const uint64_t number = worker->events[--worker->events_count];
    pthread_mutex_unlock(&worker->lock);
    wake(worker, number);
    pthread_mutex_lock(&worker->lock);
  }
  pthread_mutex_unlock(&worker->lock);
}

static void *work(void *argument) {
  fake_worker *worker = argument;
  uint64_t random = worker->index;
  while (atomic_fetch_sub(&left, 1) - 1 < 1UL << 62) {
    run_stream(next(&random), worker);
    handle_events(worker, worker->waiting_count == WAITING_MAX);
    if (worker->waiting_count > 0 && next(&random) % 16 == 0) leave(worker, next(&random) % worker->waiting_count);
  }
  /* Half of the rest is answered, the others leave as the worker ends. */
  while (worker->waiting_count > WAITING_MAX / 2) handle_events(worker, true);
  while (worker->waiting_count > 0) leave(worker, 0);
  pthread_mutex_lock(&worker->lock);
  worker->has_ended = true;
  pthread_mutex_unlock(&worker->lock);
  return NULL;
}

static fake_configuration *load(const char *text) {
  fake_configuration *made = calloc(1, sizeof *made);
  made->module =
    envoy_dynamic_module_on_http_filter_config_new(made, (envoy_text){"fake", 4}, (envoy_text){text, strlen(text)});
  atomic_store(&made->users, 1);
  if (made->module != NULL) return made;
  free(made);
  return NULL;
}

int main(int count, char **arguments) {
  pthread_t threads[WORKERS];
  unsigned long swaps, number;
  char *text, *broken;
  uint32_t worker;
  demand(count == 4, "usage: fake_envoy STREAMS SWAPS DOCUMENTS");
  demand(asprintf(&text,
                  "{\"policies\": [\"%s\"], \"metadata\": \"all\", \"reasonHeader\": \"x-why\", "
                  "\"clientAddress\": true, \"constants\": {\"destination.labels\": {\"app\": \"a\"}}}",
                  arguments[3]) > 0, "memory");
  demand(asprintf(&broken, "{\"policies\": [\"%s.absent\"]}", arguments[3]) > 0, "memory");
  demand(strcmp(envoy_dynamic_module_on_program_init(), ENVOY_ABI_VERSION) == 0, "version");
  current = load(text);
  if (current == NULL) return 1;
  atomic_store(&left, strtoul(arguments[1], NULL, 10));
  swaps = strtoul(arguments[2], NULL, 10);
  for (worker = 0; worker < WORKERS; worker++) {
    workers[worker].index = worker;
    pthread_mutex_init(&workers[worker].lock, NULL);
    pthread_cond_init(&workers[worker].some, NULL);
    demand(pthread_create(&threads[worker], NULL, work, &workers[worker]) == 0, "thread");
  }
  for (number = 0; number < swaps; number++) {
    fake_configuration *fresh = load(text), *old;
    demand(fresh != NULL, "a swap was refused");
    demand(load(broken) == NULL, "documents that are absent were taken");
    pthread_mutex_lock(&lock);
    old = current;
    current = fresh;
    pthread_mutex_unlock(&lock);
    give_up(old);
  }
  for (worker = 0; worker < WORKERS; worker++) pthread_join(threads[worker], NULL);
  give_up(current);
  for (worker = 0; worker < WORKERS; worker++) free(workers[worker].events);
  free(text);
  free(broken);
  printf("%lu passed, %lu denied, %lu reported inside the reply, %lu waited, %lu left while they did\n", passes, replies,
         reports_inside, waited, left_early);
  return 0;
}

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

const char *envoy_dynamic_module_on_program_init(void);
const void *envoy_dynamic_module_on_http_filter_config_new(void *envoy, envoy_text name, envoy_text text);
void envoy_dynamic_module_on_http_filter_config_destroy(const void *configuration);
const void *envoy_dynamic_module_on_http_filter_new(const void *configuration, void *envoy);
int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *filter, bool end);
int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *filter, bool end);
void envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, const void *filter);
void envoy_dynamic_module_on_http_filter_destroy(const void *filter);

typedef struct random_text {
  size_t size;
  char *data; /* on the heap, without a byte to spare */
} random_text;

typedef struct fake_stream {
  uint64_t random;
  uint32_t worker;
  const void *filter;
  size_t count[4];
  random_text names[4][HEADERS_MAX], values[4][HEADERS_MAX];
  random_text attributes[80];
  bool has_replied;
  bool is_completed_inside; /* stream_complete comes from inside send_response */
} fake_stream;

/* A configuration, and how many streams use it. */
typedef struct fake_configuration {
  const void *module;
  atomic_int users;
} fake_configuration;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fake_configuration *current;
static atomic_ulong left, replies, passes, reports_inside;

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

static void run_stream(uint64_t seed, uint32_t worker) {
  fake_configuration *configuration = share();
  fake_stream *stream = calloc(1, sizeof *stream);
  int status = ENVOY_CONTINUE;
  stream->random = seed;
  stream->worker = worker;
  stream->is_completed_inside = seed % 5 == 0;
  renew(stream);
  stream->filter = envoy_dynamic_module_on_http_filter_new(configuration->module, stream);
  demand(stream->filter != NULL, "no filter");
  /* One in eight never gets this far: an earlier filter answered. */
  if (seed % 8 != 0) status = envoy_dynamic_module_on_http_filter_request_headers(stream, stream->filter, true);
  demand((status == ENVOY_CONTINUE) == !stream->has_replied, "stopped without a reply, or went on after one");
  if (!stream->has_replied) {
    atomic_fetch_add(&passes, 1);
    renew(stream);
    if (seed % 7 != 0) envoy_dynamic_module_on_http_filter_response_headers(stream, stream->filter, true);
  }
  renew(stream);
  envoy_dynamic_module_on_http_filter_stream_complete(stream, stream->filter);
  empty(stream);
  envoy_dynamic_module_on_http_filter_destroy(stream->filter);
  free(stream);
  give_up(configuration);
}

static void *work(void *argument) {
  const uint32_t worker = (uint32_t)(uintptr_t)argument;
  uint64_t random = worker;
  while (atomic_fetch_sub(&left, 1) - 1 < 1UL << 62) run_stream(next(&random), worker);
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
  pthread_t workers[WORKERS];
  unsigned long swaps, number;
  char *text, *broken;
  uintptr_t worker;
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
    demand(pthread_create(&workers[worker], NULL, work, (void *)worker) == 0, "thread");
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
  for (worker = 0; worker < WORKERS; worker++) pthread_join(workers[worker], NULL);
  give_up(current);
  free(text);
  free(broken);
  printf("%lu passed, %lu denied, %lu reported inside the reply\n", passes, replies, reports_inside);
  return 0;
}

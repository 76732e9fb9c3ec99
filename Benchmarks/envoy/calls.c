/*
 * calls.c - the clock around every call that the module makes, into Envoy and into libpurser.so, and around its hooks.
 *
 * Linked into the module with --wrap for what it calls, its own hooks renamed to untimed_… (calls.sh). At the end of the
 * process it writes a table to the file that PURSER_CALLS names. One worker thread is assumed. The clock itself costs some
 * 15 ns a call, which a hook's time includes for each call inside it.
 */
#define _POSIX_C_SOURCE 200809L

#include "envoy_abi.h"
#include "stream.h"

#include <purser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct timed {
  const char *name;
  uint64_t calls, nanoseconds;
  struct timed *next;
} timed;

static timed *all;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void count(timed *one, uint64_t began) {
  one->nanoseconds += now() - began;
  if (one->calls++ == 0) {
    one->next = all;
    all = one;
  }
}

#define TIMED(result, outer, inner, parameters, arguments) \
  result inner parameters;                                 \
  result outer parameters;                                 \
  result outer parameters {                                \
    static timed one = {#inner, 0, 0, NULL};               \
    const uint64_t began = now();                          \
    result answer = inner arguments;                        \
    count(&one, began);                                    \
    return answer;                                         \
  }
#define TIMED_VOID(outer, inner, parameters, arguments) \
  void inner parameters;                                \
  ENVOY_HOOK void outer parameters;                     \
  void outer parameters {                               \
    static timed one = {#inner, 0, 0, NULL};            \
    const uint64_t began = now();                       \
    inner arguments;                                    \
    count(&one, began);                                 \
  }
#define CALL(result, name, parameters, arguments) TIMED(result, __wrap_##name, __real_##name, parameters, arguments)
#define CALLBACK(result, name, parameters, arguments) \
  CALL(result, envoy_dynamic_module_callback_##name, parameters, arguments)
#define HOOK(result, name, parameters, arguments)                                                                       \
  ENVOY_HOOK result envoy_dynamic_module_on_http_filter_##name parameters;                                              \
  TIMED(result, envoy_dynamic_module_on_http_filter_##name, untimed_##name, parameters, arguments)

CALLBACK(bool, http_get_headers, (void *f, int map, envoy_header *out), (f, map, out))
CALLBACK(size_t, http_get_headers_size, (void *f, int map), (f, map))
CALLBACK(bool, http_get_header, (void *f, int map, envoy_text name, envoy_text *out, size_t index, size_t *all_out),
         (f, map, name, out, index, all_out))
CALLBACK(bool, http_add_header, (void *f, int map, envoy_text name, envoy_text value), (f, map, name, value))
CALLBACK(bool, http_set_header, (void *f, int map, envoy_text name, envoy_text value), (f, map, name, value))
CALLBACK(bool, http_filter_get_attribute_string, (void *f, int number, envoy_text *out), (f, number, out))
CALLBACK(bool, http_filter_get_attribute_int, (void *f, int number, uint64_t *out), (f, number, out))
CALLBACK(bool, http_filter_get_attribute_bool, (void *f, int number, bool *out), (f, number, out))
CALLBACK(uint32_t, http_filter_get_worker_index, (void *f), (f))
CALL(purser_status, purser_request_begin,
     (purser_request *r, purser_worker *w, purser_policy_set *s, const purser_host *h, void *c,
      const purser_request_options *o),
     (r, w, s, h, c, o))
CALL(purser_status, purser_check, (purser_request *r, int64_t time, const purser_pending *p), (r, time, p))
CALL(purser_status, purser_report, (purser_request *r, int64_t time), (r, time))
CALL(purser_status, purser_request_end, (purser_request *r), (r))
HOOK(stream *, new, (filter_configuration *c, void *envoy), (c, envoy))
HOOK(int, request_headers, (void *envoy, stream *s, bool end), (envoy, s, end))
HOOK(int, response_headers, (void *envoy, stream *s, bool end), (envoy, s, end))
TIMED_VOID(envoy_dynamic_module_on_http_filter_stream_complete, untimed_stream_complete, (void *envoy, stream *s),
           (envoy, s))
TIMED_VOID(envoy_dynamic_module_on_http_filter_destroy, untimed_destroy, (stream *s), (s))

static const char *plain(const char *name) {
  static const char *const prefixes[] = {"__real_envoy_dynamic_module_callback_", "__real_", "untimed_"};
  for (size_t index = 0; index < sizeof prefixes / sizeof prefixes[0]; index++) {
    const size_t size = strlen(prefixes[index]);
    if (strncmp(name, prefixes[index], size) == 0) return name + size;
  }
  return name;
}

__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("PURSER_CALLS");
  FILE *file = path == NULL ? NULL : fopen(path, "w");
  double requests = 0;
  if (file == NULL) return;
  for (const timed *one = all; one != NULL; one = one->next) {
    if (strcmp(one->name, "untimed_new") == 0) requests = (double)one->calls;
  }
  for (const timed *one = all; one != NULL && requests > 0; one = one->next) {
    const bool is_hook = strncmp(one->name, "untimed_", 8) == 0;
    fprintf(file, "%d %-34s %6.2f %8.0f\n", is_hook, plain(one->name), (double)one->calls / requests,
            (double)one->nanoseconds / requests);
  }
  fclose(file);
}

/*
 * envoy_abi.h - what this module uses of Envoy's dynamic-module ABI, declared here.
 *
 *   Envoy ── hooks ──► this module        envoy_dynamic_module_on_*        defined in filter.c and hooks_unused.c
 *   Envoy ◄── callbacks ── this module    envoy_dynamic_module_callback_*  found in Envoy's executable when it loads us
 *
 * All of it is plain C. Buffers and headers are passed by value or as arrays; enums are a C int.
 *
 *   Memory.  What Envoy hands out lives until the hook returns, or until a setter of the same map is called. What is
 *            handed to Envoy is copied or consumed during the call.
 *   Weak.    Envoy binds every symbol when it loads a module and refuses one that names a callback it lacks. So
 *            callbacks that an Envoy may lack are weak here: NULL then, and their users ask first.
 */
#ifndef PURSER_ENVOY_ABI_H
#define PURSER_ENVOY_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of the ABI that this was written for. Another Envoy logs a warning and goes on. */
#define ENVOY_ABI_VERSION "v0.2.0"

#define ENVOY_HOOK __attribute__((visibility("default")))
#define ENVOY_MAY_LACK __attribute__((weak))

/* Text of either side: Envoy's own name distinguishes envoy_buffer and module_buffer, which differ only in the owner. */
typedef struct envoy_text {
  const char *data;
  size_t size;
} envoy_text;

typedef struct envoy_header {
  envoy_text name;
  envoy_text value;
} envoy_header;

enum envoy_header_map {
  ENVOY_REQUEST_HEADERS = 0,
  ENVOY_REQUEST_TRAILERS = 1,
  ENVOY_RESPONSE_HEADERS = 2,
  ENVOY_RESPONSE_TRAILERS = 3
};

enum envoy_log_level {
  ENVOY_LOG_DEBUG = 1,
  ENVOY_LOG_INFO = 2,
  ENVOY_LOG_WARN = 3,
  ENVOY_LOG_ERROR = 4
};

/* What the hooks for headers, bodies and trailers answer. */
enum envoy_status {
  ENVOY_CONTINUE = 0,
  ENVOY_STOP_ITERATION = 1,
  /* Of headers: nothing goes on until continue_decoding; a body waits, up to Envoy's buffer limit, past which the client is not read. */
  ENVOY_STOP_ALL_AND_WATERMARK = 4
};

/* Numbers of attributes. Times, maps and metadata have numbers too, but no getter that serves them. */
enum envoy_attribute {
  ENVOY_REQUEST_PATH = 0,
  ENVOY_REQUEST_HOST = 2,
  ENVOY_REQUEST_SCHEME = 3,
  ENVOY_REQUEST_METHOD = 4,
  ENVOY_REQUEST_ID = 9,
  ENVOY_REQUEST_PROTOCOL = 10,
  ENVOY_REQUEST_SIZE = 13,
  ENVOY_REQUEST_TOTAL_SIZE = 14,
  ENVOY_RESPONSE_CODE = 15,
  ENVOY_RESPONSE_CODE_DETAILS = 16,
  ENVOY_RESPONSE_FLAGS = 17,
  ENVOY_RESPONSE_GRPC_STATUS = 18,
  ENVOY_RESPONSE_SIZE = 21,
  ENVOY_RESPONSE_TOTAL_SIZE = 22,
  ENVOY_SOURCE_ADDRESS = 24,
  ENVOY_DESTINATION_ADDRESS = 26,
  ENVOY_DESTINATION_PORT = 27,
  ENVOY_CONNECTION_ID = 28,
  ENVOY_CONNECTION_MTLS = 29,
  ENVOY_CONNECTION_REQUESTED_SERVER_NAME = 30,
  ENVOY_CONNECTION_TLS_VERSION = 31,
  ENVOY_CONNECTION_SUBJECT_LOCAL = 32,
  ENVOY_CONNECTION_SUBJECT_PEER = 33,
  ENVOY_CONNECTION_DNS_SAN_LOCAL = 34,
  ENVOY_CONNECTION_DNS_SAN_PEER = 35,
  ENVOY_CONNECTION_URI_SAN_LOCAL = 36,
  ENVOY_CONNECTION_URI_SAN_PEER = 37,
  ENVOY_CONNECTION_SHA256_PEER = 38,
  ENVOY_UPSTREAM_ADDRESS = 41,
  ENVOY_UPSTREAM_PORT = 42,
  ENVOY_UPSTREAM_TLS_VERSION = 43,
  ENVOY_UPSTREAM_TRANSPORT_FAILURE_REASON = 52,
  ENVOY_UPSTREAM_REQUEST_ATTEMPT_COUNT = 53,
  ENVOY_XDS_CLUSTER_NAME = 57,
  ENVOY_XDS_LISTENER_DIRECTION = 59,
  ENVOY_XDS_ROUTE_NAME = 61,
  ENVOY_XDS_VIRTUAL_HOST_NAME = 63
};

/* When things happened: the start since the Unix epoch, the others since the start; all in nanoseconds. */
enum envoy_moment {
  ENVOY_START = 0,
  ENVOY_FIRST_UPSTREAM_TX = 9,
  ENVOY_LAST_UPSTREAM_RX = 13,
  ENVOY_LAST_DOWNSTREAM_TX = 15,
  ENVOY_COMPLETE = 17,
  ENVOY_MOMENTS = 19
};

typedef struct envoy_timing {
  int64_t nanoseconds[ENVOY_MOMENTS];
  bool is_known[ENVOY_MOMENTS];
} envoy_timing;

/* The layout is fixed: Envoy writes it. */
_Static_assert(sizeof(envoy_text) == 16, "a buffer is two words");
_Static_assert(sizeof(envoy_header) == 32, "a header is two buffers");
_Static_assert(sizeof(envoy_timing) == 176, "19 moments, and whether they are known");

/* The callbacks. `filter` is Envoy's object of one stream. */
#define ENVOY(name) envoy_dynamic_module_callback_##name

void ENVOY(log)(int level, envoy_text message);
uint32_t ENVOY(get_concurrency)(void);    /* main thread only */
bool ENVOY(is_validation_mode)(void) ENVOY_MAY_LACK; /* main thread only */
uint32_t ENVOY(http_filter_get_worker_index)(void *filter);

/* The value of that index, and how many there are. Names are compared without case. */
bool ENVOY(http_get_header)(void *filter, int map, envoy_text name, envoy_text *value_out, size_t index,
                            size_t *count_out);
size_t ENVOY(http_get_headers_size)(void *filter, int map);
bool ENVOY(http_get_headers)(void *filter, int map, envoy_header *headers_out);
/* Replaces all values; removes the header when value.data is NULL. */
bool ENVOY(http_set_header)(void *filter, int map, envoy_text name, envoy_text value);
bool ENVOY(http_add_header)(void *filter, int map, envoy_text name, envoy_text value);

bool ENVOY(http_filter_get_attribute_string)(void *filter, int attribute, envoy_text *value_out);
bool ENVOY(http_filter_get_attribute_int)(void *filter, int attribute, uint64_t *value_out);
bool ENVOY(http_filter_get_attribute_bool)(void *filter, int attribute, bool *value_out);
/* The peer of the connection as "ip:port", whatever x-forwarded-for says. */
bool ENVOY(http_get_downstream_direct_remote_address)(void *filter, envoy_text *value_out) ENVOY_MAY_LACK;
void ENVOY(http_get_timing_info)(void *filter, envoy_timing *timing_out);

/* Answers instead of the upstream. Calls the local_reply hook, and perhaps stream_complete, before it returns. */
void ENVOY(http_send_response)(void *filter, uint32_t status, envoy_header *headers, size_t count, envoy_text body,
                               envoy_text details);
void ENVOY(http_set_dynamic_metadata_string)(void *filter, envoy_text name_space, envoy_text key, envoy_text value);
void ENVOY(http_set_dynamic_metadata_string_batch)(void *filter, envoy_text name_space, const envoy_header *entries,
                                                   size_t count) ENVOY_MAY_LACK;

/* For a request that was stopped. Runs other hooks of the stream, and perhaps ends it, before it returns. */
void ENVOY(http_filter_continue_decoding)(void *filter);

/* Has the hook `scheduled` called on the stream's thread; nothing happens if the stream is gone by then. The scheduler is ours to
 * delete. commit: from any thread, as long as Envoy's worker has not ended. */
void *ENVOY(http_filter_scheduler_new)(void *filter);
void ENVOY(http_filter_scheduler_commit)(void *scheduler, uint64_t event);
void ENVOY(http_filter_scheduler_delete)(void *scheduler);

#endif

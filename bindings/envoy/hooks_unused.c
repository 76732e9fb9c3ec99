/*
 * hooks_unused.c - hooks that Envoy demands of every HTTP filter and that this one has no use for: bodies, trailers,
 * and the answers to requests that a filter may make of its own.
 */
#include "envoy_abi.h"

#define HOOK(name) envoy_dynamic_module_on_http_filter_##name

ENVOY_HOOK int HOOK(request_body)(void *envoy, const void *filter, bool end);
ENVOY_HOOK int HOOK(request_trailers)(void *envoy, const void *filter);
ENVOY_HOOK int HOOK(response_body)(void *envoy, const void *filter, bool end);
ENVOY_HOOK int HOOK(response_trailers)(void *envoy, const void *filter);
ENVOY_HOOK void HOOK(http_callout_done)(void *envoy, const void *filter, uint64_t id, int result, envoy_header *headers,
                                        size_t headers_count, envoy_text *body, size_t body_count);
ENVOY_HOOK void HOOK(http_stream_headers)(void *envoy, const void *filter, uint64_t id, envoy_header *headers,
                                          size_t count, bool end);
ENVOY_HOOK void HOOK(http_stream_data)(void *envoy, const void *filter, uint64_t id, const envoy_text *data,
                                       size_t count, bool end);
ENVOY_HOOK void HOOK(http_stream_trailers)(void *envoy, const void *filter, uint64_t id, envoy_header *trailers,
                                           size_t count);
ENVOY_HOOK void HOOK(http_stream_complete)(void *envoy, const void *filter, uint64_t id);
ENVOY_HOOK void HOOK(http_stream_reset)(void *envoy, const void *filter, uint64_t id, int reason);
ENVOY_HOOK void HOOK(downstream_above_write_buffer_high_watermark)(void *envoy, const void *filter);
ENVOY_HOOK void HOOK(downstream_below_write_buffer_low_watermark)(void *envoy, const void *filter);

int HOOK(request_body)(void *envoy, const void *filter, bool end) {
  (void)envoy, (void)filter, (void)end;
  return ENVOY_CONTINUE;
}

int HOOK(request_trailers)(void *envoy, const void *filter) {
  (void)envoy, (void)filter;
  return ENVOY_CONTINUE;
}

int HOOK(response_body)(void *envoy, const void *filter, bool end) {
  (void)envoy, (void)filter, (void)end;
  return ENVOY_CONTINUE;
}

int HOOK(response_trailers)(void *envoy, const void *filter) {
  (void)envoy, (void)filter;
  return ENVOY_CONTINUE;
}

void HOOK(http_callout_done)(void *envoy, const void *filter, uint64_t id, int result, envoy_header *headers,
                             size_t headers_count, envoy_text *body, size_t body_count) {
  (void)envoy, (void)filter, (void)id, (void)result, (void)headers, (void)headers_count, (void)body, (void)body_count;
}

void HOOK(http_stream_headers)(void *envoy, const void *filter, uint64_t id, envoy_header *headers, size_t count,
                               bool end) {
  (void)envoy, (void)filter, (void)id, (void)headers, (void)count, (void)end;
}

void HOOK(http_stream_data)(void *envoy, const void *filter, uint64_t id, const envoy_text *data, size_t count,
                            bool end) {
  (void)envoy, (void)filter, (void)id, (void)data, (void)count, (void)end;
}

void HOOK(http_stream_trailers)(void *envoy, const void *filter, uint64_t id, envoy_header *trailers, size_t count) {
  (void)envoy, (void)filter, (void)id, (void)trailers, (void)count;
}

void HOOK(http_stream_complete)(void *envoy, const void *filter, uint64_t id) { (void)envoy, (void)filter, (void)id; }

void HOOK(http_stream_reset)(void *envoy, const void *filter, uint64_t id, int reason) {
  (void)envoy, (void)filter, (void)id, (void)reason;
}

void HOOK(downstream_above_write_buffer_high_watermark)(void *envoy, const void *filter) { (void)envoy, (void)filter; }

void HOOK(downstream_below_write_buffer_low_watermark)(void *envoy, const void *filter) { (void)envoy, (void)filter; }

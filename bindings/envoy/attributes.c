/*
 * attributes.c - Purser's attributes from Envoy's callbacks.
 *
 * `sources` has one row for each attribute: how it is found and with which of Envoy's numbers. `get` follows the row;
 * maps are in header_maps.c. Bytes are Envoy's own wherever they can be: nothing sets a header while a check or
 * report runs.
 */
#include "attributes.h"

#include "header_maps.h"
#include "stream.h"

#include <stdlib.h>
#include <string.h>

enum source_kind {
  NOT_SERVED,
  TEXT,             /* a string; empty is absent, as Envoy has no other word for it */
  WHOLE,            /* an integer of type int */
  WHOLE_UNSIGNED,   /* of type uint */
  TRUTH,
  HEADER,           /* a request header; `number` is unused */
  HEADER_MAP,       /* `number` is the map's */
  HEADER_BYTES,
  ADDRESS,          /* the part of "ip:port" before the port */
  PEER_ADDRESS,
  PEER_PORT,
  CLIENT_ADDRESS,   /* if the configuration says so */
  PATH,
  HOST,
  SPIFFE_NAMESPACE,
  SPIFFE_SERVICE_ACCOUNT,
  PROTOCOL_KIND,
  GRPC_STATUS,
  START_TIME,
  END_TIME,
  WHOLE_DURATION,
  BACKEND_LATENCY,
  REPORTER_KIND
};

typedef struct source {
  enum source_kind kind;
  int number;
  const char *header;
} source;

#define SOURCES_MAX (PURSER_ATTRIBUTE_MCP_SESSION_ID + 1)

static const source sources[SOURCES_MAX] = {
  [PURSER_ATTRIBUTE_REQUEST_METHOD] = {TEXT, ENVOY_REQUEST_METHOD, NULL},
  [PURSER_ATTRIBUTE_REQUEST_PATH] = {PATH, ENVOY_REQUEST_PATH, NULL},
  [PURSER_ATTRIBUTE_REQUEST_HOST] = {HOST, ENVOY_REQUEST_HOST, NULL},
  [PURSER_ATTRIBUTE_REQUEST_SCHEME] = {TEXT, ENVOY_REQUEST_SCHEME, NULL},
  [PURSER_ATTRIBUTE_REQUEST_PROTOCOL] = {TEXT, ENVOY_REQUEST_PROTOCOL, NULL},
  [PURSER_ATTRIBUTE_REQUEST_HEADERS] = {HEADER_MAP, ENVOY_REQUEST_HEADERS, NULL},
  [PURSER_ATTRIBUTE_REQUEST_HEADERS_BYTES] = {HEADER_BYTES, ENVOY_REQUEST_HEADERS, NULL},
  [PURSER_ATTRIBUTE_REQUEST_REFERER] = {HEADER, 0, "referer"},
  [PURSER_ATTRIBUTE_REQUEST_USERAGENT] = {HEADER, 0, "user-agent"},
  [PURSER_ATTRIBUTE_REQUEST_ID] = {TEXT, ENVOY_REQUEST_ID, NULL},
  [PURSER_ATTRIBUTE_REQUEST_TIME] = {START_TIME, 0, NULL},
  [PURSER_ATTRIBUTE_REQUEST_DURATION] = {WHOLE_DURATION, 0, NULL},
  [PURSER_ATTRIBUTE_REQUEST_SIZE] = {WHOLE, ENVOY_REQUEST_SIZE, NULL},
  [PURSER_ATTRIBUTE_REQUEST_TOTAL_SIZE] = {WHOLE, ENVOY_REQUEST_TOTAL_SIZE, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_CODE] = {WHOLE, ENVOY_RESPONSE_CODE, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_CODE_DETAILS] = {TEXT, ENVOY_RESPONSE_CODE_DETAILS, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_FLAGS] = {WHOLE, ENVOY_RESPONSE_FLAGS, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_GRPC_STATUS] = {GRPC_STATUS, ENVOY_RESPONSE_GRPC_STATUS, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_HEADERS] = {HEADER_MAP, ENVOY_RESPONSE_HEADERS, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_HEADERS_BYTES] = {HEADER_BYTES, ENVOY_RESPONSE_HEADERS, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_TRAILERS] = {HEADER_MAP, ENVOY_RESPONSE_TRAILERS, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_SIZE] = {WHOLE, ENVOY_RESPONSE_SIZE, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_TOTAL_SIZE] = {WHOLE, ENVOY_RESPONSE_TOTAL_SIZE, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_TIME] = {END_TIME, 0, NULL},
  [PURSER_ATTRIBUTE_RESPONSE_BACKEND_LATENCY] = {BACKEND_LATENCY, 0, NULL},
  [PURSER_ATTRIBUTE_SOURCE_ADDRESS] = {PEER_ADDRESS, 0, NULL},
  [PURSER_ATTRIBUTE_SOURCE_PORT] = {PEER_PORT, 0, NULL},
  [PURSER_ATTRIBUTE_CLIENT_ADDRESS] = {CLIENT_ADDRESS, ENVOY_SOURCE_ADDRESS, NULL},
  [PURSER_ATTRIBUTE_SOURCE_PRINCIPAL] = {TEXT, ENVOY_CONNECTION_URI_SAN_PEER, NULL},
  [PURSER_ATTRIBUTE_SOURCE_NAMESPACE] = {SPIFFE_NAMESPACE, ENVOY_CONNECTION_URI_SAN_PEER, NULL},
  [PURSER_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT] = {SPIFFE_SERVICE_ACCOUNT, ENVOY_CONNECTION_URI_SAN_PEER, NULL},
  [PURSER_ATTRIBUTE_DESTINATION_ADDRESS] = {ADDRESS, ENVOY_DESTINATION_ADDRESS, NULL},
  [PURSER_ATTRIBUTE_DESTINATION_PORT] = {WHOLE, ENVOY_DESTINATION_PORT, NULL},
  [PURSER_ATTRIBUTE_DESTINATION_PRINCIPAL] = {TEXT, ENVOY_CONNECTION_URI_SAN_LOCAL, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_ID] = {WHOLE_UNSIGNED, ENVOY_CONNECTION_ID, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_MTLS] = {TRUTH, ENVOY_CONNECTION_MTLS, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_REQUESTED_SERVER_NAME] = {TEXT, ENVOY_CONNECTION_REQUESTED_SERVER_NAME, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_TLS_VERSION] = {TEXT, ENVOY_CONNECTION_TLS_VERSION, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_SUBJECT_PEER_CERTIFICATE] = {TEXT, ENVOY_CONNECTION_SUBJECT_PEER, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_SUBJECT_LOCAL_CERTIFICATE] = {TEXT, ENVOY_CONNECTION_SUBJECT_LOCAL, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_DNS_SAN_PEER_CERTIFICATE] = {TEXT, ENVOY_CONNECTION_DNS_SAN_PEER, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_DNS_SAN_LOCAL_CERTIFICATE] = {TEXT, ENVOY_CONNECTION_DNS_SAN_LOCAL, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_URI_SAN_PEER_CERTIFICATE] = {TEXT, ENVOY_CONNECTION_URI_SAN_PEER, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_URI_SAN_LOCAL_CERTIFICATE] = {TEXT, ENVOY_CONNECTION_URI_SAN_LOCAL, NULL},
  [PURSER_ATTRIBUTE_CONNECTION_SHA256_PEER_CERTIFICATE_DIGEST] = {TEXT, ENVOY_CONNECTION_SHA256_PEER, NULL},
  [PURSER_ATTRIBUTE_UPSTREAM_ADDRESS] = {TEXT, ENVOY_UPSTREAM_ADDRESS, NULL},
  [PURSER_ATTRIBUTE_UPSTREAM_PORT] = {WHOLE, ENVOY_UPSTREAM_PORT, NULL},
  [PURSER_ATTRIBUTE_UPSTREAM_TLS_VERSION] = {TEXT, ENVOY_UPSTREAM_TLS_VERSION, NULL},
  [PURSER_ATTRIBUTE_UPSTREAM_REQUEST_ATTEMPT_COUNT] = {WHOLE_UNSIGNED, ENVOY_UPSTREAM_REQUEST_ATTEMPT_COUNT, NULL},
  [PURSER_ATTRIBUTE_UPSTREAM_TRANSPORT_FAILURE_REASON] = {TEXT, ENVOY_UPSTREAM_TRANSPORT_FAILURE_REASON, NULL},
  [PURSER_ATTRIBUTE_CONTEXT_PROTOCOL] = {PROTOCOL_KIND, 0, NULL},
  [PURSER_ATTRIBUTE_CONTEXT_REPORTER_KIND] = {REPORTER_KIND, ENVOY_XDS_LISTENER_DIRECTION, NULL},
  [PURSER_ATTRIBUTE_XDS_ROUTE_NAME] = {TEXT, ENVOY_XDS_ROUTE_NAME, NULL},
  [PURSER_ATTRIBUTE_XDS_CLUSTER_NAME] = {TEXT, ENVOY_XDS_CLUSTER_NAME, NULL},
  [PURSER_ATTRIBUTE_XDS_VIRTUAL_HOST_NAME] = {TEXT, ENVOY_XDS_VIRTUAL_HOST_NAME, NULL},
  [PURSER_ATTRIBUTE_XDS_LISTENER_DIRECTION] = {WHOLE, ENVOY_XDS_LISTENER_DIRECTION, NULL},
};

/* ------------------------------------------------------------------------------------------------ answers */

static purser_presence give_text(envoy_text text, purser_value *value_out) {
  *value_out = (purser_value){.type = PURSER_TYPE_STRING, .as.text = purser_text_of(text)};
  return PURSER_PRESENT;
}

static purser_presence give_static(const char *text, purser_value *value_out) {
  return give_text((envoy_text){text, strlen(text)}, value_out);
}

static purser_presence give_integer(int64_t integer, purser_value *value_out) {
  *value_out = (purser_value){.type = PURSER_TYPE_INT, .as.integer = integer};
  return PURSER_PRESENT;
}

/* Seconds and a rest that is never negative for a time and has the sign of the whole for a duration, which here is
 * never negative either. */
static purser_presence give_nanoseconds(purser_type type, int64_t nanoseconds, purser_value *value_out) {
  if (nanoseconds < 0) return PURSER_ABSENT;
  *value_out = (purser_value){
    .type = type, .nanos = (int32_t)(nanoseconds % 1000000000), .as.seconds = nanoseconds / 1000000000};
  return PURSER_PRESENT;
}

envoy_text attributes_text(const stream *stream, int number) {
  envoy_text text = {NULL, 0};
  if (stream->list != NULL && stream->list->is_listed) {
    switch (number) {
    case ENVOY_REQUEST_METHOD: text = request_list_only(stream->list, ":method", 7); break;
    case ENVOY_REQUEST_PATH: text = request_list_only(stream->list, ":path", 5); break;
    case ENVOY_REQUEST_HOST: text = request_list_only(stream->list, ":authority", 10); break;
    case ENVOY_REQUEST_SCHEME: text = request_list_only(stream->list, ":scheme", 7); break;
    default: break;
    }
    if (text.size > 0) return text;
  }
  if (!ENVOY(http_filter_get_attribute_string)(stream->envoy, number, &text)) return (envoy_text){NULL, 0};
  return text;
}

/* ---------------------------------------------------------------------------------------------- addresses */

/* Splits "192.0.2.1:80" and "[2001:db8::1]:80"; false for what is no IP address, such as the path of a Unix socket. */
static bool split_address(envoy_text whole, envoy_text *address_out, int64_t *port_out) {
  size_t colon = whole.size;
  int64_t port = 0;
  size_t index;
  while (colon > 0 && whole.data[colon - 1] != ':') colon--;
  if (colon < 2 || colon == whole.size || whole.data[0] == '/' || whole.data[0] == '@') return false;
  for (index = colon; index < whole.size; index++) {
    if (whole.data[index] < '0' || whole.data[index] > '9' || port > 65535) return false;
    port = port * 10 + (whole.data[index] - '0');
  }
  *port_out = port;
  if (whole.data[0] != '[') {
    *address_out = (envoy_text){whole.data, colon - 1};
    return true;
  }
  if (colon < 4 || whole.data[colon - 2] != ']') return false;
  *address_out = (envoy_text){whole.data + 1, colon - 3};
  return true;
}

static purser_presence give_address(envoy_text whole, purser_value *value_out) {
  envoy_text address;
  int64_t port;
  return split_address(whole, &address, &port) ? give_text(address, value_out) : PURSER_ABSENT;
}

/* The other end of the connection. Not Envoy's source.address, which x-forwarded-for may have replaced. */
static envoy_text peer_address(const stream *stream) {
  envoy_text whole = {NULL, 0};
  if (ENVOY(http_get_downstream_direct_remote_address) == NULL ||
      !ENVOY(http_get_downstream_direct_remote_address)(stream->envoy, &whole)) {
    return (envoy_text){NULL, 0};
  }
  return whole;
}

static purser_presence give_peer_port(const stream *stream, purser_value *value_out) {
  envoy_text address;
  int64_t port;
  if (!split_address(peer_address(stream), &address, &port)) return PURSER_ABSENT;
  return give_integer(port, value_out);
}

/* --------------------------------------------------------------------------------------------- identities */

/* A segment of "spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT", the form that Istio gives workloads. */
static purser_presence give_spiffe(envoy_text identity, enum source_kind kind, purser_value *value_out) {
  static const char scheme[] = "spiffe://";
  const char *cursor = identity.data, *end = identity.data + identity.size;
  envoy_text segments[5];
  size_t count = 0;
  if (identity.size < sizeof scheme || memcmp(cursor, scheme, sizeof scheme - 1) != 0) return PURSER_ABSENT;
  cursor += sizeof scheme - 1;
  while (count < 5) {
    const char *slash = memchr(cursor, '/', (size_t)(end - cursor));
    const char *stop = slash == NULL ? end : slash;
    segments[count++] = (envoy_text){cursor, (size_t)(stop - cursor)};
    cursor = stop;
    if (slash == NULL) break;
    cursor++;
  }
  if (count != 5 || cursor != end) return PURSER_ABSENT;
  if (segments[1].size != 2 || memcmp(segments[1].data, "ns", 2) != 0) return PURSER_ABSENT;
  if (segments[3].size != 2 || memcmp(segments[3].data, "sa", 2) != 0) return PURSER_ABSENT;
  return give_text(segments[kind == SPIFFE_NAMESPACE ? 2 : 4], value_out);
}

/* ------------------------------------------------------------------------------------------- times, kinds */

static purser_presence give_moment(const stream *stream, enum source_kind kind, purser_value *value_out) {
  envoy_timing timing;
  enum envoy_moment moment, base;
  purser_type type = PURSER_TYPE_DURATION;
  int64_t nanoseconds;
  memset(&timing, 0, sizeof timing);
  ENVOY(http_get_timing_info)(stream->envoy, &timing);
  switch (kind) {
  case START_TIME:
    if (!timing.is_known[ENVOY_START]) return PURSER_ABSENT;
    return give_nanoseconds(PURSER_TYPE_TIMESTAMP, timing.nanoseconds[ENVOY_START], value_out);
  case WHOLE_DURATION:
    if (!timing.is_known[ENVOY_COMPLETE]) return PURSER_ABSENT;
    return give_nanoseconds(type, timing.nanoseconds[ENVOY_COMPLETE], value_out);
  case END_TIME:
    type = PURSER_TYPE_TIMESTAMP;
    moment = ENVOY_LAST_DOWNSTREAM_TX;
    base = ENVOY_START;
    break;
  default:
    moment = ENVOY_LAST_UPSTREAM_RX;
    base = ENVOY_FIRST_UPSTREAM_TX;
  }
  if (!timing.is_known[moment] || !timing.is_known[base]) return PURSER_ABSENT;
  if (kind == END_TIME ? __builtin_add_overflow(timing.nanoseconds[base], timing.nanoseconds[moment], &nanoseconds)
                       : __builtin_sub_overflow(timing.nanoseconds[moment], timing.nanoseconds[base], &nanoseconds)) {
    return PURSER_FAILED;
  }
  return give_nanoseconds(type, nanoseconds, value_out);
}

/* Of request headers while they are listed, of any other map and time from Envoy. */
static purser_presence give_header(const stream *stream, int map, envoy_text name, purser_scratch *scratch,
                                   purser_value *value_out) {
  if (map == ENVOY_REQUEST_HEADERS && stream->list != NULL) {
    if (!stream->is_reporting) atomic_store_explicit(&stream->configuration->lists_headers, true, memory_order_relaxed);
    if (request_list_read(stream->list)) return header_map_listed_entry(stream->list, name, scratch, value_out);
  }
  return header_map_entry(stream->envoy, map, name, scratch, value_out);
}

static purser_presence give_whole(const stream *stream, const source *source, purser_value *value_out) {
  uint64_t number;
  if (!ENVOY(http_filter_get_attribute_int)(stream->envoy, source->number, &number)) return PURSER_ABSENT;
  if (source->kind == WHOLE_UNSIGNED) {
    *value_out = (purser_value){.type = PURSER_TYPE_UINT, .as.unsigned_integer = number};
    return PURSER_PRESENT;
  }
  return number > INT64_MAX ? PURSER_FAILED : give_integer((int64_t)number, value_out);
}

static purser_presence give_reporter(const stream *stream, const source *source, purser_value *value_out) {
  uint64_t direction;
  if (!ENVOY(http_filter_get_attribute_int)(stream->envoy, source->number, &direction)) return PURSER_ABSENT;
  if (direction == 1) return give_static("inbound", value_out);
  if (direction == 2) return give_static("outbound", value_out);
  return PURSER_ABSENT;
}

/* ------------------------------------------------------------------------------------------ the callbacks */

static purser_presence get(void *context, uint32_t attribute, purser_scratch *scratch, purser_value *value_out) {
  const stream *stream = context;
  const source *source;
  envoy_text text;
  bool truth = false;
  if (attribute >= SOURCES_MAX) return PURSER_ABSENT;
  source = &sources[attribute];
  switch (source->kind) {
  case TEXT:
    text = attributes_text(stream, source->number);
    return text.size == 0 ? PURSER_ABSENT : give_text(text, value_out);
  case PATH:
  case HOST:
    text = source->kind == PATH ? stream->kept_path : stream->kept_host;
    if (!stream->is_reporting) text = attributes_text(stream, source->number);
    return text.size == 0 ? PURSER_ABSENT : give_text(text, value_out);
  case WHOLE:
  case WHOLE_UNSIGNED: return give_whole(stream, source, value_out);
  case TRUTH:
    /* Without TLS there is no answer, and that is an answer. */
    if (!ENVOY(http_filter_get_attribute_bool)(stream->envoy, source->number, &truth)) truth = false;
    *value_out = (purser_value){.type = PURSER_TYPE_BOOL, .as.boolean = truth};
    return PURSER_PRESENT;
  case HEADER:
    return give_header(stream, ENVOY_REQUEST_HEADERS, (envoy_text){source->header, strlen(source->header)}, scratch,
                       value_out);
  case HEADER_BYTES: {
    int64_t bytes;
    const purser_presence presence = header_map_bytes(stream->envoy, source->number, scratch, &bytes);
    return presence == PURSER_PRESENT ? give_integer(bytes, value_out) : presence;
  }
  case ADDRESS: return give_address(attributes_text(stream, source->number), value_out);
  case PEER_ADDRESS: return give_address(peer_address(stream), value_out);
  case PEER_PORT: return give_peer_port(stream, value_out);
  case CLIENT_ADDRESS:
    if (!stream->configuration->configuration.serves_client_address) return PURSER_ABSENT;
    return give_address(attributes_text(stream, source->number), value_out);
  case SPIFFE_NAMESPACE:
  case SPIFFE_SERVICE_ACCOUNT:
    return give_spiffe(attributes_text(stream, source->number), source->kind, value_out);
  case PROTOCOL_KIND: return give_static(stream_is_grpc(stream) ? "grpc" : "http", value_out);
  case GRPC_STATUS:
    /* Envoy derives one from the HTTP status for any response. */
    return stream_is_grpc(stream) ? give_whole(stream, source, value_out) : PURSER_ABSENT;
  case START_TIME:
  case END_TIME:
  case WHOLE_DURATION:
  case BACKEND_LATENCY: return give_moment(stream, source->kind, value_out);
  case REPORTER_KIND: return give_reporter(stream, source, value_out);
  case HEADER_MAP:
  case NOT_SERVED: return PURSER_ABSENT;
  }
  return PURSER_ABSENT;
}

static purser_presence entry(void *context, uint32_t attribute, purser_text key, purser_scratch *scratch,
                             purser_value *value_out) {
  const stream *stream = context;
  if (attribute >= SOURCES_MAX || sources[attribute].kind != HEADER_MAP) return PURSER_NO_MAP;
  return give_header(stream, sources[attribute].number, envoy_text_of(key), scratch, value_out);
}

static purser_presence iterate(void *context, uint32_t attribute, purser_scratch *scratch, purser_visitor *visitor) {
  const stream *stream = context;
  if (attribute >= SOURCES_MAX || sources[attribute].kind != HEADER_MAP) return PURSER_NO_MAP;
  return header_map_iterate(stream->envoy, sources[attribute].number, scratch, visitor);
}

const purser_host attributes_host = {sizeof attributes_host, get, entry, iterate};

/* ------------------------------------------------------------------------------------------------- served */

static bool is_served(uint32_t attribute, const configuration *configuration) {
  switch (sources[attribute].kind) {
  case NOT_SERVED: return false;
  case CLIENT_ADDRESS: return configuration->serves_client_address;
  case PEER_ADDRESS:
  case PEER_PORT: return ENVOY(http_get_downstream_direct_remote_address) != NULL;
  default: return true;
  }
}

purser_text *attributes_served(const configuration *configuration, size_t *count_out) {
  purser_text *names = calloc(SOURCES_MAX, sizeof *names);
  size_t count = 0;
  uint32_t attribute;
  if (names == NULL) return NULL;
  for (attribute = 0; attribute < SOURCES_MAX; attribute++) {
    purser_attribute_info info = {.size = sizeof info};
    if (is_served(attribute, configuration) && purser_attribute_describe(attribute, &info) == PURSER_OK) {
      names[count++] = info.name;
    }
  }
  *count_out = count;
  return names;
}

bool attributes_are_of_requests(uint32_t attribute, purser_text name) {
  static const char *const spaces[] = {"client.", "connection.", "request.", "source."};
  size_t index;
  if (attribute >= SOURCES_MAX || sources[attribute].kind == NOT_SERVED) return false;
  for (index = 0; index < sizeof spaces / sizeof spaces[0]; index++) {
    const size_t size = strlen(spaces[index]);
    if (name.size > size && memcmp(name.data, spaces[index], size) == 0) return true;
  }
  return false;
}

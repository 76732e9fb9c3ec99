#include "decision.h"

#include "log.h"
#include "request_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Envoy's response code details and this namespace's metadata name the deciding rule for access logs. */
static const envoy_text name_space = {"purser", 6};

#define DETAILS_MAX 256
/* More headers of a denial than these are put together on the heap. */
#define RESPONSE_HEADERS_USUAL 30
#define GRPC_DIGITS 2
/* More changes than these are made without looking for what is there. */
#define CHANGES_SEARCHED_MAX 8

static envoy_text literal(const char *text) { return (envoy_text){text, strlen(text)}; }

/* --------------------------------------------------------------------------------------------------- words */

/* Details are one word in an access log: what is no visible ASCII or would end a quotation becomes `_`; backticks go. */
static envoy_text details_of(purser_text reason, char buffer[DETAILS_MAX]) {
  static const char prefix[] = "purser:";
  size_t size = sizeof prefix - 1, index;
  memcpy(buffer, prefix, size);
  for (index = 0; index < reason.size && size < DETAILS_MAX; index++) {
    const unsigned char byte = (unsigned char)reason.data[index];
    if (byte == '`') continue;
    buffer[size++] = byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '\\' ? '_' : (char)byte;
  }
  return (envoy_text){buffer, size};
}

/* A header's value is one line. */
static envoy_text header_value_of(purser_text reason, char buffer[DETAILS_MAX]) {
  size_t size;
  for (size = 0; size < reason.size && size < DETAILS_MAX; size++) {
    const unsigned char byte = (unsigned char)reason.data[size];
    buffer[size] = byte < ' ' || byte >= 0x7f ? '_' : (char)byte;
  }
  return (envoy_text){buffer, size};
}

/* ------------------------------------------------------------------------------------------------ metadata */

static void set_metadata(stream *stream, const char *verdict) {
  const purser_request *request = stream_request(stream);
  envoy_header entries[6];
  size_t count = 0;
  purser_text reason;
  purser_rule_reference rule;
  purser_verdict shadow;
  uint32_t is_cached;
  entries[count++] = (envoy_header){literal("verdict"), literal(verdict)};
  if (purser_decision_reason(request, &reason) == PURSER_OK) {
    entries[count++] = (envoy_header){literal("reason"), envoy_text_of(reason)};
  }
  if (purser_decision_rule(request, &rule) == PURSER_OK) {
    entries[count++] = (envoy_header){literal("policy"), envoy_text_of(rule.policy)};
    entries[count++] = (envoy_header){literal("rule"), envoy_text_of(rule.rule)};
  }
  if (purser_decision_is_cached(request, &is_cached) == PURSER_OK && is_cached != 0) {
    entries[count++] = (envoy_header){literal("cached"), literal("true")};
  }
  if (purser_decision_shadow_verdict(request, &shadow) == PURSER_OK) {
    entries[count++] =
      (envoy_header){literal("shadow_verdict"), literal(shadow == PURSER_VERDICT_ALLOW ? "allow" : "deny")};
  }
  if (ENVOY(http_set_dynamic_metadata_string_batch) != NULL) {
    ENVOY(http_set_dynamic_metadata_string_batch)(stream->envoy, name_space, entries, count);
    return;
  }
  while (count-- > 0) {
    ENVOY(http_set_dynamic_metadata_string)(stream->envoy, name_space, entries[count].name, entries[count].value);
  }
}

/* Whether the shadow policies would decide otherwise: then an allowed request has metadata too. */
static bool shadow_denies(const stream *stream) {
  purser_verdict shadow;
  return purser_decision_shadow_verdict((const purser_request *)stream->request, &shadow) == PURSER_OK &&
         shadow == PURSER_VERDICT_DENY;
}

/* ------------------------------------------------------------------------------------------------- headers */

static bool has_header(const stream *stream, int map, envoy_text name) {
  envoy_text first;
  return ENVOY(http_get_header)(stream->envoy, map, name, &first, 0, NULL);
}

static void change(stream *stream, int map, const purser_header *header) {
  const envoy_text name = envoy_text_of(header->name);
  /* Setting nothing is removal to Envoy, and adding nothing does nothing: it takes no empty value from a module. */
  const envoy_text value = envoy_text_of(header->value);
  switch (header->operation) {
  case PURSER_HEADER_SET: ENVOY(http_set_header)(stream->envoy, map, name, value); break;
  case PURSER_HEADER_APPEND: ENVOY(http_add_header)(stream->envoy, map, name, value); break;
  case PURSER_HEADER_REMOVE: ENVOY(http_set_header)(stream->envoy, map, name, (envoy_text){NULL, 0}); break;
  case PURSER_HEADER_SET_IF_ABSENT:
    if (!has_header(stream, map, name)) ENVOY(http_add_header)(stream->envoy, map, name, value);
    break;
  case PURSER_HEADER_SET_IF_PRESENT:
    if (has_header(stream, map, name)) ENVOY(http_set_header)(stream->envoy, map, name, value);
    break;
  default: break;
  }
}

/* Whether the request certainly has no such header. */
static bool lacks(const request_list *list, envoy_text name) {
  return list->is_listed && name.size > 0 && request_list_find(list, name, 0) == list->count;
}

static bool same_name(purser_text left, purser_text right) {
  return left.size == right.size && (left.size == 0 || strncasecmp(left.data, right.data, left.size) == 0);
}

/* A rule changes no name twice, the loader refuses that; providers may. */
static bool is_changed_before(const purser_header *changes, size_t index) {
  size_t before;
  for (before = 0; before < index; before++) {
    if (same_name(changes[before].name, changes[index].name)) return true;
  }
  return false;
}

/* Most headers that are set or removed are not there. Then a removal is nothing, and to set is to add, which costs Envoy
 * no search. The list's texts are good until the first change, so all of it is looked up before. */
static void leave_out_needless(const request_list *list, purser_header *changes, size_t count) {
  /* From the end, because one that is left out loses its name. */
  size_t index = count;
  while (index-- > 0) {
    if (!lacks(list, envoy_text_of(changes[index].name)) || is_changed_before(changes, index)) continue;
    switch (changes[index].operation) {
    case PURSER_HEADER_SET:
    case PURSER_HEADER_SET_IF_ABSENT: changes[index].operation = PURSER_HEADER_APPEND; break;
    case PURSER_HEADER_REMOVE:
    case PURSER_HEADER_SET_IF_PRESENT: changes[index].name.size = 0; break;
    default: break;
    }
  }
}

static void change_request(stream *stream, request_list *list) {
  const purser_request *request = stream_request(stream);
  purser_header changes[CHANGES_SEARCHED_MAX];
  size_t count = 0, searched = 0, index;
  if (purser_decision_request_headers_count(request, &count) != PURSER_OK || count == 0) return;
  atomic_store_explicit(&stream->configuration->lists_headers, true, memory_order_relaxed);
  while (count <= CHANGES_SEARCHED_MAX && searched < count &&
         purser_decision_request_header(request, searched, &changes[searched]) == PURSER_OK) {
    searched++;
  }
  if (searched == count && request_list_read(list)) {
    leave_out_needless(list, changes, count);
  } else {
    searched = 0;
  }
  for (index = 0; index < count; index++) {
    purser_header header;
    if (index < searched) {
      header = changes[index];
    } else if (purser_decision_request_header(request, index, &header) != PURSER_OK) {
      continue;
    }
    if (header.name.size > 0) change(stream, ENVOY_REQUEST_HEADERS, &header);
  }
}

void decision_allow(stream *stream, request_list *list) {
  const purser_request *request = stream_request(stream);
  const enum metadata_scope metadata = stream->configuration->configuration.metadata;
  size_t count = 0;
  change_request(stream, list);
  if (purser_decision_response_headers_count(request, &count) == PURSER_OK) stream->changes_response = count > 0;
  if (metadata == METADATA_ALL || (metadata == METADATA_DENIED && shadow_denies(stream))) {
    set_metadata(stream, "allow");
  }
}

void decision_change_response(stream *stream) {
  const purser_request *request = stream_request(stream);
  purser_header header;
  size_t count = 0, index;
  stream->changes_response = false;
  if (purser_decision_response_headers_count(request, &count) != PURSER_OK) return;
  for (index = 0; index < count; index++) {
    if (purser_decision_response_header(request, index, &header) != PURSER_OK) continue;
    change(stream, ENVOY_RESPONSE_HEADERS, &header);
  }
}

/* --------------------------------------------------------------------------------------------- local reply */

/* Envoy turns a local reply to a gRPC call into a status in headers, but takes a module's denial for status 0, which is
 * success; a header of ours replaces that. Empty for what is no gRPC call. */
static envoy_text grpc_status(const stream *stream, uint32_t code, char digits[GRPC_DIGITS]) {
  size_t size = 0;
  if (!stream_is_grpc(stream)) return (envoy_text){NULL, 0};
  if (code > 99) code = 2; /* unknown */
  if (code > 9) digits[size++] = (char)('0' + code / 10);
  digits[size++] = (char)('0' + code % 10);
  return (envoy_text){digits, size};
}

/* A reply begins with none, so that only what was put there before can be replaced or removed. The new count. */
static size_t add_to_reply(envoy_header *headers, size_t count, const purser_header *change) {
  const envoy_text name = envoy_text_of(change->name);
  size_t kept = 0, index;
  bool is_there = false;
  if (change->operation != PURSER_HEADER_APPEND) {
    for (index = 0; index < count && !is_there; index++) {
      is_there = same_name(purser_text_of(headers[index].name), change->name);
    }
  }
  if (change->operation == PURSER_HEADER_SET_IF_ABSENT && is_there) return count;
  if (change->operation == PURSER_HEADER_SET_IF_PRESENT && !is_there) return count;
  if (is_there) {
    for (index = 0; index < count; index++) {
      if (!same_name(purser_text_of(headers[index].name), change->name)) headers[kept++] = headers[index];
    }
    count = kept;
  }
  if (change->operation != PURSER_HEADER_REMOVE) headers[count++] = (envoy_header){name, envoy_text_of(change->value)};
  return count;
}

/* `headers` has room for those of the rule and two more. */
static size_t reply_headers(const stream *stream, envoy_header *headers, size_t wanted, envoy_text grpc,
                            purser_text reason, char buffer[DETAILS_MAX]) {
  const purser_request *request = (const purser_request *)stream->request;
  const purser_text reason_header = stream->configuration->configuration.reason_header;
  purser_header header;
  size_t count = 0, index;
  if (grpc.size > 0) headers[count++] = (envoy_header){literal("grpc-status"), grpc};
  for (index = 0; index < wanted; index++) {
    if (purser_decision_response_header(request, index, &header) != PURSER_OK) continue;
    count = add_to_reply(headers, count, &header);
  }
  if (reason_header.size > 0) {
    headers[count++] = (envoy_header){envoy_text_of(reason_header), header_value_of(reason, buffer)};
  }
  return count;
}

void decision_deny(stream *stream) {
  const purser_request *request = stream_request(stream);
  envoy_header usual[RESPONSE_HEADERS_USUAL + 2], *headers = usual;
  char details[DETAILS_MAX], reason_line[DETAILS_MAX], digits[GRPC_DIGITS];
  purser_text reason = {NULL, 0}, body = {NULL, 0};
  uint32_t status = 403, code = 7;
  size_t wanted = 0, count;
  if (purser_decision_status(request, &status, &code) != PURSER_OK) status = 403;
  if (purser_decision_reason(request, &reason) != PURSER_OK) reason.size = 0;
  if (purser_decision_body(request, &body) != PURSER_OK) body.size = 0;
  /* These have no body: bytes after one of them would be taken for the next response. */
  if (status == 204 || status == 205 || status == 304) {
    body.size = 0;
  } else if (body.size == 0 && purser_decision_message(request, &body) != PURSER_OK) {
    body.size = 0;
  }
  if (stream->configuration->configuration.metadata != METADATA_NONE) set_metadata(stream, "deny");
  if (purser_decision_response_headers_count(request, &wanted) != PURSER_OK) wanted = 0;
  if (wanted > RESPONSE_HEADERS_USUAL) headers = malloc((wanted + 2) * sizeof *headers);
  if (headers == NULL) {
    headers = usual;
    wanted = RESPONSE_HEADERS_USUAL;
  }
  count = reply_headers(stream, headers, wanted, grpc_status(stream, code, digits), reason, reason_line);
  /* The last use of the stream: it may be reported when this returns. */
  ENVOY(http_send_response)(stream->envoy, status, headers, count, envoy_text_of(body), details_of(reason, details));
  if (headers != usual) free(headers);
}

void decision_fail(stream *stream, purser_status status) {
  char digits[GRPC_DIGITS];
  envoy_header grpc;
  log_line(ENVOY_LOG_ERROR, "purser: %s: check: %s", stream->configuration->name.data, purser_status_text(status));
  grpc = (envoy_header){literal("grpc-status"), grpc_status(stream, 14, digits)};
  ENVOY(http_send_response)(stream->envoy, 503, &grpc, grpc.value.size > 0, literal("policy check failed"),
                            literal("purser:check_failed"));
}

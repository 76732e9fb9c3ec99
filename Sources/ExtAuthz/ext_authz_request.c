/* A list of fields to a CheckRequest. Nothing but the entries of maps is allocated: all else points to the fields. */
#include <stdlib.h>
#include <string.h>

#include "envoy/service/auth/v3/external_auth.pb-c.h"
#include "ext_authz.h"

typedef Envoy__Service__Auth__V3__AttributeContext context_message;
typedef Envoy__Service__Auth__V3__AttributeContext__Peer peer_message;
typedef Envoy__Service__Auth__V3__AttributeContext__HttpRequest http_message;

typedef struct peer {
  peer_message message;
  Envoy__Config__Core__V3__Address address;
  Envoy__Config__Core__V3__SocketAddress socket;
  Envoy__Config__Core__V3__Pipe pipe;
  bool is_set;
  bool has_port;
} peer;

typedef struct request {
  Envoy__Service__Auth__V3__CheckRequest check;
  context_message context;
  peer source;
  peer destination;
  Envoy__Service__Auth__V3__AttributeContext__Request request;
  http_message http;
  Google__Protobuf__Timestamp time;
  Envoy__Service__Auth__V3__AttributeContext__TLSSession tls;
} request;

static void set_up_peer(peer *peer) {
  envoy__service__auth__v3__attribute_context__peer__init(&peer->message);
  envoy__config__core__v3__address__init(&peer->address);
  envoy__config__core__v3__socket_address__init(&peer->socket);
  envoy__config__core__v3__pipe__init(&peer->pipe);
}

/* Once all its fields are known. */
static void close_peer(peer *peer, peer_message **place) {
  if (!peer->is_set) return;
  *place = &peer->message;
  if (peer->has_port && peer->message.address && peer->address.address_case ==
      ENVOY__CONFIG__CORE__V3__ADDRESS__ADDRESS_SOCKET_ADDRESS)
    peer->socket.port_specifier_case = ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE;
}

static ProtobufCBinaryData bytes_of(const ext_authz_field *field) {
  return (ProtobufCBinaryData){.len = field->size, .data = (uint8_t *)(uintptr_t)field->bytes};
}

static void set_address(peer *peer, const ext_authz_field *field) {
  if (field->size > 0 && (field->bytes[0] == '/' || field->bytes[0] == '@')) {
    peer->pipe.path = bytes_of(field);
    peer->address.pipe = &peer->pipe;
    peer->address.address_case = ENVOY__CONFIG__CORE__V3__ADDRESS__ADDRESS_PIPE;
  } else {
    peer->socket.address = bytes_of(field);
    peer->address.socket_address = &peer->socket;
    peer->address.address_case = ENVOY__CONFIG__CORE__V3__ADDRESS__ADDRESS_SOCKET_ADDRESS;
  }
  peer->message.address = &peer->address;
}

/* The generated types of map entries differ in name alone. `list` has room for `room` pointers once it is made. */
#define add_entry(list, count, entry_type, entry_init, field, room)            \
  do {                                                                         \
    entry_type *entry = malloc(sizeof *entry);                                 \
    if (entry && !(list)) (list) = calloc((room), sizeof *(list));             \
    if (!entry || !(list)) {                                                   \
      free(entry);                                                             \
      return false;                                                            \
    }                                                                          \
    entry_init(entry);                                                         \
    entry->key = (char *)(uintptr_t)(field)->name;                             \
    entry->value = bytes_of(field);                                            \
    (list)[(count)++] = entry;                                                 \
  } while (0)

static bool add_label(peer *peer, const ext_authz_field *field, size_t room) {
  add_entry(peer->message.labels, peer->message.n_labels,
            Envoy__Service__Auth__V3__AttributeContext__Peer__LabelsEntry,
            envoy__service__auth__v3__attribute_context__peer__labels_entry__init, field, room);
  return true;
}

/* `part` counts from the address: the peer's fields stand in the same order for both. */
static bool set_peer(peer *peer, ext_authz_target part, const ext_authz_field *field, size_t room) {
  peer->is_set = true;
  switch (part) {
    case EXT_AUTHZ_SOURCE_ADDRESS: set_address(peer, field); return true;
    case EXT_AUTHZ_SOURCE_PORT:
      if (field->number < 0 || field->number > 65535) return true;
      peer->socket.port_value = (uint32_t)field->number;
      peer->has_port = true;
      return true;
    case EXT_AUTHZ_SOURCE_SERVICE: peer->message.service = bytes_of(field); return true;
    case EXT_AUTHZ_SOURCE_PRINCIPAL: peer->message.principal = bytes_of(field); return true;
    case EXT_AUTHZ_SOURCE_CERTIFICATE: peer->message.certificate = bytes_of(field); return true;
    default: return add_label(peer, field, room);
  }
}

static bool set_field(request *to, const ext_authz_field *field, size_t room) {
  http_message *http = &to->http;
  if (field->target <= EXT_AUTHZ_SOURCE_LABEL) return set_peer(&to->source, field->target, field, room);
  if (field->target <= EXT_AUTHZ_DESTINATION_LABEL)
    return set_peer(&to->destination, field->target - EXT_AUTHZ_DESTINATION_ADDRESS, field, room);
  if (field->target >= EXT_AUTHZ_REQUEST_TIME && field->target <= EXT_AUTHZ_HTTP_RAW_BODY)
    to->context.request = &to->request;
  if (field->target >= EXT_AUTHZ_HTTP_ID && field->target <= EXT_AUTHZ_HTTP_RAW_BODY) to->request.http = http;
  switch (field->target) {
    case EXT_AUTHZ_REQUEST_TIME:
      to->time.seconds = field->number;
      to->time.nanos = field->nanoseconds;
      to->request.time = &to->time;
      return true;
    case EXT_AUTHZ_HTTP_ID: http->id = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_METHOD: http->method = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_HEADER:
      add_entry(http->headers, http->n_headers,
                Envoy__Service__Auth__V3__AttributeContext__HttpRequest__HeadersEntry,
                envoy__service__auth__v3__attribute_context__http_request__headers_entry__init, field, room);
      return true;
    case EXT_AUTHZ_HTTP_PATH: http->path = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_HOST: http->host = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_SCHEME: http->scheme = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_QUERY: http->query = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_FRAGMENT: http->fragment = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_SIZE: http->size = field->number; return true;
    case EXT_AUTHZ_HTTP_PROTOCOL: http->protocol = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_BODY: http->body = bytes_of(field); return true;
    case EXT_AUTHZ_HTTP_RAW_BODY: http->raw_body = bytes_of(field); return true;
    case EXT_AUTHZ_CONTEXT_EXTENSION:
      add_entry(to->context.context_extensions, to->context.n_context_extensions,
                Envoy__Service__Auth__V3__AttributeContext__ContextExtensionsEntry,
                envoy__service__auth__v3__attribute_context__context_extensions_entry__init, field, room);
      return true;
    case EXT_AUTHZ_TLS_SNI:
      to->tls.sni = bytes_of(field);
      to->context.tls_session = &to->tls;
      return true;
    default: return true;
  }
}

static bool has_name(ext_authz_target target) {
  return target == EXT_AUTHZ_SOURCE_LABEL || target == EXT_AUTHZ_DESTINATION_LABEL ||
         target == EXT_AUTHZ_HTTP_HEADER || target == EXT_AUTHZ_CONTEXT_EXTENSION;
}

#define free_entries(list, count)                                     \
  do {                                                                \
    for (size_t index = 0; index < (count); ++index) free((list)[index]); \
    free(list);                                                       \
  } while (0)

uint8_t *ext_authz_encode(const ext_authz_field *fields, size_t count, size_t prefix_size, size_t *size_out) {
  request to = {.source.is_set = false};
  envoy__service__auth__v3__check_request__init(&to.check);
  envoy__service__auth__v3__attribute_context__init(&to.context);
  set_up_peer(&to.source);
  set_up_peer(&to.destination);
  envoy__service__auth__v3__attribute_context__request__init(&to.request);
  envoy__service__auth__v3__attribute_context__http_request__init(&to.http);
  google__protobuf__timestamp__init(&to.time);
  envoy__service__auth__v3__attribute_context__tlssession__init(&to.tls);
  to.check.attributes = &to.context;

  bool ok = true;
  for (size_t index = 0; ok && index < count; ++index)
    ok = (!has_name(fields[index].target) || fields[index].name) && set_field(&to, &fields[index], count);
  close_peer(&to.source, &to.context.source);
  close_peer(&to.destination, &to.context.destination);

  uint8_t *bytes = NULL;
  if (ok) {
    *size_out = envoy__service__auth__v3__check_request__get_packed_size(&to.check);
    bytes = malloc(prefix_size + *size_out + 1);
    if (bytes) envoy__service__auth__v3__check_request__pack(&to.check, bytes + prefix_size);
  }
  free_entries(to.source.message.labels, to.source.message.n_labels);
  free_entries(to.destination.message.labels, to.destination.message.n_labels);
  free_entries(to.http.headers, to.http.n_headers);
  free_entries(to.context.context_extensions, to.context.n_context_extensions);
  return bytes;
}

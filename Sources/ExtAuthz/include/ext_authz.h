/* envoy.service.auth.v3: a list of fields to a CheckRequest's bytes, and a CheckResponse's bytes to its parts. The
 * messages are in ../proto, their code in ../generated. */
#ifndef PURSER_EXT_AUTHZ_H
#define PURSER_EXT_AUTHZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ext_authz_target {
  EXT_AUTHZ_SOURCE_ADDRESS = 0, /* an IP address, or the path of a Unix socket */
  EXT_AUTHZ_SOURCE_PORT,        /* `number`; sent if there is an address */
  EXT_AUTHZ_SOURCE_SERVICE,
  EXT_AUTHZ_SOURCE_PRINCIPAL,
  EXT_AUTHZ_SOURCE_CERTIFICATE,
  EXT_AUTHZ_SOURCE_LABEL, /* has a name */
  EXT_AUTHZ_DESTINATION_ADDRESS,
  EXT_AUTHZ_DESTINATION_PORT,
  EXT_AUTHZ_DESTINATION_SERVICE,
  EXT_AUTHZ_DESTINATION_PRINCIPAL,
  EXT_AUTHZ_DESTINATION_CERTIFICATE,
  EXT_AUTHZ_DESTINATION_LABEL, /* has a name */
  EXT_AUTHZ_REQUEST_TIME,      /* `number` seconds and `nanoseconds` */
  EXT_AUTHZ_HTTP_ID,
  EXT_AUTHZ_HTTP_METHOD,
  EXT_AUTHZ_HTTP_HEADER, /* has a name */
  EXT_AUTHZ_HTTP_PATH,
  EXT_AUTHZ_HTTP_HOST,
  EXT_AUTHZ_HTTP_SCHEME,
  EXT_AUTHZ_HTTP_QUERY,
  EXT_AUTHZ_HTTP_FRAGMENT,
  EXT_AUTHZ_HTTP_SIZE, /* `number` */
  EXT_AUTHZ_HTTP_PROTOCOL,
  EXT_AUTHZ_HTTP_BODY,
  EXT_AUTHZ_HTTP_RAW_BODY,
  EXT_AUTHZ_CONTEXT_EXTENSION, /* has a name */
  EXT_AUTHZ_TLS_SNI
} ext_authz_target;

typedef struct ext_authz_field {
  ext_authz_target target;
  const char *name; /* of an entry, ended by NUL */
  const uint8_t *bytes;
  size_t size;
  int64_t number;
  int32_t nanoseconds;
} ext_authz_field;

/* The bytes of a CheckRequest after `prefix_size` free ones: memory to be freed by free, `size_out` without the free
 * ones. NULL without memory, or when an entry has no name. */
uint8_t *ext_authz_encode(const ext_authz_field *fields, size_t count, size_t prefix_size, size_t *size_out);

/* A CheckResponse, its memory its own. NULL when the bytes are none. */
typedef struct ext_authz_answer ext_authz_answer;
ext_authz_answer *ext_authz_decode(const uint8_t *bytes, size_t size);
void ext_authz_answer_free(ext_authz_answer *answer);

typedef enum ext_authz_response {
  EXT_AUTHZ_RESPONSE_NONE = 0,
  EXT_AUTHZ_RESPONSE_DENIED,
  EXT_AUTHZ_RESPONSE_OK,
  EXT_AUTHZ_RESPONSE_ERROR
} ext_authz_response;

/* google.rpc code; 0 when no status is set, as in proto3. */
int32_t ext_authz_code(const ext_authz_answer *answer);
ext_authz_response ext_authz_response_of(const ext_authz_answer *answer);

typedef struct ext_authz_bytes {
  const uint8_t *bytes; /* may be NULL when size is 0 */
  size_t size;
} ext_authz_bytes;

ext_authz_bytes ext_authz_message(const ext_authz_answer *answer);
/* Of a denial or an error: the HTTP status, 0 when none is set, and the body. */
int32_t ext_authz_http_status(const ext_authz_answer *answer);
ext_authz_bytes ext_authz_body(const ext_authz_answer *answer);

typedef enum ext_authz_list {
  EXT_AUTHZ_HEADERS = 0,      /* of a denial, an error, or for the upstream request */
  EXT_AUTHZ_HEADERS_REMOVED,  /* names alone */
  EXT_AUTHZ_RESPONSE_HEADERS, /* for the client, of an answer that allows */
  EXT_AUTHZ_QUERY_SET,
  EXT_AUTHZ_QUERY_REMOVED /* names alone */
} ext_authz_list;

typedef enum ext_authz_append {
  EXT_AUTHZ_APPEND_UNSET = 0,
  EXT_AUTHZ_APPEND_FALSE,
  EXT_AUTHZ_APPEND_TRUE
} ext_authz_append;

typedef struct ext_authz_entry {
  ext_authz_bytes name;
  ext_authz_bytes value; /* `value`, or `raw_value` where that is empty */
  ext_authz_append append;
  int32_t append_action; /* as in HeaderValueOption.HeaderAppendAction; other numbers are possible */
} ext_authz_entry;

size_t ext_authz_count(const ext_authz_answer *answer, ext_authz_list list);
/* False when there is no such entry. */
bool ext_authz_entry_at(const ext_authz_answer *answer, ext_authz_list list, size_t index, ext_authz_entry *entry_out);

#endif

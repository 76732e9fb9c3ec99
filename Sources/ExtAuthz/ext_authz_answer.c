/* A CheckResponse's bytes to its parts. */
#include <stdlib.h>

#include "envoy/service/auth/v3/external_auth.pb-c.h"
#include "ext_authz.h"

struct ext_authz_answer {
  Envoy__Service__Auth__V3__CheckResponse *message;
};

ext_authz_answer *ext_authz_decode(const uint8_t *bytes, size_t size) {
  ext_authz_answer *answer = malloc(sizeof *answer);
  if (!answer) return NULL;
  answer->message = envoy__service__auth__v3__check_response__unpack(NULL, size, bytes);
  if (answer->message) return answer;
  free(answer);
  return NULL;
}

void ext_authz_answer_free(ext_authz_answer *answer) {
  if (!answer) return;
  envoy__service__auth__v3__check_response__free_unpacked(answer->message, NULL);
  free(answer);
}

static ext_authz_bytes bytes_of(ProtobufCBinaryData data) {
  return (ext_authz_bytes){.bytes = data.data, .size = data.data ? data.len : 0};
}

int32_t ext_authz_code(const ext_authz_answer *answer) {
  return answer->message->status ? answer->message->status->code : 0;
}

ext_authz_bytes ext_authz_message(const ext_authz_answer *answer) {
  return answer->message->status ? bytes_of(answer->message->status->message) : (ext_authz_bytes){NULL, 0};
}

ext_authz_response ext_authz_response_of(const ext_authz_answer *answer) {
  switch (answer->message->http_response_case) {
    case ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_DENIED_RESPONSE: return EXT_AUTHZ_RESPONSE_DENIED;
    case ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_OK_RESPONSE: return EXT_AUTHZ_RESPONSE_OK;
    case ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_ERROR_RESPONSE: return EXT_AUTHZ_RESPONSE_ERROR;
    default: return EXT_AUTHZ_RESPONSE_NONE;
  }
}

static const Envoy__Service__Auth__V3__OkHttpResponse *ok_of(const ext_authz_answer *answer) {
  return ext_authz_response_of(answer) == EXT_AUTHZ_RESPONSE_OK ? answer->message->ok_response : NULL;
}

static const Envoy__Service__Auth__V3__DeniedHttpResponse *denied_of(const ext_authz_answer *answer) {
  switch (ext_authz_response_of(answer)) {
    case EXT_AUTHZ_RESPONSE_DENIED: return answer->message->denied_response;
    case EXT_AUTHZ_RESPONSE_ERROR: return answer->message->error_response;
    default: return NULL;
  }
}

int32_t ext_authz_http_status(const ext_authz_answer *answer) {
  const Envoy__Service__Auth__V3__DeniedHttpResponse *denied = denied_of(answer);
  return denied && denied->status ? (int32_t)denied->status->code : 0;
}

ext_authz_bytes ext_authz_body(const ext_authz_answer *answer) {
  const Envoy__Service__Auth__V3__DeniedHttpResponse *denied = denied_of(answer);
  return denied ? bytes_of(denied->body) : (ext_authz_bytes){NULL, 0};
}

/* The headers of a list, or NULL where there are none. */
static Envoy__Config__Core__V3__HeaderValueOption *const *headers_of(const ext_authz_answer *answer,
                                                                      ext_authz_list list, size_t *count_out) {
  const Envoy__Service__Auth__V3__OkHttpResponse *ok = ok_of(answer);
  const Envoy__Service__Auth__V3__DeniedHttpResponse *denied = denied_of(answer);
  *count_out = 0;
  if (list == EXT_AUTHZ_HEADERS && ok) return *count_out = ok->n_headers, ok->headers;
  if (list == EXT_AUTHZ_HEADERS && denied) return *count_out = denied->n_headers, denied->headers;
  if (list == EXT_AUTHZ_RESPONSE_HEADERS && ok)
    return *count_out = ok->n_response_headers_to_add, ok->response_headers_to_add;
  return NULL;
}

static const ProtobufCBinaryData *names_of(const ext_authz_answer *answer, ext_authz_list list, size_t *count_out) {
  const Envoy__Service__Auth__V3__OkHttpResponse *ok = ok_of(answer);
  *count_out = 0;
  if (list == EXT_AUTHZ_HEADERS_REMOVED && ok) return *count_out = ok->n_headers_to_remove, ok->headers_to_remove;
  if (list == EXT_AUTHZ_QUERY_REMOVED && ok)
    return *count_out = ok->n_query_parameters_to_remove, ok->query_parameters_to_remove;
  return NULL;
}

size_t ext_authz_count(const ext_authz_answer *answer, ext_authz_list list) {
  size_t headers = 0, names = 0;
  const Envoy__Service__Auth__V3__OkHttpResponse *ok = ok_of(answer);
  if (list == EXT_AUTHZ_QUERY_SET) return ok ? ok->n_query_parameters_to_set : 0;
  headers_of(answer, list, &headers);
  names_of(answer, list, &names);
  return headers + names;
}

bool ext_authz_entry_at(const ext_authz_answer *answer, ext_authz_list list, size_t index,
                        ext_authz_entry *entry_out) {
  if (index >= ext_authz_count(answer, list)) return false;
  *entry_out = (ext_authz_entry){.append = EXT_AUTHZ_APPEND_UNSET};
  if (list == EXT_AUTHZ_QUERY_SET) {
    const Envoy__Config__Core__V3__QueryParameter *parameter = ok_of(answer)->query_parameters_to_set[index];
    entry_out->name = bytes_of(parameter->key);
    entry_out->value = bytes_of(parameter->value);
    return true;
  }
  size_t count = 0;
  const ProtobufCBinaryData *names = names_of(answer, list, &count);
  if (names) {
    entry_out->name = bytes_of(names[index]);
    return true;
  }
  const Envoy__Config__Core__V3__HeaderValueOption *option = headers_of(answer, list, &count)[index];
  if (option->append) entry_out->append = option->append->value ? EXT_AUTHZ_APPEND_TRUE : EXT_AUTHZ_APPEND_FALSE;
  entry_out->append_action = (int32_t)option->append_action;
  if (!option->header) return true;
  entry_out->name = bytes_of(option->header->key);
  entry_out->value = bytes_of(option->header->value.len ? option->header->value : option->header->raw_value);
  return true;
}

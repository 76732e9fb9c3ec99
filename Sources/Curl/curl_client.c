/* One request and what comes back, by libcurl's multi interface. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "curl_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "curl_library.h"

struct http_loop {
  const curl_library *library;
  CURLM *multi;
};

typedef struct buffer {
  uint8_t *bytes;
  size_t size;
  size_t capacity;
  size_t size_max;
} buffer;

struct http_exchange {
  http_loop *loop;
  void *owner;
  CURL *easy;
  struct curl_slist *headers;
  struct curl_slist *connect_to;
  uint8_t *request_body;
  http_connection connection;
  CURLcode code;
  uint32_t connections;
  bool is_connected;
  bool has_response;
  bool is_too_large;
  bool lacks_connection;
  bool headers_ended;
  size_t trailers_begin;
  buffer body;
  buffer lines;
  char error[CURL_ERROR_SIZE];
};

/* --- The loop --------------------------------------------------------------------------------------------------- */

http_loop *http_loop_make(long connections_max, char *error, size_t error_size) {
  const curl_library *library = curl_library_open(error, error_size);
  if (!library) return NULL;
  http_loop *loop = calloc(1, sizeof *loop);
  CURLM *multi = loop ? library->multi_init() : NULL;
  if (!multi) {
    free(loop);
    snprintf(error, error_size, "no memory for a loop of libcurl's");
    return NULL;
  }
  *loop = (http_loop){.library = library, .multi = multi};
  library->multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
  library->multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections_max);
  return loop;
}

void http_loop_free(http_loop *loop) {
  if (!loop) return;
  loop->library->multi_cleanup(loop->multi);
  free(loop);
}

void http_loop_wake(http_loop *loop) { loop->library->multi_wakeup(loop->multi); }

bool http_loop_run(http_loop *loop, int milliseconds) {
  int number = 0;
  CURLMcode waited = loop->library->multi_poll(loop->multi, NULL, 0, milliseconds, &number);
  CURLMcode worked = loop->library->multi_perform(loop->multi, &number);
  return waited == CURLM_OK && worked == CURLM_OK;
}

http_exchange *http_loop_finished(http_loop *loop) {
  int left = 0;
  CURLMsg *message;
  while ((message = loop->library->multi_info_read(loop->multi, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result;
    char *text = NULL;
    loop->library->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &text);
    http_exchange *exchange = (http_exchange *)(void *)text;
    if (!exchange) continue;
    exchange->code = code;
    return exchange;
  }
  return NULL;
}

/* --- What libcurl calls ----------------------------------------------------------------------------------------- */

static bool append(buffer *to, const char *bytes, size_t size) {
  if (size > to->size_max - to->size) return false;
  if (size > to->capacity - to->size) {
    size_t capacity = to->capacity ? to->capacity : 1024;
    while (capacity - to->size < size) capacity *= 2;
    uint8_t *grown = realloc(to->bytes, capacity);
    if (!grown) return false;
    to->bytes = grown;
    to->capacity = capacity;
  }
  memcpy(to->bytes + to->size, bytes, size);
  to->size += size;
  return true;
}

static size_t take_body(char *bytes, size_t unit, size_t count, void *context) {
  http_exchange *exchange = context;
  size_t size = unit * count;
  exchange->has_response = true;
  if (append(&exchange->body, bytes, size)) return size;
  exchange->is_too_large = true;
  return size == 0 ? 1 : 0;
}

/* A line each, with its end. An interim answer (1xx) comes before the final one and begins with a status line too. */
static size_t take_line(char *bytes, size_t unit, size_t count, void *context) {
  http_exchange *exchange = context;
  size_t size = unit * count;
  exchange->has_response = true;
  if (size >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
    exchange->lines.size = 0;
    exchange->headers_ended = false;
    return size;
  }
  if (size == 0 || bytes[0] == '\r' || bytes[0] == '\n') {
    if (!exchange->headers_ended) exchange->trailers_begin = exchange->lines.size;
    exchange->headers_ended = true;
    return size;
  }
  if (append(&exchange->lines, bytes, size)) return size;
  exchange->is_too_large = true;
  return 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  http_exchange *exchange = context;
  if (exchange->connection == HTTP_CONNECTION_REUSED) {
    exchange->lacks_connection = true;
    return CURL_SOCKET_BAD;
  }
  exchange->connections += 1;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int before_request(void *context, char *ours, char *theirs, int our_port, int their_port) {
  (void)ours, (void)theirs, (void)our_port, (void)their_port;
  ((http_exchange *)context)->is_connected = true;
  return CURL_PREREQFUNC_OK;
}

/* --- An exchange ------------------------------------------------------------------------------------------------ */

static bool add_text(const curl_library *library, struct curl_slist **list, const char *text) {
  struct curl_slist *longer = library->slist_append(*list, text);
  if (!longer) return false;
  *list = longer;
  return true;
}

static bool set_tls(const curl_library *library, CURL *easy, const http_request *request) {
  bool ok = curl_set_long(library, easy, CURLOPT_SSL_VERIFYPEER, 1) &&
            curl_set_long(library, easy, CURLOPT_SSL_VERIFYHOST, 2) &&
            curl_set_long(library, easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
            /* Authorities may be replaced in place; the default keeps the old ones for a day. */
            curl_set_long(library, easy, CURLOPT_CA_CACHE_TIMEOUT, 60);
  /* Without the second, the system's certificates would be trusted too. */
  if (request->ca_file)
    ok = ok && curl_set_text(library, easy, CURLOPT_CAINFO, request->ca_file) &&
         curl_set_text(library, easy, CURLOPT_CAPATH, NULL);
  if (request->certificate_file) ok = ok && curl_set_text(library, easy, CURLOPT_SSLCERT, request->certificate_file);
  if (request->key_file) ok = ok && curl_set_text(library, easy, CURLOPT_SSLKEY, request->key_file);
  return ok;
}

static bool set_method(const curl_library *library, CURL *easy, http_exchange *exchange, const http_request *request) {
  bool ok = true;
  if (request->body) {
    exchange->request_body = malloc(request->body_size ? request->body_size : 1);
    if (!exchange->request_body) return false;
    memcpy(exchange->request_body, request->body, request->body_size);
    ok = curl_set_long(library, easy, CURLOPT_POST, 1) &&
         curl_set_size(library, easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size) &&
         curl_set_pointer(library, easy, CURLOPT_POSTFIELDS, exchange->request_body);
  } else if (strcmp(request->method, "HEAD") == 0) {
    ok = curl_set_long(library, easy, CURLOPT_NOBODY, 1); /* else libcurl would wait for a body */
  }
  return ok && curl_set_text(library, easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Debian's 7.88.1 fails on an open connection when it is told again that HTTP/2 is known to be spoken. */
static long version_of(const http_request *request) {
  if (request->version == HTTP_VERSION_1_1) return CURL_HTTP_VERSION_1_1;
  if (strncmp(request->url, "https:", 6) == 0) return CURL_HTTP_VERSION_2TLS;
  return request->connection == HTTP_CONNECTION_REUSED ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

static bool set_up(http_exchange *exchange, const http_request *request) {
  const curl_library *library = exchange->loop->library;
  CURL *easy = exchange->easy;
  for (size_t index = 0; index < request->header_count; ++index)
    if (!add_text(library, &exchange->headers, request->headers[index])) return false;
  /* Nobody waits for `100 Continue`. */
  if (!add_text(library, &exchange->headers, "Expect:")) return false;
  char connect_to[512];
  if (request->connect_to) {
    int size = snprintf(connect_to, sizeof connect_to, "::%s", request->connect_to);
    if (size < 0 || (size_t)size >= sizeof connect_to) return false;
    if (!add_text(library, &exchange->connect_to, connect_to)) return false;
  }
  bool ok = curl_set_pointer(library, easy, CURLOPT_ERRORBUFFER, exchange->error) &&
            curl_set_pointer(library, easy, CURLOPT_PRIVATE, exchange) &&
            curl_set_long(library, easy, CURLOPT_NOSIGNAL, 1) &&
            curl_set_long(library, easy, CURLOPT_QUICK_EXIT, 1) &&
            curl_set_text(library, easy, CURLOPT_PROXY, "") &&
            curl_set_text(library, easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
            curl_set_long(library, easy, CURLOPT_FOLLOWLOCATION, 0) &&
            curl_set_long(library, easy, CURLOPT_PIPEWAIT, 1) &&
            curl_set_long(library, easy, CURLOPT_FRESH_CONNECT, request->connection == HTTP_CONNECTION_FRESH) &&
            curl_set_long(library, easy, CURLOPT_HTTP_VERSION, version_of(request)) &&
            curl_set_text(library, easy, CURLOPT_URL, request->url) &&
            curl_set_text(library, easy, CURLOPT_REQUEST_TARGET, request->target) &&
            curl_set_list(library, easy, CURLOPT_HTTPHEADER, exchange->headers) &&
            set_method(library, easy, exchange, request) && set_tls(library, easy, request);
  if (exchange->connect_to) ok = ok && curl_set_list(library, easy, CURLOPT_CONNECT_TO, exchange->connect_to);
  if (request->unix_path) ok = ok && curl_set_text(library, easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_path);
  return ok && library->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
         curl_set_pointer(library, easy, CURLOPT_WRITEDATA, exchange) &&
         library->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_line) == CURLE_OK &&
         curl_set_pointer(library, easy, CURLOPT_HEADERDATA, exchange) &&
         library->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
         curl_set_pointer(library, easy, CURLOPT_OPENSOCKETDATA, exchange) &&
         library->easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK &&
         curl_set_pointer(library, easy, CURLOPT_PREREQDATA, exchange);
}

http_exchange *http_exchange_start(http_loop *loop, const http_request *request, void *owner, char *error,
                                   size_t error_size) {
  http_exchange *exchange = calloc(1, sizeof *exchange);
  if (!exchange) {
    snprintf(error, error_size, "no memory");
    return NULL;
  }
  exchange->loop = loop;
  exchange->owner = owner;
  exchange->connection = request->connection;
  exchange->body.size_max = request->response_bytes_max;
  exchange->lines.size_max = request->header_bytes_max;
  exchange->easy = loop->library->easy_init();
  if (exchange->easy && set_up(exchange, request) &&
      loop->library->multi_add_handle(loop->multi, exchange->easy) == CURLM_OK)
    return exchange;
  snprintf(error, error_size, "%s", exchange->error[0] ? exchange->error : "libcurl refuses the request");
  http_exchange_free(exchange);
  return NULL;
}

void http_exchange_free(http_exchange *exchange) {
  if (!exchange) return;
  const curl_library *library = exchange->loop->library;
  if (exchange->easy) {
    library->multi_remove_handle(exchange->loop->multi, exchange->easy);
    library->easy_cleanup(exchange->easy);
  }
  library->slist_free_all(exchange->headers);
  library->slist_free_all(exchange->connect_to);
  free(exchange->request_body);
  free(exchange->body.bytes);
  free(exchange->lines.bytes);
  free(exchange);
}

void *http_exchange_owner(const http_exchange *exchange) { return exchange->owner; }
bool http_exchange_is_connected(const http_exchange *exchange) { return exchange->is_connected; }
uint32_t http_exchange_connections(const http_exchange *exchange) { return exchange->connections; }
bool http_exchange_has_response(const http_exchange *exchange) { return exchange->has_response; }

/* --- Its end ---------------------------------------------------------------------------------------------------- */

http_outcome http_exchange_outcome(const http_exchange *exchange) {
  if (exchange->lacks_connection && exchange->code != CURLE_OK) return HTTP_OUTCOME_NO_CONNECTION;
  if (exchange->is_too_large) return HTTP_OUTCOME_TOO_LARGE;
  switch (exchange->code) {
    case CURLE_OK: return HTTP_OUTCOME_ANSWERED;
    case CURLE_OPERATION_TIMEDOUT: return HTTP_OUTCOME_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return HTTP_OUTCOME_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT: return HTTP_OUTCOME_TLS;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      /* With TLS 1.3 the server tells only after the handshake that it wants a certificate. */
      return strstr(exchange->error, "alert") ? HTTP_OUTCOME_TLS : HTTP_OUTCOME_RESET;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2_STREAM: return HTTP_OUTCOME_RESET;
    case CURLE_HTTP2:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING: return HTTP_OUTCOME_PROTOCOL;
    default: return HTTP_OUTCOME_OTHER;
  }
}

const char *http_exchange_error(const http_exchange *exchange) {
  if (exchange->error[0]) return exchange->error;
  return exchange->code == CURLE_OK ? "" : exchange->loop->library->easy_strerror(exchange->code);
}

static long number_of(const http_exchange *exchange, CURLINFO information) {
  long number = 0;
  exchange->loop->library->easy_getinfo(exchange->easy, information, &number);
  return number;
}

long http_exchange_status(const http_exchange *exchange) { return number_of(exchange, CURLINFO_RESPONSE_CODE); }

bool http_exchange_is_version_2(const http_exchange *exchange) {
  return number_of(exchange, CURLINFO_HTTP_VERSION) == CURL_HTTP_VERSION_2_0;
}

const uint8_t *http_exchange_body(const http_exchange *exchange, size_t *size_out) {
  *size_out = exchange->body.size;
  return exchange->body.bytes;
}

static bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }

bool http_exchange_next_header(const http_exchange *exchange, size_t *position, http_header *header_out) {
  const uint8_t *bytes = exchange->lines.bytes;
  size_t size = exchange->lines.size;
  while (*position < size) {
    size_t begin = *position;
    const uint8_t *newline = memchr(bytes + begin, '\n', size - begin);
    size_t end = newline ? (size_t)(newline - bytes) : size;
    *position = newline ? end + 1 : size;
    const uint8_t *colon = memchr(bytes + begin, ':', end - begin);
    if (!colon || colon == bytes + begin) continue;
    size_t value = (size_t)(colon - bytes) + 1;
    while (value < end && is_blank(bytes[value])) value += 1;
    while (end > value && is_blank(bytes[end - 1])) end -= 1;
    *header_out = (http_header){.name = bytes + begin,
                                .name_size = (size_t)(colon - bytes) - begin,
                                .value = bytes + value,
                                .value_size = end - value,
                                .is_trailer = exchange->headers_ended && begin >= exchange->trailers_begin};
    return true;
  }
  return false;
}

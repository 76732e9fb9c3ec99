/* HTTP exchanges by libcurl, which is opened when the first loop is made: who asks nobody needs no libcurl.
 *
 *     http_loop ── start(request) ──► http_exchange    one request and what comes back, within limits
 *               ── run(milliseconds)                   waits for sockets, a wake or the time, then works
 *               ◄─ finished() ──────── http_exchange   each once
 *
 * A loop and its exchanges belong to one thread at a time, which blocks SIGPIPE; only `http_loop_wake` is for any thread.
 * No proxy, netrc or other setting comes from the environment, no redirect is followed, certificates are always
 * verified, and nothing but http and https is spoken. */
#ifndef PURSER_CURL_CLIENT_H
#define PURSER_CURL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct http_loop http_loop;
typedef struct http_exchange http_exchange;

/* NULL on failure, with a reason in `error`, ended by NUL. At most `connections_max` idle connections are kept. */
http_loop *http_loop_make(long connections_max, char *error, size_t error_size);
/* Closes all connections. After its exchanges were freed, by the thread that has the loop. NULL is fine. */
void http_loop_free(http_loop *loop);
/* Ends the wait of `http_loop_run`, this one or the next. From any thread. */
void http_loop_wake(http_loop *loop);
/* Waits at most so long, then moves every exchange on as far as it goes without waiting. False when libcurl cannot. */
bool http_loop_run(http_loop *loop, int milliseconds);
/* The next exchange that has ended, or NULL. It is still to be freed. */
http_exchange *http_loop_finished(http_loop *loop);

typedef enum http_version {
  HTTP_VERSION_1_1 = 0,
  HTTP_VERSION_2 = 1 /* by ALPN over TLS; without TLS by prior knowledge: the server must speak it */
} http_version;

typedef enum http_connection {
  HTTP_CONNECTION_ANY = 0,    /* one that is open, else a new one */
  HTTP_CONNECTION_FRESH = 1,  /* a new one */
  HTTP_CONNECTION_REUSED = 2  /* one that is open, else HTTP_OUTCOME_NO_CONNECTION, with nothing sent */
} http_connection;

/* All texts end with NUL and are copied; what may be NULL says so. */
typedef struct http_request {
  const char *url;              /* http or https, the name to verify, a port, and a path that `target` replaces */
  const char *connect_to;       /* `HOST:PORT` to connect to in place of the URL's; NULL for the URL's */
  const char *unix_path;        /* the Unix socket to connect to; NULL for none */
  const char *ca_file;          /* PEM, instead of the system's; NULL for the system's */
  const char *certificate_file; /* PEM, the client's; NULL for none */
  const char *key_file;         /* PEM; NULL for none */
  const char *method;
  const char *target;           /* as it stands in the request line */
  const char *const *headers;   /* lines, `name: value` or `name;` for an empty one */
  size_t header_count;
  const uint8_t *body;          /* NULL for none */
  size_t body_size;
  http_version version;
  http_connection connection;
  size_t response_bytes_max;    /* of the body */
  size_t header_bytes_max;      /* of all header lines, trailers included */
} http_request;

/* NULL without memory, or when libcurl refuses a setting (its reason in `error`). */
http_exchange *http_exchange_start(http_loop *loop, const http_request *request, void *owner, char *error,
                                   size_t error_size);
/* Ends it if it goes on, and frees it. A shared HTTP/2 connection stays open. NULL is fine. */
void http_exchange_free(http_exchange *exchange);
/* What was given to http_exchange_start. */
void *http_exchange_owner(const http_exchange *exchange);

/* --- While it goes on and after its end -------------------------------------------------------------------------- */

/* The connection is made (and verified), and the request is on its way. */
bool http_exchange_is_connected(const http_exchange *exchange);
/* Connections that were opened for it. */
uint32_t http_exchange_connections(const http_exchange *exchange);
/* A byte of an answer came, an interim one included. */
bool http_exchange_has_response(const http_exchange *exchange);

/* --- After its end ----------------------------------------------------------------------------------------------- */

typedef enum http_outcome {
  HTTP_OUTCOME_ANSWERED = 0,
  HTTP_OUTCOME_TIMEOUT,
  HTTP_OUTCOME_CONNECT,       /* no such host, nobody listens there */
  HTTP_OUTCOME_TLS,           /* no handshake, or a certificate that does not verify */
  HTTP_OUTCOME_RESET,         /* the connection or the stream ended before the answer did */
  HTTP_OUTCOME_PROTOCOL,      /* what came is not HTTP */
  HTTP_OUTCOME_TOO_LARGE,
  HTTP_OUTCOME_NO_CONNECTION, /* of HTTP_CONNECTION_REUSED */
  HTTP_OUTCOME_OTHER
} http_outcome;

http_outcome http_exchange_outcome(const http_exchange *exchange);
/* Why, in libcurl's words; "" when there is nothing to say. */
const char *http_exchange_error(const http_exchange *exchange);
/* The HTTP status, and 2 when HTTP/2 was spoken. */
long http_exchange_status(const http_exchange *exchange);
bool http_exchange_is_version_2(const http_exchange *exchange);
const uint8_t *http_exchange_body(const http_exchange *exchange, size_t *size_out);

typedef struct http_header {
  const uint8_t *name;
  size_t name_size;
  const uint8_t *value; /* without blanks around it */
  size_t value_size;
  bool is_trailer;
} http_header;

/* The final answer's headers in their order, pseudo-headers left out. `position` begins at 0. False when none is left. */
bool http_exchange_next_header(const http_exchange *exchange, size_t *position, http_header *header_out);

#endif

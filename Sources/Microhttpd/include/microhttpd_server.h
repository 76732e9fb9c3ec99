/* A small HTTP server with one page, by GNU libmicrohttpd, which is opened when the first server starts: who listens
 * nowhere needs no libmicrohttpd. One internal thread a server, with all signals blocked; no signal handler, nothing on
 * stderr. */
#ifndef PURSER_MICROHTTPD_SERVER_H
#define PURSER_MICROHTTPD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct microhttpd_server microhttpd_server;

/* Makes the page, on the server's thread: memory from malloc, which the server frees. False: the client gets 503. */
typedef bool (*microhttpd_render)(void *context, uint8_t **text_out, size_t *size_out);

/* Listens on `host` (a name or a numeric address; NULL for all) and `port` (0 for any free one) and answers GET and HEAD
 * of `path`: 404 for other paths, 405 for other methods. `path` and `content_type` must outlive the server. NULL on
 * failure, with a reason in `error`, ended by NUL. */
microhttpd_server *microhttpd_start(const char *host, uint16_t port, const char *path, const char *content_type,
                                    microhttpd_render render, void *context, char *error, size_t error_size);

/* The address that it listens on, such as `127.0.0.1:15090` or `[::1]:15090`. Valid as long as the server. */
const char *microhttpd_address(const microhttpd_server *server);

/* Closes all connections, waits for the server's thread and frees the server. Not from that thread. NULL is fine. */
void microhttpd_stop(microhttpd_server *server);

#endif

/* A metrics page served by libmicrohttpd, which is opened when the first server starts. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "microhttpd_server.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Scrapers hold one or two connections; the rest is room for curl and for clients that hang. */
enum { connections_max = 64, connection_seconds_max = 10, connection_bytes_max = 16 * 1024 };

static const char library_name[] = "libmicrohttpd.so.12";

struct microhttpd_server {
  struct MHD_Daemon *daemon;
  const char *path;
  const char *content_type;
  microhttpd_render render;
  void *context;
  char address[NI_MAXHOST + NI_MAXSERV + 4];
  __typeof__(&MHD_start_daemon) start;
  __typeof__(&MHD_stop_daemon) stop;
  __typeof__(&MHD_create_response_from_buffer) create_response;
  __typeof__(&MHD_add_response_header) add_header;
  __typeof__(&MHD_queue_response) queue_response;
  __typeof__(&MHD_destroy_response) destroy_response;
};

/* --- The library ------------------------------------------------------------------------------------------------ */

/* The library's own reaction to an internal error is to print and abort. A server that answers no more is better than a
 * dead host, so the thread in question stops here. */
static _Noreturn void park(void *context, const char *file, unsigned int line, const char *reason) {
  (void)context, (void)file, (void)line, (void)reason;
  for (;;) pause();
}

static bool open_library(microhttpd_server *server, char *error, size_t error_size) {
  /* A host that uses the library itself has its own panic function, or none, and keeps it. */
  void *before = dlopen(library_name, RTLD_LAZY | RTLD_NOLOAD);
  void *library = before ? before : dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    snprintf(error, error_size, "%s cannot be opened: install the package libmicrohttpd12 (%s)", library_name,
             reason ? reason : "unknown reason");
    return false;
  }
#define find(field, name) *(void **)&server->field = dlsym(library, #name)
  find(start, MHD_start_daemon);
  find(stop, MHD_stop_daemon);
  find(create_response, MHD_create_response_from_buffer);
  find(add_header, MHD_add_response_header);
  find(queue_response, MHD_queue_response);
  find(destroy_response, MHD_destroy_response);
#undef find
  if (!server->start || !server->stop || !server->create_response || !server->add_header || !server->queue_response ||
      !server->destroy_response) {
    snprintf(error, error_size, "%s lacks a function: install the package libmicrohttpd12", library_name);
    return false;
  }
  __typeof__(&MHD_set_panic_func) set_panic;
  *(void **)&set_panic = dlsym(library, "MHD_set_panic_func");
  if (!before && set_panic) set_panic(park, NULL);
  return true;
}

/* --- The socket ------------------------------------------------------------------------------------------------- */

/* Bound here and not by the library, for a reason that can be told and for the address with port 0. */
static int listen_on(const char *host, uint16_t port, char *error, size_t error_size) {
  char service[8];
  snprintf(service, sizeof service, "%u", (unsigned)port);
  struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  int status = getaddrinfo(host, service, &hints, &found);
  if (status != 0) {
    snprintf(error, error_size, "%s", status == EAI_SYSTEM ? "the address cannot be resolved" : gai_strerror(status));
    return -1;
  }
  int failure = EADDRNOTAVAIL;
  int listener = -1;
  for (struct addrinfo *at = found; at && listener < 0; at = at->ai_next) {
    listener = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
    if (listener < 0) {
      failure = errno;
      continue;
    }
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, at->ai_addr, at->ai_addrlen) != 0 || listen(listener, 64) != 0) {
      failure = errno;
      close(listener);
      listener = -1;
    }
  }
  freeaddrinfo(found);
  if (listener < 0) {
    char scratch[128];
    snprintf(error, error_size, "%s", strerror_r(failure, scratch, sizeof scratch));
  }
  return listener;
}

static void name_address(int listener, char *text, size_t size) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  text[0] = 0;
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) return;
  if (getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return;
  snprintf(text, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* --- Requests --------------------------------------------------------------------------------------------------- */

static enum MHD_Result reply(const microhttpd_server *server, struct MHD_Connection *connection, unsigned int status,
                             const char *text) {
  struct MHD_Response *response =
      server->create_response(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  server->add_header(response, "Content-Type", "text/plain; charset=utf-8");
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED) server->add_header(response, "Allow", "GET, HEAD");
  enum MHD_Result result = server->queue_response(connection, status, response);
  server->destroy_response(response);
  return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request) {
  (void)version, (void)upload;
  const microhttpd_server *server = context;
  static char begun;
  /* The first of two calls: only the head is known. Other methods are answered here, so no body is read. */
  if (*request == NULL) {
    *request = &begun;
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) return MHD_YES;
    return reply(server, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed\n");
  }
  if (*upload_size != 0) return MHD_NO; /* a GET with a body: nobody we want to talk to */
  if (strcmp(url, server->path) != 0) return reply(server, connection, MHD_HTTP_NOT_FOUND, "not found\n");
  uint8_t *text = NULL;
  size_t size = 0;
  if (!server->render(server->context, &text, &size))
    return reply(server, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n");
  struct MHD_Response *response = server->create_response(size, text, MHD_RESPMEM_MUST_FREE);
  if (!response) {
    free(text);
    return MHD_NO;
  }
  server->add_header(response, "Content-Type", server->content_type);
  enum MHD_Result result = server->queue_response(connection, MHD_HTTP_OK, response);
  server->destroy_response(response);
  return result;
}

/* --- Life ------------------------------------------------------------------------------------------------------- */

microhttpd_server *microhttpd_start(const char *host, uint16_t port, const char *path, const char *content_type,
                                    microhttpd_render render, void *context, char *error, size_t error_size) {
  microhttpd_server *server = calloc(1, sizeof *server);
  if (!server) {
    snprintf(error, error_size, "out of memory");
    return NULL;
  }
  server->path = path;
  server->content_type = content_type;
  server->render = render;
  server->context = context;
  /* The library's constructors and its thread run with all signals blocked; the thread inherits that. */
  sigset_t all, mask;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &mask);
  int listener = -1;
  if (open_library(server, error, error_size) && (listener = listen_on(host, port, error, error_size)) >= 0) {
    name_address(listener, server->address, sizeof server->address);
    struct stat before, after;
    bool known = fstat(listener, &before) == 0;
    /* poll: select fails in a proxy with more than 1024 open descriptors. Without MHD_USE_ERROR_LOG it prints nothing. */
    server->daemon = server->start(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, answer, server, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned int)connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned int)connection_seconds_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)connection_bytes_max,
        MHD_OPTION_END);
    if (!server->daemon) {
      snprintf(error, error_size, "libmicrohttpd cannot start a server");
      /* Some failures close the socket and some do not; its number may be somebody else's by now. */
      if (known && fstat(listener, &after) == 0 && after.st_ino == before.st_ino && after.st_dev == before.st_dev)
        close(listener);
    }
  }
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  if (!server->daemon) {
    free(server);
    return NULL;
  }
  return server;
}

const char *microhttpd_address(const microhttpd_server *server) { return server->address; }

void microhttpd_stop(microhttpd_server *server) {
  if (!server) return;
  server->stop(server->daemon);
  free(server);
}

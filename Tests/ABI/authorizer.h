/*
 * authorizer.h - a small external authorization service (ext_authz over HTTP/1.1, kept connections) in a thread of the
 * program's own, over real sockets on loopback: what a provider is, for programs that ask millions of questions.
 *
 * What it answers is told by the request's path:
 *
 *   /deny…   401 and a body
 *   /who…    200 with `x-role: reader`
 *   others   200
 *
 * One thread, epoll; questions have no body. Who uses it: Tests/ABI/kept.c and reentry.c, Benchmarks/external.
 */
#ifndef PURSER_TEST_AUTHORIZER_H
#define PURSER_TEST_AUTHORIZER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define AUTHORIZER_HEAD_MAX 8192

typedef struct authorizer {
  int listener, epoll, wake;
  unsigned port;       /* of 127.0.0.1; 0 with a path */
  unsigned long asked; /* questions answered: read it with __atomic_load_n */
  pthread_t thread;
} authorizer;

/* One connection: what came of a question that is not whole yet. */
typedef struct authorizer_connection {
  int socket;
  size_t used;
  char head[AUTHORIZER_HEAD_MAX];
} authorizer_connection;

static inline int authorizer_begins(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* 0 when the connection is of no more use. */
static inline int authorizer_send(int socket, const char *bytes, size_t size) {
  while (size > 0) {
    const ssize_t count = send(socket, bytes, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return 0;
    bytes += count;
    size -= (size_t)count;
  }
  return 1;
}

static inline int authorizer_answer(authorizer *server, int socket, const char *head) {
  const char *path = strchr(head, ' ');
  const char *answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  path = path ? path + 1 : "";
  if (authorizer_begins(path, "/deny")) answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 8\r\n\r\ngo away\n";
  else if (authorizer_begins(path, "/who")) answer = "HTTP/1.1 200 OK\r\nx-role: reader\r\ncontent-length: 0\r\n\r\n";
  __atomic_add_fetch(&server->asked, 1, __ATOMIC_RELAXED);
  return authorizer_send(socket, answer, strlen(answer));
}

/* Reads what is there and answers each whole question; 0 at the end of the connection. */
static inline int authorizer_read(authorizer *server, authorizer_connection *connection) {
  const ssize_t count = recv(connection->socket, connection->head + connection->used,
                             AUTHORIZER_HEAD_MAX - 1 - connection->used, MSG_DONTWAIT);
  char *end;
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return 0;
  connection->used += (size_t)count;
  connection->head[connection->used] = 0;
  while ((end = strstr(connection->head, "\r\n\r\n")) != NULL) {
    const size_t size = (size_t)(end + 4 - connection->head);
    if (!authorizer_answer(server, connection->socket, connection->head)) return 0;
    connection->used -= size;
    memmove(connection->head, connection->head + size, connection->used + 1);
  }
  return connection->used < AUTHORIZER_HEAD_MAX - 1;
}

static inline void authorizer_accept(authorizer *server) {
  const int on = 1;
  struct epoll_event event;
  authorizer_connection *connection;
  const int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
  if (socket < 0) return;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* no such thing on a Unix socket */
  connection = (authorizer_connection *)malloc(sizeof *connection);
  if (connection == NULL) {
    close(socket);
    return;
  }
  connection->socket = socket;
  connection->used = 0;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  event.data.ptr = connection;
  epoll_ctl(server->epoll, EPOLL_CTL_ADD, socket, &event);
}

/* Connections that are open when it ends are closed with the process. */
static void *authorizer_run(void *argument) {
  authorizer *server = (authorizer *)argument;
  struct epoll_event events[64];
  for (;;) {
    const int count = epoll_wait(server->epoll, events, 64, -1);
    int at;
    if (count < 0 && errno != EINTR) return NULL;
    for (at = 0; at < count; at += 1) {
      authorizer_connection *connection = (authorizer_connection *)events[at].data.ptr;
      if (events[at].data.ptr == &server->wake) return NULL;
      if (events[at].data.ptr == &server->listener) {
        authorizer_accept(server);
      } else if (!authorizer_read(server, connection)) {
        close(connection->socket);
        free(connection);
      }
    }
  }
}

static inline int authorizer_listen(authorizer *server, const char *path) {
  if (path != NULL) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return 0;
    memcpy(address.sun_path, path, strlen(path));
    unlink(path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0) return 0;
  } else {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
      return 0;
    server->port = ntohs(address.sin_port);
  }
  return listen(server->listener, 256) == 0;
}

/* Serves from now on: on a free port of loopback, or at the path of a Unix socket. 0 when it cannot. */
static inline int authorizer_start(authorizer *server, const char *path) {
  struct epoll_event event;
  memset(server, 0, sizeof *server);
  if (!authorizer_listen(server, path)) return 0;
  server->wake = eventfd(0, EFD_CLOEXEC);
  server->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (server->wake < 0 || server->epoll < 0) return 0;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  event.data.ptr = &server->listener;
  if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) != 0) return 0;
  event.data.ptr = &server->wake;
  if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->wake, &event) != 0) return 0;
  return pthread_create(&server->thread, NULL, authorizer_run, server) == 0;
}

static inline unsigned long authorizer_asked(const authorizer *server) { return __atomic_load_n(&server->asked, __ATOMIC_RELAXED); }

static inline void authorizer_stop(authorizer *server) {
  const uint64_t one = 1;
  if (write(server->wake, &one, sizeof one) == (ssize_t)sizeof one) pthread_join(server->thread, NULL);
  close(server->listener);
  close(server->wake);
  close(server->epoll);
}

#endif

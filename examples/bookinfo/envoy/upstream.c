/*
 * upstream.c - the smallest service that Envoy can have behind it: one thread, HTTP/1.1 with kept connections, the
 * same short answer to everything. Fast, so that what is measured is the proxy.
 *
 *   usage: upstream    prints its port, serves until it is ended
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define REQUEST_MAX (128 << 10)

static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nbookinfo\n";

typedef struct connection {
  int socket;
  size_t have;
  size_t body_left; /* of the request that was answered last, still to be skipped */
  char bytes[REQUEST_MAX];
} connection;

static void demand(int good, const char *what) {
  if (good) return;
  perror(what);
  exit(1);
}

static size_t content_length(const char *head, const char *end) {
  static const char name[] = "\ncontent-length:";
  const char *line;
  for (line = head; line < end; line++) {
    if (strncasecmp(line, name, sizeof name - 1) == 0) return strtoul(line + sizeof name - 1, NULL, 10);
  }
  return 0;
}

/* Answers every whole request that is there; 0 when the connection is of no more use. */
static int serve(connection *peer) {
  const ssize_t got = recv(peer->socket, peer->bytes + peer->have, REQUEST_MAX - 1 - peer->have, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return 0;
  peer->have += (size_t)got;
  for (;;) {
    const size_t skipped = peer->body_left < peer->have ? peer->body_left : peer->have;
    char *end;
    size_t used;
    peer->body_left -= skipped;
    peer->have -= skipped;
    memmove(peer->bytes, peer->bytes + skipped, peer->have);
    peer->bytes[peer->have] = 0;
    end = memmem(peer->bytes, peer->have, "\r\n\r\n", 4);
    if (end == NULL) return peer->have < REQUEST_MAX - 1;
    peer->body_left = content_length(peer->bytes, end);
    used = (size_t)(end - peer->bytes) + 4;
    peer->have -= used;
    memmove(peer->bytes, peer->bytes + used, peer->have);
    if (send(peer->socket, answer, sizeof answer - 1, MSG_NOSIGNAL) != (ssize_t)sizeof answer - 1) return 0;
  }
}

static void accept_one(int listener, int poll) {
  const int one = 1;
  struct epoll_event event = {.events = EPOLLIN};
  connection *peer = malloc(sizeof *peer);
  demand(peer != NULL, "memory");
  peer->socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  peer->have = peer->body_left = 0;
  if (peer->socket < 0) {
    free(peer);
    return;
  }
  setsockopt(peer->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  event.data.ptr = peer;
  demand(epoll_ctl(poll, EPOLL_CTL_ADD, peer->socket, &event) == 0, "epoll_ctl");
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event events[64] = {{.events = EPOLLIN}};
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
  demand(listener >= 0 && poll >= 0, "socket");
  demand(bind(listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
  demand(listen(listener, CONNECTIONS_MAX) == 0, "listen");
  demand(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
  demand(epoll_ctl(poll, EPOLL_CTL_ADD, listener, &events[0]) == 0, "epoll_ctl");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    const int count = epoll_wait(poll, events, 64, -1);
    int index;
    for (index = 0; index < count; index++) {
      connection *peer = events[index].data.ptr;
      if (peer == NULL) {
        accept_one(listener, poll);
      } else if (!serve(peer)) {
        close(peer->socket);
        free(peer);
      }
    }
  }
}

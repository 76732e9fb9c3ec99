/*
 * load.c - asks one HTTP/1.1 server as fast as it answers, over some kept connections, and counts.
 *
 *   usage: load PORT CONNECTIONS MILLISECONDS STATUS HEAD
 *
 * HEAD is the request as it goes over the wire, without the empty line at its end. An answer of another status is an
 * error. Prints the number of answers.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define ANSWER_MAX 16384

typedef struct connection {
  int socket;
  size_t have;
  char bytes[ANSWER_MAX];
} connection;

static void demand(int good, const char *what) {
  if (good) return;
  perror(what);
  exit(1);
}

static long long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 1 when the whole answer is there. */
static int is_whole(const connection *peer) {
  const char *end = memmem(peer->bytes, peer->have, "\r\n\r\n", 4);
  const char *line;
  if (end == NULL) return 0;
  for (line = peer->bytes; line < end; line++) {
    if (strncasecmp(line, "\ncontent-length:", 16) == 0) {
      return peer->have >= (size_t)(end - peer->bytes) + 4 + strtoul(line + 16, NULL, 10);
    }
  }
  return 1;
}

int main(int count, char **arguments) {
  static connection peers[CONNECTIONS_MAX];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event events[CONNECTIONS_MAX];
  const int one = 1, poll = epoll_create1(0);
  char *request, status[16];
  size_t request_size;
  long long end;
  unsigned long answers = 0;
  int connections, open, index;
  demand(count == 6, "usage: load PORT CONNECTIONS MILLISECONDS STATUS HEAD");
  address.sin_port = htons((uint16_t)atoi(arguments[1]));
  connections = atoi(arguments[2]);
  demand(connections > 0 && connections <= CONNECTIONS_MAX, "connections");
  snprintf(status, sizeof status, "HTTP/1.1 %.3s", arguments[4]);
  demand(asprintf(&request, "%s\r\n\r\n", arguments[5]) > 0, "memory");
  request_size = strlen(request);
  end = milliseconds() + atoi(arguments[3]);
  for (index = 0; index < connections; index++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &peers[index]};
    peers[index].socket = socket(AF_INET, SOCK_STREAM, 0);
    demand(connect(peers[index].socket, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    setsockopt(peers[index].socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    demand(epoll_ctl(poll, EPOLL_CTL_ADD, peers[index].socket, &event) == 0, "epoll_ctl");
    demand(send(peers[index].socket, request, request_size, 0) == (ssize_t)request_size, "send");
  }
  /* The last answer of each connection is waited for, so that none is in Envoy when its clock is read. */
  for (open = connections; open > 0;) {
    const int ready = epoll_wait(poll, events, CONNECTIONS_MAX, 5000);
    demand(ready > 0, "no answer");
    for (index = 0; index < ready; index++) {
      connection *peer = events[index].data.ptr;
      const ssize_t got = recv(peer->socket, peer->bytes + peer->have, ANSWER_MAX - peer->have, 0);
      demand(got > 0, "recv");
      peer->have += (size_t)got;
      if (!is_whole(peer)) continue;
      if (strncmp(peer->bytes, status, 12) != 0) {
        fprintf(stderr, "wanted %s, got %.12s\n", status, peer->bytes);
        return 1;
      }
      answers++;
      peer->have = 0;
      if (milliseconds() < end) {
        demand(send(peer->socket, request, request_size, 0) == (ssize_t)request_size, "send");
      } else {
        close(peer->socket);
        open--;
      }
    }
  }
  printf("%lu\n", answers);
  return 0;
}

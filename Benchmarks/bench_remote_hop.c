/*
 * What it costs to ask another process: the same checks, decided by the same library, behind a loopback TCP connection.
 *
 *     bench_remote_hop REQUESTS.tsv POLICY…
 *
 *     client                                    server (a child process, links libpurser too)
 *       attributes of a hop ── one write ──►      reads, rebuilds the table, purser_check
 *       verdict             ◄── one write ──      answers 8 bytes
 *
 * This is the least that a remote check can cost on this machine, not a measurement of Mixer: one connection, one request at
 * a time, no HTTP/2, no protobuf, no dictionary, no scheduler shared with an application. Real ones add to it.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../examples/bookinfo/recording.h"
#include "host.h"

#define FRAME_MAX 16384
#define ENTRIES_MAX 64
#define ROUNDS 40

/* ----------------------------------------------------------------------------------------------------- frames */

typedef struct frame {
  uint32_t size;
  unsigned char bytes[FRAME_MAX];
} frame;

static void put(frame *frame, const void *bytes, size_t size) {
  if (frame->size + size > FRAME_MAX) {
    fprintf(stderr, "a hop is too large\n");
    exit(1);
  }
  memcpy(frame->bytes + frame->size, bytes, size);
  frame->size += (uint32_t)size;
}

static void put_text(frame *frame, purser_text text) {
  const uint32_t size = (uint32_t)text.size;
  put(frame, &size, sizeof size);
  put(frame, text.data, text.size);
}

/* All attributes that the hop has, as Mixer's client sent them: the caller does not know which the rules will read. */
static void encode(frame *frame, const recorded_request *hop) {
  size_t i, j;
  frame->size = 0;
  for (i = 0; i < hop->count; i++) {
    const purser_value *value = &hop->values[i];
    const uint32_t head[2] = {hop->numbers[i], value->type};
    put(frame, head, sizeof head);
    if (value->type == PURSER_TYPE_STRING) {
      put_text(frame, value->as.text);
    } else if (value->type == PURSER_TYPE_MAP) {
      const uint32_t count = (uint32_t)value->as.map.count;
      put(frame, &count, sizeof count);
      for (j = 0; j < count; j++) {
        put_text(frame, value->as.map.entries[j].key);
        put_text(frame, value->as.map.entries[j].value.as.text);
      }
    } else {
      put(frame, value, sizeof *value);
    }
  }
}

static const unsigned char *take(const unsigned char *next, void *out, size_t size) {
  memcpy(out, next, size);
  return next + size;
}

static const unsigned char *take_text(const unsigned char *next, purser_text *text) {
  uint32_t size;
  next = take(next, &size, sizeof size);
  text->data = (const char *)next;
  text->size = size;
  return next + size;
}

/* The peer is our own client, so the frame is trusted. */
static void decode(const frame *frame, recorded_request *hop, purser_entry *entries) {
  const unsigned char *next = frame->bytes, *end = frame->bytes + frame->size;
  uint32_t j;
  memset(hop->places, 0, sizeof hop->places);
  hop->count = 0;
  while (next < end) {
    uint32_t head[2];
    purser_value *value = &hop->values[hop->count++];
    next = take(next, head, sizeof head);
    hop->places[head[0]] = (uint8_t)hop->count;
    memset(value, 0, sizeof *value);
    value->type = head[1];
    if (head[1] == PURSER_TYPE_STRING) {
      next = take_text(next, &value->as.text);
    } else if (head[1] == PURSER_TYPE_MAP) {
      uint32_t count;
      next = take(next, &count, sizeof count);
      value->as.map.entries = entries;
      value->as.map.count = count;
      for (j = 0; j < count; j++, entries++) {
        next = take_text(next, &entries->key);
        memset(&entries->value, 0, sizeof entries->value);
        entries->value.type = PURSER_TYPE_STRING;
        next = take_text(next, &entries->value.as.text);
      }
    } else {
      next = take(next, value, sizeof *value);
    }
  }
}

/* ---------------------------------------------------------------------------------------------------- sockets */

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* False at the end of the connection. */
static int read_all(int socket, void *bytes, size_t size) {
  size_t used = 0;
  while (used < size) {
    const ssize_t count = read(socket, (char *)bytes + used, size - used);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return 0;
    used += (size_t)count;
  }
  return 1;
}

static void write_all(int socket, const void *bytes, size_t size) {
  size_t used = 0;
  while (used < size) {
    const ssize_t count = write(socket, (const char *)bytes + used, size - used);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) die("write");
    used += (size_t)count;
  }
}

static purser_verdict decide(host *host, recorded_request *hop) {
  purser_verdict verdict;
  demand(purser_request_begin(host->request, host->worker, host->set, &recording_host, hop, NULL), "begin");
  demand(purser_check(host->request, 1767348000000000000, NULL), "check");
  demand(purser_decision_verdict(host->request, &verdict), "verdict");
  demand(purser_request_end(host->request), "end");
  return verdict;
}

/* Answers until the client goes. */
static void serve(int listener, const char *const *paths, size_t count) {
  static frame frame;
  static recorded_request hop;
  static purser_entry entries[ENTRIES_MAX];
  host host;
  const int on = 1;
  int client;
  host_start(&host, paths, count);
  client = accept(listener, NULL, NULL);
  if (client < 0) die("accept");
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  while (read_all(client, &frame.size, sizeof frame.size) && frame.size <= FRAME_MAX &&
         read_all(client, frame.bytes, frame.size)) {
    uint32_t answer[2] = {0, 0};
    decode(&frame, &hop, entries);
    answer[0] = (uint32_t)decide(&host, &hop);
    write_all(client, answer, sizeof answer);
  }
  close(client);
  host_stop(&host);
}

static double cpu_seconds(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void show(const char *name, double *samples, size_t count) {
  sort_samples(samples, count);
  printf("  %-28s %10.2f %10.2f %10.2f\n", name, samples[0] / 1000, samples[count / 2] / 1000,
         samples[count - 1 - count / 100] / 1000);
}

int main(int argc, char **argv) {
  static frame frame;
  struct sockaddr_in address;
  socklen_t address_size = sizeof address;
  recording recording;
  host host;
  double *local, *remote, server_cpu;
  size_t count, used, i, round, different = 0;
  int listener, server, status;
  const int on = 1;
  pid_t child;
  if (argc < 3) {
    fprintf(stderr, "usage: bench_remote_hop REQUESTS.tsv POLICY...\n");
    return 2;
  }
  if (recording_read(argv[1], &recording) != 0) return 1;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &address_size) != 0) {
    die("listener");
  }
  fflush(stdout);
  child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    serve(listener, (const char *const *)argv + 2, (size_t)(argc - 2));
    recording_free(&recording);
    exit(0);
  }
  close(listener);
  host_start(&host, (const char *const *)argv + 2, (size_t)(argc - 2));
  server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  count = recording.count * ROUNDS;
  local = malloc(count * sizeof *local);
  remote = malloc(count * sizeof *remote);
  if (local == NULL || remote == NULL) die("memory");
  for (round = 0, used = 0; round < ROUNDS; round++) {
    for (i = 0; i < recording.count; i++, used++) {
      uint32_t answer[2];
      purser_verdict verdict;
      int64_t started = nanoseconds();
      verdict = decide(&host, &recording.requests[i]);
      local[used] = (double)(nanoseconds() - started);
      started = nanoseconds();
      encode(&frame, &recording.requests[i]);
      write_all(server, &frame, sizeof frame.size + frame.size);
      if (!read_all(server, answer, sizeof answer)) die("read");
      remote[used] = (double)(nanoseconds() - started);
      different += answer[0] != (uint32_t)verdict;
    }
  }
  close(server);
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "the server failed\n");
    return 1;
  }
  server_cpu = cpu_seconds(RUSAGE_CHILDREN);
  printf("  %-28s %10s %10s %10s\n", "microseconds", "min", "median", "p99");
  show("in the caller's thread", local, count);
  show("behind a loopback connection", remote, count);
  printf("  CPU of the server a check: %.1f microseconds (its start included)\n", server_cpu * 1e6 / (double)count);
  if (different > 0) fprintf(stderr, "%zu verdicts differ\n", different);
  free(local);
  free(remote);
  host_stop(&host);
  recording_free(&recording);
  return different == 0 ? 0 : 1;
}

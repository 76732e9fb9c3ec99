/*
 * What a decision costs whose rule asks a provider, through the C header: run.sh tells what is compared.
 *
 *     bench_external fill SOCKET FOLDER           keeps answers for as many users as the folder's name says
 *     bench_external measure SOCKET GRPC FOLDER…  nanoseconds and allocations; GRPC is address:port, or - for none
 *     bench_external count SOCKET FOLDER…         for callgrind: a dump of each case
 *     bench_external replay SOCKET FOLDER         hit ratios of a million requests, with a restart
 *     bench_external distinct SOCKET FOLDER       memory while two million different requests pass
 *
 * SOCKET is a path at which the program serves the provider itself, in a thread.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../counted.h"
#include "../../Tests/ABI/authorizer.h"
#include "external.h"

/* ----------------------------------------------------------------------------------------------------- a store */

/* What the engine's queue had no room for is asked again, so that in the end all are there. */
static void fill(const services *services, const char *folder) {
  const uint64_t entries = entries_of(folder);
  const kept kept = {folder, store_bytes_of(entries), 65536};
  const int64_t started = nanoseconds();
  uint64_t asked = 0, now;
  int rounds;
  for (rounds = 0; rounds < 8; rounds++) {
    house house;
    house_open(&house, services, RULES_KEPT, &kept);
    if (rounds > 0) wait_for_store(&house, 0);
    now = ask_for(&house, 0, entries, path_plain);
    house_close(&house);
    asked += now;
    if (now == 0) {
      printf("fill %llu seconds %.1f asked %llu rounds %d\n", (unsigned long long)entries, (double)(nanoseconds() - started) / 1e9,
             (unsigned long long)asked, rounds);
      return;
    }
  }
  fail("the store does not keep all answers");
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  services services = {argc > 2 ? argv[2] : NULL, NULL};
  authorizer server;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3) {
    fprintf(stderr, "usage: bench_external fill|count|replay|distinct SOCKET FOLDER..., bench_external measure SOCKET GRPC FOLDER...\n");
    return 2;
  }
  if (!authorizer_start(&server, services.socket)) fail("the socket cannot be served");
  if (strcmp(verb, "fill") == 0 && argc == 4) {
    fill(&services, argv[3]);
  } else if (strcmp(verb, "measure") == 0 && argc >= 4) {
    if (strcmp(argv[3], "-") != 0) services.grpc = argv[3];
    measure(&services, argv + 4, argc - 4);
  } else if (strcmp(verb, "count") == 0) {
    count(&services, argv + 3, argc - 3);
  } else if (strcmp(verb, "replay") == 0 && argc == 4) {
    replay(&services, argv[3]);
  } else if (strcmp(verb, "distinct") == 0 && argc == 4) {
    distinct(&services, argv[3]);
  } else {
    fail("no such verb");
  }
  authorizer_stop(&server);
  unlink(services.socket);
  return 0;
}

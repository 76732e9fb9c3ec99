/*
 * tickets.c - a stream and its pending check end at the same moment, over and over.
 *
 *   usage: tickets ROUNDS
 *
 * The main thread is the stream: it waits, unless `done` was there first, and leaves. Another one is the engine: it calls `done`. A
 * scheduler may be used between its making and its deletion only, which AddressSanitizer watches too. In every fourth round `done`
 * runs before the stream waits, in every other fourth while it waits; in the others whenever it comes to that.
 */
#include "../../envoy_abi.h"
#include "../../ticket.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic(ticket *) handed_over;
static atomic_ulong commits, made, answered;

void *ENVOY(http_filter_scheduler_new)(void *filter) {
  int *alive = malloc(sizeof *alive);
  (void)filter;
  *alive = 1;
  atomic_fetch_add(&made, 1);
  return alive;
}

void ENVOY(http_filter_scheduler_delete)(void *scheduler) { free(scheduler); }

void ENVOY(http_filter_scheduler_commit)(void *scheduler, uint64_t event) {
  if (*(int *)scheduler != 1 || event != 0) abort();
  atomic_fetch_add(&commits, 1);
}

static void *answer(void *argument) {
  unsigned long left = *(unsigned long *)argument, spins;
  while (left-- > 0) {
    ticket *taken;
    purser_pending pending;
    while ((taken = atomic_exchange(&handed_over, NULL)) == NULL) sched_yield();
    pending = ticket_pending(taken);
    for (spins = left % 61; spins > 0; spins--) atomic_load(&commits);
    pending.done(pending.user, left % 7 == 0 ? PURSER_OUTCOME_CANCELLED : PURSER_OUTCOME_ANSWERED);
    atomic_fetch_add(&answered, 1);
  }
  return NULL;
}

static void until_answered(unsigned long count) {
  while (atomic_load(&answered) < count) sched_yield();
}

int main(int count, char **arguments) {
  unsigned long rounds = count == 2 ? strtoul(arguments[1], NULL, 10) : 0, round, spins;
  pthread_t engine;
  if (rounds == 0 || pthread_create(&engine, NULL, answer, &rounds) != 0) return 1;
  for (round = 0; round < rounds; round++) {
    ticket *shared = ticket_new();
    if (shared == NULL) return 1;
    atomic_store(&handed_over, shared);
    for (spins = round % 53; spins > 0; spins--) atomic_load(&commits);
    if (round % 4 == 0) until_answered(round + 1);
    ticket_wait(shared, &shared);
    if (round % 4 == 2) until_answered(round + 1);
    for (spins = round % 71; spins > 0; spins--) atomic_load(&commits);
    ticket_leave(shared);
    until_answered(round + 1);
  }
  pthread_join(engine, NULL);
  printf("%lu waited, %lu were woken\n", made, commits);
  return 0;
}

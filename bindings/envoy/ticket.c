#include "ticket.h"

#include "envoy_abi.h"

#include <pthread.h>
#include <stdlib.h>

struct ticket {
  pthread_mutex_t lock;
  /* Under the lock. */
  void *scheduler;  /* Envoy's; while the stream waits, else NULL */
  unsigned holders; /* the stream, and `done` until it ran */
  bool is_done;
};

ticket *ticket_new(void) {
  ticket *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  if (pthread_mutex_init(&made->lock, NULL) != 0) {
    free(made);
    return NULL;
  }
  made->holders = 2;
  return made;
}

void ticket_free(ticket *ticket) {
  if (ticket == NULL) return;
  pthread_mutex_destroy(&ticket->lock);
  free(ticket);
}

/* The lock is held, and is not afterwards. */
static void give_up_share(ticket *ticket) {
  const bool is_last = --ticket->holders == 0;
  pthread_mutex_unlock(&ticket->lock);
  if (is_last) ticket_free(ticket);
}

/* What it calls of Envoy puts a note into the worker's queue and calls nobody back, so the lock may be held. It has to be: the worker
 * may be about to end. */
static void done(void *user, purser_outcome outcome) {
  ticket *ticket = user;
  pthread_mutex_lock(&ticket->lock);
  ticket->is_done = true;
  if (ticket->scheduler != NULL && outcome != PURSER_OUTCOME_CANCELLED) {
    ENVOY(http_filter_scheduler_commit)(ticket->scheduler, 0);
  }
  give_up_share(ticket);
}

purser_pending ticket_pending(ticket *ticket) {
  return (purser_pending){.size = sizeof(purser_pending), .done = done, .user = ticket};
}

bool ticket_wait(ticket *ticket, void *envoy) {
  bool is_done;
  pthread_mutex_lock(&ticket->lock);
  is_done = ticket->is_done;
  if (!is_done) ticket->scheduler = ENVOY(http_filter_scheduler_new)(envoy);
  pthread_mutex_unlock(&ticket->lock);
  return !is_done;
}

void ticket_leave(ticket *ticket) {
  pthread_mutex_lock(&ticket->lock);
  if (ticket->scheduler != NULL) ENVOY(http_filter_scheduler_delete)(ticket->scheduler);
  ticket->scheduler = NULL;
  give_up_share(ticket);
}

/*
 * ticket.h - what a stream and its pending check share, and what outlives whichever of them ends first.
 *
 *   the stream, on its thread        the engine, on any thread
 *     check is pending                 answers are there, or none will be
 *     ticket_wait ──► scheduler ◄────── done: Envoy calls `scheduled` on the stream's thread
 *     ticket_leave                     done: too late, nobody waits
 *
 * `done` runs once, perhaps before ticket_wait, perhaps while the stream is being destroyed. The lock decides who was first: once
 * ticket_leave has returned, no call into Envoy is under way for this stream, nor will be. The last of the two frees it.
 */
#ifndef PURSER_ENVOY_TICKET_H
#define PURSER_ENVOY_TICKET_H

#include <purser.h>
#include <stdbool.h>

typedef struct ticket ticket;

/* NULL without memory. */
ticket *ticket_new(void);

/* One that no check went pending with. NULL is fine. */
void ticket_free(ticket *ticket);

/* What purser_check is given. */
purser_pending ticket_pending(ticket *ticket);

/* The check is pending: from here on the engine holds the ticket too. False: `done` ran already, so the answer can be taken now. */
bool ticket_wait(ticket *ticket, void *envoy);

/* The stream waits no longer, and does not use the ticket again. */
void ticket_leave(ticket *ticket);

#endif

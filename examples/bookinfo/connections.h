/*
 * The connections that recorded hops came on. A host checks each connection once, when it opens, with what is known by
 * then; policies of the connection phase are then not evaluated again for the requests on it.
 */
#ifndef BOOKINFO_CONNECTIONS_H
#define BOOKINFO_CONNECTIONS_H

#include "recording.h"

typedef struct connections connections;

/* The worker and the policy set are those of the requests. NULL: no memory. */
connections *connections_new(purser_worker *worker, purser_policy_set *set);
/* Ends them all; before the worker is freed. */
void connections_free(connections *connections);

/* The checked connection of a hop, opened when this is its first; NULL if it has none or cannot be checked. */
const purser_request *connections_of(connections *connections, recorded_request *hop);

/* How many were opened, and how many of those were denied before any request. */
size_t connections_opened(const connections *connections);
size_t connections_denied(const connections *connections);

#endif

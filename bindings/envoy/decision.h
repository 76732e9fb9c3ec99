/* decision.h - what becomes of a decision in Envoy: changed headers, a local reply, metadata. */
#ifndef PURSER_ENVOY_DECISION_H
#define PURSER_ENVOY_DECISION_H

#include "stream.h"

/* Changes the request's headers, and marks the stream if the response's are to be changed. */
void decision_allow(stream *stream, request_list *list);

/* Answers with the denial. Envoy may run other hooks of the stream before this returns. */
void decision_deny(stream *stream);

/* Answers with 503 where no check could be made. */
void decision_fail(stream *stream, purser_status status);

/* The response's headers as the deciding rule wants them. */
void decision_change_response(stream *stream);

#endif

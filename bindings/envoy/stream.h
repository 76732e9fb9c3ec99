/*
 * stream.h - one HTTP stream from the filter's creation to its destruction.
 *
 *   filter_new ─► request_headers ──────────────► … ─► stream_complete ─► filter_destroy
 *                  begin, check                         report              end
 *                    └ pending ─► scheduled ─┘
 *                                 resume
 *
 *   ┌────────┬──────────────────────────────┐
 *   │ stream │ purser_request, 16-aligned   │   one allocation
 *   └────────┴──────────────────────────────┘
 *
 * All hooks of a stream run on one thread. A callback into Envoy may run another hook of the same stream before it
 * returns (http_send_response does), so no lock is held here at all and `stage` is set before the call. While a check is
 * pending the client may leave, and Envoy may answer for a reason of its own; whichever comes first ends the wait.
 */
#ifndef PURSER_ENVOY_STREAM_H
#define PURSER_ENVOY_STREAM_H

#include "envoy_abi.h"
#include "filter_configuration.h"
#include "request_list.h"
#include "ticket.h"

enum stream_stage {
  STREAM_NEW,
  STREAM_PENDING,  /* a provider is asked; the request is stopped */
  STREAM_FAILED,   /* the check could not be made; answered with 503 */
  STREAM_CHECKED,
  STREAM_REPORTED
};

/* Paths and hosts up to this are kept without an allocation. */
#define STREAM_KEPT_BYTES 256

typedef struct stream {
  filter_configuration *configuration;
  void *envoy;
  request_list *list;    /* while a check or report runs, else NULL */
  enum stream_stage stage;
  ticket *ticket;        /* while the check is pending, else NULL */
  bool is_begun;
  bool is_denied;
  bool changes_response; /* response headers are still to be changed */
  bool is_reporting;
  /* Routes may rewrite path and host; a report is about the request as it was checked. */
  envoy_text kept_path;
  envoy_text kept_host;
  char kept[STREAM_KEPT_BYTES];
  char *kept_elsewhere;  /* where `kept` is too small */
  _Alignas(16) unsigned char request[];
} stream;

static inline purser_request *stream_request(stream *stream) { return (purser_request *)stream->request; }

/* By the request's content type, as Envoy itself tells. */
bool stream_is_grpc(const stream *stream);

static inline purser_text purser_text_of(envoy_text text) { return (purser_text){text.data, text.size}; }
static inline envoy_text envoy_text_of(purser_text text) { return (envoy_text){text.data, text.size}; }

#endif

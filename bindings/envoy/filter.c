/*
 * filter.c - the hooks of a stream: check at the request's headers, report when the stream is complete.
 *
 * A check that has to ask a provider is pending: the request stops, and `scheduled` takes the answer. Only the one who sets the
 * stage from STREAM_PENDING to another ends the wait, and all of them are on the stream's thread.
 *
 * The report hangs on stream_complete because Envoy calls no response hook of a filter for its own local reply, and
 * none for a client that went away; stream_complete comes for both.
 *
 * Envoy hands our own objects back as pointers to const void; the hooks here say what they are.
 */
#include "attributes.h"
#include "decision.h"
#include "log.h"
#include "stream.h"

#include <stdlib.h>
#include <string.h>

ENVOY_HOOK stream *envoy_dynamic_module_on_http_filter_new(filter_configuration *configuration, void *envoy);
ENVOY_HOOK int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, stream *stream, bool end);
ENVOY_HOOK void envoy_dynamic_module_on_http_filter_scheduled(void *envoy, stream *stream, uint64_t event);
ENVOY_HOOK int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, stream *stream, bool end);
ENVOY_HOOK void envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, stream *stream);
ENVOY_HOOK void envoy_dynamic_module_on_http_filter_destroy(stream *stream);

stream *envoy_dynamic_module_on_http_filter_new(filter_configuration *configuration, void *envoy) {
  /* malloc gives 16-byte alignment, which purser_request needs and `request` therefore has. */
  stream *made = malloc(sizeof *made + purser_request_size());
  if (made == NULL) return NULL;
  memset(made, 0, offsetof(stream, kept));
  made->kept_elsewhere = NULL;
  made->configuration = configuration;
  made->envoy = envoy;
  return made;
}

bool stream_is_grpc(const stream *stream) {
  static const char type[] = "application/grpc";
  const size_t size = sizeof type - 1;
  const envoy_text name = {"content-type", 12};
  envoy_text value = {NULL, 0};
  if (!ENVOY(http_get_header)(stream->envoy, ENVOY_REQUEST_HEADERS, name, &value, 0, NULL)) return false;
  return value.size >= size && memcmp(value.data, type, size) == 0 && (value.size == size || value.data[size] == '+');
}

/* Copies path and host; without memory for long ones they are absent from the report. */
static void keep_for_report(stream *stream) {
  const envoy_text path = attributes_text(stream, ENVOY_REQUEST_PATH);
  const envoy_text host = attributes_text(stream, ENVOY_REQUEST_HOST);
  char *place = stream->kept;
  if (path.size + host.size > STREAM_KEPT_BYTES) {
    place = stream->kept_elsewhere = malloc(path.size + host.size);
    if (place == NULL) return;
  }
  if (path.size > 0) memcpy(place, path.data, path.size);
  if (host.size > 0) memcpy(place + path.size, host.data, host.size);
  stream->kept_path = (envoy_text){place, path.size};
  stream->kept_host = (envoy_text){place + path.size, host.size};
}

static purser_status begin_and_check(stream *stream) {
  filter_configuration *configuration = stream->configuration;
  const uint32_t thread = ENVOY(http_filter_get_worker_index)(stream->envoy);
  purser_worker *worker = process_engine_worker(configuration->engine, thread);
  ticket *ticket = process_engine_ticket(configuration->engine, thread);
  purser_pending pending;
  purser_status status;
  if (worker == NULL) return PURSER_UNAVAILABLE;
  status = purser_request_begin(stream_request(stream), worker, configuration->set, &attributes_host, stream, NULL);
  if (status != PURSER_OK) return status;
  stream->is_begun = true;
  if (ticket == NULL) return purser_check(stream_request(stream), 0, NULL);
  pending = ticket_pending(ticket);
  status = purser_check(stream_request(stream), 0, &pending);
  if (status != PURSER_PENDING) return status;
  stream->ticket = ticket;
  process_engine_keep_ticket(configuration->engine, thread);
  return status;
}

static void leave_ticket(stream *stream) {
  ticket_leave(stream->ticket);
  stream->ticket = NULL;
}

/* After `done`. */
static purser_status take_answer(stream *stream) {
  purser_status status;
  leave_ticket(stream);
  status = purser_resume(stream_request(stream), 0);
  /* Nobody would wake this request again. */
  return status == PURSER_PENDING ? PURSER_UNAVAILABLE : status;
}

/* The client left, or somebody else answered it. The request is denied for want of an answer, and reported so. */
static void give_up(stream *stream) {
  const purser_status status = purser_cancel(stream_request(stream));
  leave_ticket(stream);
  stream->stage = status == PURSER_OK ? STREAM_CHECKED : STREAM_FAILED;
  if (status != PURSER_OK) log_line(ENVOY_LOG_ERROR, "purser: end of a wait: %s", purser_status_text(status));
}

/* Carries out what was decided, or answers for want of a decision. Whether the request goes on; where it does not, the stream may
 * be gone. */
static bool conclude(stream *stream, request_list *list, purser_status status) {
  purser_verdict verdict = PURSER_VERDICT_DENY;
  if (status == PURSER_OK) status = purser_decision_verdict(stream_request(stream), &verdict);
  /* From here on headers change, and the stream may be reported before this returns. */
  stream->list = NULL;
  if (status != PURSER_OK) {
    stream->stage = STREAM_FAILED;
    decision_fail(stream, status);
    return false;
  }
  stream->stage = STREAM_CHECKED;
  if (verdict != PURSER_VERDICT_ALLOW) {
    decision_deny(stream);
    return false;
  }
  decision_allow(stream, list);
  return true;
}

static void begin_list(stream *stream, request_list *list) {
  request_list_begin(list, stream->envoy);
  if (atomic_load_explicit(&stream->configuration->lists_headers, memory_order_relaxed)) request_list_read(list);
  stream->list = list;
}

int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, stream *stream, bool end) {
  purser_status status;
  request_list list;
  (void)end;
  if (stream->stage != STREAM_NEW) return ENVOY_CONTINUE;
  stream->envoy = envoy;
  begin_list(stream, &list);
  status = begin_and_check(stream);
  if ((status == PURSER_OK || status == PURSER_PENDING) &&
      atomic_load_explicit(&stream->configuration->has_telemetry, memory_order_acquire)) {
    keep_for_report(stream);
  }
  if (status == PURSER_PENDING) {
    if (ticket_wait(stream->ticket, envoy)) {
      stream->list = NULL;
      stream->stage = STREAM_PENDING;
      return ENVOY_STOP_ALL_AND_WATERMARK;
    }
    status = take_answer(stream);
  }
  return conclude(stream, &list, status) ? ENVOY_CONTINUE : ENVOY_STOP_ITERATION;
}

void envoy_dynamic_module_on_http_filter_scheduled(void *envoy, stream *stream, uint64_t event) {
  purser_status status;
  request_list list;
  (void)event;
  if (stream->stage != STREAM_PENDING) return;
  stream->envoy = envoy;
  begin_list(stream, &list);
  status = take_answer(stream);
  if (conclude(stream, &list, status)) ENVOY(http_filter_continue_decoding)(envoy);
}

int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, stream *stream, bool end) {
  (void)end;
  stream->envoy = envoy;
  /* The upstream was not asked, so this is an answer of Envoy's own: a timeout, say. */
  if (stream->stage == STREAM_PENDING) give_up(stream);
  if (stream->changes_response) decision_change_response(stream);
  return ENVOY_CONTINUE;
}

void envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, stream *stream) {
  purser_status status;
  request_list list;
  if (stream->stage == STREAM_PENDING) give_up(stream);
  if (stream->stage != STREAM_CHECKED) return;
  stream->stage = STREAM_REPORTED;
  /* Nothing is recorded then, and nobody could read what the engine counts of itself. */
  if (!stream->configuration->has_telemetry) return;
  stream->envoy = envoy;
  stream->is_reporting = true;
  request_list_begin(&list, envoy);
  stream->list = &list;
  status = purser_report(stream_request(stream), 0);
  stream->list = NULL;
  if (status != PURSER_OK) log_line(ENVOY_LOG_ERROR, "purser: report: %s", purser_status_text(status));
}

void envoy_dynamic_module_on_http_filter_destroy(stream *stream) {
  if (stream->stage == STREAM_PENDING) give_up(stream);
  if (stream->is_begun) {
    const purser_status status = purser_request_end(stream_request(stream));
    if (status != PURSER_OK) {
      /* The engine may still look at this memory: better lost than reused. */
      log_line(ENVOY_LOG_ERROR, "purser: end of a request: %s", purser_status_text(status));
      return;
    }
  }
  free(stream->kept_elsewhere);
  free(stream);
}

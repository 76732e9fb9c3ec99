/*
 * request_list.h - the request's headers in one array, read with one callback while a check or report runs.
 *
 * A look-up by name makes Envoy index all headers of the request first, and each is a call; so does a change of a
 * header. Walking some tens of names here costs less than either, so what the check reads and what its decision
 * changes are looked up here. Requests with more than REQUEST_LIST_MAX headers are looked up in Envoy.
 *
 *   check ──► request_list_values("x-user") ──┐
 *   set, remove ──► request_list_lacks() ─────┴─► headers[] ◄── Envoy, once, at the first need
 *
 * The array lives in the hook's frame; its texts are Envoy's, until a header of the request is changed.
 */
#ifndef PURSER_ENVOY_REQUEST_LIST_H
#define PURSER_ENVOY_REQUEST_LIST_H

#include "envoy_abi.h"

#define REQUEST_LIST_MAX 64

typedef struct request_list {
  void *envoy;
  bool is_asked;
  bool is_listed; /* false: more than fit, or none at all */
  size_t count;
  envoy_header headers[REQUEST_LIST_MAX];
} request_list;

static inline void request_list_begin(request_list *list, void *envoy) {
  list->envoy = envoy;
  list->is_asked = list->is_listed = false;
}

/* Asks Envoy if nobody has yet; whether the array may be used. */
bool request_list_read(request_list *list);

/* From `start` on, the place of the next header of that name, which may be `:path` and the like; the array's count if
 * there is none. `host` is Envoy's `:authority`. */
size_t request_list_find(const request_list *list, envoy_text name, size_t start);

/* The value of the only header of that name; empty when there is none or several. */
envoy_text request_list_only(const request_list *list, const char *name, size_t size);

#endif

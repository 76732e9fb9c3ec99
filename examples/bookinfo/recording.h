/*
 * Recorded requests, and the host's side of Purser for them.
 *
 *     requests.tsv ── recording_read ──► recording ──► recorded_request ◄── recording_host: get, entry, iterate
 *
 * A host has its attributes where its protocol code put them; here they are in a table by attribute number, so that a
 * callback costs what it costs in a good proxy. The file has one column an attribute or map entry (`name:type`,
 * `request.headers[accept]:string`); an empty field is an absent attribute.
 */
#ifndef BOOKINFO_RECORDING_H
#define BOOKINFO_RECORDING_H

#include "purser.h"

/* One more than the largest attribute number that a recording holds. */
#define RECORDED_ATTRIBUTES 128
#define RECORDED_VALUES_MAX 64

typedef struct recorded_request {
  /* For each attribute number 1 + where it is in `values`, or 0 if it is absent. */
  uint8_t places[RECORDED_ATTRIBUTES];
  size_t count;
  uint32_t numbers[RECORDED_VALUES_MAX];
  purser_value values[RECORDED_VALUES_MAX];
} recorded_request;

typedef struct recording {
  recorded_request *requests;
  size_t count;
  char *text;            /* what the values point into */
  purser_entry *entries; /* what the maps point into */
} recording;

/* The callbacks; their context is a recorded_request. */
extern const purser_host recording_host;

/* Reads a file. Returns 0, or -1 after writing a message to stderr. */
int recording_read(const char *path, recording *recording_out);
void recording_free(recording *recording);

/* The value of an attribute; NULL when it is absent. */
const purser_value *recorded_value(const recorded_request *request, uint32_t attribute);
/* The text of a string attribute; empty when it is absent. */
purser_text recorded_text(const recorded_request *request, uint32_t attribute);
/* When the request came, in nanoseconds since the Unix epoch. */
int64_t recorded_time(const recorded_request *request);

#endif

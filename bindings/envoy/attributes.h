/* attributes.h - what Envoy knows of a stream, as Purser's attributes, fetched only when a rule asks. */
#ifndef PURSER_ENVOY_ATTRIBUTES_H
#define PURSER_ENVOY_ATTRIBUTES_H

#include "configuration.h"
#include "stream.h"

/* The callbacks of a `stream`. */
extern const purser_host attributes_host;

/* Envoy's attribute of that number; empty where it has none. */
envoy_text attributes_text(const stream *stream, int number);

/* Whether Envoy knows the attribute of the peer, its connection or the request; not of this side. */
bool attributes_are_of_requests(uint32_t attribute, purser_text name);

/* The names of all attributes that the callbacks answer for with this configuration, for the loader to hold policies
 * against. The caller frees the array; NULL without memory. */
purser_text *attributes_served(const configuration *configuration, size_t *count_out);

#endif

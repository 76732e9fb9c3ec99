/*
 * header_maps.h - Envoy's header maps as Purser's maps of strings: one value a name, several joined by a comma, no
 * pseudo-headers, the host under its old name `host`.
 */
#ifndef PURSER_ENVOY_HEADER_MAPS_H
#define PURSER_ENVOY_HEADER_MAPS_H

#include "envoy_abi.h"
#include "request_list.h"

#include <purser.h>

/* An empty name asks whether there is such a map at all. */
purser_presence header_map_entry(void *envoy, int map, envoy_text name, purser_scratch *scratch,
                                 purser_value *value_out);

/* The same of a request whose headers are listed. */
purser_presence header_map_listed_entry(const request_list *list, envoy_text name, purser_scratch *scratch,
                                        purser_value *value_out);

purser_presence header_map_iterate(void *envoy, int map, purser_scratch *scratch, purser_visitor *visitor);

/* Names and values together. */
purser_presence header_map_bytes(void *envoy, int map, purser_scratch *scratch, int64_t *bytes_out);

#endif

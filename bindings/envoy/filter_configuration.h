/*
 * filter_configuration.h - one configuration of the filter: its policy set, and its share of the engine.
 *
 * Envoy makes one for each filter in a listener, and a new one when discovery brings a change; streams under way keep
 * the one they began with. It is destroyed on whatever thread gave it up last.
 */
#ifndef PURSER_ENVOY_FILTER_CONFIGURATION_H
#define PURSER_ENVOY_FILTER_CONFIGURATION_H

#include "configuration.h"
#include "process_engine.h"

#include <stdatomic.h>

typedef struct filter_configuration {
  configuration configuration;
  process_engine *engine;   /* NULL when Envoy only validates */
  purser_policy_set *set;
  purser_text name;         /* of the set: the filter's name in Envoy; with a NUL at the end */
  char *name_bytes;
  atomic_bool lists_headers; /* a request needed them: the next one reads the list first, and method and path from it */
  bool has_telemetry;       /* the plan has metrics or access logs, so a report reads attributes */
} filter_configuration;

#endif

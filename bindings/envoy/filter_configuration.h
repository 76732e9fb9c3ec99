/*
 * filter_configuration.h - one configuration of the filter: its policy set, and its share of the engine.
 *
 * Envoy makes one for each filter in a listener, and a new one when discovery brings a change; streams under way keep
 * the one they began with. It is destroyed on whatever thread gave it up last. Where it watches its files, the plan changes
 * under it, and a thread of the engine tells; see watch_files.
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
  /* A plan had metrics or access logs, so a report reads attributes. Never false again: streams that began with that plan may
   * be reported long after files changed. */
  atomic_bool has_telemetry;
  purser_plan_summary loaded; /* of the watch: the plan that is about to be used */
} filter_configuration;

#endif

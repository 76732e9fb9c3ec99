/*
 * configuration.h - the filter's configuration as Envoy hands it over: JSON text.
 *
 *   {
 *     "policies":      ["/etc/purser/policies"],               files and folders; required
 *     "constants":     {"destination.workload.name": "reviews-v1", "destination.labels": {"app": "reviews"}},
 *     "reasonHeader":  "x-purser-reason",                      on denials, the reason for the client; absent: none
 *     "metadata":      "denied",                               or "all", "none": for which requests metadata is set
 *     "clientAddress": true,                                   client.address is what Envoy takes for the client
 *     "store":         {"directory": "/var/lib/purser", "bytes": 67108864},   where providers' answers outlive Envoy; absent: nowhere
 *     "workerCacheBytes": 4194304,                             of such answers, what each of Envoy's threads keeps at hand
 *     "watch":         true,                                   files that change are loaded by themselves; absent: they are not
 *     "revision":      "2026-01-02"                            anything; a change of it makes Envoy load anew
 *   }
 *
 * What is not known is refused by name. Text belongs to the configuration and lives as long as it.
 */
#ifndef PURSER_ENVOY_CONFIGURATION_H
#define PURSER_ENVOY_CONFIGURATION_H

#include "process_engine.h"

#include <jansson.h>
#include <purser.h>
#include <stdbool.h>

enum metadata_scope { METADATA_NONE, METADATA_DENIED, METADATA_ALL };

typedef struct configuration {
  json_t *json;
  purser_text *policies;
  size_t policies_count;
  purser_constant *constants;
  size_t constants_count;
  void **elements; /* the memory of constants that are lists or maps */
  size_t elements_count;
  purser_text reason_header; /* empty: none */
  enum metadata_scope metadata;
  process_engine_options engine_options;
  bool serves_client_address;
  bool watches;
} configuration;

/* False with a message of one line, if the text is not such a configuration; nothing is to be freed then. */
bool configuration_read(configuration *out, const char *text, size_t size, char *message, size_t message_max);

void configuration_free(configuration *configuration);

#endif

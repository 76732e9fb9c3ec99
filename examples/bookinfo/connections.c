#include "connections.h"

#include <stdlib.h>
#include <string.h>

/* Connection numbers of the recording are small. */
#define NUMBERS_MAX 256

struct connections {
  purser_worker *worker;
  purser_policy_set *set;
  purser_request *items[NUMBERS_MAX];
  size_t opened, denied;
};

connections *connections_new(purser_worker *worker, purser_policy_set *set) {
  connections *result = calloc(1, sizeof(connections));
  if (result == NULL) return NULL;
  result->worker = worker;
  result->set = set;
  return result;
}

static void end(purser_request *connection) {
  (void)purser_request_end(connection);
  free(connection);
}

void connections_free(connections *connections) {
  size_t i;
  if (connections == NULL) return;
  for (i = 0; i < NUMBERS_MAX; i++) {
    if (connections->items[i] != NULL) end(connections->items[i]);
  }
  free(connections);
}

static purser_request *open(connections *connections, recorded_request *hop) {
  purser_request_options options;
  purser_verdict verdict;
  purser_request *memory = aligned_alloc(16, (purser_request_size() + 15) / 16 * 16);
  if (memory == NULL) return NULL;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.phase = PURSER_PHASE_CONNECTION;
  if (purser_request_begin(memory, connections->worker, connections->set, &recording_host, hop, &options) != PURSER_OK) {
    free(memory);
    return NULL;
  }
  if (purser_check(memory, recorded_time(hop), NULL) != PURSER_OK ||
      purser_decision_verdict(memory, &verdict) != PURSER_OK) {
    end(memory);
    return NULL;
  }
  connections->opened++;
  connections->denied += verdict == PURSER_VERDICT_DENY;
  return memory;
}

const purser_request *connections_of(connections *connections, recorded_request *hop) {
  const purser_value *value = recorded_value(hop, PURSER_ATTRIBUTE_CONNECTION_ID);
  uint64_t number;
  if (value == NULL || value->as.unsigned_integer >= NUMBERS_MAX) return NULL;
  number = value->as.unsigned_integer;
  if (connections->items[number] == NULL) connections->items[number] = open(connections, hop);
  return connections->items[number];
}

size_t connections_opened(const connections *connections) { return connections->opened; }

size_t connections_denied(const connections *connections) { return connections->denied; }

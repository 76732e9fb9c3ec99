/* The linear twin: what a rule costs when all are walked. Attributes are at hand, and compared where they lie. */
#include "rules.h"

#include <string.h>

static int equal(purser_text wanted, purser_text found) {
  return wanted.size == 0 || (wanted.size == found.size && memcmp(wanted.data, found.data, found.size) == 0);
}

static int begins(purser_text wanted, purser_text found) {
  return wanted.size <= found.size && memcmp(wanted.data, found.data, wanted.size) == 0;
}

static uint32_t ipv4_of(purser_text text) {
  uint32_t address = 0, part = 0;
  size_t i;
  for (i = 0; i < text.size; i++) {
    if (text.data[i] == '.') {
      address = address << 8 | part;
      part = 0;
    } else {
      part = part * 10 + (uint32_t)(text.data[i] - '0');
    }
  }
  return address << 8 | part;
}

static int in_ranges(const rule *rule, uint32_t address) {
  uint32_t i;
  for (i = 0; i < rule->ranges_count; i++) {
    if (address >= (uint32_t)rule->ranges[i].first.low && address <= (uint32_t)rule->ranges[i].last.low) return 1;
  }
  return rule->ranges_count == 0;
}

answer linear_decide(const rule_set *set, const request *request) {
  answer answer = {1, PURSER_REASON_DEFAULT, NO_RULE};
  purser_text path = request->path;
  const char *query = memchr(path.data, '?', path.size);
  const uint32_t address = set->rules[0].ranges_count > 0 ? ipv4_of(request->client) : 0;
  int action;
  size_t i;
  if (query != NULL) path.size = (size_t)(query - path.data);
  for (action = DENY; action <= ALLOW; action++) {
    for (i = 0; i < set->count; i++) {
      const rule *rule = &set->rules[i];
      if ((int)rule->action != action || !equal(rule->service, request->service)) continue;
      if (action == ALLOW) {
        answer.allows = 0;
        answer.reason = PURSER_REASON_NO_ALLOW_RULE;
      }
      if (begins(rule->path, path) && equal(rule->method, request->method) && equal(rule->principal, request->principal) &&
          equal(rule->tenant, request->headers[4].value) && in_ranges(rule, address)) {
        answer.allows = action == ALLOW;
        answer.reason = PURSER_REASON_RULE;
        answer.rule = (uint32_t)i;
        return answer;
      }
    }
  }
  return answer;
}

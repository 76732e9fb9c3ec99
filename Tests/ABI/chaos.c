/*
 * chaos.c - hosts that misbehave: other values at each question, of wrong kinds and sizes, text that is no text, statuses out
 * of range, callbacks that call back, calls out of order, documents with bytes changed. Nothing may crash, every status is one
 * that purser.h names, and what is to be denied is denied.
 *
 * The same numbers each time; PURSER_CHAOS_SECONDS=N goes on with others for so long (make fuzz TARGET=host).
 */
#include <time.h>

#include "host.h"

enum { rounds = 20000, blocks_max = 64 };

static uint64_t state;

/* SplitMix64. */
static uint64_t chance(void) {
  uint64_t mixed;
  state += 0x9E3779B97F4A7C15u;
  mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  return mixed ^ (mixed >> 31);
}

static size_t below(size_t count) { return (size_t)(chance() % count); }

/* A host that lies about everything but source.principal. Its memory lives as long as the call that it serves. */
typedef struct chaos {
  house *served;
  const char *principal;
  purser_request *other; /* begun on the same worker */
  void *blocks[blocks_max];
  size_t count;
  int wrong;
} chaos;

static void *block_of(chaos *chaos, size_t size) {
  void *block;
  if (chaos->count == blocks_max) return NULL;
  block = malloc(size ? size : 1);
  if (!block) abort();
  chaos->blocks[chaos->count] = block;
  chaos->count += 1;
  return block;
}

static void forget(chaos *chaos) {
  while (chaos->count > 0) {
    chaos->count -= 1;
    free(chaos->blocks[chaos->count]);
  }
}

static purser_text odd_text(chaos *chaos) {
  static const char *const words[] = {"",     "/",         "/reviews/1?a=b", "/a/../../b", "/%2e%2e/%", "GET",     "10.0.0.1", "::ffff:10.0.0.1",
                                      "host", "HOST:8080", "[::1]:80",       "a:b:c",      "spiffe://x", "curl/7.1", "\xff\xfe",  "\xed\xa0\x80"};
  size_t size, at;
  char *bytes;
  switch (below(8)) {
  case 0: return text_bytes(NULL, 0);
  case 1: return text_bytes(NULL, 1 + below(100));
  case 2: return text_bytes("x", (size_t)1 << 33);
  case 3: return text_bytes("x", SIZE_MAX - below(3));
  case 4:
    size = below(300);
    bytes = (char *)block_of(chaos, size);
    if (!bytes) return text_of("full");
    for (at = 0; at < size; at += 1) bytes[at] = (char)chance();
    return text_bytes(bytes, size);
  default: return text_of(words[below(sizeof words / sizeof words[0])]);
  }
}

static purser_value odd_value(chaos *chaos, int depth) {
  purser_value value = value_null();
  size_t count, at;
  value.type = (uint32_t)(below(10) == 0 ? chance() : below(11));
  value.nanos = (int32_t)(below(2) ? chance() : below(1000000000));
  value.as.integer = (int64_t)(below(2) ? chance() : below(1000));
  switch (value.type) {
  case PURSER_TYPE_STRING:
  case PURSER_TYPE_BYTES: value.as.text = odd_text(chaos); break;
  case PURSER_TYPE_LIST:
    count = depth > 40 ? 0 : below(4);
    value.as.list.count = below(8) == 0 ? (size_t)chance() | ((size_t)1 << 60) : count;
    value.as.list.items = NULL;
    if (value.as.list.count == count && count > 0) {
      purser_value *items = (purser_value *)block_of(chaos, count * sizeof *items);
      if (!items) value.as.list.count = 0;
      for (at = 0; items && at < count; at += 1) items[at] = odd_value(chaos, depth + 1);
      value.as.list.items = items;
    }
    break;
  case PURSER_TYPE_MAP:
    count = depth > 40 ? 0 : below(4);
    value.as.map.count = below(8) == 0 ? (size_t)chance() | ((size_t)1 << 60) : count;
    value.as.map.entries = NULL;
    if (value.as.map.count == count && count > 0) {
      purser_entry *entries = (purser_entry *)block_of(chaos, count * sizeof *entries);
      if (!entries) value.as.map.count = 0;
      for (at = 0; entries && at < count; at += 1) {
        entries[at].key = odd_text(chaos);
        entries[at].value = odd_value(chaos, depth + 1);
      }
      value.as.map.entries = entries;
    }
    break;
  default: break;
  }
  return value;
}

static purser_presence odd_presence(void) {
  switch (below(6)) {
  case 0: return PURSER_ABSENT;
  case 1: return PURSER_FAILED;
  case 2: return (purser_presence)(below(2) ? 77 : -3);
  default: return PURSER_PRESENT;
  }
}

/* From inside a callback the worker is in use. */
static void call_back(chaos *chaos) {
  purser_text text;
  purser_host host = host_table();
  purser_status status;
  CLEAR(text);
  switch (below(6)) {
  case 0: status = purser_check(chaos->served->request, 0, NULL); break;
  case 1: status = purser_report(chaos->served->request, 0); break;
  case 2: status = purser_request_end(chaos->served->request); break;
  case 3: status = purser_request_begin(chaos->other, chaos->served->worker, chaos->served->set, &host, chaos, NULL); break;
  case 4: status = purser_explain(chaos->served->request, 0, &text); break;
  default: status = purser_worker_free(chaos->served->worker); break;
  }
  if (status != PURSER_BUSY && status != PURSER_WRONG_STATE) chaos->wrong += 1;
}

static purser_presence odd_get(void *context, uint32_t number, purser_scratch *scratch, purser_value *value_out) {
  chaos *chaos = (struct chaos *)context;
  (void)scratch;
  if (below(50) == 0) call_back(chaos);
  if (number == PURSER_ATTRIBUTE_SOURCE_PRINCIPAL) {
    *value_out = value_string(chaos->principal);
    return PURSER_PRESENT;
  }
  *value_out = odd_value(chaos, 0);
  return odd_presence();
}

static purser_presence odd_entry(void *context, uint32_t number, purser_text key, purser_scratch *scratch, purser_value *value_out) {
  (void)key;
  if (number == PURSER_ATTRIBUTE_SOURCE_PRINCIPAL) number = PURSER_ATTRIBUTE_REQUEST_PATH;
  return odd_get(context, number, scratch, value_out);
}

static purser_presence odd_iterate(void *context, uint32_t number, purser_scratch *scratch, purser_visitor *visitor) {
  chaos *chaos = (struct chaos *)context;
  size_t count = below(20) == 0 ? 1100 : below(5), at;
  (void)number, (void)scratch;
  for (at = 0; at < count; at += 1) {
    purser_value value = odd_value(chaos, 0);
    if (purser_visit(visitor, odd_text(chaos), below(40) ? &value : NULL) != PURSER_OK && below(2)) break;
  }
  return odd_presence();
}

static const char documents[] =
    YAML_HEAD("PolicySet", "s") "spec: {default: ALLOW}\n---\n"
    YAML_HEAD("ValueList", "office") "spec: {type: CIDR, values: [10.0.0.0/8, \"2001:db8::/32\"]}\n---\n"
    YAML_HEAD("Policy", "blocked") "spec:\n  rules:\n"
    "  - {name: odd, action: DENY, when: \"request.url_path.startsWith('/never') && source.address in lists.office\", onError: skip}\n"
    "  - {name: blocked, action: DENY, when: \"source.principal == 'blocked'\"}\n---\n"
    YAML_HEAD("Policy", "good") "spec:\n  match: source.principal in ['good', 'stranger']\n  rules:\n"
    "  - {name: good, action: ALLOW, when: \"source.principal == 'good' || size(request.headers) < -1\"}\n---\n"
    YAML_HEAD("Policy", "rest") "spec:\n  rules:\n"
    "  - {name: seen, action: AUDIT, when: \"request.headers['x-user'] == request.method || request.host == 'host'\"}\n"
    "  - {name: claims, action: AUDIT, when: \"request.auth.claims['a'] == request.auth.claims[request.method]\"}\n"
    "  - {name: sizes, action: AUDIT, when: \"request.headers.exists(k, k == request.query) && request.useragent != ''\"}\n---\n"
    YAML_HEAD("Telemetry", "t") "spec:\n  metrics:\n"
    "  - {name: m, kind: counter, value: request.size, labels: {a: request.method, b: response.code, c: \"request.headers['x']\"}, backends: [prom]}\n---\n"
    YAML_HEAD("Backend", "prom") "spec: {prometheus: {}}\n";

/* Calls out of order, with nothing or nonsense. */
static int misorder(house *house) {
  purser_verdict verdict;
  purser_text text;
  purser_status status;
  CLEAR(text);
  switch (below(6)) {
  case 0: status = purser_check(house->request, 0, NULL); return status == PURSER_WRONG_STATE;
  case 1: status = purser_resume(house->request, 0); return status == PURSER_WRONG_STATE;
  case 2: status = purser_cancel(house->request); return status == PURSER_WRONG_STATE;
  case 3: status = purser_decision_verdict(house->request, NULL); return status == PURSER_INVALID_ARGUMENT;
  case 4: status = purser_decision_verdict(NULL, &verdict); return status == PURSER_INVALID_ARGUMENT;
  default: status = purser_worker_free(house->worker); return status == PURSER_BUSY;
  }
}

/* Documents with a few bytes changed load or do not; a set decides on, by the one or the other. */
static int mutate(purser_engine *engine) {
  char text[sizeof documents];
  purser_policy_set *set = NULL;
  purser_status status;
  size_t changes = 1 + below(6), at;
  memcpy(text, documents, sizeof documents);
  for (at = 0; at < changes; at += 1) text[below(sizeof documents - 1)] = (char)(below(3) ? ' ' + below(95) : 1 + below(255));
  if (purser_policy_set_new(engine, text_of("mutant"), &set) != PURSER_OK) return 0;
  status = set_load(set, text, NULL);
  return purser_policy_set_free(set) == PURSER_OK && (status == PURSER_OK || status == PURSER_PROBLEMS);
}

static void serve(house *house, chaos *chaos) {
  static const char *const principals[] = {"blocked", "stranger", "good", "neither"};
  purser_host host = host_table();
  purser_verdict verdict = PURSER_VERDICT_ALLOW;
  purser_text text;
  size_t who = below(4);
  CLEAR(text);
  host.get = odd_get;
  host.entry = below(20) ? odd_entry : NULL;
  host.iterate = below(20) ? odd_iterate : NULL;
  chaos->principal = principals[who];
  if (!CHECK(purser_request_begin(house->request, house->worker, house->set, &host, chaos, NULL) == PURSER_OK)) return;
  CHECK(purser_check(house->request, (int64_t)chance(), NULL) == PURSER_OK);
  forget(chaos);
  CHECK(purser_decision_verdict(house->request, &verdict) == PURSER_OK);
  /* `blocked` is denied by a rule, `stranger` for want of one, whatever the rest of the request looks like. */
  if (who < 2) CHECK(verdict == PURSER_VERDICT_DENY);
  if (who > 1) CHECK(verdict == PURSER_VERDICT_ALLOW);
  CHECK(purser_decision_reason(house->request, &text) == PURSER_OK && text.size > 0);
  CHECK(misorder(house));
  if (below(30) == 0) {
    CLEAR(text);
    CHECK(purser_explain(house->request, 0, &text) == PURSER_OK && text.size > 0);
    purser_text_free(&text);
    forget(chaos);
  }
  if (below(4)) CHECK(purser_report(house->request, (int64_t)chance()) == PURSER_OK);
  forget(chaos);
  CHECK(purser_request_end(house->request) == PURSER_OK);
  CHECK(purser_request_end(house->request) == PURSER_WRONG_STATE);
}

static void nothing_a_host_does_ends_it_or_opens_it(void) {
  const char *limit = getenv("PURSER_CHAOS_SECONDS");
  time_t end = time(NULL) + (limit ? atol(limit) : 0);
  house house;
  chaos chaos;
  unsigned long round;
  state = limit ? (uint64_t)time(NULL) * 2654435761u : 1;
  if (limit) printf("  seed %llu\n", (unsigned long long)state);
  if (!house_open(&house, NULL, documents)) return;
  CLEAR(chaos);
  chaos.served = &house;
  chaos.other = request_memory();
  for (round = 0; round < rounds || time(NULL) < end; round += 1) {
    if (test_failures_here > 0) break;
    serve(&house, &chaos);
    if (round % 200 == 0) CHECK(mutate(house.engine));
    if (round % 500 == 0) CHECK(set_loads(house.set, documents));
  }
  CHECK(chaos.wrong == 0);
  if (limit || test_failures_here > 0) printf("  %lu requests\n", round);
  free(chaos.other);
  house_close(&house);
}

int main(void) {
  RUN(nothing_a_host_does_ends_it_or_opens_it);
  return test_end();
}

/*
 * host.h - a host whose requests are tables, for all test programs.
 *
 *   purser_host (three callbacks) ──► context: a host_request ──► host_attribute[] ──► a value, or a map's entries
 *
 * It also has the short forms that every program uses: text and values, loading inline YAML, a whole request.
 */
#ifndef PURSER_TEST_HOST_H
#define PURSER_TEST_HOST_H

#include <purser.h>

#include "test.h"

/* ------------------------------------------------------------------------------------------------ values */

static inline purser_text text_of(const char *string) {
  purser_text text;
  text.data = string;
  text.size = string ? strlen(string) : 0;
  return text;
}

static inline purser_text text_bytes(const char *data, size_t size) {
  purser_text text;
  text.data = data;
  text.size = size;
  return text;
}

static inline int text_is(purser_text text, const char *string) {
  return text.size == strlen(string) && (text.size == 0 || memcmp(text.data, string, text.size) == 0);
}

static inline int text_has(purser_text text, const char *part) {
  size_t size = strlen(part), at;
  for (at = 0; at + size <= text.size; at += 1)
    if (memcmp(text.data + at, part, size) == 0) return 1;
  return 0;
}

static inline purser_value value_null(void) {
  purser_value value;
  CLEAR(value);
  return value;
}

static inline purser_value value_text(purser_text text) {
  purser_value value = value_null();
  value.type = PURSER_TYPE_STRING;
  value.as.text = text;
  return value;
}

static inline purser_value value_string(const char *string) { return value_text(text_of(string)); }

static inline purser_value value_int(int64_t integer) {
  purser_value value = value_null();
  value.type = PURSER_TYPE_INT;
  value.as.integer = integer;
  return value;
}

static inline purser_value value_uint(uint64_t integer) {
  purser_value value = value_null();
  value.type = PURSER_TYPE_UINT;
  value.as.unsigned_integer = integer;
  return value;
}

static inline purser_value value_bool(int boolean) {
  purser_value value = value_null();
  value.type = PURSER_TYPE_BOOL;
  value.as.boolean = boolean ? 1 : 0;
  return value;
}

static inline purser_value value_list(const purser_value *items, size_t count) {
  purser_value value = value_null();
  value.type = PURSER_TYPE_LIST;
  value.as.list.items = items;
  value.as.list.count = count;
  return value;
}

static inline purser_value value_map(const purser_entry *entries, size_t count) {
  purser_value value = value_null();
  value.type = PURSER_TYPE_MAP;
  value.as.map.entries = entries;
  value.as.map.count = count;
  return value;
}

static inline purser_entry entry_of(const char *key, purser_value value) {
  purser_entry entry;
  entry.key = text_of(key);
  entry.value = value;
  return entry;
}

/* ---------------------------------------------------------------------------------------------- requests */

#define HOST_ATTRIBUTES_MAX 24

typedef struct host_attribute {
  uint32_t number;
  purser_presence presence;
  purser_value value; /* of type map for a map attribute */
} host_attribute;

typedef struct host_request {
  host_attribute attributes[HOST_ATTRIBUTES_MAX];
  size_t count;
  unsigned gets, entries, iterations; /* how often the engine asked */
  unsigned probes;                    /* … for the entry of an empty key: only whether there is such a map at all */
} host_request;

static inline void host_set(host_request *request, uint32_t number, purser_value value) {
  size_t at;
  for (at = 0; at < request->count; at += 1)
    if (request->attributes[at].number == number) break;
  if (at == HOST_ATTRIBUTES_MAX) abort();
  if (at == request->count) request->count += 1;
  request->attributes[at].number = number;
  request->attributes[at].presence = PURSER_PRESENT;
  request->attributes[at].value = value;
}

static inline void host_fail(host_request *request, uint32_t number) {
  host_set(request, number, value_null());
  request->attributes[request->count - 1].presence = PURSER_FAILED;
}

static inline const host_attribute *host_find(const host_request *request, uint32_t number) {
  size_t at;
  for (at = 0; at < request->count; at += 1)
    if (request->attributes[at].number == number) return &request->attributes[at];
  return NULL;
}

static purser_presence host_get(void *context, uint32_t number, purser_scratch *scratch, purser_value *value_out) {
  host_request *request = (host_request *)context;
  const host_attribute *attribute = host_find(request, number);
  (void)scratch;
  request->gets += 1;
  if (!attribute) return PURSER_ABSENT;
  *value_out = attribute->value;
  return attribute->presence;
}

static purser_presence host_entry(void *context, uint32_t number, purser_text key, purser_scratch *scratch,
                                  purser_value *value_out) {
  host_request *request = (host_request *)context;
  const host_attribute *attribute = host_find(request, number);
  size_t at;
  (void)scratch;
  if (key.size == 0) request->probes += 1;
  else request->entries += 1;
  if (!attribute) return PURSER_ABSENT;
  if (attribute->presence != PURSER_PRESENT) return attribute->presence;
  if (attribute->value.type != PURSER_TYPE_MAP) return PURSER_FAILED;
  for (at = 0; at < attribute->value.as.map.count; at += 1) {
    const purser_entry *entry = &attribute->value.as.map.entries[at];
    if (entry->key.size == key.size && (key.size == 0 || memcmp(entry->key.data, key.data, key.size) == 0)) {
      *value_out = entry->value;
      return PURSER_PRESENT;
    }
  }
  return PURSER_ABSENT;
}

static purser_presence host_iterate(void *context, uint32_t number, purser_scratch *scratch,
                                    purser_visitor *visitor) {
  host_request *request = (host_request *)context;
  const host_attribute *attribute = host_find(request, number);
  size_t at;
  (void)scratch;
  request->iterations += 1;
  if (!attribute) return PURSER_ABSENT;
  if (attribute->presence != PURSER_PRESENT) return attribute->presence;
  if (attribute->value.type != PURSER_TYPE_MAP) return PURSER_FAILED;
  for (at = 0; at < attribute->value.as.map.count; at += 1) {
    const purser_entry *entry = &attribute->value.as.map.entries[at];
    if (purser_visit(visitor, entry->key, &entry->value) != PURSER_OK) return PURSER_FAILED;
  }
  return PURSER_PRESENT;
}

static inline purser_host host_table(void) {
  purser_host host;
  CLEAR(host);
  host.size = sizeof host;
  host.get = host_get;
  host.entry = host_entry;
  host.iterate = host_iterate;
  return host;
}

/* GET /reviews/1 from productpage, with a header. */
static inline host_request host_reviews(void) {
  static purser_entry headers[2];
  host_request request;
  CLEAR(request);
  headers[0] = entry_of("x-user", value_string("jason"));
  headers[1] = entry_of("user-agent", value_string("curl/8.5"));
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("GET"));
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_PATH, value_string("/reviews/1?full=yes"));
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_HOST, value_string("reviews:9080"));
  host_set(&request, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 2));
  host_set(&request, PURSER_ATTRIBUTE_SOURCE_PRINCIPAL,
           value_string("spiffe://cluster.local/ns/default/sa/bookinfo-productpage"));
  host_set(&request, PURSER_ATTRIBUTE_DESTINATION_SERVICE_HOST, value_string("reviews.default.svc.cluster.local"));
  host_set(&request, PURSER_ATTRIBUTE_RESPONSE_CODE, value_int(200));
  return request;
}

/* Memory for one request, as purser.h wants it. Freed by free(). */
static inline purser_request *request_memory(void) {
  size_t size = (purser_request_size() + 15) / 16 * 16;
  void *memory = NULL;
  if (posix_memalign(&memory, 16, size) != 0) abort();
  memset(memory, 0xA5, size); /* what a host's allocator may leave in it */
  return (purser_request *)memory;
}

/* ------------------------------------------------------------------------------------------- documents */

#define YAML_HEAD(kind, name) \
  "apiVersion: purser.dev/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\n"

/* One inline document text. */
static inline purser_load_options load_options(const char *yaml, purser_document *document) {
  purser_load_options options;
  CLEAR(options);
  document->name = text_of("test.yaml");
  document->text = text_of(yaml);
  options.size = sizeof options;
  options.documents = document;
  options.documents_count = 1;
  return options;
}

static inline purser_status set_load(purser_policy_set *set, const char *yaml, purser_problems **problems_out) {
  purser_document document;
  purser_load_options options = load_options(yaml, &document);
  return purser_policy_set_load(set, &options, problems_out);
}

/* Loads what ought to load, and shows why when it does not. */
static inline int set_loads(purser_policy_set *set, const char *yaml) {
  purser_problems *problems = NULL;
  purser_text text;
  purser_status status = set_load(set, yaml, &problems);
  if (status != PURSER_OK) {
    printf("  load: %s\n", purser_status_text(status));
    if (problems && purser_problems_text(problems, &text) == PURSER_OK)
      printf("%.*s\n", (int)text.size, text.data);
  }
  purser_problems_free(problems);
  return status == PURSER_OK;
}

/* An engine with one set and one worker: what most tests begin with. */
typedef struct house {
  purser_engine *engine;
  purser_policy_set *set;
  purser_worker *worker;
  purser_request *request;
} house;

static inline int house_open(house *house, const purser_engine_options *options, const char *yaml) {
  CLEAR(*house);
  if (!CHECK(purser_engine_new(options, &house->engine) == PURSER_OK)) return 0;
  if (!CHECK(purser_policy_set_new(house->engine, text_of("main"), &house->set) == PURSER_OK)) return 0;
  if (!CHECK(purser_worker_new(house->engine, &house->worker) == PURSER_OK)) return 0;
  house->request = request_memory();
  return yaml ? CHECK(set_loads(house->set, yaml)) : 1;
}

static inline void house_close(house *house) {
  CHECK(purser_worker_free(house->worker) == PURSER_OK);
  CHECK(purser_policy_set_free(house->set) == PURSER_OK);
  CHECK(purser_engine_free(house->engine) == PURSER_OK);
  free(house->request);
  CLEAR(*house);
}

/* Begins and checks; the caller reads the decision and ends. */
static inline int house_check(house *house, host_request *context) {
  purser_host host = host_table();
  return CHECK(purser_request_begin(house->request, house->worker, house->set, &host, context, NULL) == PURSER_OK) &&
         CHECK(purser_check(house->request, 0, NULL) == PURSER_OK);
}

static inline void house_end(house *house) { CHECK(purser_request_end(house->request) == PURSER_OK); }

static inline purser_verdict verdict_of(const purser_request *request) {
  purser_verdict verdict = PURSER_VERDICT_DENY;
  CHECK(purser_decision_verdict(request, &verdict) == PURSER_OK);
  return verdict;
}

/* Begin, check, end: the verdict. */
static inline purser_verdict house_decide(house *house, host_request *context) {
  purser_verdict verdict = PURSER_VERDICT_DENY;
  if (house_check(house, context)) verdict = verdict_of(house->request);
  house_end(house);
  return verdict;
}

/* Begin, check, report, end. */
static inline void house_serve(house *house, host_request *context) {
  if (house_check(house, context)) CHECK(purser_report(house->request, 0) == PURSER_OK);
  house_end(house);
}

#endif

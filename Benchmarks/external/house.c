/* Documents, requests, engines. */
#define _GNU_SOURCE

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "external.h"

#define IN_FLIGHT 64 /* as many connections as the engine keeps open */

const char path_plain[] = "/allow", path_role[] = "/who";

static const char local_rules[] =
    "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: bench}\nspec: {cacheLifetimeMax: 24h}\n---\n"
    "apiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: local}\nspec:\n  rules:\n"
    "  - {name: d0, action: DENY, when: '\"x-client\" in request.headers && request.headers[\"x-client\"] == \"old-0\"'}\n"
    "  - {name: d1, action: DENY, when: '\"x-client\" in request.headers && request.headers[\"x-client\"] == \"old-1\"'}\n"
    "  - {name: d2, action: DENY, when: '\"x-client\" in request.headers && request.headers[\"x-client\"] == \"old-2\"'}\n"
    "  - {name: d3, action: DENY, when: '\"x-client\" in request.headers && request.headers[\"x-client\"] == \"old-3\"'}\n"
    "  - {name: d4, action: DENY, when: '\"x-client\" in request.headers && request.headers[\"x-client\"] == \"old-4\"'}\n"
    "  - {name: a0, action: ALLOW, when: 'request.url_path.startsWith(\"/products/\") && request.method == \"GET\"'}\n"
    "  - {name: a1, action: ALLOW, when: 'request.url_path.startsWith(\"/reviews/\") && request.method == \"GET\"'}\n"
    "  - {name: a2, action: ALLOW, when: 'request.url_path.startsWith(\"/ratings/\") && request.method == \"GET\"'}\n"
    "  - {name: a3, action: ALLOW, when: 'request.url_path.startsWith(\"/allow\") && request.method == \"GET\"'}\n"
    "  - {name: a4, action: ALLOW, when: 'request.url_path.startsWith(\"/who\") && request.method == \"GET\"'}\n";

static const char asking_condition[] = "  - {name: u0, action: AUDIT, when: '\"x-user\" in request.headers'}\n";

static const char asking_rule[] =
    "---\napiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: asking}\nspec:\n  rules:\n"
    "  - {name: ask, action: CUSTOM, when: '\"x-user\" in request.headers', provider: authorizer%s}\n---\n"
    "apiVersion: purser.dev/v1alpha1\nkind: Provider\nmetadata: {name: authorizer}\nspec:\n";

static const char http_provider[] =
    "  extAuthzHttp: {url: 'http://authorizer', unixSocket: '%s', timeout: 30s, headers: [x-user], upstreamHeaders: [x-role]}\n";
static const char grpc_provider[] =
    "  extAuthzGrpc: {address: '%s', timeout: 30s, attributes: [request.method, request.path], headers: [x-user]}\n";

/* --------------------------------------------------------------------------------------------------- demands */

void fail(const char *why) {
  fprintf(stderr, "bench_external: %s\n", why);
  exit(1);
}

void demand(purser_status status, const char *what) {
  if (status == PURSER_OK) return;
  fprintf(stderr, "bench_external: %s: %s\n", what, purser_status_text(status));
  exit(1);
}

static int64_t clock_now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t wall_nanoseconds(void) { return clock_now(CLOCK_REALTIME); }
int64_t nanoseconds(void) { return clock_now(CLOCK_MONOTONIC); }

uint64_t random_next(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  *state = x;
  return x * 0x2545F4914F6CDD1D;
}

uint64_t entries_of(const char *folder) {
  const char *slash = strrchr(folder, '/');
  const uint64_t entries = strtoull(slash ? slash + 1 : folder, NULL, 10);
  if (entries == 0) fail("a store's folder is named by its number of entries");
  return entries;
}

size_t store_bytes_of(uint64_t entries) {
  const size_t bytes = (size_t)entries * 512;
  return bytes < ((size_t)64 << 20) ? (size_t)64 << 20 : bytes;
}

/* ------------------------------------------------------------------------------------------------- the house */

static purser_text text_of(const char *string) {
  const purser_text text = {string, string ? strlen(string) : 0};
  return text;
}

static purser_request *request_memory(void) {
  void *memory = aligned_alloc(64, (purser_request_size() + 63) / 64 * 64);
  if (memory == NULL) fail("no memory");
  return memory;
}

void house_open(house *house, const services *services, rules rules, const kept *kept) {
  static char yaml[16384];
  purser_engine_options engine_options = {.size = sizeof engine_options};
  purser_load_options options = {.size = sizeof options};
  purser_problems *problems = NULL;
  purser_document document;
  purser_status status;
  size_t used = (size_t)snprintf(yaml, sizeof yaml, "%s", local_rules);
  if (rules == RULES_LOCAL_WHEN) {
    snprintf(yaml + used, sizeof yaml - used, "%s", asking_condition);
  } else if (rules != RULES_LOCAL) {
    used += (size_t)snprintf(yaml + used, sizeof yaml - used, asking_rule,
                             rules == RULES_KEPT ? ", cache: {ttl: 12h, headers: [x-role]}" : "");
    snprintf(yaml + used, sizeof yaml - used, rules == RULES_ASKED_GRPC ? grpc_provider : http_provider,
             rules == RULES_ASKED_GRPC ? services->grpc : services->socket);
  }
  document.name = text_of("external.yaml");
  document.text = text_of(yaml);
  options.documents = &document;
  options.documents_count = 1;
  if (kept) {
    engine_options.store_directory = text_of(kept->folder);
    engine_options.store_bytes = kept->store_bytes;
    engine_options.worker_cache_bytes = kept->worker_bytes;
  }
  demand(purser_engine_new(&engine_options, &house->engine), "engine");
  demand(purser_policy_set_new(house->engine, text_of("bench"), &house->set), "policy set");
  status = purser_policy_set_load(house->set, &options, &problems);
  if (problems != NULL) {
    purser_text words;
    if (purser_problems_text(problems, &words) == PURSER_OK) fprintf(stderr, "%.*s\n", (int)words.size, words.data);
    purser_problems_free(problems);
  }
  demand(status, "documents");
  demand(purser_worker_new(house->engine, &house->worker), "worker");
  house->request = request_memory();
}

void house_close(house *house) {
  demand(purser_worker_free(house->worker), "worker");
  demand(purser_policy_set_free(house->set), "policy set");
  demand(purser_engine_free(house->engine), "engine");
  free(house->request);
}

uint64_t events(const house *house, const char *event) {
  purser_text text;
  char line[128];
  uint64_t count = 0;
  size_t at;
  int is_there = 0;
  const size_t size = (size_t)snprintf(line, sizeof line, "purser_check_cache_events_total{event=\"%s\"} ", event);
  demand(purser_metrics_render(house->engine, text_of(NULL), &text), "metrics");
  for (at = 0; at + size < text.size; at++) {
    if (memcmp(text.data + at, line, size) != 0) continue;
    count = strtoull(text.data + at + size, NULL, 10);
    is_there = 1;
  }
  purser_text_free(&text);
  if (!is_there) fail("there is no such event");
  return count;
}

/* -------------------------------------------------------------------------------------------------- requests */

void visit_make(visit *visit, uint64_t user, const char *path) {
  snprintf(visit->user, sizeof visit->user, "user-%08u", (unsigned)(user % 100000000));
  visit->path = text_of(path);
}

static purser_presence give(purser_value *value, const char *data, size_t size) {
  memset(value, 0, sizeof *value);
  value->type = PURSER_TYPE_STRING;
  value->as.text.data = data;
  value->as.text.size = size;
  return PURSER_PRESENT;
}

static purser_presence visit_get(void *context, uint32_t attribute, purser_scratch *scratch, purser_value *value_out) {
  const visit *visit = context;
  (void)scratch;
  switch (attribute) {
    case PURSER_ATTRIBUTE_REQUEST_METHOD: return give(value_out, "GET", 3);
    case PURSER_ATTRIBUTE_REQUEST_PATH: return give(value_out, visit->path.data, visit->path.size);
    default: return PURSER_ABSENT;
  }
}

static purser_presence visit_entry(void *context, uint32_t attribute, purser_text key, purser_scratch *scratch,
                                   purser_value *value_out) {
  const visit *visit = context;
  (void)scratch;
  if (attribute != PURSER_ATTRIBUTE_REQUEST_HEADERS || key.size != 6 || memcmp(key.data, "x-user", 6) != 0) return PURSER_ABSENT;
  return give(value_out, visit->user, 13);
}

static purser_presence visit_iterate(void *context, uint32_t attribute, purser_scratch *scratch, purser_visitor *visitor) {
  purser_value value;
  (void)scratch;
  if (attribute != PURSER_ATTRIBUTE_REQUEST_HEADERS) return PURSER_ABSENT;
  give(&value, ((const visit *)context)->user, 13);
  return purser_visit(visitor, text_of("x-user"), &value) == PURSER_OK ? PURSER_PRESENT : PURSER_FAILED;
}

const purser_host visit_host = {sizeof visit_host, visit_get, visit_entry, visit_iterate};

/* ------------------------------------------------------------------------------------------------- decisions */

static void demand_allowed(purser_request *request) {
  purser_verdict verdict;
  purser_text reason;
  demand(purser_decision_verdict(request, &verdict), "verdict");
  if (verdict == PURSER_VERDICT_ALLOW) return;
  if (purser_decision_reason(request, &reason) == PURSER_OK) fprintf(stderr, "%.*s\n", (int)reason.size, reason.data);
  fail("a request that is to be allowed is not");
}

static int finish(purser_request *request) {
  uint32_t is_cached;
  demand_allowed(request);
  demand(purser_decision_is_cached(request, &is_cached), "is cached");
  demand(purser_request_end(request), "end");
  return is_cached != 0;
}

int decide(house *house, visit *visit, int64_t now_ns) {
  uint32_t is_cached;
  demand(purser_request_begin(house->request, house->worker, house->set, &visit_host, visit, NULL), "begin");
  demand(purser_check(house->request, now_ns, NULL), "check");
  demand(purser_decision_is_cached(house->request, &is_cached), "is cached");
  demand(purser_request_end(house->request), "end");
  return is_cached != 0;
}

int decide_waiting(house *house, visit *visit, int64_t now_ns) {
  demand(purser_request_begin(house->request, house->worker, house->set, &visit_host, visit, NULL), "begin");
  demand(purser_check_wait(house->request, now_ns, 0), "check");
  return finish(house->request);
}

/* Places for requests under way. Answered ones come back by a list, under a lock. */
typedef struct place {
  struct asking *asking;
  purser_request *request;
  visit visit;
  struct place *next;
} place;

typedef struct asking {
  pthread_mutex_t lock;
  pthread_cond_t came;
  place *answered;
  place places[IN_FLIGHT];
} asking;

static void answered(void *user, purser_outcome outcome) {
  place *place = user;
  if (outcome != PURSER_OUTCOME_ANSWERED) fail("a question was not answered");
  pthread_mutex_lock(&place->asking->lock);
  place->next = place->asking->answered;
  place->asking->answered = place;
  pthread_cond_signal(&place->asking->came);
  pthread_mutex_unlock(&place->asking->lock);
}

static place *take_answered(asking *asking) {
  place *places;
  pthread_mutex_lock(&asking->lock);
  while (asking->answered == NULL) pthread_cond_wait(&asking->came, &asking->lock);
  places = asking->answered;
  asking->answered = NULL;
  pthread_mutex_unlock(&asking->lock);
  return places;
}

uint64_t ask_for(house *house, uint64_t first, uint64_t count, const char *path) {
  static asking asking = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, {{0}}};
  place *free_places = NULL, *place;
  uint64_t asked = 0, user = first, open = 0;
  int i;
  for (i = 0; i < IN_FLIGHT; i++) {
    asking.places[i].asking = &asking;
    if (asking.places[i].request == NULL) asking.places[i].request = request_memory();
    asking.places[i].next = free_places;
    free_places = &asking.places[i];
  }
  while (user < first + count || open > 0) {
    if (user < first + count && free_places != NULL) {
      const purser_pending pending = {sizeof pending, answered, free_places};
      purser_status status;
      place = free_places;
      free_places = place->next; /* before it is asked for: `answered` may come at once, and has use for `next` */
      visit_make(&place->visit, user++, path);
      demand(purser_request_begin(place->request, house->worker, house->set, &visit_host, &place->visit, NULL), "begin");
      status = purser_check(place->request, 0, &pending);
      if (status == PURSER_PENDING) {
        open++;
        asked++;
      } else {
        demand(status, "check");
        finish(place->request);
        place->next = free_places;
        free_places = place;
      }
    } else {
      for (place = take_answered(&asking); place != NULL; open--) {
        struct place *next = place->next;
        demand(purser_resume(place->request, 0), "resume");
        finish(place->request);
        place->next = free_places;
        free_places = place;
        place = next;
      }
    }
  }
  return asked;
}

void wait_for_store(house *house, uint64_t user) {
  const int64_t limit = nanoseconds() + (int64_t)60 * 1000000000;
  const struct timespec pause = {0, 1000000};
  visit visit;
  visit_make(&visit, user, path_plain);
  while (!decide(house, &visit, wall_nanoseconds())) {
    if (nanoseconds() > limit) fail("the store is not read, or does not have what was kept there");
    nanosleep(&pause, NULL);
  }
}

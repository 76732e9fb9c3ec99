/*
 * The indexed twin: the engine's algorithm in plain C, for the price of Swift and of generality. It does what a check of
 * the engine does and no more than these rules need: it pins its plan, asks the host's callbacks for what it looks at,
 * once, verifies UTF-8, normalises the path, looks steps up, tries each one's guard and then its other clauses, finds
 * out which ALLOW policies are in force, and keeps a decision with its reason. Where the engine runs a program, this
 * compares clause by clause.
 */
#include "twin.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------------------------- worker */

typedef enum value_kind { UNFETCHED, ABSENT, ERROR, TEXT } value_kind;

typedef struct value {
  uint32_t kind;
  uint32_t size;
  const char *data;
} value;

typedef enum outcome { FAILS = 1, HOLDS = 2, ERRS = 3 } outcome;

typedef struct cursor {
  const uint32_t *next, *end;
} cursor;

#define CURSORS 64
#define WORKER_MAGIC UINT64_C(0x7477696e776f726b)
#define SET_MAGIC UINT64_C(0x7477696e73657473)
#define REQUEST_MAGIC UINT64_C(0x7477696e72657175)

static uint32_t fork_counter;

struct twin_engine {
  uint32_t forks, has_barrier;
  uint64_t retirements;
};

struct twin_set {
  uint64_t magic, current;
  twin_engine *engine;
};

struct twin_worker {
  uint64_t magic, busy;
  twin_engine *engine;
  uint64_t published, pinned, pins, retirements; /* as PlanPins */
  uint64_t open;
  value slots[SLOTS];
  char path[512];
  const purser_host *host;
  void *context;
  uint32_t generation;
  uint32_t *match_states;
  cursor cursors[CURSORS];
  uint64_t counters[2];
};

twin_engine *twin_engine_new(void) {
  twin_engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) abort();
  engine->forks = fork_counter;
  engine->has_barrier = 1;
  return engine;
}

void twin_engine_free(twin_engine *engine) { free(engine); }

twin_set *twin_set_new(twin_engine *engine, twin_plan *plan) {
  twin_set *set = calloc(1, sizeof *set);
  if (set == NULL) abort();
  set->magic = SET_MAGIC;
  set->current = (uint64_t)(uintptr_t)plan;
  set->engine = engine;
  return set;
}

void twin_set_free(twin_set *set) { free(set); }

twin_worker *twin_worker_new(twin_engine *engine, const twin_plan *plan) {
  twin_worker *worker = calloc(1, sizeof *worker);
  if (worker == NULL) abort();
  worker->magic = WORKER_MAGIC;
  worker->engine = engine;
  worker->match_states = calloc(plan->policies_count + 1, sizeof *worker->match_states);
  if (worker->match_states == NULL) abort();
  return worker;
}

void twin_worker_free(twin_worker *worker) {
  free(worker->match_states);
  free(worker);
}

/* ----------------------------------------------------------------------------------------------- attributes */
static int is_utf8_slow(const unsigned char *text, size_t size) {
  size_t i = 0;
  while (i < size) {
    const unsigned char lead = text[i];
    const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    size_t k;
    if (length == 0 || size - i < length) return 0;
    for (k = 1; k < length; k++) {
      if ((text[i + k] & 0xc0) != 0x80) return 0;
    }
    if (length == 3 && ((lead == 0xe0 && text[i + 1] < 0xa0) || (lead == 0xed && text[i + 1] > 0x9f))) return 0;
    if (length == 4 && ((lead == 0xf0 && text[i + 1] < 0x90) || (lead == 0xf4 && text[i + 1] > 0x8f))) return 0;
    i += length;
  }
  return 1;
}

static inline int is_utf8(const char *text, size_t size) {
  if (size >= 8) {
    uint64_t high = load8(text + size - 8);
    size_t at;
    for (at = 0; at + 8 < size; at += 8) high |= load8(text + at);
    if ((high & UINT64_C(0x8080808080808080)) == 0) return 1;
  } else if (size >= 4) {
    if (((load4(text) | load4(text + size - 4)) & 0x80808080u) == 0) return 1;
  } else if (size > 0 && ((text[0] | text[size / 2] | text[size - 1]) & 0x80) == 0) {
    return 1;
  }
  return is_utf8_slow((const unsigned char *)text, size);
}

static inline value value_of(purser_presence presence, const purser_value *answer) {
  value value = {ABSENT, 0, NULL};
  if (presence == PURSER_PRESENT) {
    const purser_text text = answer->as.text;
    value.kind = answer->type == PURSER_TYPE_STRING && text.size <= UINT32_MAX && is_utf8(text.data, text.size) ? TEXT : ERROR;
    value.size = (uint32_t)text.size;
    value.data = text.data;
  } else if (presence == PURSER_FAILED) {
    value.kind = ERROR;
  }
  return value;
}

/* Dot segments, doubled slashes, escapes: nothing that these requests have; kept so that the quick look has a way out. */
static value normalize(twin_worker *worker, value path) {
  size_t i, length = 0;
  if (path.size > sizeof worker->path) path.kind = ERROR;
  if (path.size == 0 || (path.data[0] != '/' && path.data[0] != '\\')) path.kind = ERROR;
  for (i = 0; path.kind == TEXT && i < path.size && path.data[i] != '?' && path.data[i] != '#'; i++) {
    const char byte = path.data[i] == '\\' ? '/' : path.data[i];
    if (byte == '%') path.kind = ERROR;
    if (byte == '/' && length > 0 && worker->path[length - 1] == '/') continue;
    worker->path[length++] = byte;
  }
  path.data = worker->path;
  path.size = (uint32_t)length;
  return path;
}

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte that is this one. */
static inline uint64_t equal_bytes(uint64_t word, unsigned char byte) {
  const uint64_t difference = word ^ EVERY(byte), low = EVERY(0x7f);
  return ~(((difference & low) + low) | difference | low);
}

/* Not 0 where some byte is this one. */
static inline uint64_t has_byte(uint64_t word, unsigned char byte) {
  const uint64_t difference = word ^ EVERY(byte);
  return (difference - EVERY(0x01)) & ~difference & EVERY(0x80);
}

static value path_of(twin_worker *worker, value path) {
  uint64_t carry = 0;
  uint32_t at = 0;
  int after_slash;
  if (path.kind != TEXT) return path;
  if (path.size == 0 || path.data[0] != '/') return normalize(worker, path);
  while (path.size - at >= 8) {
    const uint64_t word = load8(path.data + at);
    const uint64_t slashes = equal_bytes(word, '/');
    const uint64_t after = equal_bytes(word | EVERY(1), '/');
    if ((has_byte(word, '?') | has_byte(word, '#') | has_byte(word, '%') | has_byte(word, '\\') |
         ((slashes << 8 | carry) & after)) != 0) {
      break;
    }
    carry = slashes >> 56;
    at += 8;
  }
  after_slash = carry != 0;
  for (; at < path.size; at++) {
    const char byte = path.data[at];
    if (byte == '?' || byte == '#') break;
    if (byte == '%' || byte == '\\') return normalize(worker, path);
    if (after_slash && (byte == '.' || byte == '/')) return normalize(worker, path);
    after_slash = byte == '/';
  }
  path.size = at;
  return path;
}

static void fetch(twin_worker *worker, uint32_t slot) {
  static const uint32_t attributes[SLOTS] = {
      PURSER_ATTRIBUTE_DESTINATION_SERVICE_HOST, PURSER_ATTRIBUTE_REQUEST_PATH, PURSER_ATTRIBUTE_REQUEST_METHOD,
      PURSER_ATTRIBUTE_SOURCE_PRINCIPAL, PURSER_ATTRIBUTE_REQUEST_HEADERS, PURSER_ATTRIBUTE_CLIENT_ADDRESS};
  const purser_text key = {"x-tenant", 8};
  purser_value answer = {0};
  purser_presence presence;
  value value;
  if (slot == SLOT_TENANT) presence = worker->host->entry(worker->context, attributes[slot], key, NULL, &answer);
  else presence = worker->host->get(worker->context, attributes[slot], NULL, &answer);
  value = value_of(presence, &answer);
  if (slot == SLOT_SERVICE && value.kind == ABSENT) {
    purser_value second = {0};
    value = value_of(worker->host->get(worker->context, PURSER_ATTRIBUTE_REQUEST_HOST, NULL, &second), &second);
  }
  worker->slots[slot] = slot == SLOT_PATH ? path_of(worker, value) : value;
}

static inline const value *slot_value(twin_worker *worker, uint32_t slot) {
  if (worker->slots[slot].kind == UNFETCHED) fetch(worker, slot);
  return &worker->slots[slot];
}

/* ------------------------------------------------------------------------------------------------ conditions */
static inline int same_bytes(const char *a, const char *b, size_t size) {
  if (size >= 8) {
    size_t at;
    if (size > 64) return memcmp(a, b, size) == 0;
    for (at = 0; at < size - 8; at += 8) {
      if (load8(a + at) != load8(b + at)) return 0;
    }
    return load8(a + size - 8) == load8(b + size - 8);
  }
  if (size >= 4) return load4(a) == load4(b) && load4(a + size - 4) == load4(b + size - 4);
  while (size-- > 0) {
    if (a[size] != b[size]) return 0;
  }
  return 1;
}

static int parse_address(const char *text, size_t size, address *address_out) {
  uint32_t parts = 0, part = 0, digits_count = 0;
  uint64_t whole = 0;
  size_t i;
  for (i = 0; i < size; i++) {
    const unsigned digit = (unsigned)(unsigned char)text[i] - '0';
    if (digit <= 9) {
      part = part * 10 + digit;
      if (++digits_count > 3 || part > 255) break;
      if (digits_count > 1 && part < 10) break;
    } else if (text[i] == '.' && digits_count > 0 && parts < 3) {
      whole = whole << 8 | part;
      parts++;
      part = digits_count = 0;
    } else {
      break;
    }
  }
  if (i == size && parts == 3 && digits_count > 0) {
    address_out->high = 0;
    address_out->low = UINT64_C(0xffff00000000) | whole << 8 | part;
    return 1;
  } else {
    char buffer[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (size == 0 || size >= sizeof buffer) return 0;
    memcpy(buffer, text, size);
    buffer[size] = '\0';
    if (inet_pton(AF_INET6, buffer, bytes) != 1) return 0;
    address_out->high = address_out->low = 0;
    for (i = 0; i < 8; i++) {
      address_out->high = address_out->high << 8 | bytes[i];
      address_out->low = address_out->low << 8 | bytes[i + 8];
    }
    return 1;
  }
}

static inline outcome clause_outcome(twin_worker *worker, const clause *clause) {
  const value *value = slot_value(worker, clause->slot);
  address address;
  uint32_t i;
  if (value->kind == ABSENT && clause->fails_if_absent) return FAILS;
  if (value->kind != TEXT) return ERRS;
  switch (clause->relation) {
    case EQUALS:
      return value->size == clause->text.size && same_bytes(value->data, clause->text.data, value->size) ? HOLDS : FAILS;
    case BEGINS:
      return value->size >= clause->text.size && same_bytes(value->data, clause->text.data, clause->text.size) ? HOLDS : FAILS;
    default:
      if (!parse_address(value->data, value->size, &address)) return ERRS;
      for (i = 0; i < clause->ranges_count; i++) {
        if (!address_before(address, clause->ranges[i].first) && !address_before(clause->ranges[i].last, address)) return HOLDS;
      }
      return FAILS;
  }
}

static inline outcome match_outcome(twin_worker *worker, const step *step) {
  uint32_t state;
  if (step->match.relation == NO_CLAUSE) return HOLDS;
  state = worker->match_states[step->policy] ^ worker->generation << 2;
  if (state > 3) {
    state = clause_outcome(worker, &step->match);
    worker->match_states[step->policy] = worker->generation << 2 | state;
  }
  return (outcome)state;
}

static outcome step_outcome(twin_worker *worker, const step *step) {
  outcome all = HOLDS;
  uint32_t i;
  for (i = 0; i < step->clauses_count; i++) {
    const outcome outcome = clause_outcome(worker, &step->clauses[i]);
    if (outcome == FAILS) return FAILS;
    if (outcome == ERRS) all = ERRS;
  }
  return all;
}

/* -------------------------------------------------------------------------------------------------- look-up */

typedef struct candidates {
  const step_list *list;
  cursor *cursors;
  uint32_t count, number;
  int indexed, overflowing;
} candidates;

static inline uint32_t find(const table *table, uint64_t hash, const char *data, size_t size) {
  uint64_t at = hash & table->mask;
  for (;; at = (at + 1) & table->mask) {
    const entry *entry = &table->entries[at];
    if (entry->place == NOTHING) return NOTHING;
    if (entry->hash == hash && entry->text.size == size && same_bytes(entry->text.data, data, size)) return entry->place;
  }
}

static inline int has_length(const table *table, size_t size) { return (int)(table->lengths >> (size < 63 ? size : 63) & 1); }

static uint32_t range_place(const node *node, const value *value) {
  address address;
  uint32_t low = 0, high = node->ranges_count;
  if (!parse_address(value->data, value->size, &address)) return node->no_address;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (address_before(node->ranges[middle].last, address)) low = middle + 1;
    else high = middle;
  }
  return low < node->ranges_count ? node->ranges[low].place : NOTHING;
}

static void visit(candidates *found, twin_worker *worker, uint32_t place) {
  const node *node;
  const value *value;
  if (place == NOTHING) return;
  if (!(place & NODE_BIT)) {
    const index_list *list = &found->list->index.lists[place];
    if (found->count == CURSORS) {
      found->overflowing = 1;
      return;
    }
    found->cursors[found->count].next = list->steps;
    found->cursors[found->count++].end = list->steps + list->count;
    return;
  }
  node = &found->list->index.nodes[place & ~NODE_BIT];
  value = slot_value(worker, node->slot);
  visit(found, worker, node->rest);
  if (value->kind != TEXT) {
    visit(found, worker, value->kind == ABSENT ? node->absent : node->all);
    return;
  }
  if (node->equal.count > 0 && has_length(&node->equal, value->size)) {
    visit(found, worker, find(&node->equal, hash_whole(value->data, value->size), value->data, value->size));
  }
  if (node->prefix.count > 0) {
    const size_t end = value->size < node->prefix.longest ? value->size : node->prefix.longest;
    uint64_t hash = HASH_SEED;
    size_t length;
    for (length = 0;; length++) {
      if (has_length(&node->prefix, length)) visit(found, worker, find(&node->prefix, hash_finish(hash), value->data, length));
      if (length == end) break;
      hash = hash_step(hash, (unsigned char)value->data[length]);
    }
  }
  if (node->ranges_count > 0) visit(found, worker, range_place(node, value));
}

static candidates walk(const step_list *list, twin_worker *worker) {
  candidates found = {list, worker->cursors, 0, 0, list->index.root != NOTHING, 0};
  if (found.indexed) {
    visit(&found, worker, list->index.root);
    found.indexed = !found.overflowing;
  }
  return found;
}

static inline const step *next(candidates *found) {
  uint32_t i, lowest = NO_RULE;
  if (!found->indexed) return found->number < found->list->count ? &found->list->steps[found->number++] : NULL;
  if (found->count == 1) {
    cursor *cursor = &found->cursors[0];
    return cursor->next == cursor->end ? NULL : &found->list->steps[*cursor->next++];
  }
  for (i = 0; i < found->count;) {
    if (found->cursors[i].next == found->cursors[i].end) {
      found->cursors[i] = found->cursors[--found->count];
      continue;
    }
    if (*found->cursors[i].next < lowest) lowest = *found->cursors[i].next;
    i++;
  }
  if (found->count == 0) return NULL;
  for (i = 0; i < found->count; i++) {
    if (*found->cursors[i].next == lowest) found->cursors[i].next++;
  }
  return &found->list->steps[lowest];
}

/* ------------------------------------------------------------------------------------------------- requests */

typedef struct twin_request {
  uint64_t magic;
  twin_worker *worker;
  twin_set *set;
  const twin_plan *plan;
  purser_host host;
  void *context;
  const struct twin_request *connection;
  uint8_t stage, is_connection;
  answer answer;
  uint32_t error_rule, audits_count, reason_length;
  uint32_t errors_count, errors[16];
  uint32_t selected_count, selected[4];
} twin_request;

size_t twin_request_size(void) { return (sizeof(twin_request) + 15) & ~(size_t)15; }

static int enter(twin_worker *worker) { return __atomic_exchange_n(&worker->busy, 1, __ATOMIC_ACQUIRE) == 0; }
static void leave(twin_worker *worker) { __atomic_store_n(&worker->busy, 0, __ATOMIC_RELEASE); }

static void publish(uint64_t *word, uint64_t value, uint32_t has_barrier) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
  if (has_barrier) __atomic_signal_fence(__ATOMIC_SEQ_CST);
  else __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int twin_begin(void *memory, twin_worker *worker, twin_set *set, const purser_host *host, void *context,
               const purser_request_options *options) {
  twin_request *request = memory;
  const twin_request *connection = NULL;
  uint64_t plan, retirements;
  uint8_t is_connection = 0;
  if (memory == NULL || worker == NULL || set == NULL || host == NULL || ((uintptr_t)memory & 15) != 0) return 1;
  if (host->size < sizeof *host || host->get == NULL) return 1;
  if (options != NULL) {
    if (options->size < sizeof *options || options->phase > PURSER_PHASE_CONNECTION) return 1;
    is_connection = options->phase == PURSER_PHASE_CONNECTION;
    connection = (const twin_request *)options->connection;
  }
  if (worker->magic != WORKER_MAGIC || set->magic != SET_MAGIC || worker->engine != set->engine) return 1;
  if (worker->engine->forks != fork_counter) return 3;
  if (connection != NULL && (connection->magic != REQUEST_MAGIC || connection->worker != worker || connection->set != set ||
                             !connection->is_connection || connection->stage == 0 || is_connection)) {
    return 5;
  }
  if (!enter(worker)) return 2;
  do {
    retirements = __atomic_load_n(&worker->engine->retirements, __ATOMIC_ACQUIRE);
    plan = __atomic_load_n(&set->current, __ATOMIC_ACQUIRE);
    publish(&worker->published, plan, worker->engine->has_barrier);
  } while (__atomic_load_n(&set->current, __ATOMIC_ACQUIRE) != plan);
  if (worker->pinned != plan) __atomic_store_n(&worker->pinned, plan, __ATOMIC_RELEASE);
  if (worker->pins == 0) worker->retirements = retirements;
  __atomic_store_n(&worker->pins, worker->pins + 1, __ATOMIC_RELEASE);
  __atomic_store_n(&worker->published, 0, __ATOMIC_RELEASE);
  request->magic = REQUEST_MAGIC;
  request->worker = worker;
  request->set = set;
  request->connection = connection;
  request->is_connection = is_connection;
  request->plan = (const twin_plan *)(uintptr_t)plan;
  request->host = *host;
  request->context = context;
  request->stage = 0;
  request->answer.allows = 0;
  request->answer.reason = PURSER_REASON_NO_PLAN;
  request->answer.rule = request->error_rule = request->reason_length = NO_RULE;
  request->errors_count = request->selected_count = request->audits_count = 0;
  worker->open++;
  leave(worker);
  return 0;
}

static void note(twin_request *request, uint32_t rule) {
  if (request->errors_count < 16) request->errors[request->errors_count++] = rule;
}

static answer decide(twin_request *request, twin_worker *worker) {
  const twin_plan *plan = request->plan;
  answer answer = {1, PURSER_REASON_DEFAULT, NO_RULE};
  candidates found = walk(&plan->denies, worker);
  const step *step;
  uint32_t erring = NO_RULE;
  while ((step = next(&found)) != NULL) {
    outcome outcome = match_outcome(worker, step);
    if (outcome == FAILS) {
      found.number = step->next;
      continue;
    }
    if (outcome == HOLDS) outcome = step_outcome(worker, step);
    if (outcome == HOLDS) {
      answer.allows = 0;
      answer.reason = PURSER_REASON_RULE;
      answer.rule = step->rule;
      return answer;
    }
    if (outcome == ERRS) {
      note(request, step->rule);
      if (erring == NO_RULE) erring = step->rule;
    }
  }
  if (erring != NO_RULE) {
    answer.allows = 0;
    answer.reason = PURSER_REASON_RULE_ERROR;
    answer.rule = erring;
    return answer;
  }
  found = walk(&plan->allows, worker);
  while ((step = next(&found)) != NULL) {
    outcome outcome = match_outcome(worker, step);
    if (outcome == FAILS) {
      found.number = step->next;
      continue;
    }
    if (outcome == HOLDS) outcome = step_outcome(worker, step);
    if (outcome == HOLDS) {
      answer.reason = PURSER_REASON_RULE;
      answer.rule = step->rule;
      return answer;
    }
    if (outcome == ERRS) note(request, step->rule);
  }
  found = walk(&plan->groups, worker);
  while ((step = next(&found)) != NULL) {
    if (match_outcome(worker, step) == FAILS) continue;
    if (request->selected_count < 4) request->selected[request->selected_count] = step->policy;
    request->selected_count += step->next;
    answer.allows = 0;
    answer.reason = PURSER_REASON_NO_ALLOW_RULE;
  }
  return answer;
}

int twin_check(void *memory, int64_t now_ns, const purser_pending *pending) {
  twin_request *request = memory;
  twin_worker *worker;
  (void)now_ns;
  if (pending != NULL && (pending->size < sizeof *pending || pending->done == NULL)) return 1;
  if (memory == NULL || request->magic != REQUEST_MAGIC) return 1;
  worker = request->worker;
  if (worker->engine->forks != fork_counter) return 3;
  if (!enter(worker)) return 2;
  if (request->stage == 0) {
    memset(worker->slots, 0, sizeof worker->slots);
    worker->host = &request->host;
    worker->context = request->context;
    worker->generation = (worker->generation + 1) & 0x3fffffff;
    request->answer = decide(request, worker);
    worker->counters[request->answer.allows]++;
    request->stage = 1;
  }
  leave(worker);
  return 0;
}

answer twin_answer(const void *memory) { return ((const twin_request *)memory)->answer; }

int twin_end(void *memory) {
  twin_request *request = memory;
  twin_worker *worker;
  if (memory == NULL || request->magic != REQUEST_MAGIC) return 1;
  worker = request->worker;
  if (worker->engine->forks != fork_counter) return 3;
  if (!enter(worker)) return 2;
  request->magic = 0;
  worker->open--;
  request->plan = NULL;
  __atomic_store_n(&worker->pins, worker->pins - 1, __ATOMIC_RELEASE);
  if (worker->pins == 0) {
    publish(&worker->published, 0, worker->engine->has_barrier);
    /* Here the engine would free a plan that was replaced meanwhile. */
    if (__atomic_load_n(&worker->engine->retirements, __ATOMIC_ACQUIRE) != worker->retirements) worker->pinned = 0;
  }
  leave(worker);
  return 0;
}

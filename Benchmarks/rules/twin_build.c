/* Builds the indexed twin's plan, as Sources/Policy/IndexBuilder.swift does. Ranges of different rules do not overlap here. */
#include "twin.h"

#include <stdlib.h>
#include <string.h>

#define FEW 6
#define DEPTH_MAX 4

/* A step on its way down the tree: which of its clauses were told already. */
typedef struct item {
  uint32_t step;
  uint8_t match_told;
  uint8_t told; /* a bit for each slot */
} item;

/* An item under one of its texts or ranges. */
typedef struct key {
  const clause *clause;
  const range *range;
  item item;
} key;

static void *room(size_t count, size_t size) {
  void *memory = calloc(count > 0 ? count : 1, size);
  if (memory == NULL) abort();
  return memory;
}

static uint32_t place(step_list *list, item *items, size_t count, int depth);

static uint32_t make_list(rule_index *index, const item *items, size_t count) {
  index_list made;
  size_t i;
  if (count == 0) return NOTHING;
  if (index->lists_count == index->lists_room) {
    index->lists_room = index->lists_room * 2 + 16;
    index->lists = realloc(index->lists, index->lists_room * sizeof *index->lists);
    if (index->lists == NULL) abort();
  }
  made.steps = room(count, sizeof *made.steps);
  made.count = (uint32_t)count;
  for (i = 0; i < count; i++) made.steps[i] = items[i].step;
  index->lists[index->lists_count] = made;
  return index->lists_count++;
}

/* The item's clause about the slot that may leave it out now. */
static const clause *clause_of(const step_list *list, const item *item, uint32_t slot) {
  const step *step = &list->steps[item->step];
  uint32_t i;
  if (step->match.relation != NO_CLAUSE && !item->match_told) return step->match.slot == slot ? &step->match : NULL;
  if (item->told >> slot & 1) return NULL;
  for (i = 0; i < step->clauses_count; i++) {
    if (step->clauses[i].slot == slot) return &step->clauses[i];
  }
  return NULL;
}

static int compare_keys(const void *left, const void *right) {
  const key *a = left, *b = right;
  if (a->clause->relation != b->clause->relation) return (int)a->clause->relation - (int)b->clause->relation;
  if (a->clause->relation == IN_RANGES) {
    if (address_before(a->range->first, b->range->first)) return -1;
    if (address_before(b->range->first, a->range->first)) return 1;
  } else {
    const size_t shorter = a->clause->text.size < b->clause->text.size ? a->clause->text.size : b->clause->text.size;
    const int order = memcmp(a->clause->text.data, b->clause->text.data, shorter);
    if (order != 0) return order;
    if (a->clause->text.size != b->clause->text.size) return a->clause->text.size < b->clause->text.size ? -1 : 1;
  }
  return (a->item.step > b->item.step) - (a->item.step < b->item.step);
}

static int same_bucket(const key *a, const key *b) {
  if (a->clause->relation != b->clause->relation) return 0;
  if (a->clause->relation == IN_RANGES) return a->range->first.low == b->range->first.low && a->range->first.high == b->range->first.high;
  return a->clause->text.size == b->clause->text.size && memcmp(a->clause->text.data, b->clause->text.data, a->clause->text.size) == 0;
}

/* The keys of all items with a clause about the slot, sorted. */
static key *keys_of(const step_list *list, const item *items, size_t count, uint32_t slot, size_t *keys_count, size_t *covered) {
  key *keys;
  size_t i, used = 0, needed = 0;
  *covered = 0;
  for (i = 0; i < count; i++) {
    const clause *clause = clause_of(list, &items[i], slot);
    if (clause != NULL) needed += clause->relation == IN_RANGES ? clause->ranges_count : 1;
  }
  keys = room(needed, sizeof *keys);
  for (i = 0; i < count; i++) {
    const clause *clause = clause_of(list, &items[i], slot);
    uint32_t range = 0;
    if (clause == NULL) continue;
    ++*covered;
    do {
      key key = {clause, clause->ranges + range, items[i]};
      if (clause == &list->steps[items[i].step].match) key.item.match_told = 1;
      else key.item.told |= (uint8_t)(1u << slot);
      keys[used++] = key;
    } while (clause->relation == IN_RANGES && ++range < clause->ranges_count);
  }
  qsort(keys, used, sizeof *keys, compare_keys);
  *keys_count = used;
  return keys;
}

/* The slot of a match that most items share: it leaves none out, but below it their other clauses count. */
static uint32_t common_match_slot(const step_list *list, const item *items, size_t count) {
  size_t i, open = 0;
  for (i = 0; i < count; i++) {
    const step *step = &list->steps[items[i].step];
    open += step->match.relation != NO_CLAUSE && !items[i].match_told && step->clauses_count > 0;
  }
  return open > count / 2 ? SLOT_SERVICE : SLOTS;
}

static uint32_t best_slot(const step_list *list, const item *items, size_t count) {
  double best = (double)count * 0.75;
  uint32_t slot, found = SLOTS;
  for (slot = 0; slot < SLOTS; slot++) {
    size_t keys_count, covered, i, run = 0;
    double squares = 0, left;
    key *keys = keys_of(list, items, count, slot, &keys_count, &covered);
    for (i = 0; i < keys_count; i++) {
      run++;
      if (i + 1 == keys_count || !same_bucket(&keys[i], &keys[i + 1])) {
        squares += (double)run * (double)run;
        run = 0;
      }
    }
    left = (double)(count - covered) + (keys_count > 0 ? squares / (double)keys_count : 0);
    if (covered > 0 && left < best) {
      best = left;
      found = slot;
    }
    free(keys);
  }
  return found != SLOTS ? found : common_match_slot(list, items, count);
}

static void insert(table *table, purser_text text, uint64_t hash, uint32_t place) {
  uint64_t at = hash & table->mask;
  while (table->entries[at].place != NOTHING) at = (at + 1) & table->mask;
  table->entries[at].hash = hash;
  table->entries[at].text = text;
  table->entries[at].place = place;
  table->lengths |= UINT64_C(1) << (text.size < 63 ? text.size : 63);
  if (text.size > table->longest) table->longest = (uint32_t)text.size;
  table->count++;
}

static void prepare(table *table, size_t count) {
  size_t capacity = 2, i;
  while (capacity < count * 2) capacity *= 2;
  table->entries = room(capacity, sizeof *table->entries);
  for (i = 0; i < capacity; i++) table->entries[i].place = NOTHING;
  table->mask = capacity - 1;
}

static uint64_t hash_of(const clause *clause) {
  uint64_t hash = HASH_SEED;
  size_t i;
  if (clause->relation == EQUALS) return hash_whole(clause->text.data, clause->text.size);
  for (i = 0; i < clause->text.size; i++) hash = hash_step(hash, (unsigned char)clause->text.data[i]);
  return hash_finish(hash);
}

static uint32_t make_node(step_list *list, uint32_t slot, item *items, size_t count, int depth) {
  node node;
  size_t keys_count, covered, begin, end, i, rest_count = 0, told_count = 0, absent_count = 0, ranged_count = 0;
  item *rest = room(count, sizeof *rest), *told = room(count, sizeof *told), *bucket;
  key *keys = keys_of(list, items, count, slot, &keys_count, &covered);
  rule_index *index = &list->index;
  memset(&node, 0, sizeof node);
  node.slot = slot;
  prepare(&node.equal, keys_count);
  prepare(&node.prefix, keys_count);
  node.ranges = room(keys_count * 2 + 1, sizeof *node.ranges);
  bucket = room(keys_count, sizeof *bucket);
  for (begin = 0; begin < keys_count; begin = end) {
    uint32_t below;
    for (end = begin; end < keys_count && same_bucket(&keys[begin], &keys[end]); end++) bucket[end - begin] = keys[end].item;
    below = place(list, bucket, end - begin, depth + 1);
    if (keys[begin].clause->relation == EQUALS) insert(&node.equal, keys[begin].clause->text, hash_of(keys[begin].clause), below);
    if (keys[begin].clause->relation == BEGINS) insert(&node.prefix, keys[begin].clause->text, hash_of(keys[begin].clause), below);
    if (keys[begin].clause->relation == IN_RANGES) {
      address before = keys[begin].range->first;
      before.low--;
      node.ranges[node.ranges_count].last = before;
      node.ranges[node.ranges_count++].place = NOTHING;
      node.ranges[node.ranges_count].last = keys[begin].range->last;
      node.ranges[node.ranges_count++].place = below;
    }
  }
  for (i = 0; i < count; i++) {
    if (clause_of(list, &items[i], slot) == NULL) rest[rest_count++] = items[i];
    else told[told_count++] = items[i];
  }
  node.rest = place(list, rest, rest_count, depth + 1);
  node.all = make_list(index, told, told_count);
  for (i = 0; i < told_count; i++) {
    if (!clause_of(list, &told[i], slot)->fails_if_absent) rest[absent_count++] = told[i];
  }
  node.absent = make_list(index, rest, absent_count);
  for (i = 0; i < told_count; i++) {
    if (clause_of(list, &told[i], slot)->relation == IN_RANGES) rest[ranged_count++] = told[i];
  }
  node.no_address = make_list(index, rest, ranged_count);
  free(bucket);
  free(rest);
  free(told);
  free(keys);
  if (index->nodes_count == index->nodes_room) {
    index->nodes_room = index->nodes_room * 2 + 16;
    index->nodes = realloc(index->nodes, index->nodes_room * sizeof *index->nodes);
    if (index->nodes == NULL) abort();
  }
  index->nodes[index->nodes_count] = node;
  return index->nodes_count++ | NODE_BIT;
}

static uint32_t place(step_list *list, item *items, size_t count, int depth) {
  uint32_t slot;
  if (count == 0) return NOTHING;
  if (count <= FEW || depth >= DEPTH_MAX) return make_list(&list->index, items, count);
  slot = best_slot(list, items, count);
  return slot == SLOTS ? make_list(&list->index, items, count) : make_node(list, slot, items, count, depth);
}

void index_build(step_list *list) {
  item *items = room(list->count, sizeof *items);
  uint32_t i;
  for (i = 0; i < list->count; i++) items[i].step = i;
  memset(&list->index, 0, sizeof list->index);
  list->index.root = NOTHING;
  if (list->count > FEW) {
    const uint32_t root = place(list, items, list->count, 0);
    if (root & NODE_BIT) list->index.root = root;
  }
  free(items);
}

void index_free(rule_index *index) {
  uint32_t i;
  for (i = 0; i < index->lists_count; i++) free(index->lists[i].steps);
  for (i = 0; i < index->nodes_count; i++) {
    free(index->nodes[i].equal.entries);
    free(index->nodes[i].prefix.entries);
    free(index->nodes[i].ranges);
  }
  free(index->lists);
  free(index->nodes);
}

/* ----------------------------------------------------------------------------------------------------- plan */

static clause text_clause(relation relation, uint32_t slot, purser_text text) {
  clause clause;
  memset(&clause, 0, sizeof clause);
  clause.relation = text.size > 0 ? (uint8_t)relation : NO_CLAUSE;
  clause.slot = (uint8_t)slot;
  clause.text = text;
  return clause;
}

static void add_clause(step *step, clause clause) {
  if (clause.relation != NO_CLAUSE) step->clauses[step->clauses_count++] = clause;
}

static step_list steps_of(const rule_set *set, action action) {
  step_list list;
  uint32_t i, next;
  memset(&list, 0, sizeof list);
  list.steps = calloc(set->count, sizeof *list.steps);
  if (list.steps == NULL) abort();
  for (i = 0; i < set->count; i++) {
    const rule *rule = &set->rules[i];
    step *step = &list.steps[list.count];
    clause clause;
    if (rule->action != action) continue;
    step->rule = i;
    step->policy = rule->policy;
    step->match = text_clause(EQUALS, SLOT_SERVICE, rule->service);
    clause = text_clause(EQUALS, SLOT_TENANT, rule->tenant);
    clause.fails_if_absent = 1;
    add_clause(step, clause);
    add_clause(step, text_clause(BEGINS, SLOT_PATH, rule->path));
    add_clause(step, text_clause(EQUALS, SLOT_METHOD, rule->method));
    add_clause(step, text_clause(EQUALS, SLOT_PRINCIPAL, rule->principal));
    if (rule->ranges_count > 0) {
      memset(&clause, 0, sizeof clause);
      clause.relation = IN_RANGES;
      clause.slot = SLOT_CLIENT;
      clause.fails_if_absent = 1;
      clause.ranges = rule->ranges;
      clause.ranges_count = rule->ranges_count;
      add_clause(step, clause);
    }
    list.count++;
  }
  next = list.count;
  for (i = list.count; i-- > 0;) {
    if (i + 1 < list.count && list.steps[i + 1].policy != list.steps[i].policy) next = i + 1;
    list.steps[i].next = next;
  }
  index_build(&list);
  return list;
}

static int same_text(purser_text a, purser_text b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Rules come policy by policy, and policies of one service are neighbours. */
static step_list groups_of(const step_list *allows) {
  step_list list;
  uint32_t i;
  memset(&list, 0, sizeof list);
  list.steps = calloc(allows->count + 1, sizeof *list.steps);
  if (list.steps == NULL) abort();
  for (i = 0; i < allows->count; i++) {
    const step *from = &allows->steps[i];
    step *last = list.count > 0 ? &list.steps[list.count - 1] : NULL;
    if (last != NULL && same_text(last->match.text, from->match.text)) {
      if (from->policy != allows->steps[i - 1].policy) last->next++;
      continue;
    }
    last = &list.steps[list.count++];
    last->policy = from->policy;
    last->match = from->match;
    last->next = 1;
  }
  index_build(&list);
  return list;
}

twin_plan *twin_plan_new(const rule_set *set) {
  twin_plan *plan = calloc(1, sizeof *plan);
  if (plan == NULL) abort();
  plan->denies = steps_of(set, DENY);
  plan->allows = steps_of(set, ALLOW);
  plan->groups = groups_of(&plan->allows);
  plan->rules_count = (uint32_t)set->count;
  plan->policies_count = (uint32_t)set->policies;
  return plan;
}

void twin_plan_free(twin_plan *plan) {
  index_free(&plan->denies.index);
  index_free(&plan->allows.index);
  index_free(&plan->groups.index);
  free(plan->denies.steps);
  free(plan->allows.steps);
  free(plan->groups.steps);
  free(plan);
}

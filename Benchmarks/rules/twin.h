/* The indexed twin's plan: what twin_build.c makes and twin.c reads. */
#ifndef TWIN_H
#define TWIN_H

#include "rules.h"

enum { SLOT_SERVICE, SLOT_PATH, SLOT_METHOD, SLOT_PRINCIPAL, SLOT_TENANT, SLOT_CLIENT, SLOTS };

typedef enum relation { NO_CLAUSE, EQUALS, BEGINS, IN_RANGES } relation;

typedef struct clause {
  uint8_t relation, slot, fails_if_absent;
  uint32_t ranges_count;
  const range *ranges;
  purser_text text;
} clause;

#define CLAUSES_MAX 3

/* One rule of a list; the guard is the first of its clauses. */
typedef struct step {
  uint32_t rule, policy, next;
  uint32_t clauses_count;
  clause match;
  clause clauses[CLAUSES_MAX];
} step;

#define NOTHING UINT32_MAX
#define NODE_BIT 0x80000000u

typedef struct entry {
  uint64_t hash;
  purser_text text;
  uint32_t place; /* NOTHING: free */
} entry;

typedef struct table {
  entry *entries;
  uint64_t mask, lengths;
  uint32_t longest, count;
} table;

typedef struct index_range {
  address last;
  uint32_t place;
} index_range;

typedef struct node {
  uint32_t slot, ranges_count;
  table equal, prefix;
  index_range *ranges;
  uint32_t rest, all, absent, no_address;
} node;

typedef struct index_list {
  uint32_t *steps;
  uint32_t count;
} index_list;

typedef struct rule_index {
  uint32_t root;
  node *nodes;
  index_list *lists;
  uint32_t nodes_count, lists_count, nodes_room, lists_room;
} rule_index;

typedef struct step_list {
  step *steps;
  uint32_t count;
  rule_index index;
} step_list;

struct twin_plan {
  step_list denies, allows;
  step_list groups; /* policies with ALLOW rules, once for each match; `next` is how many they are */
  uint32_t rules_count, policies_count;
};

void index_build(step_list *list);
void index_free(rule_index *index);

/* The two hashes of the engine's TextHash. */
#define HASH_SEED UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_step(uint64_t hash, unsigned char byte) { return (hash ^ byte) * UINT64_C(0x100000001b3); }
static inline uint64_t hash_finish(uint64_t hash) { return hash ^ hash >> 32; }

static inline uint64_t hash_mix(uint64_t value) {
  const uint64_t product = value * UINT64_C(0x9e3779b97f4a7c15);
  return product ^ product >> 32;
}

static inline uint64_t load8(const char *data) {
  uint64_t word;
  __builtin_memcpy(&word, data, 8);
  return word;
}

static inline uint32_t load4(const char *data) {
  uint32_t word;
  __builtin_memcpy(&word, data, 4);
  return word;
}

static inline uint64_t hash_whole(const char *data, size_t size) {
  uint64_t hash = HASH_SEED ^ size;
  size_t at = 0;
  if (size >= 8) {
    for (; at < size - 8; at += 8) hash = hash_mix(hash ^ load8(data + at));
    return hash_mix(hash ^ load8(data + size - 8));
  }
  for (; at < size; at++) hash = hash_step(hash, (unsigned char)data[at]);
  return hash_finish(hash);
}

static inline int address_before(address a, address b) { return a.high == b.high ? a.low < b.low : a.high < b.high; }

#endif

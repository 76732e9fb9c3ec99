/*
 * What the benchmark of external checks is made of: ten local rules, and with them one CUSTOM rule whose provider is asked
 * over HTTP (authorizer.h of Tests/ABI, in a thread of this process), by gRPC (a server of grpcio), or answered from what
 * is kept. Users differ by a header, `x-user`; the key is method, path and user.
 */
#ifndef EXTERNAL_H
#define EXTERNAL_H

#include "purser.h"

#define BATCH 512

/* Which rules a house has. */
typedef enum rules {
  RULES_LOCAL,      /* the ten */
  RULES_LOCAL_WHEN, /* and an AUDIT rule with the condition of the rule that asks: what that costs by itself */
  RULES_KEPT,       /* and one that asks over HTTP and keeps answers */
  RULES_ASKED,      /* the same and keeps none */
  RULES_ASKED_GRPC  /* the same of a gRPC server */
} rules;

/* Where providers are. */
typedef struct services {
  const char *socket; /* the path at which HTTP is served; part of the key's digest, so that a store is found again */
  const char *grpc;   /* address:port, or NULL */
} services;

/* An engine with one policy set and one worker. */
typedef struct house {
  purser_engine *engine;
  purser_policy_set *set;
  purser_worker *worker;
  purser_request *request;
} house;

/* What a house keeps answers in. Zeros: the defaults, without a folder. */
typedef struct kept {
  const char *folder;
  size_t store_bytes, worker_bytes;
} kept;

void house_open(house *house, const services *services, rules rules, const kept *kept);
void house_close(house *house);

/* One request as the host knows it. */
typedef struct visit {
  char user[16];
  purser_text path;
} visit;

extern const purser_host visit_host;
extern const char path_plain[], path_role[]; /* what is asked on path_role is answered with a header */

void visit_make(visit *visit, uint64_t user, const char *path);

/* Decides with what is at hand, asking nobody, and ends. 1: by a kept answer. `now_ns` is of the wall clock. */
int decide(house *house, visit *visit, int64_t now_ns);
/* The same; the thread waits for the provider. It must allow. 1: by a kept answer. */
int decide_waiting(house *house, visit *visit, int64_t now_ns);

/* Lets users from `first` on be decided, many at once; how many were asked for. They must be allowed. */
uint64_t ask_for(house *house, uint64_t first, uint64_t count, const char *path);

/* Waits until the store is read: it is opened by a thread of the engine's. `user` must be kept there. */
void wait_for_store(house *house, uint64_t user);

/* What the check cache counted of an event, such as "store_hit". */
uint64_t events(const house *house, const char *event);

int64_t wall_nanoseconds(void);
int64_t nanoseconds(void);
void demand(purser_status status, const char *what);
void fail(const char *why);

/* A small generator of random numbers; the state must not be 0. */
uint64_t random_next(uint64_t *state);

/* One line each on standard output: see run.sh for what they are. */
void measure(const services *services, char **folders, int folders_count);
void count(const services *services, char **folders, int folders_count);
void replay(const services *services, const char *folder);
void distinct(const services *services, const char *folder);

/* LMDB's look-ups alone, in a copy of a store that nobody writes to meanwhile. */
typedef struct lookups lookups;
lookups *lookups_open(const char *folder);
void lookups_close(lookups *lookups);
void lookups_draw(lookups *lookups, uint64_t *random); /* BATCH names */
void lookups_pass(lookups *lookups);

/* Of a folder named …/NUMBER. */
uint64_t entries_of(const char *folder);
/* So large that a quarter stays free. */
size_t store_bytes_of(uint64_t entries);

extern _Thread_local unsigned long long allocations;

#endif

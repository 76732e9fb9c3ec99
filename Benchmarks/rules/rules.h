/*
 * What is measured: rules of one shape, as data. From it come the documents that the engine loads, the linear twin
 * (linear.c) and the indexed twin (twin.c), and requests of which each says what ought to be decided.
 *
 *   services    ALLOW: policies of 500 services, each rule a path prefix, a method and a principal
 *   paths       ALLOW: one service owns all rules; deep path prefixes, which most requests miss by their last segment
 *   principals  ALLOW: one principal a rule
 *   headers     DENY: one value of a header a rule
 *   addresses   DENY: one ValueList of two ranges a rule
 *   mixed       a third DENY by header and path, the rest ALLOW as in `services`
 */
#ifndef RULES_H
#define RULES_H

#include "purser.h"

typedef enum shape { SERVICES, PATHS, PRINCIPALS, HEADERS, ADDRESSES, MIXED, SHAPES } shape;
extern const char *const shape_names[SHAPES];

typedef enum action { DENY, ALLOW } action;

/* Addresses `first` to `last`; IPv4 as ::ffff:a.b.c.d. */
typedef struct address { uint64_t high, low; } address;
typedef struct range { address first, last; } range;

/* What a rule asks for. Text of size 0: it does not ask. */
typedef struct rule {
  action action;
  uint32_t policy;
  purser_text service; /* the policy's match */
  purser_text path;    /* a prefix */
  purser_text method, principal, tenant;
  range ranges[2];
  uint32_t ranges_count;
} rule;

typedef struct rule_set {
  shape shape;
  rule *rules; /* in the engine's work order: by policy name, then by position */
  size_t count;
  size_t policies;
} rule_set;

rule_set rules_make(shape shape, size_t count);
void rules_free(rule_set *set);

/* The YAML of the rules; the caller frees `data`. Rule 17 is called r0000017. */
typedef struct document { char *data; size_t size; } document;
document rules_document(const rule_set *set);

/* ------------------------------------------------------------------------------------------------- requests */

typedef enum kind { FIRST, LAST, NONE, RANDOM, KINDS } kind;
extern const char *const kind_names[KINDS];

#define REQUESTS 512
#define HEADERS_COUNT 5

/* What the host knows of a request. */
typedef struct request {
  purser_text service, method, path, principal, client;
  struct { purser_text name, value; } headers[HEADERS_COUNT];
  char text[320]; /* holds what differs from request to request */
} request;

/* REQUESTS requests that match the first rule, the last, none, or whatever comes (some rule, or almost one); the
 * caller frees them. */
request *requests_make(const rule_set *set, kind kind);

/* The host's side; a context is a request. Engine and twin ask the same functions. */
extern const purser_host rules_host;

/* -------------------------------------------------------------------------------------------------- answers */

#define NO_RULE UINT32_MAX

typedef struct answer {
  uint32_t allows;
  uint32_t reason; /* a purser_reason_kind */
  uint32_t rule;
} answer;

/* The same rules, walked one by one. */
answer linear_decide(const rule_set *set, const request *request);

/* The engine's algorithm in C: see twin.c. */
typedef struct twin_plan twin_plan;
typedef struct twin_engine twin_engine;
typedef struct twin_set twin_set;
typedef struct twin_worker twin_worker;

twin_plan *twin_plan_new(const rule_set *set);
void twin_plan_free(twin_plan *plan);
twin_engine *twin_engine_new(void);
void twin_engine_free(twin_engine *engine);
twin_set *twin_set_new(twin_engine *engine, twin_plan *plan);
void twin_set_free(twin_set *set);
twin_worker *twin_worker_new(twin_engine *engine, const twin_plan *plan);
void twin_worker_free(twin_worker *worker);
/* Begin, check and end of one request, in memory of twin_request_size() bytes; with the contract of the functions of
 * purser.h, and 0 for PURSER_OK. */
size_t twin_request_size(void);
int twin_begin(void *memory, twin_worker *worker, twin_set *set, const purser_host *host, void *context,
               const purser_request_options *options);
int twin_check(void *memory, int64_t now_ns, const purser_pending *pending);
answer twin_answer(const void *memory);
int twin_end(void *memory);

#endif

/*
 * What a whole decision (begin, check, end) costs with 1 to 100,000 rules, through the C header; beside it the same rules as
 * plain C, walked (linear) and looked up (twin).
 *
 *     bench_rules measure SHAPE RULES     nanoseconds, allocations, load time and memory
 *     bench_rules threads SHAPE RULES     two threads against one; eight for correctness
 *     bench_rules count RULES… [-- SHAPE…]  for callgrind: a dump of each shape, size, kind of request and engine
 *
 * Lines are words with blanks between them; run.sh makes tables of them. Before anything is measured, all three have to
 * agree about every request.
 */
#define _GNU_SOURCE

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <valgrind/callgrind.h>

#include "../counted.h"
#include "../host.h"
#include "rules.h"

#define PASSES 60
#define SAMPLE_NS 200000 /* a sample lasts at least so long */
#define THREADS_MAX 8

typedef enum engine { PURSER, TWIN, LINEAR, ENGINES } engine;
static const char *const engine_names[ENGINES] = {"purser", "twin", "linear"};

/* ------------------------------------------------------------------------------------------------- one case */

typedef struct bench {
  rule_set set;
  request *requests[KINDS];
  purser_plan *plan;
  purser_engine *engine;
  purser_policy_set *policies;
  purser_worker *worker;
  void *memory;
  twin_plan *twin_plan;
  twin_engine *twin_engine;
  twin_set *twin_set;
  twin_worker *twin;
  void *twin_memory;
  double load_seconds, load_cpu_seconds;
  size_t document_bytes, plan_bytes, worker_bytes, resident_bytes;
} bench;

static size_t bytes_in_use(void) {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static size_t resident_most(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (size_t)usage.ru_maxrss * 1024;
}

static void *request_memory(size_t size) {
  void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
  if (memory == NULL) abort();
  return memory;
}

static void load(bench *bench) {
  const document text = rules_document(&bench->set);
  const purser_document document = {{"rules.yaml", 10}, {text.data, text.size}};
  const purser_text name = {NULL, 0};
  purser_load_options options;
  purser_problems *problems = NULL;
  purser_status status;
  size_t before, resident;
  int64_t started;
  double cpu;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.documents = &document;
  options.documents_count = 1;
  before = bytes_in_use();
  resident = resident_most();
  cpu = cpu_seconds();
  started = nanoseconds();
  status = purser_plan_load(&options, &bench->plan, &problems);
  bench->load_seconds = (double)(nanoseconds() - started) / 1e9;
  bench->load_cpu_seconds = cpu_seconds() - cpu;
  bench->resident_bytes = resident_most() - resident;
  bench->document_bytes = text.size;
  if (problems != NULL) {
    purser_text words;
    if (purser_problems_text(problems, &words) == PURSER_OK) fprintf(stderr, "%.*s\n", (int)words.size, words.data);
    purser_problems_free(problems);
  }
  demand(status, "rules");
  bench->plan_bytes = bytes_in_use() - before;
  free(text.data);
  demand(purser_engine_new(NULL, &bench->engine), "engine");
  demand(purser_policy_set_new(bench->engine, name, &bench->policies), "policy set");
  demand(purser_policy_set_use(bench->policies, bench->plan, NULL), "plan");
}

static void start(bench *bench, shape shape, size_t rules) {
  int kind;
  memset(bench, 0, sizeof *bench);
  bench->set = rules_make(shape, rules);
  load(bench);
  demand(purser_worker_new(bench->engine, &bench->worker), "worker");
  bench->memory = request_memory(purser_request_size());
  bench->twin_plan = twin_plan_new(&bench->set);
  bench->twin_engine = twin_engine_new();
  bench->twin_set = twin_set_new(bench->twin_engine, bench->twin_plan);
  bench->twin = twin_worker_new(bench->twin_engine, bench->twin_plan);
  bench->twin_memory = request_memory(twin_request_size());
  for (kind = 0; kind < KINDS; kind++) bench->requests[kind] = requests_make(&bench->set, (enum kind)kind);
}

static void stop(bench *bench) {
  int kind;
  for (kind = 0; kind < KINDS; kind++) free(bench->requests[kind]);
  demand(purser_worker_free(bench->worker), "worker");
  demand(purser_policy_set_free(bench->policies), "policy set");
  demand(purser_engine_free(bench->engine), "engine");
  purser_plan_free(bench->plan);
  twin_worker_free(bench->twin);
  twin_set_free(bench->twin_set);
  twin_engine_free(bench->twin_engine);
  twin_plan_free(bench->twin_plan);
  free(bench->memory);
  free(bench->twin_memory);
  rules_free(&bench->set);
}

/* ------------------------------------------------------------------------------------------------- decisions */

static purser_status begin_and_check(void *memory, purser_worker *worker, purser_policy_set *set, request *request) {
  const purser_status status = purser_request_begin(memory, worker, set, &rules_host, request, NULL);
  return status == PURSER_OK ? purser_check(memory, 1, NULL) : status;
}

static void pass_purser(bench *bench, request *requests) {
  size_t i;
  for (i = 0; i < REQUESTS; i++) {
    if (purser_request_begin(bench->memory, bench->worker, bench->policies, &rules_host, &requests[i], NULL) != PURSER_OK) abort();
    if (purser_check(bench->memory, 1, NULL) != PURSER_OK) abort();
    if (purser_request_end(bench->memory) != PURSER_OK) abort();
  }
}

static void pass_twin(bench *bench, request *requests) {
  size_t i;
  for (i = 0; i < REQUESTS; i++) {
    if (twin_begin(bench->twin_memory, bench->twin, bench->twin_set, &rules_host, &requests[i], NULL) != 0) abort();
    if (twin_check(bench->twin_memory, 1, NULL) != 0) abort();
    if (twin_end(bench->twin_memory) != 0) abort();
  }
}

/* Of `count` requests: with many rules all of them take long. */
static void pass_linear(bench *bench, request *requests, size_t count) {
  static volatile uint32_t sink;
  size_t i;
  for (i = 0; i < count; i++) sink = linear_decide(&bench->set, &requests[i]).rule;
  (void)sink;
}

static size_t linear_count(size_t rules) { return rules >= 100000 ? 8 : rules >= 10000 ? 64 : REQUESTS; }

static size_t pass(bench *bench, engine engine, kind kind) {
  size_t count = REQUESTS;
  switch (engine) {
    case PURSER: pass_purser(bench, bench->requests[kind]); break;
    case TWIN: pass_twin(bench, bench->requests[kind]); break;
    default:
      count = linear_count(bench->set.count);
      pass_linear(bench, bench->requests[kind], count);
  }
  return count;
}

/* ------------------------------------------------------------------------------------------------- agreement */

static answer answer_of(void *memory) {
  answer answer = {0, 0, NO_RULE};
  purser_verdict verdict;
  purser_reason_kind reason;
  purser_rule_reference reference;
  demand(purser_decision_verdict(memory, &verdict), "verdict");
  demand(purser_decision_reason_kind(memory, &reason), "reason");
  answer.allows = verdict == PURSER_VERDICT_ALLOW;
  answer.reason = reason;
  if (purser_decision_rule(memory, &reference) == PURSER_OK) {
    char name[16] = {0};
    memcpy(name, reference.rule.data, reference.rule.size < sizeof name ? reference.rule.size : sizeof name - 1);
    answer.rule = (uint32_t)strtoul(name + 1, NULL, 10);
  }
  return answer;
}

static int same(answer a, answer b) { return a.allows == b.allows && a.reason == b.reason && a.rule == b.rule; }

static void complain(const bench *bench, kind kind, size_t number, answer is, answer wanted, const char *who) {
  fprintf(stderr, "%s %zu %s %zu: %s says allows %u reason %u rule %u, linear says %u %u %u\n", shape_names[bench->set.shape],
          bench->set.count, kind_names[kind], number, who, is.allows, is.reason, is.rule, wanted.allows, wanted.reason, wanted.rule);
  exit(1);
}

static void agree(bench *bench, size_t stride) {
  size_t i;
  int kind;
  for (kind = 0; kind < KINDS; kind++) {
    for (i = 0; i < REQUESTS; i += stride) {
      request *request = &bench->requests[kind][i];
      const answer wanted = linear_decide(&bench->set, request);
      answer is;
      demand(begin_and_check(bench->memory, bench->worker, bench->policies, request), "check");
      is = answer_of(bench->memory);
      demand(purser_request_end(bench->memory), "end");
      if (!same(is, wanted)) complain(bench, (enum kind)kind, i, is, wanted, "purser");
      if (twin_begin(bench->twin_memory, bench->twin, bench->twin_set, &rules_host, request, NULL) != 0) abort();
      if (twin_check(bench->twin_memory, 1, NULL) != 0) abort();
      is = twin_answer(bench->twin_memory);
      if (twin_end(bench->twin_memory) != 0) abort();
      if (!same(is, wanted)) complain(bench, (enum kind)kind, i, is, wanted, "twin");
    }
  }
}

/* --------------------------------------------------------------------------------------------------- measure */

static double sample(bench *bench, engine engine, kind kind, int passes) {
  const int64_t started = nanoseconds();
  size_t count = 0;
  int i;
  for (i = 0; i < passes; i++) count += pass(bench, engine, kind);
  return (double)(nanoseconds() - started) / (double)count;
}

static void measure(shape shape, size_t rules) {
  static double times[ENGINES][PASSES];
  bench bench;
  int kind, engine, i;
  size_t before;
  start(&bench, shape, rules);
  before = bytes_in_use();
  pass(&bench, PURSER, RANDOM);
  /* Small plans fit what the worker had. */
  bench.worker_bytes = bytes_in_use() > before ? bytes_in_use() - before : 0;
  agree(&bench, rules >= 100000 ? 16 : 1);
  printf("load %s %zu seconds %.3f cpu %.3f text %zu plan %zu worker %zu resident %zu\n", shape_names[shape], rules, bench.load_seconds, bench.load_cpu_seconds,
         bench.document_bytes, bench.plan_bytes, bench.worker_bytes, bench.resident_bytes);
  for (kind = 0; kind < KINDS; kind++) {
    int passes[ENGINES];
    for (engine = 0; engine < ENGINES; engine++) {
      const double first = sample(&bench, (enum engine)engine, (enum kind)kind, 1);
      passes[engine] = 1 + (int)(SAMPLE_NS / (first * REQUESTS));
    }
    for (i = 0; i < PASSES; i++) {
      for (engine = 0; engine < ENGINES; engine++) {
        /* The linear twin is slow and steady. */
        if (engine == LINEAR && rules >= 1000 && i >= 5) times[engine][i] = times[engine][i % 5];
        else times[engine][i] = sample(&bench, (enum engine)engine, (enum kind)kind, passes[engine]);
      }
    }
    for (engine = 0; engine < ENGINES; engine++) {
      const unsigned long long counted = allocations;
      const size_t count = pass(&bench, (enum engine)engine, (enum kind)kind);
      sort_samples(times[engine], PASSES);
      printf("time %s %zu %s %s min %.1f median %.1f allocations %.2f\n", shape_names[shape], rules, kind_names[kind],
             engine_names[engine], times[engine][0], times[engine][PASSES / 2],
             (double)(allocations - counted) / (double)count);
    }
  }
  stop(&bench);
}

/* --------------------------------------------------------------------------------------------------- threads */

/* Work that shares nothing and touches no memory: what the machine gives to two threads at that moment. */
static void multiply(int passes, int64_t *started_out, pthread_barrier_t *barrier) {
  volatile uint64_t sink;
  uint64_t value = 88172645463325252;
  int i, k;
  pthread_barrier_wait(barrier);
  *started_out = nanoseconds();
  for (i = 0; i < passes; i++) {
    for (k = 0; k < REQUESTS * 100; k++) value = (value ^ value >> 29) * 0x2545F4914F6CDD1D;
  }
  sink = value;
  (void)sink;
}

typedef struct thread {
  bench *bench; /* NULL: multiplies */
  pthread_barrier_t *barrier;
  int passes, checks_answers, wrong;
  int64_t started, ended;
  const answer *wanted; /* of the random requests */
} thread;

static void *run(void *argument) {
  thread *thread = argument;
  request *requests;
  purser_worker *worker;
  void *memory;
  int i;
  size_t k;
  if (thread->bench == NULL) {
    multiply(thread->passes, &thread->started, thread->barrier);
    thread->ended = nanoseconds();
    return NULL;
  }
  requests = thread->bench->requests[RANDOM];
  memory = request_memory(purser_request_size());
  demand(purser_worker_new(thread->bench->engine, &worker), "worker");
  for (i = -1; i < thread->passes; i++) {
    if (i == 0) {
      pthread_barrier_wait(thread->barrier);
      thread->started = nanoseconds();
    }
    for (k = 0; k < REQUESTS; k++) {
      if (begin_and_check(memory, worker, thread->bench->policies, &requests[k]) != PURSER_OK) abort();
      if (thread->checks_answers && !same(answer_of(memory), thread->wanted[k])) thread->wrong++;
      if (purser_request_end(memory) != PURSER_OK) abort();
    }
  }
  thread->ended = nanoseconds();
  demand(purser_worker_free(worker), "worker");
  free(memory);
  return NULL;
}

/* Checks a second, from the first start to the last end, by the threads' own clocks; *wrong_out says how many answers differ. */
static double together(bench *bench, int count, int passes, const answer *wanted, int *wrong_out) {
  pthread_t handles[THREADS_MAX];
  thread threads[THREADS_MAX];
  pthread_barrier_t barrier;
  int64_t started = INT64_MAX, ended = 0;
  int i;
  pthread_barrier_init(&barrier, NULL, (unsigned)count);
  for (i = 0; i < count; i++) {
    thread made = {bench, &barrier, passes, wanted != NULL, 0, 0, 0, wanted};
    threads[i] = made;
    if (pthread_create(&handles[i], NULL, run, &threads[i]) != 0) abort();
  }
  *wrong_out = 0;
  for (i = 0; i < count; i++) {
    pthread_join(handles[i], NULL);
    *wrong_out += threads[i].wrong;
    if (threads[i].started < started) started = threads[i].started;
    if (threads[i].ended > ended) ended = threads[i].ended;
  }
  pthread_barrier_destroy(&barrier);
  return (double)count * passes * REQUESTS * 1e9 / (double)(ended - started);
}

#define ROUNDS 25

/* Rounds take turns, and of each the ratio is taken: a moment in which the machine is busy with other things falls on all. */
static void threads(shape shape, size_t rules) {
  static answer wanted[REQUESTS];
  static double two[ROUNDS], ratio[ROUNDS], multiplied[ROUNDS];
  bench bench;
  int i, wrong;
  start(&bench, shape, rules);
  for (i = 0; i < REQUESTS; i++) wanted[i] = linear_decide(&bench.set, &bench.requests[RANDOM][i]);
  for (i = 0; i < ROUNDS; i++) {
    double one = together(&bench, 1, 100, NULL, &wrong);
    two[i] = together(&bench, 2, 100, NULL, &wrong);
    ratio[i] = two[i] / one;
    one = together(NULL, 1, 100, NULL, &wrong);
    multiplied[i] = together(NULL, 2, 100, NULL, &wrong) / one;
  }
  sort_samples(two, ROUNDS);
  sort_samples(ratio, ROUNDS);
  sort_samples(multiplied, ROUNDS);
  together(&bench, 8, 50, wanted, &wrong);
  printf("threads %s %zu two %.2f ratio %.2f quartiles %.2f %.2f multiplying %.2f quartiles %.2f %.2f eight %d of %d wrong\n", shape_names[shape],
         rules, two[ROUNDS / 2] / 1e6, ratio[ROUNDS / 2], ratio[ROUNDS / 4], ratio[ROUNDS * 3 / 4], multiplied[ROUNDS / 2],
         multiplied[ROUNDS / 4], multiplied[ROUNDS * 3 / 4], wrong, 8 * 51 * REQUESTS);
  stop(&bench);
  if (wrong > 0) exit(1);
}

/* ----------------------------------------------------------------------------------------------------- count */

static void count(shape shape, size_t rules) {
  bench bench;
  int kind, engine;
  char label[128];
  start(&bench, shape, rules);
  agree(&bench, 64);
  for (kind = 0; kind < KINDS; kind++) {
    for (engine = 0; engine < ENGINES; engine++) {
      unsigned long long counted;
      size_t requests;
      if (engine == LINEAR && (rules > 1000 || kind == RANDOM)) continue;
      pass(&bench, (enum engine)engine, (enum kind)kind);
      counted = allocations;
      CALLGRIND_START_INSTRUMENTATION;
      /* Once for the caches, once for the count. */
      pass(&bench, (enum engine)engine, (enum kind)kind);
      CALLGRIND_ZERO_STATS;
      requests = pass(&bench, (enum engine)engine, (enum kind)kind);
      snprintf(label, sizeof label, "%s %zu %s %s %zu %llu", shape_names[shape], rules, kind_names[kind], engine_names[engine],
               requests, allocations - counted);
      CALLGRIND_DUMP_STATS_AT(label);
      CALLGRIND_STOP_INSTRUMENTATION;
    }
  }
  stop(&bench);
}

static int shape_of(const char *name) {
  int shape;
  for (shape = 0; shape < SHAPES; shape++) {
    if (strcmp(shape_names[shape], name) == 0) return shape;
  }
  return -1;
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  int shape, i;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (strcmp(verb, "count") == 0 && argc > 2) {
    for (shape = 0; shape < SHAPES; shape++) {
      int last = argc, wanted = 1;
      for (i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
          last = i;
          wanted = 0;
        } else if (i > last && strcmp(argv[i], shape_names[shape]) == 0) {
          wanted = 1;
        }
      }
      for (i = 2; wanted && i < last; i++) count((enum shape)shape, strtoul(argv[i], NULL, 10));
    }
    return 0;
  }
  if (argc == 4 && (shape = shape_of(argv[2])) >= 0 && strtoul(argv[3], NULL, 10) > 0) {
    if (strcmp(verb, "measure") == 0) {
      measure((enum shape)shape, strtoul(argv[3], NULL, 10));
      return 0;
    }
    if (strcmp(verb, "threads") == 0) {
      threads((enum shape)shape, strtoul(argv[3], NULL, 10));
      return 0;
    }
  }
  fprintf(stderr, "usage: bench_rules measure|threads SHAPE RULES, bench_rules count RULES... [-- SHAPE...]\n");
  return 2;
}

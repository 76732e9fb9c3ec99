/*
 * problems.c - one handle of problems, read by many threads at once: all read the same.
 */
#include <pthread.h>

#include "host.h"

enum { threads_count = 8, rules_count = 60, turns = 50 };

typedef struct reader {
  const purser_problems *problems;
  pthread_barrier_t *start;
  char *text; /* a copy of what was read first */
  size_t size;
  unsigned wrong;
} reader;

static int same(purser_text a, purser_text b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void *read_all(void *pointer) {
  reader *reader = (struct reader *)pointer;
  purser_text text, again;
  purser_problem problem;
  size_t count = 0, at;
  int turn;
  pthread_barrier_wait(reader->start);
  if (purser_problems_text(reader->problems, &text) != PURSER_OK || text.size == 0) {
    reader->wrong += 1;
    return NULL;
  }
  reader->text = (char *)malloc(text.size);
  if (!reader->text) abort();
  reader->size = text.size;
  memcpy(reader->text, text.data, text.size);
  for (turn = 0; turn < turns; turn += 1) {
    if (purser_problems_count(reader->problems, &count) != PURSER_OK || count < rules_count) reader->wrong += 1;
    for (at = 0; at < count; at += 1) {
      if (purser_problems_get(reader->problems, at, &problem) != PURSER_OK || !text_is(problem.file, "test.yaml") ||
          problem.severity != PURSER_SEVERITY_ERROR || !text_has(problem.message, "request.metod"))
        reader->wrong += 1;
    }
    /* Text lives until the problems are freed, so what was got first is as good as what is got now. */
    if (purser_problems_text(reader->problems, &again) != PURSER_OK || !same(text, again) ||
        !same(text, text_bytes(reader->text, reader->size)))
      reader->wrong += 1;
  }
  return NULL;
}

static void eight_threads_read_the_same_problems(void) {
  static char yaml[16384];
  reader readers[threads_count];
  pthread_t threads[threads_count];
  pthread_barrier_t start;
  size_t size = 0;
  int round, at;
  size += (size_t)snprintf(yaml, sizeof yaml, "%sspec:\n  rules:\n", YAML_HEAD("Policy", "p"));
  for (at = 0; at < rules_count; at += 1)
    size += (size_t)snprintf(yaml + size, sizeof yaml - size, "  - {name: r%d, action: DENY, when: request.metod == 'GET'}\n", at);
  REQUIRE(size < sizeof yaml);
  CHECK(pthread_barrier_init(&start, NULL, threads_count) == 0);
  for (round = 0; round < 10; round += 1) { /* whoever comes first may have to make the text: so a new handle each round */
    purser_document document;
    purser_load_options options = load_options(yaml, &document);
    purser_plan *plan = NULL;
    purser_problems *problems = NULL;
    REQUIRE(purser_plan_load(&options, &plan, &problems) == PURSER_PROBLEMS);
    for (at = 0; at < threads_count; at += 1) {
      CLEAR(readers[at]);
      readers[at].problems = problems;
      readers[at].start = &start;
      CHECK(pthread_create(&threads[at], NULL, read_all, &readers[at]) == 0);
    }
    for (at = 0; at < threads_count; at += 1) {
      CHECK(pthread_join(threads[at], NULL) == 0 && readers[at].wrong == 0);
      CHECK(same(text_bytes(readers[0].text, readers[0].size), text_bytes(readers[at].text, readers[at].size)));
    }
    for (at = 0; at < threads_count; at += 1) free(readers[at].text);
    purser_problems_free(problems);
  }
  pthread_barrier_destroy(&start);
}

int main(void) {
  RUN(eight_threads_read_the_same_problems);
  return test_end();
}

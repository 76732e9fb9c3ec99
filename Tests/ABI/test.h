/*
 * test.h - the little that a test program needs: named tests, checks, one line of result for each test.
 *
 * A program runs its tests one after another in one process and prints `ok NAME` or `FAIL NAME`, and at last how many
 * they were; run.sh adds them up and counts a program that dies, or ends before that last line, as one more failure.
 */
#ifndef PURSER_TEST_H
#define PURSER_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every test is built as C11 and as C++17: no designated initialisers, so structs are cleared first. */
#define CLEAR(object) memset(&(object), 0, sizeof(object))

static int test_failures_here;
static int test_failures_all;
static int test_count;

static inline int test_check(int holds, const char *what, const char *file, int line) {
  if (!holds) {
    const char *slash = strrchr(file, '/');
    printf("  %s:%d: does not hold: %s\n", slash ? slash + 1 : file, line, what);
    test_failures_here += 1;
  }
  return holds;
}

#define CHECK(condition) test_check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

/* For what the rest of the test cannot go on without. */
#define REQUIRE(condition) \
  do {                     \
    if (!CHECK(condition)) return; \
  } while (0)

static inline void test_run(const char *name, void (*test)(void)) {
  test_failures_here = 0;
  test();
  printf("%s %s\n", test_failures_here == 0 ? "ok" : "FAIL", name);
  fflush(stdout);
  test_failures_all += test_failures_here;
  test_count += 1;
}

#define RUN(test) test_run(#test, test)

static inline int test_end(void) {
  printf("end of %d tests\n", test_count);
  return test_failures_all == 0 ? 0 : 1;
}

#endif

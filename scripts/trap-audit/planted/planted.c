/* What the audit has to find, and what it must not name: see test.py. PLANT is 1, or 0 for the same without traps. */
#include <stdlib.h>

#if PLANT
#define TRAP_IF(condition) if (condition) __builtin_trap()
#else
#define TRAP_IF(condition) (void)(condition)
#endif
#define APART __attribute__((noinline, noclone))

APART static int called(int a) { TRAP_IF(a == 7); return a * 3; }

APART static int tail_called(int a) { TRAP_IF(a == 8); return a * 5; }

APART static int in_table(int a) { TRAP_IF(a == 9); return a * 7; }

APART static int in_other_table(int a) { return a * 11; }

/* Only the entry that a loader fills in knows this one. */
APART static int stored(int a) { TRAP_IF(a == 10); return a * 13; }

static int (*const table[2])(int) = {in_table, in_other_table};
static int (*slot)(int);

APART static int aborts(int a) {
#if PLANT
  if (a == 11) abort();
#endif
  return a * 17;
}

APART static void *grows(int a) { return a > 12 ? malloc((size_t)a) : NULL; }

APART static int unreached(int a) { if (a == 13) __builtin_trap(); return a * 19; }

int purser_direct(int a) { return called(a) + 1; }
int purser_tail(int a) { return tail_called(a + 1); }
int purser_indirect(int a) { return table[a & 1](a) + 1; }
int purser_stored(int a) { return slot ? slot(a) + 1 : 0; }
int purser_abort(int a) { return aborts(a) + 1; }
int purser_check(int a) { return grows(a) != NULL; }
void purser_load(int a) { slot = a ? stored : NULL; }
int purser_other(int a) { return unreached(a) + 1; }

/*
 * What it takes to load many rules, through the C header.
 *
 *     bench_load load ARRANGEMENT RULES     one plan of RULES rules: seconds, memory, bytes a rule
 *     bench_load reload POLICIES RULES      a set of POLICIES policies with RULES rules each, of which one is changed
 *
 * Arrangements: `one` policy of all rules, `hundred` rules a policy, `each` rule a policy of its own, `long` conditions of about
 * a thousand bytes, a hundred rules a policy; and the shapes of ../rules/rules.h.
 *
 * Lines are words with blanks between them; run.sh makes tables of them.
 */
#define _GNU_SOURCE

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../host.h"
#include "../rules/rules.h"

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

/* ----------------------------------------------------------------------------------------------- documents */

/* RULES rules of about a thousand bytes each, a hundred a policy. */
static document long_document(size_t count) {
  document text = {malloc(count * 2400 + 1024), 0};
  size_t i, k;
  if (text.data == NULL) abort();
  for (i = 0; i < count; i++) {
    if (i % 100 == 0) {
      text.size += (size_t)sprintf(text.data + text.size,
                                   "---\napiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: p-%06zu}\nspec:\n  rules:\n", i / 100);
    }
    text.size += (size_t)sprintf(text.data + text.size, "  - name: r%07zu\n    action: DENY\n    when: |\n      request.method in [\"GET\", \"PUT\", \"POST\"]", i);
    for (k = 0; k < 8; k++) {
      text.size += (size_t)sprintf(text.data + text.size,
                                   "\n      && (request.url_path.startsWith(\"/tenant-%zu/area-%zu/\") || size(request.host) > %zu\n"
                                   "          || \"x-%zu\" in request.headers && request.headers[\"x-%zu\"] != \"v-%zu\")",
                                   i, k, k + i % 1000, k, k, i);
    }
    text.size += (size_t)sprintf(text.data + text.size, "\n");
  }
  return text;
}

static document arranged(const char *arrangement, size_t count) {
  rule_set set;
  document text;
  size_t i, a_policy = 0;
  int shape = SHAPES;
  if (strcmp(arrangement, "long") == 0) return long_document(count);
  if (strcmp(arrangement, "one") == 0) a_policy = count;
  if (strcmp(arrangement, "hundred") == 0) a_policy = 100;
  if (strcmp(arrangement, "each") == 0) a_policy = 1;
  if (a_policy > 0) shape = PATHS;
  for (i = 0; i < SHAPES && shape == SHAPES; i++) {
    if (strcmp(arrangement, shape_names[i]) == 0) shape = (int)i;
  }
  if (shape == SHAPES) exit(2);
  set = rules_make((enum shape)shape, count);
  for (i = 0; i < count && a_policy > 0; i++) set.rules[i].policy = (uint32_t)(i / a_policy);
  text = rules_document(&set);
  rules_free(&set);
  return text;
}

/* ---------------------------------------------------------------------------------------------------- load */

static void show(purser_problems *problems) {
  purser_text words;
  if (problems == NULL) return;
  if (purser_problems_text(problems, &words) == PURSER_OK) fprintf(stderr, "%.*s\n", (int)words.size, words.data);
  purser_problems_free(problems);
}

static void load(const char *arrangement, size_t rules) {
  const document text = arranged(arrangement, rules);
  const purser_document file = {{"rules.yaml", 10}, {text.data, text.size}};
  const purser_load_options options = {.size = sizeof options, .documents = &file, .documents_count = 1};
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  size_t in_use, resident;
  double cpu, seconds;
  int64_t started;
  purser_status status;
  malloc_trim(0);
  in_use = bytes_in_use();
  resident = resident_most();
  cpu = cpu_seconds();
  started = nanoseconds();
  status = purser_plan_load(&options, &plan, &problems);
  seconds = (double)(nanoseconds() - started) / 1e9;
  cpu = cpu_seconds() - cpu;
  show(problems);
  demand(status, "rules");
  printf("load %s %zu seconds %.3f cpu %.3f text %zu plan %zu resident %zu\n", arrangement, rules, seconds, cpu, text.size,
         bytes_in_use() - in_use, resident_most() - resident);
  purser_plan_free(plan);
  free(text.data);
}

/* -------------------------------------------------------------------------------------------------- reload */

typedef struct served {
  purser_engine *engine;
  purser_policy_set *set;
} served;

static double load_set(served *served, const purser_document *documents, size_t count, size_t *compiled, size_t *reused) {
  const purser_load_options options = {.size = sizeof options, .documents = documents, .documents_count = count};
  purser_problems *problems = NULL;
  const int64_t started = nanoseconds();
  const purser_status status = purser_policy_set_load(served->set, &options, &problems);
  const double seconds = (double)(nanoseconds() - started) / 1e9;
  show(problems);
  demand(status, "rules");
  demand(purser_policy_set_compiled(served->set, compiled, reused), "counts");
  return seconds;
}

/* One rule of the policy in the middle is another, as often as there are rounds: one file of all policies, or a file each. */
static void reload(size_t policies, size_t rules, int is_one_file) {
  enum { rounds = 9 };
  const rule_set set = rules_make(PATHS, policies * rules);
  double times[rounds], first;
  document text;
  purser_document *files = calloc(policies, sizeof *files);
  served served = {NULL, NULL};
  size_t i, count = 0, compiled, reused, in_use, in_use_after;
  char *at, *changed = NULL;
  int round;
  if (files == NULL) abort();
  for (i = 0; i < set.count; i++) set.rules[i].policy = (uint32_t)(i / rules);
  text = rules_document(&set);
  for (at = text.data; at != NULL; count++) {
    char *next = strstr(at + 1, "---\napiVersion");
    const size_t size = next == NULL ? text.size - (size_t)(at - text.data) : (size_t)(next - at);
    if (count == policies) abort();
    files[count].name = (purser_text){"rules.yaml", 10};
    files[count].text = (purser_text){at, size};
    if (count == policies / 2) changed = strstr(at, "/items/i-");
    at = next;
  }
  if (changed == NULL) abort();
  if (is_one_file) {
    count = 1;
    files[0].text.size = text.size;
  }
  demand(purser_engine_new(NULL, &served.engine), "engine");
  demand(purser_policy_set_new(served.engine, (purser_text){NULL, 0}, &served.set), "policy set");
  first = load_set(&served, files, count, &compiled, &reused);
  if (compiled != policies || reused != 0) abort();
  in_use = bytes_in_use();
  for (round = 0; round < rounds; round++) {
    memcpy(changed, round % 2 == 0 ? "/items/j-" : "/items/i-", 9);
    times[round] = load_set(&served, files, count, &compiled, &reused);
  }
  in_use_after = bytes_in_use();
  sort_samples(times, rounds);
  printf("reload %zu %zu %s first %.3f again %.3f compiled %zu reused %zu grown %zd\n", policies, rules, is_one_file ? "one" : "each", first,
         times[rounds / 2], compiled, reused, (ssize_t)(in_use_after - in_use));
  demand(purser_policy_set_free(served.set), "policy set");
  demand(purser_engine_free(served.engine), "engine");
  free(files);
  free(text.data);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  if (strcmp(argv[1], "load") == 0) {
    load(argv[2], strtoul(argv[3], NULL, 10));
  } else if (strcmp(argv[1], "reload") == 0) {
    reload(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), 1);
    reload(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), 0);
  } else {
    return 2;
  }
  return 0;
}

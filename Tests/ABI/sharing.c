/*
 * sharing.c - one engine, its policy sets and its backends in the hands of many threads: a set that is freed while it
 * is used, sets that load the same backends at the same time.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "host.h"

/* ------------------------------------------------------------------------- freeing what is in use */

enum { users_count = 4, freers_count = 2 };

typedef struct user {
  house *owner;
  const int *is_over;
  unsigned turns, wrong;
} user;

static void *use(void *pointer) {
  user *user = (struct user *)pointer;
  purser_worker *worker = NULL;
  purser_request *request = request_memory();
  host_request context = host_reviews();
  purser_host host = host_table();
  if (purser_worker_new(user->owner->engine, &worker) != PURSER_OK) __atomic_fetch_add(&user->wrong, 1, __ATOMIC_RELAXED);
  while (worker && !__atomic_load_n(user->is_over, __ATOMIC_ACQUIRE)) {
    purser_verdict verdict = PURSER_VERDICT_DENY;
    purser_reason_kind kind = PURSER_REASON_NO_PLAN;
    if (purser_request_begin(request, worker, user->owner->set, &host, &context, NULL) != PURSER_OK ||
        purser_check(request, 0, NULL) != PURSER_OK || purser_decision_verdict(request, &verdict) != PURSER_OK ||
        purser_decision_reason_kind(request, &kind) != PURSER_OK || verdict != PURSER_VERDICT_ALLOW ||
        kind == PURSER_REASON_NO_PLAN || purser_request_end(request) != PURSER_OK) {
      __atomic_fetch_add(&user->wrong, 1, __ATOMIC_RELAXED);
      break;
    }
    __atomic_fetch_add(&user->turns, 1, __ATOMIC_RELAXED);
  }
  if (purser_worker_free(worker) != PURSER_OK) __atomic_fetch_add(&user->wrong, 1, __ATOMIC_RELAXED);
  free(request);
  return NULL;
}

static void *free_in_vain(void *pointer) {
  user *user = (struct user *)pointer;
  while (!__atomic_load_n(user->is_over, __ATOMIC_ACQUIRE)) {
    if (purser_policy_set_free(user->owner->set) != PURSER_BUSY) {
      __atomic_fetch_add(&user->wrong, 1, __ATOMIC_RELAXED);
      break;
    }
    __atomic_fetch_add(&user->turns, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}

static void a_set_in_use_is_not_freed_and_loses_no_plan(void) {
  house house;
  user users[users_count + freers_count];
  pthread_t threads[users_count + freers_count];
  host_request context = host_reviews();
  purser_host host = host_table();
  int at, is_over = 0, all = users_count + freers_count, turn;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "get") "spec:\n  rules:\n  - {name: get, action: ALLOW, when: request.method == 'GET'}\n"))
    return;
  /* This one stays open, so no free may succeed, whatever the other threads have open at that moment. */
  REQUIRE(purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) == PURSER_OK);
  for (at = 0; at < all; at += 1) {
    CLEAR(users[at]);
    users[at].owner = &house;
    users[at].is_over = &is_over;
    CHECK(pthread_create(&threads[at], NULL, at < users_count ? use : free_in_vain, &users[at]) == 0);
  }
  for (turn = 0; turn < 20000; turn += 1)
    if (!CHECK(purser_policy_set_free(house.set) == PURSER_BUSY)) break;
  for (at = 0; at < all; at += 1) /* until every thread had its turns, or found something wrong */
    while (__atomic_load_n(&users[at].turns, __ATOMIC_RELAXED) < 1000 && !__atomic_load_n(&users[at].wrong, __ATOMIC_RELAXED))
      sched_yield();
  __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
  for (at = 0; at < all; at += 1) CHECK(pthread_join(threads[at], NULL) == 0 && users[at].wrong == 0);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  CHECK(purser_policy_set_free(house.set) == PURSER_BUSY);
  house_end(&house);
  house_close(&house);
}

/* ------------------------------------------------------------------- the same backends in several sets */

enum { loaders_count = 6, loads_count = 4 };

typedef struct loader {
  house *owner;
  purser_policy_set *set;
  pthread_barrier_t *start;
  const char *yaml;
  int number;
  unsigned wrong;
} loader;

/* Odd ones make a set anew for each load, so that the last user of a backend leaves while the next one comes. */
static void *load_again_and_again(void *pointer) {
  loader *loader = (struct loader *)pointer;
  int turn;
  pthread_barrier_wait(loader->start);
  for (turn = 0; turn < loads_count; turn += 1) {
    if (loader->set && loader->number % 2) {
      if (purser_policy_set_free(loader->set) != PURSER_OK) loader->wrong += 1;
      loader->set = NULL;
    }
    if (!loader->set && purser_policy_set_new(loader->owner->engine, text_of("one of many"), &loader->set) != PURSER_OK) {
      loader->wrong += 1;
      return NULL;
    }
    if (set_load(loader->set, loader->yaml, NULL) != PURSER_OK) loader->wrong += 1;
  }
  return NULL;
}

static int lines_of(const char *path) {
  FILE *file = fopen(path, "r");
  int lines = 0, byte;
  if (!file) return -1;
  while ((byte = fgetc(file)) != EOF) lines += byte == '\n';
  fclose(file);
  return lines;
}

/* An address that the system once chose and that is free again. */
static int free_address(char *address, size_t size) {
  house house;
  purser_text text;
  CLEAR(text);
  if (!house_open(&house, NULL, YAML_HEAD("Backend", "prom") "spec: {prometheus: {listen: \"127.0.0.1:0\"}}\n---\n"
                                YAML_HEAD("PolicySet", "s") "spec: {allowEmpty: true}\n"))
    return 0;
  CHECK(purser_backend_address(house.engine, text_of("prom"), &text) == PURSER_OK);
  snprintf(address, size, "%.*s", (int)text.size, text.data);
  purser_text_free(&text);
  house_close(&house);
  return address[0] != 0;
}

static void sets_that_load_the_same_backends_at_once_share_them(void) {
  const char *folder = getenv("PURSER_TEST_FILES");
  char path[4096], yaml[8192], fixed[64] = "";
  loader loaders[loaders_count];
  pthread_t threads[loaders_count];
  pthread_barrier_t start;
  house house;
  purser_host host = host_table();
  host_request context = host_reviews();
  purser_text address, text;
  int round, at;
  REQUIRE(folder != NULL);
  snprintf(path, sizeof path, "%s/sharing-%ld.jsonl", folder, (long)getpid());
  unlink(path);
  REQUIRE(free_address(fixed, sizeof fixed));
  snprintf(yaml, sizeof yaml, "%s%s%s%s%s",
           YAML_HEAD("Policy", "p") "spec: {rules: [{name: put, action: DENY, when: request.method == 'PUT'}]}\n---\n"
           YAML_HEAD("Telemetry", "t") "spec:\n"
           "  metrics: [{name: requests_total, kind: counter, value: 1, labels: {code: response.code}, backends: [prom]}]\n"
           "  accessLog: [{fields: {method: request.method}, backends: [lines]}]\n---\n"
           YAML_HEAD("Backend", "prom") "spec: {prometheus: {listen: \"127.0.0.1:0\"}}\n---\n"
           YAML_HEAD("Backend", "fixed") "spec: {prometheus: {listen: \"", fixed, "\"}}\n---\n"
           YAML_HEAD("Backend", "lines") "spec: {lines: {path: \"", path, "\"}}\n");
  CHECK(pthread_barrier_init(&start, NULL, loaders_count) == 0);
  for (round = 1; round <= 5; round += 1) {
    if (!house_open(&house, NULL, NULL)) return;
    for (at = 0; at < loaders_count; at += 1) {
      CLEAR(loaders[at]);
      loaders[at].owner = &house;
      loaders[at].start = &start;
      loaders[at].yaml = yaml;
      loaders[at].number = at;
      CHECK(pthread_create(&threads[at], NULL, load_again_and_again, &loaders[at]) == 0);
    }
    for (at = 0; at < loaders_count; at += 1) CHECK(pthread_join(threads[at], NULL) == 0 && loaders[at].wrong == 0);
    CLEAR(address);
    CHECK(purser_backend_address(house.engine, text_of("prom"), &address) == PURSER_OK && text_has(address, "127.0.0.1:"));
    purser_text_free(&address);
    CHECK(purser_backend_address(house.engine, text_of("fixed"), &address) == PURSER_OK && text_is(address, fixed));
    purser_text_free(&address);
    for (at = 0; at < loaders_count; at += 1) {
      CHECK(purser_request_begin(house.request, house.worker, loaders[at].set, &host, &context, NULL) == PURSER_OK);
      CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_ALLOW);
      CHECK(purser_report(house.request, 0) == PURSER_OK);
      house_end(&house);
    }
    CHECK(purser_engine_flush(house.engine, 5000) == PURSER_OK);
    CHECK(lines_of(path) == round * loaders_count);
    CLEAR(text);
    CHECK(purser_metrics_render(house.engine, text_of("prom"), &text) == PURSER_OK);
    CHECK(text_has(text, "requests_total{code=\"200\"} 6\n"));
    purser_text_free(&text);
    for (at = 0; at < loaders_count; at += 1) CHECK(purser_policy_set_free(loaders[at].set) == PURSER_OK);
    house_close(&house);
  }
  pthread_barrier_destroy(&start);
  unlink(path);
}

int main(void) {
  RUN(a_set_in_use_is_not_freed_and_loses_no_plan);
  RUN(sets_that_load_the_same_backends_at_once_share_them);
  return test_end();
}

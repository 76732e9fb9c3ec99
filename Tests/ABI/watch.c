/*
 * watch.c - policy sets that follow their files: as Kubernetes mounts them, as editors write them, directories replaced,
 * lists beside them; bad documents, ends at any time, and what is left of it then.
 */
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "process.h"

enum { patience_ms = 20000 };

/* What the callbacks saw. */
typedef struct seen {
  pthread_mutex_t lock;
  int calls, good, bad, prepared, is_closed, wrong;
  purser_status last;
  char problems[512];
  purser_policy_set *set; /* when not NULL, tried to be unwatched and freed from the callback */
} seen;

static void prepare(void *user, const purser_plan *plan) {
  struct seen *seen = (struct seen *)user;
  purser_plan_summary summary;
  CLEAR(summary);
  summary.size = sizeof summary;
  pthread_mutex_lock(&seen->lock);
  seen->prepared += 1;
  if (purser_plan_summarize(plan, &summary) != PURSER_OK || summary.rules == 0) seen->wrong += 1;
  pthread_mutex_unlock(&seen->lock);
}

static void done(void *user, purser_status status, const purser_problems *problems) {
  struct seen *seen = (struct seen *)user;
  purser_text text;
  sigset_t blocked;
  CLEAR(text);
  pthread_mutex_lock(&seen->lock);
  seen->calls += 1;
  seen->last = status;
  if (seen->is_closed) seen->wrong += 1;
  if (pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0 || !sigismember(&blocked, SIGTERM)) seen->wrong += 1;
  *(status == PURSER_OK ? &seen->good : &seen->bad) += 1;
  if (problems && purser_problems_text(problems, &text) != PURSER_OK) seen->wrong += 1;
  snprintf(seen->problems, sizeof seen->problems, "%.*s", (int)text.size, text.data ? text.data : "");
  if (seen->set) {
    if (purser_policy_set_unwatch(seen->set) != PURSER_BUSY || purser_policy_set_free(seen->set) != PURSER_BUSY) seen->wrong += 1;
    if (purser_policy_set_watch(seen->set, NULL, NULL, NULL) != PURSER_INVALID_ARGUMENT) seen->wrong += 1;
  }
  pthread_mutex_unlock(&seen->lock);
}

static int number_of(seen *seen, const int *field) {
  int number;
  pthread_mutex_lock(&seen->lock);
  number = *field;
  pthread_mutex_unlock(&seen->lock);
  return number;
}

static void sleep_ms(long milliseconds) {
  struct timespec time;
  time.tv_sec = milliseconds / 1000;
  time.tv_nsec = milliseconds % 1000 * 1000000;
  nanosleep(&time, NULL);
}

/* ---------------------------------------------------------------------------------------------- a place */

/* A house whose set watches `folder`; its policies answer a request with a number of their own. */
typedef struct place {
  struct house house;
  struct seen seen;
  char folder[512];
} place;

static char *path_in(place *place, const char *name) {
  static char paths[4][1024];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s%s%s", place->folder, name[0] ? "/" : "", name);
  return path;
}

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (!CHECK(file != NULL)) return;
  fputs(text, file);
  CHECK(fclose(file) == 0);
}

static char *policy(int status) {
  static char text[512];
  snprintf(text, sizeof text, YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - {name: all, action: DENY, when: true, response: {status: %d}}\n", status);
  return text;
}

static void move(const char *from, const char *to) { CHECK(rename(from, to) == 0); }

/* The status that decides now; 0 if none. */
static int answer(place *place) {
  host_request context = host_reviews();
  uint32_t status = 0, code = 0;
  if (!house_check(&place->house, &context)) return 0;
  CHECK(purser_decision_status(place->house.request, &status, &code) == PURSER_OK);
  house_end(&place->house);
  return (int)status;
}

static int answers(place *place, int status) {
  int waited;
  for (waited = 0; waited < patience_ms; waited += 5) {
    if (answer(place) == status) return 1;
    sleep_ms(5);
  }
  printf("  %d answers, and not %d; told: %s\n", answer(place), status, place->seen.problems);
  return 0;
}

/* Waits for the number to come. */
static int reaches(place *place, const int *field, int number) {
  int waited;
  for (waited = 0; waited < patience_ms; waited += 5) {
    if (number_of(&place->seen, field) >= number) return 1;
    sleep_ms(5);
  }
  return 0;
}

/* Waits until every plan that was prepared, but the first, was told of. */
static int all_is_told(place *place) {
  int waited;
  for (waited = 0; waited < patience_ms; waited += 5) {
    if (number_of(&place->seen, &place->seen.good) + 1 >= number_of(&place->seen, &place->seen.prepared)) return 1;
    sleep_ms(5);
  }
  return 0;
}

static int threads_become(int count) {
  int waited;
  for (waited = 0; waited < patience_ms && process_threads() != count; waited += 5) sleep_ms(5);
  return process_threads() == count;
}

static purser_status watch(place *place, const char *const *names, size_t count, uint32_t poll_ms) {
  purser_text paths[4];
  purser_load_options options;
  purser_watch watch;
  purser_problems *problems = NULL;
  purser_text text;
  purser_status status;
  size_t at;
  for (at = 0; at < count; at += 1) paths[at] = text_of(path_in(place, names[at]));
  CLEAR(options);
  options.size = sizeof options;
  options.paths = paths;
  options.paths_count = count;
  CLEAR(watch);
  watch.size = sizeof watch;
  watch.user = &place->seen;
  watch.prepare = prepare;
  watch.done = done;
  watch.settle_ms = 20;
  watch.settle_max_ms = 200;
  watch.poll_ms = poll_ms;
  status = purser_policy_set_watch(place->house.set, &options, &watch, &problems);
  if (status != PURSER_OK && problems && purser_problems_text(problems, &text) == PURSER_OK)
    snprintf(place->seen.problems, sizeof place->seen.problems, "%.*s", (int)text.size, text.data);
  purser_problems_free(problems);
  for (at = 0; at < count; at += 1) memset((char *)(uintptr_t)paths[at].data, '?', paths[at].size); /* options are copied */
  return status;
}

static int place_open(place *place) {
  const char *files = getenv("PURSER_TEST_FILES");
  static int number;
  CLEAR(*place);
  pthread_mutex_init(&place->seen.lock, NULL);
  snprintf(place->folder, sizeof place->folder, "%s/watch-%ld-%d", files ? files : "/tmp", (long)getpid(), number++);
  return CHECK(mkdir(place->folder, 0755) == 0) && house_open(&place->house, NULL, NULL);
}

static void place_close(place *place) {
  char command[1100];
  house_close(&place->house);
  CHECK(place->seen.wrong == 0);
  snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
  CHECK(system(command) == 0);
}

static const char *const all[] = {"policies"};

/* ---------------------------------------------------------------------------------------------- the tests */

/* Files behind `..data`, which is renamed over. */
static void mount(place *place, int version, const char *text) {
  char name[64];
  snprintf(name, sizeof name, "policies/..v%d", version);
  CHECK(mkdir(path_in(place, name), 0755) == 0);
  snprintf(name, sizeof name, "policies/..v%d/a.yaml", version);
  write_text(path_in(place, name), text);
  snprintf(name, sizeof name, "..v%d", version);
  CHECK(symlink(name, path_in(place, "policies/..data_tmp")) == 0);
  move(path_in(place, "policies/..data_tmp"), path_in(place, "policies/..data"));
  if (version == 0) return;
  snprintf(name, sizeof name, "policies/..v%d/a.yaml", version - 1);
  CHECK(unlink(path_in(place, name)) == 0);
  snprintf(name, sizeof name, "policies/..v%d", version - 1);
  CHECK(rmdir(path_in(place, name)) == 0);
}

static void a_config_map_is_followed(void) {
  place place;
  int version, before;
  if (!place_open(&place)) return;
  CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
  mount(&place, 0, policy(400));
  CHECK(symlink("..data/a.yaml", path_in(&place, "policies/a.yaml")) == 0);
  CHECK(watch(&place, all, 1, 0) == PURSER_OK);
  CHECK(answer(&place) == 400 && place.seen.calls == 0 && place.seen.prepared == 1);
  CHECK(watch(&place, all, 1, 0) == PURSER_WRONG_STATE);
  for (version = 1; version <= 10; version += 1) {
    mount(&place, version, policy(400 + version));
    CHECK(answers(&place, 400 + version));
  }
  /* Bad documents leave the old ones, once good ones are back all is well. */
  before = number_of(&place.seen, &place.seen.bad);
  mount(&place, 11, "kind: [");
  CHECK(reaches(&place, &place.seen.bad, before + 1));
  CHECK(answer(&place) == 410 && place.seen.last == PURSER_PROBLEMS && strstr(place.seen.problems, "a.yaml:1") != NULL);
  before = number_of(&place.seen, &place.seen.good);
  mount(&place, 12, policy(410));
  CHECK(reaches(&place, &place.seen.good, before + 1));
  mount(&place, 13, policy(413));
  CHECK(answers(&place, 413));
  place_close(&place);
}

static void files_are_followed_however_they_are_written(void) {
  place place;
  const char *const one[] = {"a.yaml"};
  FILE *file;
  if (!place_open(&place)) return;
  write_text(path_in(&place, "a.yaml"), policy(401));
  CHECK(watch(&place, one, 1, 0) == PURSER_OK);
  /* In place: not before the writer closes it. */
  file = fopen(path_in(&place, "a.yaml"), "w");
  REQUIRE(file != NULL);
  fputs("kind: [", file);
  fflush(file);
  sleep_ms(300);
  CHECK(number_of(&place.seen, &place.seen.calls) == 0 && answer(&place) == 401);
  rewind(file);
  fputs(policy(402), file);
  fclose(file);
  CHECK(answers(&place, 402));
  /* Moved over; by way of a backup, as vi does; vanished and back. */
  write_text(path_in(&place, "new"), policy(403));
  move(path_in(&place, "new"), path_in(&place, "a.yaml"));
  CHECK(answers(&place, 403));
  move(path_in(&place, "a.yaml"), path_in(&place, "a.yaml~"));
  write_text(path_in(&place, "a.yaml"), policy(404));
  CHECK(answers(&place, 404));
  CHECK(unlink(path_in(&place, "a.yaml")) == 0);
  CHECK(reaches(&place, &place.seen.bad, 1) && answer(&place) == 404);
  write_text(path_in(&place, "a.yaml"), policy(405));
  CHECK(answers(&place, 405));
  write_text(path_in(&place, "a.yaml"), policy(406));
  CHECK(answers(&place, 406));
  place_close(&place);
}

static void directories_may_be_replaced_and_lists_are_followed(void) {
  place place;
  int before;
  if (!place_open(&place)) return;
  CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
  write_text(path_in(&place, "policies/a.yaml"), policy(401));
  CHECK(watch(&place, all, 1, 0) == PURSER_OK);
  CHECK(mkdir(path_in(&place, "other"), 0755) == 0);
  write_text(path_in(&place, "other/b.yaml"), policy(402));
  move(path_in(&place, "policies"), path_in(&place, "old"));
  move(path_in(&place, "other"), path_in(&place, "policies"));
  CHECK(answers(&place, 402));
  write_text(path_in(&place, "policies/b.yaml"), policy(403));
  CHECK(answers(&place, 403));
  /* A file more, which denies as well, so the first policy by name decides. */
  write_text(path_in(&place, "policies/a.yaml"),
             YAML_HEAD("Policy", "a") "spec:\n  rules:\n  - {name: all, action: DENY, when: \"request.method in lists.m\", response: {status: 404}}\n---\n"
             YAML_HEAD("ValueList", "m") "spec: {type: STRING, file: ../m.txt}\n");
  CHECK(reaches(&place, &place.seen.bad, 1));
  CHECK(strstr(place.seen.problems, "m.txt") != NULL && answer(&place) == 403);
  write_text(path_in(&place, "m.txt"), "GET\n");
  CHECK(answers(&place, 404));
  write_text(path_in(&place, "m.txt"), "PUT\n");
  CHECK(answers(&place, 403));
  write_text(path_in(&place, "m.new"), "GET\n");
  move(path_in(&place, "m.new"), path_in(&place, "m.txt"));
  CHECK(answers(&place, 404));
  CHECK(unlink(path_in(&place, "policies/a.yaml")) == 0);
  CHECK(answers(&place, 403));
  /* What is of no matter, or the same, is not told. A plan decides before it is told of, so that may be still to come. */
  CHECK(all_is_told(&place));
  before = number_of(&place.seen, &place.seen.calls);
  write_text(path_in(&place, "policies/notes.txt"), "x");
  write_text(path_in(&place, "policies/b.yaml"), policy(403));
  sleep_ms(500);
  CHECK(number_of(&place.seen, &place.seen.calls) == before);
  place_close(&place);
}

static void changes_without_end_do_not_put_a_load_off(void) {
  place place;
  time_t end = time(NULL) + 20;
  int number = 0;
  if (!place_open(&place)) return;
  CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
  write_text(path_in(&place, "policies/a.yaml"), policy(401));
  CHECK(watch(&place, all, 1, 0) == PURSER_OK);
  while (number_of(&place.seen, &place.seen.good) < 3 && time(NULL) < end) {
    write_text(path_in(&place, "policies/a.yaml"), policy(400 + number++ % 90));
    sleep_ms(3);
  }
  CHECK(number_of(&place.seen, &place.seen.good) >= 3);
  CHECK(number > number_of(&place.seen, &place.seen.good) * 5); /* gathered */
  place_close(&place);
}

static void a_poll_sees_what_nothing_tells_of(void) {
  place place;
  if (!place_open(&place)) return;
  CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
  write_text(path_in(&place, "policies/a.yaml"), policy(401));
  CHECK(watch(&place, all, 1, 50) == PURSER_OK);
  {
    /* Written through a descriptor that stays open: no writer closes it. */
    FILE *file = fopen(path_in(&place, "policies/a.yaml"), "w");
    REQUIRE(file != NULL);
    fputs(policy(402), file);
    fflush(file);
    CHECK(answers(&place, 402));
    fclose(file);
  }
  place_close(&place);
}

static void nothing_bad_is_watched_and_a_set_may_begin_again(void) {
  place place;
  int threads = process_threads();
  if (!place_open(&place)) return;
  CHECK(watch(&place, all, 1, 0) == PURSER_PROBLEMS && place.seen.problems[0] != 0);
  CHECK(watch(&place, all, 0, 0) == PURSER_INVALID_ARGUMENT);
  CHECK(purser_policy_set_unwatch(place.house.set) == PURSER_NOT_FOUND);
  CHECK(threads_become(threads));
  CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
  write_text(path_in(&place, "policies/a.yaml"), policy(401));
  CHECK(process_threads() == threads);
  CHECK(watch(&place, all, 1, 0) == PURSER_OK && process_threads() == threads + 1);
  CHECK(purser_policy_set_unwatch(place.house.set) == PURSER_OK);
  CHECK(threads_become(threads));
  CHECK(purser_policy_set_unwatch(place.house.set) == PURSER_NOT_FOUND);
  write_text(path_in(&place, "policies/a.yaml"), policy(402));
  sleep_ms(200);
  CHECK(answer(&place) == 401 && place.seen.calls == 0);
  CHECK(watch(&place, all, 1, 0) == PURSER_OK && answer(&place) == 402);
  place_close(&place);
  CHECK(process_threads() == threads);
}

static void its_own_callback_cannot_end_it(void) {
  place place;
  if (!place_open(&place)) return;
  CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
  write_text(path_in(&place, "policies/a.yaml"), policy(401));
  place.seen.set = place.house.set;
  CHECK(watch(&place, all, 1, 0) == PURSER_OK);
  write_text(path_in(&place, "policies/a.yaml"), policy(402));
  CHECK(answers(&place, 402) && reaches(&place, &place.seen.calls, 1));
  place_close(&place);
}

static void it_may_end_while_it_loads(void) {
  char *large = (char *)malloc(1 << 20);
  int turn;
  size_t used = 0;
  REQUIRE(large != NULL);
  for (turn = 0; turn < 4000; turn += 1)
    used += (size_t)sprintf(large + used, YAML_HEAD("Policy", "p%d") "spec: {rules: [{name: r, action: DENY, when: \"request.path == '/%d'\"}]}\n---\n", turn, turn);
  for (turn = 0; turn < 20; turn += 1) {
    place place;
    host_request context = host_reviews();
    purser_host host = host_table();
    if (!place_open(&place)) break;
    CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
    write_text(path_in(&place, "policies/a.yaml"), policy(401));
    CHECK(watch(&place, all, 1, 0) == PURSER_OK);
    write_text(path_in(&place, "policies/b.yaml"), large);
    sleep_ms(15 + turn * 5);
    /* A set in use is not freed, and goes on following. */
    CHECK(purser_request_begin(place.house.request, place.house.worker, place.house.set, &host, &context, NULL) == PURSER_OK);
    CHECK(purser_policy_set_free(place.house.set) == PURSER_BUSY);
    house_end(&place.house);
    if (turn % 2) {
      CHECK(purser_policy_set_unwatch(place.house.set) == PURSER_OK);
      pthread_mutex_lock(&place.seen.lock);
      place.seen.is_closed = 1;
      pthread_mutex_unlock(&place.seen.lock);
    } else if (turn == 0) {
      write_text(path_in(&place, "policies/a.yaml"), policy(402));
      CHECK(answers(&place, 402));
    }
    place_close(&place);
  }
  free(large);
}

static void many_sets_share_one_thread_and_a_child_has_none(void) {
  place places[4];
  const char *const here[] = {""};
  int at, threads = process_threads(), status = -1;
  pid_t child;
  for (at = 0; at < 4; at += 1) {
    if (!place_open(&places[at])) return;
    write_text(path_in(&places[at], "a.yaml"), policy(401));
    if (at > 0) { /* all sets are of the first engine */
      CHECK(purser_policy_set_free(places[at].house.set) == PURSER_OK);
      CHECK(purser_policy_set_new(places[0].house.engine, text_of("x"), &places[at].house.set) == PURSER_OK);
    }
    CHECK(watch(&places[at], here, 1, 0) == PURSER_OK);
  }
  CHECK(process_threads() == threads + 1);
  fflush(stdout);
  child = fork();
  if (child == 0) {
    int good = purser_policy_set_unwatch(places[0].house.set) == PURSER_FORKED &&
               purser_policy_set_watch(places[0].house.set, NULL, NULL, NULL) == PURSER_FORKED && process_threads() == 1;
    _exit(good ? 0 : 1);
  }
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  for (at = 3; at >= 0; at -= 1) {
    write_text(path_in(&places[at], "a.yaml"), policy(402));
    CHECK(reaches(&places[at], &places[at].seen.good, 1));
    if (at > 0) {
      CHECK(purser_policy_set_free(places[at].house.set) == PURSER_OK);
      places[at].house.set = NULL;
      place_close(&places[at]);
    }
  }
  place_close(&places[0]);
  CHECK(process_threads() == threads);
}

static void it_waits_without_working(void) {
  place place;
  struct timespec before, after;
  if (!place_open(&place)) return;
  CHECK(mkdir(path_in(&place, "policies"), 0755) == 0);
  write_text(path_in(&place, "policies/a.yaml"), policy(401));
  CHECK(watch(&place, all, 1, 0) == PURSER_OK);
  sleep_ms(300);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  sleep_ms(1000);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  CHECK((after.tv_sec - before.tv_sec) * 1000000000L + (after.tv_nsec - before.tv_nsec) < 20000000L);
  place_close(&place);
}

int main(void) {
  RUN(a_config_map_is_followed);
  RUN(files_are_followed_however_they_are_written);
  RUN(directories_may_be_replaced_and_lists_are_followed);
  RUN(changes_without_end_do_not_put_a_load_off);
  RUN(a_poll_sees_what_nothing_tells_of);
  RUN(nothing_bad_is_watched_and_a_set_may_begin_again);
  RUN(its_own_callback_cannot_end_it);
  RUN(it_may_end_while_it_loads);
  RUN(many_sets_share_one_thread_and_a_child_has_none);
  RUN(it_waits_without_working);
  return test_end();
}

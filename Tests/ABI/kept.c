/*
 * kept.c - a decision whose provider's answer is kept, in the worker's table or in the store, allocates nothing and makes no
 * system call. The provider is a real server (authorizer.h), asked once for each user.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <dirent.h>

#include "authorizer.h"
#include "counted.h"
#include "host.h"

#define USERS 512
#define TABLE_SMALL 16384 /* holds a few dozen of them */

static const char *const documents_format =
    YAML_HEAD("Policy", "local") "spec:\n  rules:\n"
    "  - {name: old, action: DENY, when: \"'user-agent' in request.headers && request.headers['user-agent'] == 'curl/7.1'\"}\n"
    "  - {name: pages, action: ALLOW, when: \"request.url_path.startsWith('/')\"}\n---\n"
    YAML_HEAD("Policy", "asked") "spec:\n  rules:\n"
    "  - {name: ask, action: CUSTOM, when: \"'x-user' in request.headers\", provider: authorizer, cache: {ttl: 9m, headers: [x-role]}}\n---\n"
    YAML_HEAD("Provider", "authorizer") "spec:\n"
    "  extAuthzHttp: {url: \"http://127.0.0.1:%u\", timeout: 20s, headers: [x-user], upstreamHeaders: [x-role]}\n";

/* ----------------------------------------------------------------------------------------------------- users */

typedef struct users {
  char names[USERS][16];
  purser_entry headers[USERS];
  host_request requests[USERS]; /* the first half is allowed and plain, then come roles, and denials */
} users;

static users everybody;
static int64_t started_ns; /* all checks are of this moment */

static int64_t wall_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const char *path_of(size_t user) { return user < USERS / 2 ? "/reviews/1" : user < USERS / 4 * 3 ? "/who" : "/deny"; }

static void make_users(void) {
  size_t at;
  started_ns = wall_nanoseconds();
  for (at = 0; at < USERS; at += 1) {
    host_request *request = &everybody.requests[at];
    snprintf(everybody.names[at], sizeof everybody.names[at], "user-%04u", (unsigned)at);
    everybody.headers[at] = entry_of("x-user", value_string(everybody.names[at]));
    memset(request, 0, sizeof *request);
    host_set(request, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("GET"));
    host_set(request, PURSER_ATTRIBUTE_REQUEST_PATH, value_string(path_of(at)));
    host_set(request, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(&everybody.headers[at], 1));
  }
}

/* ------------------------------------------------------------------------------------------------- a house */

static char folder[4096];
static char documents[4096];

static void remove_folder(void) {
  DIR *open = opendir(folder);
  struct dirent *entry;
  char path[4400];
  if (open == NULL) return;
  while ((entry = readdir(open)) != NULL) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) unlink(path);
  }
  closedir(open);
  rmdir(folder);
}

/* 1: it is open. 0: the small flavour, which says that it has no providers. */
static int kept_house_open(house *house, size_t worker_bytes) {
  purser_engine_options options;
  purser_problems *problems = NULL;
  purser_text words;
  int is_small = 0;
  CLEAR(options);
  options.size = sizeof options;
  options.store_directory = text_of(folder);
  options.worker_cache_bytes = worker_bytes;
  if (!house_open(house, &options, NULL)) return 0;
  if (set_load(house->set, documents, &problems) == PURSER_OK) return 1;
  if (purser_problems_text(problems, &words) == PURSER_OK) {
    is_small = text_has(words, "this flavour of the library has no providers");
    if (!is_small) printf("%.*s\n", (int)words.size, words.data);
  }
  purser_problems_free(problems);
  CHECK(is_small);
  house_close(house);
  return 0;
}

/* Counted by the check cache since the engine was made. */
static unsigned long events(const house *house, const char *event) {
  purser_text text = text_of(NULL);
  char line[128];
  unsigned long count = 0;
  size_t at;
  int is_there = 0;
  const size_t size = (size_t)snprintf(line, sizeof line, "purser_check_cache_events_total{event=\"%s\"} ", event);
  if (!CHECK(purser_metrics_render(house->engine, text_of(NULL), &text) == PURSER_OK)) return 0;
  for (at = 0; at + size < text.size; at += 1)
    if (memcmp(text.data + at, line, size) == 0) {
      count = strtoul(text.data + at + size, NULL, 10);
      is_there = 1;
    }
  CHECK(is_there);
  purser_text_free(&text);
  return count;
}

/* Whether the decision is as the provider says, made of a kept answer. Checks nothing by test.h: that would print. */
static int decide(house *house, const purser_host *host, size_t user) {
  purser_verdict verdict = PURSER_VERDICT_DENY;
  purser_header header;
  purser_text body = text_of(NULL);
  uint32_t is_cached = 0, status = 0, code = 0;
  size_t headers = 0;
  int is_right;
  if (purser_request_begin(house->request, house->worker, house->set, host, &everybody.requests[user], NULL) != PURSER_OK) return 0;
  is_right = purser_check(house->request, started_ns, NULL) == PURSER_OK &&
             purser_decision_is_cached(house->request, &is_cached) == PURSER_OK && is_cached == 1 &&
             purser_decision_verdict(house->request, &verdict) == PURSER_OK &&
             purser_decision_request_headers_count(house->request, &headers) == PURSER_OK;
  if (user < USERS / 2) {
    is_right = is_right && verdict == PURSER_VERDICT_ALLOW && headers == 0;
  } else if (user < USERS / 4 * 3) {
    is_right = is_right && verdict == PURSER_VERDICT_ALLOW && headers == 1 &&
               purser_decision_request_header(house->request, 0, &header) == PURSER_OK && text_is(header.value, "reader");
  } else {
    is_right = is_right && verdict == PURSER_VERDICT_DENY && purser_decision_status(house->request, &status, &code) == PURSER_OK &&
               status == 401 && purser_decision_body(house->request, &body) == PURSER_OK && text_is(body, "go away\n");
  }
  return purser_request_end(house->request) == PURSER_OK && is_right;
}

static void ask_for_everybody(house *house, authorizer *server) {
  purser_host host = host_table();
  size_t user;
  for (user = 0; user < USERS; user += 1) {
    REQUIRE(purser_request_begin(house->request, house->worker, house->set, &host, &everybody.requests[user], NULL) == PURSER_OK);
    CHECK(purser_check_wait(house->request, started_ns, 0) == PURSER_OK);
    CHECK(purser_request_end(house->request) == PURSER_OK);
  }
  CHECK(authorizer_asked(server) == USERS);
}

/* The store is opened by a thread of the engine's. */
static int store_is_open(house *house) {
  const purser_host host = host_table();
  const int64_t limit = wall_nanoseconds() + (int64_t)20 * 1000000000;
  while (wall_nanoseconds() < limit) {
    if (decide(house, &host, 0)) return 1;
    usleep(1000);
  }
  return 0;
}

/* Decides `rounds` times for everybody; how many decisions were not as they ought to be. */
static unsigned decide_for_everybody(house *house, unsigned rounds) {
  const purser_host host = host_table();
  unsigned round, wrong = 0;
  size_t user;
  for (round = 0; round < rounds; round += 1)
    for (user = 0; user < USERS; user += 1) wrong += decide(house, &host, user) ? 0u : 1u;
  return wrong;
}

/* -------------------------------------------------------------------------------------------- system calls */

static volatile sig_atomic_t system_calls, system_call_number;

static void count_system_call(int number, siginfo_t *information, void *context) {
  (void)number;
  (void)context;
  system_calls = system_calls + 1;
  system_call_number = information->si_syscall;
}

#define ALLOW_CALL(name) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(name), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* From now on the kernel tells of each system call of this thread, instead of doing it, but those that end a thread. 0 where
 * the kernel has no such thing. */
static int trap_system_calls(void) {
  static struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr)),
      ALLOW_CALL(__NR_rt_sigreturn), ALLOW_CALL(__NR_rt_sigprocmask), ALLOW_CALL(__NR_madvise), ALLOW_CALL(__NR_munmap),
      ALLOW_CALL(__NR_exit), ALLOW_CALL(__NR_exit_group),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)};
  struct sock_fprog program;
  program.len = (unsigned short)(sizeof filter / sizeof filter[0]);
  program.filter = filter;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

typedef struct trapped {
  house *of;
  unsigned wrong;
  int is_trapping, calls, call, calls_counted;
} trapped;

static void *run_trapped(void *argument) {
  trapped *run = (trapped *)argument;
  run->is_trapping = trap_system_calls();
  if (!run->is_trapping) return NULL;
  system_calls = 0;
  run->wrong = decide_for_everybody(run->of, 4);
  run->calls = system_calls;
  run->call = system_call_number;
  system_calls = 0;
  syscall(__NR_getppid); /* the trap counts */
  run->calls_counted = system_calls;
  return NULL;
}

static void no_system_call_is_made(house *house) {
  struct sigaction action, before;
  pthread_t thread;
  trapped run;
  CLEAR(run);
  run.of = house;
  CLEAR(action);
  action.sa_sigaction = count_system_call;
  action.sa_flags = SA_SIGINFO;
  REQUIRE(sigaction(SIGSYS, &action, &before) == 0);
  REQUIRE(pthread_create(&thread, NULL, run_trapped, &run) == 0);
  REQUIRE(pthread_join(thread, NULL) == 0);
  sigaction(SIGSYS, &before, NULL);
  if (!run.is_trapping) {
    printf("  system calls are not looked at: this kernel does not filter them\n");
    return;
  }
  CHECK(run.wrong == 0);
  CHECK(run.calls_counted == 1);
  if (!CHECK(run.calls == 0)) printf("  %d system calls, the last one number %d\n", run.calls, run.call);
}

static void nothing_is_allocated(house *house) {
  unsigned wrong;
  CHECK(decide_for_everybody(house, 2) == 0);
  allocated = freed = 0;
  counting = 1;
  wrong = decide_for_everybody(house, 10);
  counting = 0;
  CHECK(wrong == 0);
  if (!CHECK(allocated == 0) || !CHECK(freed == 0)) printf("  %lu allocated, %lu freed\n", allocated, freed);
}

/* ---------------------------------------------------------------------------------------------------- tests */

static void prepare(authorizer *server) {
  const char *files = getenv("PURSER_TEST_FILES");
  REQUIRE(files != NULL);
  REQUIRE(authorizer_start(server, NULL));
  snprintf(folder, sizeof folder, "%s/kept-%ld", files, (long)getpid());
  snprintf(documents, sizeof documents, documents_format, server->port);
  remove_folder();
}

static void an_answer_in_the_workers_table_costs_no_allocation_and_no_system_call(void) {
  authorizer server;
  house house;
  unsigned long hits;
  prepare(&server);
  if (kept_house_open(&house, 0)) {
    ask_for_everybody(&house, &server);
    hits = events(&house, "worker_hit");
    nothing_is_allocated(&house);
    no_system_call_is_made(&house);
    CHECK(events(&house, "worker_hit") - hits >= 12 * USERS);
    CHECK(events(&house, "store_hit") == 0);
    CHECK(authorizer_asked(&server) == USERS);
    house_close(&house);
  }
  authorizer_stop(&server);
  remove_folder();
}

static void an_answer_in_the_store_costs_no_allocation_and_no_system_call(void) {
  authorizer server;
  house house;
  unsigned long hits;
  prepare(&server);
  if (kept_house_open(&house, 0)) {
    ask_for_everybody(&house, &server);
    house_close(&house); /* writes what waits */
    if (kept_house_open(&house, TABLE_SMALL) && CHECK(store_is_open(&house))) {
      hits = events(&house, "store_hit");
      nothing_is_allocated(&house);
      no_system_call_is_made(&house);
      CHECK(events(&house, "store_hit") - hits >= 12 * USERS / 2);
      CHECK(authorizer_asked(&server) == USERS);
      house_close(&house);
    }
  }
  authorizer_stop(&server);
  remove_folder();
}

int main(void) {
  make_users();
  RUN(an_answer_in_the_workers_table_costs_no_allocation_and_no_system_call);
  RUN(an_answer_in_the_store_costs_no_allocation_and_no_system_call);
  return test_end();
}

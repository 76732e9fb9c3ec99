/*
 * loading.c - what libpurser.so does to a process that opens it: needs libc and libm, takes little memory, leaves
 * signals, streams and threads alone. This program names no function of the library, so it is not linked with it.
 */
#include <dlfcn.h>
#include <sys/stat.h>

#include "host.h"
#include "process.h"

typedef void (*function)(void);

/* ISO C knows no cast from an object's pointer to a function's; POSIX promises that the bytes are the same. */
static function function_named(void *library, const char *name) {
  void *found = dlsym(library, name);
  function result = NULL;
  if (found) memcpy(&result, &found, sizeof result);
  return result;
}

static const char *library_path(void) { return getenv("PURSER_TEST_LIBRARY"); }

static void it_needs_libc_and_libm_only(void) {
  char command[4200], line[4096];
  FILE *output;
  int lines = 0;
  REQUIRE(library_path() != NULL);
  snprintf(command, sizeof command, "ldd '%s'", library_path());
  output = popen(command, "r");
  REQUIRE(output != NULL);
  while (fgets(line, sizeof line, output)) {
    purser_text text = text_of(line);
    printf("  ldd: %s", line);
    lines += 1;
    CHECK(text_has(text, "linux-vdso.so") || text_has(text, "/ld-linux") || text_has(text, "libc.so.6 ") ||
          text_has(text, "libm.so.6 "));
  }
  CHECK(pclose(output) == 0 && lines >= 2);
}

static void it_is_small_and_stripped(void) {
  char command[4200], line[256];
  struct stat information;
  FILE *output;
  REQUIRE(library_path() != NULL && stat(library_path(), &information) == 0);
  printf("  %ld bytes\n", (long)information.st_size);
  CHECK(information.st_size < 8L << 20);
  snprintf(command, sizeof command, "readelf -S '%s' | grep -c '\\.symtab\\|\\.debug_'", library_path());
  output = popen(command, "r");
  REQUIRE(output != NULL && fgets(line, sizeof line, output) != NULL);
  CHECK(atoi(line) == 0);
  pclose(output);
}

static const char *const documents =
    YAML_HEAD("Policy", "p") "spec:\n  match: destination.service.host == 'reviews.default.svc.cluster.local'\n  rules:\n"
    "  - {name: get, action: ALLOW, when: request.method == 'GET'}\n"
    "  - {name: agent, action: DENY, when: \"'user-agent' in request.headers && request.headers['user-agent'] == 'bad'\"}\n---\n"
    YAML_HEAD("Telemetry", "t") "spec: {metrics: [{name: requests_total, kind: counter, value: 1, labels: {code: response.code}, backends: [prom]}]}\n---\n"
    YAML_HEAD("Backend", "prom") "spec: {prometheus: {}}\n";

static void it_leaves_the_process_as_it_was(void) {
  static struct sigaction before[NSIG], after[NSIG];
  long resident, grown;
  int threads, turn;
  void *library;
  purser_engine *engine = NULL;
  purser_policy_set *set = NULL;
  purser_worker *worker = NULL;
  purser_request *request = NULL;
  purser_document document;
  purser_load_options options = load_options(documents, &document);
  purser_host host;
  host_request context = host_reviews();
  purser_verdict verdict = PURSER_VERDICT_DENY;
  int output[2], error_output[2], kept_output, kept_error;
  char byte;
  REQUIRE(library_path() != NULL);
  REQUIRE(dlsym(RTLD_DEFAULT, "purser_version") == NULL);
  CLEAR(host);
  host.size = sizeof host;
  host.get = host_get;
  host.entry = host_entry;

  /* What is written to stdout and stderr from here on would be read back below. */
  fflush(stdout);
  REQUIRE(pipe(output) == 0 && pipe(error_output) == 0);
  kept_output = dup(1);
  kept_error = dup(2);
  dup2(output[1], 1);
  dup2(error_output[1], 2);

  process_signal_changes(NULL, before);
  threads = process_threads();
  resident = process_resident_bytes();
  library = dlopen(library_path(), RTLD_NOW | RTLD_LOCAL);
  if (library) {
#define NAMED(result, name, parameters) result(*name) parameters = (result(*) parameters)function_named(library, "purser_" #name)
    NAMED(purser_status, engine_new, (const purser_engine_options *, purser_engine **));
    NAMED(purser_status, engine_free, (purser_engine *));
    NAMED(purser_status, policy_set_new, (purser_engine *, purser_text, purser_policy_set **));
    NAMED(purser_status, policy_set_free, (purser_policy_set *));
    NAMED(purser_status, policy_set_load, (purser_policy_set *, const purser_load_options *, purser_problems **));
    NAMED(purser_status, worker_new, (purser_engine *, purser_worker **));
    NAMED(purser_status, worker_free, (purser_worker *));
    NAMED(size_t, request_size, (void));
    NAMED(purser_status, request_begin,
          (purser_request *, purser_worker *, purser_policy_set *, const purser_host *, void *, const purser_request_options *));
    NAMED(purser_status, check, (purser_request *, int64_t, const purser_pending *));
    NAMED(purser_status, report, (purser_request *, int64_t));
    NAMED(purser_status, request_end, (purser_request *));
    NAMED(purser_status, decision_verdict, (const purser_request *, purser_verdict *));
    void *memory = NULL;
    CHECK(posix_memalign(&memory, 16, request_size()) == 0);
    request = (purser_request *)memory;
    CHECK(engine_new(NULL, &engine) == PURSER_OK);
    CHECK(policy_set_new(engine, text_of("main"), &set) == PURSER_OK);
    CHECK(policy_set_load(set, &options, NULL) == PURSER_OK);
    CHECK(worker_new(engine, &worker) == PURSER_OK);
    for (turn = 0; turn < 10000; turn += 1) {
      request_begin(request, worker, set, &host, &context, NULL);
      check(request, 0, NULL);
      decision_verdict(request, &verdict);
      report(request, 0);
      request_end(request);
    }
    grown = process_resident_bytes() - resident;
    CHECK(process_threads() == threads);
    CHECK(worker_free(worker) == PURSER_OK);
    CHECK(policy_set_free(set) == PURSER_OK);
    CHECK(engine_free(engine) == PURSER_OK);
    free(request);
    CHECK(process_threads() == threads);
    CHECK(process_signal_changes(before, after) == 0);
    CHECK(dlclose(library) == 0);
    CHECK(process_signal_changes(before, after) == 0);
  }
  fflush(stdout);
  dup2(kept_output, 1);
  dup2(kept_error, 2);
  close(output[1]);
  close(error_output[1]);
  if (!library) printf("  %s\n", dlerror());
  REQUIRE(library != NULL);
  while (read(output[0], &byte, 1) == 1) fputc(byte, stdout); /* a failed CHECK above, or the library's */
  CHECK(read(error_output[0], &byte, 1) == 0);
  CHECK(verdict == PURSER_VERDICT_ALLOW);
  printf("  %ld KiB resident\n", grown / 1024);
  CHECK(grown < 8L << 20);
}

int main(void) {
  RUN(it_needs_libc_and_libm_only);
  RUN(it_is_small_and_stripped);
  RUN(it_leaves_the_process_as_it_was);
  return test_end();
}

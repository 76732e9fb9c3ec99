/*
 * documents.c - bad documents through the door: each is a list of problems, never the end of the host.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "host.h"

/* Loads bytes; whatever the status, nothing leaks and problems have text. Returns the status. */
static purser_status load_bytes(const char *data, size_t size) {
  purser_document document;
  purser_load_options options = load_options("", &document);
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  purser_problem problem;
  purser_text text;
  purser_status status;
  size_t count = 0, at;
  document.text = text_bytes(data, size);
  status = purser_plan_load(&options, &plan, &problems);
  if (status == PURSER_PROBLEMS) {
    CHECK(plan == NULL && problems != NULL);
    CHECK(purser_problems_count(problems, &count) == PURSER_OK && count >= 1 && count <= 1000);
    for (at = 0; at < count; at += 1) {
      CHECK(purser_problems_get(problems, at, &problem) == PURSER_OK);
      CHECK(problem.message.size > 0 && problem.message.size < 100000);
    }
    CHECK(purser_problems_text(problems, &text) == PURSER_OK && text_has(text, "error: ") && text.size < 10000000);
  } else {
    CHECK(status == PURSER_OK);
  }
  purser_problems_free(problems);
  purser_plan_free(plan);
  return status;
}

#define REFUSED(literal) CHECK(load_bytes(literal, sizeof(literal) - 1) == PURSER_PROBLEMS)

static void what_is_no_yaml_is_refused(void) {
  REFUSED("kind: [");
  REFUSED("a: b: c: d");
  REFUSED("\t\tkind: x");
  REFUSED("%YAML 9.9\n---\nkind: Policy\n");
  REFUSED("\"unfinished");
  REFUSED("{{{{{{");
  REFUSED("- a\nb: c\n");
  REFUSED("&a [*a, *a]");
  REFUSED("kind: *nothing");
}

static void bytes_that_are_no_text_are_refused(void) {
  REFUSED("kind: \xff\xfe\xfd");
  REFUSED("\xff\xfe");
  REFUSED("kind: Pol\x00icy");
  REFUSED("\x00\x00\x00\x00");
  REFUSED("\xed\xa0\x80: x");
  REFUSED("apiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: \"a\\0b\"}\nspec: {rules: [{name: x, action: DENY, when: true}]}\n");
}

static void documents_that_are_none_are_refused(void) {
  REFUSED("42\n");
  REFUSED("- 1\n- 2\n");
  REFUSED("just text\n");
  REFUSED("kind: Nonsense\n");
  REFUSED("apiVersion: purser.dev/v9\nkind: Policy\nmetadata: {name: a}\nspec: {}\n");
  REFUSED("apiVersion: purser.dev/v1alpha1\nkind: Nonsense\nmetadata: {name: a}\nspec: {}\n");
  REFUSED("apiVersion: purser.dev/v1alpha1\nkind: Policy\nspec: {rules: []}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: {}}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [7]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: MAYBE, when: true}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: CUSTOM, when: true, provider: opa}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: LIMIT, when: true, quota: {key: [request.path], limit: 1, per: 1s}}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: 'response.code == 200'}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: 'request.path'}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: 'request.path == 7'}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: '1 +'}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: 'request.path.matches(\"(\")'}]}\n");
  REFUSED(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: true}]}\n---\n"
          YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: true}]}\n");
}

static void a_load_without_a_document_is_refused(void) {
  const char *folder = getenv("PURSER_TEST_FILES");
  char path[4096], file[4200];
  purser_load_options options;
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  purser_text paths[1];
  FILE *stream;
  REFUSED("");
  REFUSED("\n\n  \n");
  REFUSED("# only a comment\n# and another\n");
  REFUSED("---\n");
  REFUSED("---\n---\n# nothing\n...\n");
  /* Beside a document an empty one is none. */
  CHECK(load_bytes("---\n" YAML_HEAD("PolicySet", "s") "spec: {allowEmpty: true}\n---\n# the end\n",
                   sizeof("---\n" YAML_HEAD("PolicySet", "s") "spec: {allowEmpty: true}\n---\n# the end\n") - 1) == PURSER_OK);

  REQUIRE(folder != NULL);
  snprintf(path, sizeof path, "%s/nothing", folder);
  mkdir(path, 0755);
  CLEAR(options);
  options.size = sizeof options;
  options.paths = paths;
  options.paths_count = 1;
  paths[0] = text_of(path);
  CHECK(purser_plan_load(&options, &plan, &problems) == PURSER_PROBLEMS && plan == NULL && problems != NULL);
  purser_problems_free(problems);
  snprintf(file, sizeof file, "%s/empty.yaml", path);
  stream = fopen(file, "w");
  REQUIRE(stream != NULL);
  fclose(stream);
  problems = NULL;
  CHECK(purser_plan_load(&options, &plan, &problems) == PURSER_PROBLEMS && plan == NULL && problems != NULL);
  purser_problems_free(problems);
  paths[0] = text_of(file);
  CHECK(purser_plan_load(&options, &plan, NULL) == PURSER_PROBLEMS && plan == NULL);
  remove(file);
}

#define DENY_WHEN(expression) YAML_HEAD("Policy", "a") "spec:\n  rules:\n  - name: a\n    action: DENY\n    when: >-\n      " expression "\n"
#define ACCEPTED(literal) CHECK(load_bytes(literal, sizeof(literal) - 1) == PURSER_OK)

/* What is compiled at load costs nothing later; what comes with a request would be compiled there. */
static void patterns_and_zones_are_literals(void) {
  REFUSED(DENY_WHEN("request.path.matches(request.method)"));
  REFUSED(DENY_WHEN("request.path.matches('^/' + request.method)"));
  REFUSED(DENY_WHEN("'x-p' in request.headers && request.path.matches(request.headers['x-p'])"));
  REFUSED(DENY_WHEN("request.path.matches(request.method == 'GET' ? '^/a' : '^/b')"));
  REFUSED(DENY_WHEN("['^/a', '^/b'].exists(p, request.path.matches(p))"));
  REFUSED(DENY_WHEN("matches(request.path, request.method)"));
  REFUSED(DENY_WHEN("request.time.getHours(request.method) == 7"));
  REFUSED(DENY_WHEN("request.time.getDayOfWeek('Europe/' + request.method) == 7"));
  REFUSED(DENY_WHEN("'x-tz' in request.headers && request.time.getMinutes(request.headers['x-tz']) == 7"));
  REFUSED(DENY_WHEN("['UTC', 'Europe/Berlin'].exists(z, request.time.getFullYear(z) == 1999)"));
  REFUSED(YAML_HEAD("Policy", "a") "spec:\n  match: request.path.matches(request.method)\n  rules: [{name: a, action: DENY, when: true}]\n");
  ACCEPTED(DENY_WHEN("request.path.matches('^/a[0-9]+$')"));
  ACCEPTED(DENY_WHEN("matches(request.path, '^/a[0-9]+$')"));
  ACCEPTED(DENY_WHEN("request.time.getHours('Europe/Berlin') == 7"));
  ACCEPTED(DENY_WHEN("request.time.getHours('+02:00') == 7 && request.time.getHours('UTC') == 5 && request.time.getHours() == 5"));
  ACCEPTED(YAML_HEAD("Policy", "a") "spec:\n  match: request.path.matches('^/a')\n  rules: [{name: a, action: DENY, when: true}]\n");
}

static char *repeated(const char *head, const char *unit, size_t count, const char *tail, size_t *size_out) {
  size_t head_size = strlen(head), unit_size = strlen(unit), tail_size = strlen(tail), at;
  char *text = (char *)malloc(head_size + unit_size * count + tail_size + 1);
  char *end = text;
  if (!text) abort();
  memcpy(end, head, head_size);
  end += head_size;
  for (at = 0; at < count; at += 1, end += unit_size) memcpy(end, unit, unit_size);
  memcpy(end, tail, tail_size + 1);
  *size_out = (size_t)(end - text) + tail_size;
  return text;
}

static void nesting_is_bounded_in_yaml_and_in_expressions(void) {
  static const char *const policy = YAML_HEAD("Policy", "a") "spec:\n  rules:\n  - name: a\n    action: DENY\n    when: '";
  static const char *const units[][2] = {{"[", ""}, {"{a: ", ""}, {"- ", ""}, {"? ", ""}};
  static const char *const expressions[][2] = {
      {"(", "true"}, {"!", "true"}, {"[", "1"}, {"-", "1"}, {"true && (", ""}, {"true ? true : ", "true"}, {"{1: ", "1"},
      {"request.path.size() + (", "1"}, {"true || ", "true"}, {"1 + ", "1 == 1"}, {"dyn(", "1"}};
  size_t at, size;
  for (at = 0; at < sizeof units / sizeof units[0]; at += 1) {
    char *text = repeated("spec: ", units[at][0], 10000, "", &size);
    CHECK(load_bytes(text, size) == PURSER_PROBLEMS);
    free(text);
  }
  for (at = 0; at < sizeof expressions / sizeof expressions[0]; at += 1) {
    char *tail = (char *)malloc(64), *text;
    snprintf(tail, 64, "%s'\n", expressions[at][1]);
    text = repeated(policy, expressions[at][0], 10000, tail, &size);
    (void)load_bytes(text, size); /* refused, or flat after all */
    free(text);
    text = repeated(policy, expressions[at][0], 1000000, tail, &size);
    CHECK(load_bytes(text, size) == PURSER_PROBLEMS);
    free(text);
    free(tail);
  }
}

static void ten_megabytes_are_read_or_refused(void) {
  size_t size;
  char *text = repeated(YAML_HEAD("Policy", "a") "spec:\n  rules:\n  - {name: a, action: DENY, when: false}\n", "# filler\n",
                        (10 << 20) / 9, "", &size);
  (void)load_bytes(text, size);
  free(text);
  text = repeated("a: ", "x", 10 << 20, "\n", &size);
  CHECK(load_bytes(text, size) == PURSER_PROBLEMS);
  free(text);
  text = repeated("", "- a\n", 10 << 18, "", &size);
  CHECK(load_bytes(text, size) == PURSER_PROBLEMS);
  free(text);
  text = repeated("", "---\nx\n", 100000, "", &size);
  CHECK(load_bytes(text, size) == PURSER_PROBLEMS);
  free(text);
}

static void aliases_do_not_multiply(void) {
  REFUSED("a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
          "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
          "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
          "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]\n"
          "i: &i [*h, *h, *h, *h, *h, *h, *h, *h, *h, *h]\n");
  REFUSED("spec: &a\n  rules: *a\n");
  REFUSED("spec: &a {<<: *a}\n");
}

/* Every prefix and many one-byte changes of a document with every kind in it. */
static void no_damage_to_a_good_document_harms_the_host(void) {
  static const char good[] =
      YAML_HEAD("Policy", "p") "spec:\n  mode: Shadow\n  match: request.method in ['GET']\n  rules:\n"
      "  - name: a\n    action: ALLOW\n    when: 'source.address in lists.office && \"x\" in request.headers'\n"
      "    requestHeaders: {set: {x-a: b}, remove: [x-c]}\n---\n"
      YAML_HEAD("ValueList", "office") "spec: {type: CIDR, values: [10.0.0.0/8, \"2001:db8::/32\"]}\n---\n"
      YAML_HEAD("Telemetry", "t") "spec:\n  metrics:\n  - {name: requests_total, kind: counter, value: 1, labels: {code: response.code}, backends: [prom]}\n---\n"
      YAML_HEAD("Backend", "prom") "spec: {prometheus: {}}\n---\n"
      YAML_HEAD("AttributeManifest", "m") "spec: {attributes: {company.user: {type: string, phase: request}}}\n---\n"
      YAML_HEAD("PolicySet", "s") "spec: {default: ALLOW, pathNormalization: BASE}\n";
  static const char bytes[] = {0, '\n', ':', '{', '\'', '&', '*', (char)0xff, '9', '-'};
  char text[sizeof good];
  size_t size, at, byte;
  CHECK(load_bytes(good, sizeof good - 1) == PURSER_OK);
  for (size = 0; size < sizeof good - 1; size += 3) (void)load_bytes(good, size);
  for (at = 0; at < sizeof good - 1; at += 5) {
    byte = (at / 5) % sizeof bytes;
    memcpy(text, good, sizeof good);
    text[at] = bytes[byte];
    (void)load_bytes(text, sizeof good - 1);
  }
}

static void files_and_folders_that_cannot_be_read_are_problems(void) {
  const char *folder = getenv("PURSER_TEST_FILES");
  char path[4096], file[4200];
  purser_load_options options;
  purser_plan *plan = NULL;
  purser_problems *problems = NULL;
  purser_text text, paths[1];
  FILE *stream;
  REQUIRE(folder != NULL);
  CLEAR(options);
  options.size = sizeof options;
  options.paths = paths;
  options.paths_count = 1;

  snprintf(path, sizeof path, "%s/not-there.yaml", folder);
  paths[0] = text_of(path);
  CHECK(purser_plan_load(&options, &plan, &problems) == PURSER_PROBLEMS);
  REQUIRE(problems != NULL);
  CHECK(purser_problems_text(problems, &text) == PURSER_OK && text_has(text, "not-there.yaml"));
  purser_problems_free(problems);
  paths[0] = text_bytes("a\0b", 3);
  CHECK(purser_plan_load(&options, &plan, NULL) == PURSER_PROBLEMS);
  paths[0] = text_of("/dev/zero");
  CHECK(purser_plan_load(&options, &plan, NULL) == PURSER_PROBLEMS);
  paths[0] = text_of("/proc/self/mem");
  CHECK(purser_plan_load(&options, &plan, NULL) == PURSER_PROBLEMS);

  /* A folder is read whole, its other files and hidden folders are not. */
  snprintf(path, sizeof path, "%s/folder", folder);
  mkdir(path, 0755);
  snprintf(file, sizeof file, "%s/a.yaml", path);
  stream = fopen(file, "w");
  REQUIRE(stream != NULL);
  fputs(YAML_HEAD("Policy", "a") "spec: {rules: [{name: a, action: DENY, when: request.method == 'PUT'}]}\n", stream);
  fclose(stream);
  snprintf(file, sizeof file, "%s/notes.txt", path);
  stream = fopen(file, "w");
  REQUIRE(stream != NULL);
  fputs("kind: [", stream);
  fclose(stream);
  paths[0] = text_of(path);
  problems = NULL;
  CHECK(purser_plan_load(&options, &plan, &problems) == PURSER_OK);
  purser_problems_free(problems);
  purser_plan_free(plan);
}

int main(void) {
  RUN(what_is_no_yaml_is_refused);
  RUN(bytes_that_are_no_text_are_refused);
  RUN(documents_that_are_none_are_refused);
  RUN(a_load_without_a_document_is_refused);
  RUN(patterns_and_zones_are_literals);
  RUN(nesting_is_bounded_in_yaml_and_in_expressions);
  RUN(ten_megabytes_are_read_or_refused);
  RUN(aliases_do_not_multiply);
  RUN(no_damage_to_a_good_document_harms_the_host);
  RUN(files_and_folders_that_cannot_be_read_are_problems);
  return test_end();
}

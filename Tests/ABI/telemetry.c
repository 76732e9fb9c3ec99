/*
 * telemetry.c - what reports leave behind: the rendered metrics, their overflow, the log records in a file.
 */
#include <unistd.h>

#include "host.h"

static int rendered_has(purser_engine *engine, const char *backend, const char *line) {
  purser_text text;
  int found;
  CLEAR(text);
  if (!CHECK(purser_metrics_render(engine, text_of(backend), &text) == PURSER_OK)) return 0;
  found = text_has(text, line);
  if (!found) printf("  no `%s` in:\n%.*s\n", line, (int)text.size, text.data);
  purser_text_free(&text);
  return found;
}

static const char *const metrics =
    YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - {name: put, action: DENY, when: request.method == 'PUT'}\n---\n"
    YAML_HEAD("Telemetry", "t") "spec:\n  metrics:\n"
    "  - name: requests_total\n    kind: counter\n    value: 1\n    backends: [prom]\n"
    "    labels: {code: response.code, verdict: purser.verdict, method: request.method}\n"
    "  - name: duration_seconds\n    kind: distribution\n    value: double(request.size)\n    buckets: [10, 100, 1000]\n    backends: [prom]\n"
    "  - name: last_size\n    kind: gauge\n    value: request.size\n    backends: [prom]\n"
    "  - name: by_user\n    kind: counter\n    value: 1\n    seriesMax: 3\n    backends: [prom]\n"
    "    labels: {user: \"request.headers['x-user']\"}\n---\n"
    YAML_HEAD("Backend", "prom") "spec: {prometheus: {}}\n";

static void reports_become_prometheus_text(void) {
  house house;
  host_request context = host_reviews();
  int turn;
  if (!house_open(&house, NULL, metrics)) return;
  for (turn = 0; turn < 5; turn += 1) {
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_SIZE, value_int(50 * turn));
    house_serve(&house, &context);
  }
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("PUT"));
  host_set(&context, PURSER_ATTRIBUTE_RESPONSE_CODE, value_int(403));
  house_serve(&house, &context);
  CHECK(rendered_has(house.engine, "prom", "# TYPE requests_total counter\n"));
  CHECK(rendered_has(house.engine, "prom", "requests_total{code=\"200\",method=\"GET\",verdict=\"allow\"} 5\n") ||
        rendered_has(house.engine, "prom", "requests_total{code=\"200\",verdict=\"allow\",method=\"GET\"} 5\n"));
  CHECK(rendered_has(house.engine, "prom", "verdict=\"deny\""));
  CHECK(rendered_has(house.engine, "prom", "# TYPE duration_seconds histogram\n"));
  CHECK(rendered_has(house.engine, "prom", "duration_seconds_bucket{le=\"+Inf\"} 6\n"));
  CHECK(rendered_has(house.engine, "prom", "duration_seconds_count 6\n"));
  CHECK(rendered_has(house.engine, "prom", "duration_seconds_sum 700\n"));
  CHECK(rendered_has(house.engine, "prom", "last_size 200\n"));
  CHECK(rendered_has(house.engine, "", "requests_total{"));
  CHECK(rendered_has(house.engine, "", "purser_"));
  house_close(&house);
}

static void series_past_the_cap_are_counted_together(void) {
  house house;
  host_request context = host_reviews();
  purser_entry headers[1];
  char user[16];
  int turn;
  if (!house_open(&house, NULL, metrics)) return;
  for (turn = 0; turn < 100; turn += 1) {
    snprintf(user, sizeof user, "user-%d", turn);
    headers[0] = entry_of("x-user", value_string(user));
    host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 1));
    house_serve(&house, &context);
  }
  CHECK(rendered_has(house.engine, "prom", "by_user{user=\"user-0\"} 1\n"));
  CHECK(rendered_has(house.engine, "prom", "otel_metric_overflow=\"true\""));
  CHECK(rendered_has(house.engine, "prom", "requests_total{"));
  house_close(&house);
}

static void a_label_that_errs_is_unknown_and_odd_text_is_escaped(void) {
  house house;
  host_request context = host_reviews();
  purser_entry headers[1];
  if (!house_open(&house, NULL, metrics)) return;
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 0));
  house_serve(&house, &context);
  CHECK(rendered_has(house.engine, "prom", "by_user{user=\"unknown\"} 1\n"));
  headers[0] = entry_of("x-user", value_string("a\"b\\c\nd"));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 1));
  house_serve(&house, &context);
  CHECK(rendered_has(house.engine, "prom", "by_user{user=\"a\\\"b\\\\c\\nd\"} 1\n"));
  house_close(&house);
}

static void counts_go_on_after_a_reload_and_after_their_worker(void) {
  house house;
  host_request context = host_reviews();
  char yaml[4096];
  if (!house_open(&house, NULL, metrics)) return;
  house_serve(&house, &context);
  snprintf(yaml, sizeof yaml, "%s---\n%s", metrics, YAML_HEAD("PolicySet", "s") "spec: {default: ALLOW}\n");
  CHECK(set_loads(house.set, yaml));
  house_serve(&house, &context);
  CHECK(purser_worker_free(house.worker) == PURSER_OK);
  house.worker = NULL;
  CHECK(purser_worker_new(house.engine, &house.worker) == PURSER_OK);
  house_serve(&house, &context);
  CHECK(rendered_has(house.engine, "prom", "by_user{user=\"jason\"} 3\n"));
  house_close(&house);
}

static void log_records_reach_their_file_line_by_line(void) {
  const char *folder = getenv("PURSER_TEST_FILES");
  char path[4096], yaml[8192], line[8192];
  house house;
  host_request context = host_reviews();
  FILE *file;
  int lines = 0, turn;
  REQUIRE(folder != NULL);
  snprintf(path, sizeof path, "%s/access-%ld.jsonl", folder, (long)getpid());
  unlink(path);
  snprintf(yaml, sizeof yaml, "%s%s%s", YAML_HEAD("Policy", "p")
           "spec:\n  rules:\n  - {name: put, action: DENY, when: request.method == 'PUT'}\n---\n"
           YAML_HEAD("Telemetry", "t") "spec:\n  accessLog:\n"
           "  - when: response.code >= 400\n    fields: {method: request.method, path: request.url_path, why: purser.reason, code: response.code}\n"
           "    backends: [lines]\n---\n"
           YAML_HEAD("Backend", "lines") "spec: {lines: {path: \"", path, "\"}}\n");
  if (!house_open(&house, NULL, yaml)) return;
  house_serve(&house, &context);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("PUT"));
  host_set(&context, PURSER_ATTRIBUTE_RESPONSE_CODE, value_int(403));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_PATH, value_string("/a\"b\x01\xc3\xa9"));
  for (turn = 0; turn < 3; turn += 1) house_serve(&house, &context);
  CHECK(purser_engine_flush(house.engine, 5000) == PURSER_OK);
  file = fopen(path, "r");
  REQUIRE(file != NULL);
  while (fgets(line, sizeof line, file)) {
    purser_text text = text_of(line);
    lines += 1;
    CHECK(line[0] == '{' && text.size > 2 && line[text.size - 1] == '\n' && line[text.size - 2] == '}');
    CHECK(text_has(text, "\"method\":\"PUT\"") && text_has(text, "put") && text_has(text, "\"code\":403"));
    CHECK(text_has(text, "\\\"b\\u0001"));
  }
  fclose(file);
  CHECK(lines == 3);
  house_close(&house);
  unlink(path);
}

static void what_was_reported_before_the_end_is_written_by_the_end(void) {
  const char *folder = getenv("PURSER_TEST_FILES");
  char path[4096], yaml[8192], line[8192];
  house house;
  host_request context = host_reviews();
  FILE *file;
  int lines = 0, turn;
  REQUIRE(folder != NULL);
  snprintf(path, sizeof path, "%s/end-%ld.jsonl", folder, (long)getpid());
  unlink(path);
  snprintf(yaml, sizeof yaml, "%s%s%s",
           YAML_HEAD("Telemetry", "t") "spec: {accessLog: [{fields: {method: request.method}, backends: [lines]}]}\n---\n"
           YAML_HEAD("Backend", "lines") "spec: {lines: {path: \"", path, "\"}}\n");
  if (!house_open(&house, NULL, yaml)) return;
  for (turn = 0; turn < 200; turn += 1) house_serve(&house, &context);
  house_close(&house);
  file = fopen(path, "r");
  REQUIRE(file != NULL);
  while (fgets(line, sizeof line, file)) lines += 1;
  fclose(file);
  CHECK(lines == 200);
  unlink(path);
}

static void a_file_that_cannot_be_written_is_said_at_load(void) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - {name: put, action: DENY, when: request.method == 'PUT'}\n")) return;
  CHECK(set_load(house.set,
                 YAML_HEAD("Policy", "p") "spec: {rules: [{name: all, action: DENY, when: true}]}\n---\n"
                 YAML_HEAD("Telemetry", "t") "spec: {accessLog: [{fields: {method: request.method}, backends: [lines]}]}\n---\n"
                 YAML_HEAD("Backend", "lines") "spec: {lines: {path: \"/nowhere/at/all.jsonl\"}}\n", NULL) == PURSER_UNAVAILABLE);
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

int main(void) {
  RUN(reports_become_prometheus_text);
  RUN(series_past_the_cap_are_counted_together);
  RUN(a_label_that_errs_is_unknown_and_odd_text_is_escaped);
  RUN(counts_go_on_after_a_reload_and_after_their_worker);
  RUN(log_records_reach_their_file_line_by_line);
  RUN(what_was_reported_before_the_end_is_written_by_the_end);
  RUN(a_file_that_cannot_be_written_is_said_at_load);
  return test_end();
}

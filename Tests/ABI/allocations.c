/*
 * allocations.c - after warm-up a request allocates nothing, from begin to end. counted.h counts.
 */
#include <unistd.h>

#include "counted.h"
#include "host.h"

static const char *const documents_before =
    YAML_HEAD("Policy", "p") "spec:\n  match: destination.service.host == 'reviews.default.svc.cluster.local'\n  rules:\n"
    "  - name: productpage\n    action: ALLOW\n"
    "    when: source.principal == 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage' && request.url_path.startsWith('/reviews/')\n"
    "    requestHeaders: {set: {x-caller: productpage, x-more: b}, remove: [x-internal]}\n"
    "  - name: old\n    action: DENY\n    when: \"'user-agent' in request.headers && request.headers['user-agent'].startsWith('curl/7.')\"\n"
    "    response: {status: 403, headers: {x-reason: old-client}, body: 'upgrade'}\n"
    "  - {name: digits, action: AUDIT, when: \"request.path.matches('^/reviews/[0-9]+')\"}\n"
    "  - {name: agents, action: AUDIT, when: \"request.headers.exists(k, k == 'x-user')\"}\n"
    "  - {name: built, action: AUDIT, when: \"(request.method + ' ' + request.path).size() > 1000\"}\n---\n"
    YAML_HEAD("Policy", "shadow") "spec: {mode: Shadow, rules: [{name: s, action: DENY, when: request.method == 'GET'}]}\n---\n"
    YAML_HEAD("Telemetry", "t") "spec:\n  metrics:\n"
    "  - {name: requests_total, kind: counter, value: 1, labels: {code: response.code, verdict: purser.verdict, rule: purser.rule, host: destination.service.host}, backends: [prom]}\n"
    "  - {name: size_bytes, kind: distribution, value: request.size, labels: {code: response.code}, backends: [prom]}\n"
    "  - {name: size_last, kind: gauge, value: request.size, backends: [prom]}\n"
    "  accessLog:\n  - when: response.code >= 400\n"
    "    fields: {method: request.method, path: request.url_path, why: purser.reason, user: \"request.headers['x-user']\"}\n"
    "    backends: [lines]\n---\n"
    YAML_HEAD("Backend", "prom") "spec: {prometheus: {}}\n---\n"
    YAML_HEAD("Backend", "lines") "spec: {lines: {path: \"";

/* An allowed request, a denied one, and one that errs. */
static void three_requests(house *house, const purser_host *host, host_request *contexts) {
  purser_text text;
  purser_header header;
  purser_rule_reference rule;
  size_t count, at;
  int which;
  for (which = 0; which < 3; which += 1) {
    if (purser_request_begin(house->request, house->worker, house->set, host, &contexts[which], NULL) != PURSER_OK) abort();
    if (purser_check(house->request, 1767323045000000000, NULL) != PURSER_OK) abort();
    purser_decision_message(house->request, &text);
    purser_decision_body(house->request, &text);
    purser_decision_reason(house->request, &text);
    purser_decision_rule(house->request, &rule);
    if (purser_decision_request_headers_count(house->request, &count) == PURSER_OK)
      for (at = 0; at < count; at += 1) purser_decision_request_header(house->request, at, &header);
    if (purser_decision_response_headers_count(house->request, &count) == PURSER_OK)
      for (at = 0; at < count; at += 1) purser_decision_response_header(house->request, at, &header);
    if (purser_report(house->request, 1767323046000000000) != PURSER_OK) abort();
    if (purser_request_end(house->request) != PURSER_OK) abort();
  }
}

static void a_warm_request_allocates_nothing(void) {
  const char *folder = getenv("PURSER_TEST_FILES");
  static char yaml[16384];
  char path[4096];
  house house;
  purser_host host = host_table();
  host_request contexts[3];
  purser_entry old[2];
  purser_entry none[1];
  int turn;
  REQUIRE(folder != NULL);
  snprintf(path, sizeof path, "%s/allocations-%ld.jsonl", folder, (long)getpid());
  unlink(path);
  snprintf(yaml, sizeof yaml, "%s%s\"}}\n", documents_before, path);
  if (!house_open(&house, NULL, yaml)) return;
  contexts[0] = contexts[1] = contexts[2] = host_reviews();
  old[0] = entry_of("user-agent", value_string("curl/7.1"));
  old[1] = entry_of("x-user", value_string("jason"));
  host_set(&contexts[1], PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(old, 2));
  host_set(&contexts[1], PURSER_ATTRIBUTE_RESPONSE_CODE, value_int(403));
  host_set(&contexts[2], PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(none, 0));
  host_set(&contexts[2], PURSER_ATTRIBUTE_SOURCE_PRINCIPAL, value_string("\xff"));
  host_set(&contexts[2], PURSER_ATTRIBUTE_RESPONSE_CODE, value_int(500));
  for (turn = 0; turn < 3; turn += 1) host_set(&contexts[turn], PURSER_ATTRIBUTE_REQUEST_SIZE, value_int(100));

  for (turn = 0; turn < 200; turn += 1) three_requests(&house, &host, contexts);
  CHECK(purser_engine_flush(house.engine, 5000) == PURSER_OK);
  allocated = freed = 0;
  counting = 1;
  for (turn = 0; turn < 1000; turn += 1) three_requests(&house, &host, contexts);
  counting = 0;
  if (!CHECK(allocated == 0) || !CHECK(freed == 0))
    printf("  %lu allocated, %lu freed in 3,000 requests\n", allocated, freed);
  CHECK(contexts[0].gets > 1000 && contexts[1].entries > 1000 && contexts[0].iterations > 1000);

  /* The counter counts: a load allocates on the calling thread too. */
  allocated = 0;
  counting = 1;
  free(strdup("counted"));
  (void)purser_worker_free(NULL);
  CHECK(set_loads(house.set, yaml));
  counting = 0;
  CHECK(allocated > 10);
  house_close(&house);
  unlink(path);
}

/* Literal patterns and zones are made at load; they decide right, and a check makes nothing. */
static void literal_patterns_and_zones_allocate_nothing(void) {
  static const struct {
    const char *path;
    int64_t seconds;
    purser_verdict verdict;
  } cases[] = {
      {"/reviews/1", 1767225600, PURSER_VERDICT_DENY},  /* 2026-01-01 00:00 in Greenwich, 01:00 in Berlin */
      {"/reviews/x", 1767225600, PURSER_VERDICT_ALLOW}, /* no number */
      {"/reviews/1", 1767229200, PURSER_VERDICT_ALLOW}, /* 02:00 in Berlin */
      {"/b/7", 1782864000, PURSER_VERDICT_DENY}};       /* 2026-07-01 00:00 in Greenwich, 02:00 in Berlin: summer time */
  house house;
  purser_host host = host_table();
  purser_verdict verdict = PURSER_VERDICT_DENY;
  int turn, which;
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: winter, action: DENY, when: \"request.path.matches('^/reviews/[0-9]+') && request.time.getHours('Europe/Berlin') == 1\"}\n"
                  "  - {name: summer, action: DENY, when: \"matches(request.path, '^/(a|b)/.$') && request.time.getHours('Europe/Berlin') == 2\"}\n"
                  "  - {name: offset, action: AUDIT, when: \"request.time.getMinutes('+05:30') == 30 && request.time.getDayOfWeek('UTC') == 4\"}\n"
                  "  - {name: agents, action: AUDIT, when: \"request.headers.exists(k, k.matches('^x-[a-z]+$'))\"}\n"))
    return;
  for (turn = 0; turn < 1100; turn += 1) {
    if (turn == 100) {
      allocated = freed = 0;
      counting = 1;
    }
    for (which = 0; which < 4; which += 1) {
      host_request context = host_reviews();
      purser_value time = value_null();
      time.type = PURSER_TYPE_TIMESTAMP;
      time.as.seconds = cases[which].seconds;
      host_set(&context, PURSER_ATTRIBUTE_REQUEST_TIME, time);
      host_set(&context, PURSER_ATTRIBUTE_REQUEST_PATH, value_string(cases[which].path));
      if (purser_request_begin(house.request, house.worker, house.set, &host, &context, NULL) != PURSER_OK) abort();
      if (purser_check(house.request, 0, NULL) != PURSER_OK) abort();
      purser_decision_verdict(house.request, &verdict);
      if (verdict != cases[which].verdict) {
        CHECK(verdict == cases[which].verdict);
        printf("  case %d\n", which);
        turn = 1100;
      }
      if (purser_request_end(house.request) != PURSER_OK) abort();
    }
  }
  counting = 0;
  if (!CHECK(allocated == 0) || !CHECK(freed == 0)) printf("  %lu allocated, %lu freed in 4,000 checks\n", allocated, freed);
  house_close(&house);
}

static void a_request_without_a_plan_allocates_nothing(void) {
  house house;
  purser_host host = host_table();
  host_request contexts[3];
  int turn;
  contexts[0] = contexts[1] = contexts[2] = host_reviews();
  if (!house_open(&house, NULL, NULL)) return;
  for (turn = 0; turn < 10; turn += 1) three_requests(&house, &host, contexts);
  allocated = freed = 0;
  counting = 1;
  for (turn = 0; turn < 100; turn += 1) three_requests(&house, &host, contexts);
  counting = 0;
  CHECK(allocated == 0 && freed == 0);
  house_close(&house);
}

int main(void) {
  RUN(a_warm_request_allocates_nothing);
  RUN(literal_patterns_and_zones_allocate_nothing);
  RUN(a_request_without_a_plan_allocates_nothing);
  return test_end();
}

/*
 * explain.c - the whole story of a decision as JSON, with secrets masked.
 */
#include <pthread.h>

#include "host.h"

static void explain_tells_every_rule_and_masks_secrets(void) {
  house house;
  host_request context = host_reviews();
  purser_entry headers[3];
  purser_text json;
  CLEAR(json);
  headers[0] = entry_of("authorization", value_string("Bearer hunter2"));
  headers[1] = entry_of("cookie", value_string("session=hunter2"));
  headers[2] = entry_of("x-user", value_string("jason"));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 3));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_API_KEY, value_string("hunter2"));
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: no-put, action: DENY, when: request.method == 'PUT'}\n"
                  "  - name: secrets\n    action: DENY\n    when: >-\n"
                  "      has(request.api_key) && request.api_key == 'x' || 'cookie' in request.headers && request.headers['cookie'] == 'x'\n"
                  "      || 'authorization' in request.headers && request.headers['authorization'] == 'y'\n"
                  "  - name: jason\n    action: ALLOW\n    when: \"request.method == 'GET' && 'x-user' in request.headers && request.headers['x-user'] == 'nobody'\"\n"))
    return;
  if (!house_check(&house, &context)) return;
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  REQUIRE(purser_explain(house.request, 0, &json) == PURSER_OK);
  CHECK(json.size > 2 && json.data[0] == '{');
  CHECK(text_has(json, "\"deny\"") && text_has(json, "no-put") && text_has(json, "secrets") && text_has(json, "jason"));
  CHECK(!text_has(json, "hunter2"));
  purser_text_free(&json);
  CHECK(json.data == NULL && json.size == 0);
  CHECK(purser_report(house.request, 0) == PURSER_OK);
  CHECK(purser_explain(house.request, 0, &json) == PURSER_OK);
  purser_text_free(&json);
  house_end(&house);
  house_close(&house);
}

/* A secret where it is known to hide: each must be masked, and what is beside it is told. */
static void queries_metadata_and_tokens_are_masked(void) {
  house house;
  host_request context = host_reviews();
  purser_entry headers[4], filter[2], metadata[1];
  purser_text json;
  CLEAR(json);
  headers[0] = entry_of("x-auth", value_string("hunter2"));
  headers[1] = entry_of("proxy-authorization", value_string("Basic hunter2"));
  headers[2] = entry_of("x-user", value_string("jason"));
  headers[3] = entry_of("set-cookie", value_string("hunter2"));
  filter[0] = entry_of("role", value_string("hunter2"));
  filter[1] = entry_of("level", value_int(20202));
  metadata[0] = entry_of("envoy.filters.http.ours", value_map(filter, 2));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 4));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_PATH, value_string("/reviews/1?user=hunter2&full=hunter2&hunter2"));
  host_set(&context, PURSER_ATTRIBUTE_METADATA, value_map(metadata, 1));
  if (!house_open(&house, NULL,
                  YAML_HEAD("Policy", "p") "spec:\n  rules:\n"
                  "  - {name: path, action: AUDIT, when: request.path == 'a'}\n"
                  "  - {name: query, action: AUDIT, when: \"request.query.contains('full')\"}\n"
                  "  - {name: url, action: AUDIT, when: request.url_path == '/reviews/1'}\n"
                  "  - {name: auth, action: AUDIT, when: \"request.headers['x-auth'] == 'a' || request.headers['proxy-authorization'] == 'a' || request.headers['set-cookie'] == 'a'\"}\n"
                  "  - {name: user, action: AUDIT, when: \"request.headers['x-user'] == 'a'\"}\n"
                  "  - {name: role, action: AUDIT, when: \"metadata['envoy.filters.http.ours']['role'] == 'a'\"}\n"
                  "  - {name: level, action: AUDIT, when: \"metadata['envoy.filters.http.ours']['level'] == 7\"}\n"
                  "  - {name: all, action: AUDIT, when: size(metadata) == 1}\n"))
    return;
  if (!house_check(&house, &context)) return;
  REQUIRE(purser_explain(house.request, 0, &json) == PURSER_OK);
  CHECK(text_has(json, "/reviews/1") && text_has(json, "jason"));
  CHECK(text_has(json, "request.path") && text_has(json, "request.query") && text_has(json, "metadata"));
  if (!CHECK(!text_has(json, "hunter2")) || !CHECK(!text_has(json, "20202"))) printf("%.*s\n", (int)json.size, json.data);
  purser_text_free(&json);
  house_end(&house);
  house_close(&house);
}

/* A map that was read whole holds the same secrets as its entries. */
static void secrets_in_whole_maps_are_masked(void) {
  static const char *const rules[] = {"request.headers.exists(k, k == 'a')", "size(request.headers) == 2",
                                      "request.headers[request.method] == 'a'", "request.headers['x-auth'] == 'a' || size(request.headers) == 0",
                                      "size(request.auth.claims) == 0", "size(filter_state) == 0", "size(source.labels) == 0"};
  house house;
  host_request context = host_reviews();
  purser_entry headers[4];
  purser_text json;
  char yaml[1024];
  size_t at;
  headers[0] = entry_of("authorization", value_string("Bearer hunter2"));
  headers[1] = entry_of("cookie", value_string("session=hunter2"));
  headers[2] = entry_of("x-auth", value_string("hunter2"));
  headers[3] = entry_of("password", value_string("hunter2"));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_HEADERS, value_map(headers, 4));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_AUTH_CLAIMS, value_map(headers, 4));
  host_set(&context, PURSER_ATTRIBUTE_FILTER_STATE, value_map(headers, 4));
  host_set(&context, PURSER_ATTRIBUTE_SOURCE_LABELS, value_map(headers, 4));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("authorization"));
  if (!house_open(&house, NULL, NULL)) return;
  for (at = 0; at < sizeof rules / sizeof rules[0]; at += 1) {
    snprintf(yaml, sizeof yaml, "%sspec:\n  rules:\n  - name: r\n    action: AUDIT\n    when: >-\n      %s\n", YAML_HEAD("Policy", "p"), rules[at]);
    CHECK(set_loads(house.set, yaml));
    if (!house_check(&house, &context)) return;
    CLEAR(json);
    CHECK(purser_explain(house.request, 0, &json) == PURSER_OK);
    if (!CHECK(!text_has(json, "hunter2"))) printf("%.*s\n", (int)json.size, json.data);
    purser_text_free(&json);
    house_end(&house);
  }
  house_close(&house);
}

/* A fiber's stack: what many hosts give their threads. */
typedef struct explained {
  house *owner;
  host_request context;
  purser_text json;
  int good;
} explained;

static void *explain_with_little_stack(void *pointer) {
  explained *explained = (struct explained *)pointer;
  purser_host host = host_table();
  purser_request *request = explained->owner->request;
  explained->good = purser_request_begin(request, explained->owner->worker, explained->owner->set, &host, &explained->context, NULL) == PURSER_OK &&
                    purser_check(request, 0, NULL) == PURSER_OK && purser_explain(request, 0, &explained->json) == PURSER_OK &&
                    purser_report(request, 0) == PURSER_OK && purser_request_end(request) == PURSER_OK;
  return NULL;
}

static void deep_expressions_are_explained_on_a_small_stack(void) {
  /* Of 128 levels of syntax, of which a parenthesis is one and what is in it another. */
  static const int depths[] = {100, 60, 60, 100};
  static const char *const shapes[][4] = {
      /* before, a level, the innermost, after a level */
      {"''.contains(", "(request.method + ", "request.path", ")"},
      {"(", "(request.method == 'PUT' || !", "(request.path == 'x')", ")"},
      {"(", "(request.method == 'PUT' ? false : ", "request.path == 'x'", ")"},
      {"[7].exists(i, i == ", "(1 + ", "request.headers_bytes", ")"}};
  static char yaml[65536], name[16];
  house house;
  pthread_attr_t attributes;
  pthread_t thread;
  explained explained;
  size_t size = 0, shape;
  int level;
  size += (size_t)snprintf(yaml, sizeof yaml, "%sspec:\n  rules:\n", YAML_HEAD("Policy", "p"));
  for (shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape += 1) {
    size += (size_t)snprintf(yaml + size, sizeof yaml - size, "  - name: r%u\n    action: AUDIT\n    when: >-\n      %s", (unsigned)shape, shapes[shape][0]);
    for (level = 0; level < depths[shape]; level += 1) size += (size_t)snprintf(yaml + size, sizeof yaml - size, "%s", shapes[shape][1]);
    size += (size_t)snprintf(yaml + size, sizeof yaml - size, "%s", shapes[shape][2]);
    for (level = 0; level < depths[shape]; level += 1) size += (size_t)snprintf(yaml + size, sizeof yaml - size, "%s", shapes[shape][3]);
    size += (size_t)snprintf(yaml + size, sizeof yaml - size, ")\n");
  }
  REQUIRE(size < sizeof yaml);
  if (!house_open(&house, NULL, yaml)) return;
  CLEAR(explained);
  explained.owner = &house;
  explained.context = host_reviews();
  host_set(&explained.context, PURSER_ATTRIBUTE_REQUEST_HEADERS_BYTES, value_int(7));
  CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 64 << 10) == 0);
  REQUIRE(pthread_create(&thread, &attributes, explain_with_little_stack, &explained) == 0);
  CHECK(pthread_join(thread, NULL) == 0 && explained.good);
  for (shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape += 1) {
    snprintf(name, sizeof name, "\"r%u\"", (unsigned)shape);
    CHECK(text_has(explained.json, name));
  }
  CHECK(!text_has(explained.json, "error: "));
  purser_text_free(&explained.json);
  pthread_attr_destroy(&attributes);
  house_close(&house);
}

static void explain_changes_no_decision(void) {
  house house;
  host_request context = host_reviews();
  purser_text json, before, after;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec:\n  rules:\n  - {name: get, action: DENY, when: request.method == 'GET'}\n"))
    return;
  if (!house_check(&house, &context)) return;
  CHECK(purser_decision_reason(house.request, &before) == PURSER_OK);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("POST"));
  CLEAR(json);
  CHECK(purser_explain(house.request, 0, &json) == PURSER_OK);
  purser_text_free(&json);
  CHECK(verdict_of(house.request) == PURSER_VERDICT_DENY);
  CHECK(purser_decision_reason(house.request, &after) == PURSER_OK);
  CHECK(before.size == after.size && memcmp(before.data, after.data, before.size) == 0);
  house_end(&house);
  house_close(&house);
}

int main(void) {
  RUN(explain_tells_every_rule_and_masks_secrets);
  RUN(queries_metadata_and_tokens_are_masked);
  RUN(secrets_in_whole_maps_are_masked);
  RUN(explain_changes_no_decision);
  RUN(deep_expressions_are_explained_on_a_small_stack);
  return test_end();
}

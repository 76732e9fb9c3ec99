/*
 * connection.c - the connection phase: what is decided before the first request, and what its requests inherit.
 */
#include "host.h"

static const char *const policies =
    YAML_HEAD("Policy", "peers") "spec:\n  phase: connection\n  rules:\n"
    "  - {name: no-plain, action: DENY, when: connection.mtls == false}\n---\n"
    YAML_HEAD("Policy", "methods") "spec:\n  rules:\n  - {name: no-put, action: DENY, when: request.method == 'PUT'}\n";

static purser_request_options connection_phase(void) {
  purser_request_options options;
  CLEAR(options);
  options.size = sizeof options;
  options.phase = PURSER_PHASE_CONNECTION;
  return options;
}

static void a_connection_is_denied_what_all_its_requests_would_be(void) {
  house house;
  host_request context;
  purser_host host = host_table();
  purser_request_options options = connection_phase();
  CLEAR(context);
  if (!house_open(&house, NULL, policies)) return;
  host_set(&context, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(0));
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, &options) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
  house_end(&house);
  host_set(&context, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(1));
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, &options) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  house_end(&house);
  house_close(&house);
}

static void a_request_does_not_ask_again_what_its_connection_answered(void) {
  house house;
  host_request peer, context = host_reviews();
  purser_host host = host_table();
  purser_request_options options = connection_phase();
  purser_request *connection = request_memory();
  CLEAR(peer);
  if (!house_open(&house, NULL, policies)) return;
  host_set(&peer, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(1));
  CHECK(purser_request_begin(connection, house.worker, house.set, &host, &peer, &options) == PURSER_OK);
  CHECK(purser_check(connection, 0, NULL) == PURSER_OK && verdict_of(connection) == PURSER_VERDICT_ALLOW);

  CLEAR(options);
  options.size = sizeof options;
  options.connection = connection;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, &options) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  CHECK(context.gets == 1);
  house_end(&house);
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("PUT"));
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, &options) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
  house_end(&house);

  /* After a reload the old answers are not the new plan's: the request decides by itself. */
  CHECK(set_loads(house.set, YAML_HEAD("Policy", "peers") "spec:\n  phase: connection\n  rules:\n"
                             "  - {name: no-mtls, action: DENY, when: connection.mtls}\n"));
  host_set(&context, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(1));
  host_set(&context, PURSER_ATTRIBUTE_REQUEST_METHOD, value_string("GET"));
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, &options) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_DENY);
  house_end(&house);
  CHECK(purser_request_end(connection) == PURSER_OK);
  free(connection);
  house_close(&house);
}

static void a_request_without_its_connection_evaluates_both_phases(void) {
  house house;
  host_request context = host_reviews();
  if (!house_open(&house, NULL, policies)) return;
  host_set(&context, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(0));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_DENY);
  host_set(&context, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(1));
  CHECK(house_decide(&house, &context) == PURSER_VERDICT_ALLOW);
  house_close(&house);
}

static void what_is_no_checked_connection_does_not_fit(void) {
  house house, other;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_request_options options = connection_phase(), with;
  purser_request *connection = request_memory();
  purser_status status;
  if (!house_open(&house, NULL, policies) || !house_open(&other, NULL, policies)) return;
  host_set(&context, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(1));
  CLEAR(with);
  with.size = sizeof with;
  with.connection = connection;

  /* Begun, not checked: refused at begin or at check. */
  CHECK(purser_request_begin(connection, house.worker, house.set, &host, &context, &options) == PURSER_OK);
  status = purser_request_begin(house.request, house.worker, house.set, &host, &context, &with);
  if (status == PURSER_OK) {
    CHECK(purser_check(house.request, 0, NULL) == PURSER_WRONG_STATE);
    house_end(&house);
  } else {
    CHECK(status == PURSER_WRONG_STATE);
  }
  CHECK(purser_check(connection, 0, NULL) == PURSER_OK);

  /* Of another worker. */
  status = purser_request_begin(other.request, other.worker, other.set, &host, &context, &with);
  if (status == PURSER_OK) {
    CHECK(purser_check(other.request, 0, NULL) == PURSER_WRONG_STATE);
    house_end(&other);
  } else {
    CHECK(status == PURSER_WRONG_STATE);
  }
  CHECK(purser_request_end(connection) == PURSER_OK);
  free(connection);
  house_close(&house);
  house_close(&other);
}

static void a_connection_of_another_set_is_refused_at_begin(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_request_options options = connection_phase(), with;
  purser_request *connection = request_memory();
  purser_policy_set *other = NULL;
  if (!house_open(&house, NULL, policies)) return;
  REQUIRE(purser_policy_set_new(house.engine, text_of("other"), &other) == PURSER_OK);
  CHECK(set_loads(other, YAML_HEAD("Policy", "peers") "spec: {phase: connection, rules: [{name: all, action: DENY, when: true}]}\n"));
  host_set(&context, PURSER_ATTRIBUTE_CONNECTION_MTLS, value_bool(1));
  CLEAR(with);
  with.size = sizeof with;
  with.connection = connection;
  CHECK(purser_request_begin(connection, house.worker, house.set, &host, &context, &options) == PURSER_OK);
  CHECK(purser_check(connection, 0, NULL) == PURSER_OK && verdict_of(connection) == PURSER_VERDICT_ALLOW);
  CHECK(purser_request_begin(house.request, house.worker, other, &host, &context, &with) == PURSER_WRONG_STATE);
  CHECK(purser_request_end(house.request) == PURSER_WRONG_STATE);
  CHECK(purser_policy_set_free(other) == PURSER_OK); /* nothing was begun on it */

  /* Of its own set it is welcome, before and after. */
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, &with) == PURSER_OK);
  CHECK(purser_check(house.request, 0, NULL) == PURSER_OK && verdict_of(house.request) == PURSER_VERDICT_ALLOW);
  house_end(&house);
  CHECK(purser_request_end(connection) == PURSER_OK);
  free(connection);
  house_close(&house);
}

static void a_phase_that_is_none_is_refused(void) {
  house house;
  host_request context = host_reviews();
  purser_host host = host_table();
  purser_request_options options = connection_phase();
  if (!house_open(&house, NULL, policies)) return;
  options.phase = PURSER_PHASE_RESPONSE;
  CHECK(purser_request_begin(house.request, house.worker, house.set, &host, &context, &options) ==
        PURSER_INVALID_ARGUMENT);
  house_close(&house);
}

int main(void) {
  RUN(a_connection_is_denied_what_all_its_requests_would_be);
  RUN(a_request_does_not_ask_again_what_its_connection_answered);
  RUN(a_request_without_its_connection_evaluates_both_phases);
  RUN(what_is_no_checked_connection_does_not_fit);
  RUN(a_connection_of_another_set_is_refused_at_begin);
  RUN(a_phase_that_is_none_is_refused);
  return test_end();
}

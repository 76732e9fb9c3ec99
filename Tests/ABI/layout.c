/*
 * layout.c - what compiled hosts rely on and no compiler of ours would notice: sizes, numbers, that the header can be
 * included twice, and the texts of statuses and versions.
 */
#include <purser.h>
#include <purser.h>

#include "host.h"

static void values_and_their_parts_have_their_sizes(void) {
  CHECK(sizeof(purser_text) == 16);
  CHECK(sizeof(purser_list) == 16);
  CHECK(sizeof(purser_map) == 16);
  CHECK(sizeof(purser_value) == 24);
  CHECK(sizeof(purser_entry) == 40);
  CHECK(sizeof(purser_host) == 4 * sizeof(void *));
  CHECK(offsetof(purser_value, type) == 0);
  CHECK(offsetof(purser_value, nanos) == 4);
  CHECK(offsetof(purser_value, as) == 8);
  CHECK(sizeof(((purser_value *)0)->as) == 16);
}

static void structs_that_the_host_fills_begin_with_their_size(void) {
  CHECK(offsetof(purser_host, size) == 0);
  CHECK(offsetof(purser_load_options, size) == 0);
  CHECK(offsetof(purser_engine_options, size) == 0);
  CHECK(offsetof(purser_plan_summary, size) == 0);
  CHECK(offsetof(purser_request_options, size) == 0);
  CHECK(offsetof(purser_pending, size) == 0);
  CHECK(offsetof(purser_watch, size) == 0);
}

static void numbers_are_what_they_were(void) {
  CHECK(PURSER_OK == 0 && PURSER_INVALID_ARGUMENT == 1 && PURSER_BUSY == 2 && PURSER_FORKED == 3);
  CHECK(PURSER_PROBLEMS == 4 && PURSER_WRONG_STATE == 5 && PURSER_NOT_FOUND == 6 && PURSER_PENDING == 7);
  CHECK(PURSER_UNAVAILABLE == 8 && PURSER_LIMIT_REACHED == 9);
  CHECK(PURSER_TYPE_NULL == 0 && PURSER_TYPE_BOOL == 1 && PURSER_TYPE_INT == 2 && PURSER_TYPE_UINT == 3);
  CHECK(PURSER_TYPE_DOUBLE == 4 && PURSER_TYPE_STRING == 5 && PURSER_TYPE_BYTES == 6);
  CHECK(PURSER_TYPE_TIMESTAMP == 7 && PURSER_TYPE_DURATION == 8 && PURSER_TYPE_LIST == 9 && PURSER_TYPE_MAP == 10);
  CHECK(PURSER_ABSENT == 0 && PURSER_PRESENT == 1 && PURSER_FAILED == 2);
  CHECK(PURSER_VERDICT_DENY == 0 && PURSER_VERDICT_ALLOW == 1);
  CHECK(PURSER_REASON_RULE == 1 && PURSER_REASON_RULE_ERROR == 2 && PURSER_REASON_NO_ALLOW_RULE == 3);
  CHECK(PURSER_REASON_DEFAULT == 4 && PURSER_REASON_NO_PLAN == 5);
  CHECK(PURSER_ATTRIBUTE_REQUEST_METHOD == 1u && PURSER_ATTRIBUTE_MCP_SESSION_ID == 100u);
  CHECK(PURSER_ATTRIBUTE_CUSTOM_FIRST == 4096u);
}

static void statuses_have_texts_and_strangers_too(void) {
  int status, other;
  for (status = PURSER_OK; status <= PURSER_LIMIT_REACHED; status += 1) {
    const char *text = purser_status_text((purser_status)status);
    REQUIRE(text != NULL);
    CHECK(text[0] != 0 && strcmp(text, "unknown status") != 0);
    for (other = PURSER_OK; other < status; other += 1)
      CHECK(strcmp(text, purser_status_text((purser_status)other)) != 0);
  }
  CHECK(strcmp(purser_status_text((purser_status)10), "unknown status") == 0);
  CHECK(strcmp(purser_status_text((purser_status)12), "unknown status") == 0);
}

static void the_library_is_of_the_header_s_version(void) {
  char expected[32];
  snprintf(expected, sizeof expected, "%d.%d.%d", PURSER_VERSION_MAJOR, PURSER_VERSION_MINOR, PURSER_VERSION_PATCH);
  REQUIRE(purser_version() != NULL);
  CHECK(strcmp(purser_version(), expected) == 0);
}

static void a_request_has_one_size_a_host_can_afford(void) {
  size_t size = purser_request_size();
  CHECK(size > 0 && size <= 4096);
  CHECK(purser_request_size() == size);
}

static void text_can_be_freed_twice(void) {
  purser_text text;
  purser_text_free(NULL);
  CLEAR(text);
  purser_text_free(&text);
  purser_text_free(&text);
  CHECK(text.data == NULL && text.size == 0);
}

int main(void) {
  RUN(values_and_their_parts_have_their_sizes);
  RUN(structs_that_the_host_fills_begin_with_their_size);
  RUN(numbers_are_what_they_were);
  RUN(statuses_have_texts_and_strangers_too);
  RUN(the_library_is_of_the_header_s_version);
  RUN(a_request_has_one_size_a_host_can_afford);
  RUN(text_can_be_freed_twice);
  return test_end();
}

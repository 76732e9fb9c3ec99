#include "header_maps.h"

#include <stdlib.h>
#include <string.h>

static purser_value string_value(const char *data, size_t size) {
  return (purser_value){.type = PURSER_TYPE_STRING, .as.text = {data, size}};
}

/* Requests always have headers; responses and trailers may never have come. */
static bool has_map(void *envoy, int map) {
  return map == ENVOY_REQUEST_HEADERS || ENVOY(http_get_headers_size)(envoy, map) > 0;
}

/* The values joined by commas. */
static purser_presence join(const envoy_text *values, size_t count, purser_scratch *scratch, purser_value *value_out) {
  size_t size = 0, index;
  char *joined, *cursor;
  for (index = 0; index < count; index++) size += values[index].size + 1;
  joined = purser_scratch_allocate(scratch, size);
  if (joined == NULL) return PURSER_FAILED;
  cursor = joined;
  for (index = 0; index < count; index++) {
    if (index > 0) *cursor++ = ',';
    if (values[index].size > 0) memcpy(cursor, values[index].data, values[index].size);
    cursor += values[index].size;
  }
  *value_out = string_value(joined, (size_t)(cursor - joined));
  return PURSER_PRESENT;
}

purser_presence header_map_entry(void *envoy, int map, envoy_text name, purser_scratch *scratch,
                                 purser_value *value_out) {
  envoy_text first = {NULL, 0}, *values;
  size_t count = 0, index;
  if (name.size == 0 || name.data[0] == ':') return has_map(envoy, map) ? PURSER_ABSENT : PURSER_NO_MAP;
  if (!ENVOY(http_get_header)(envoy, map, name, &first, 0, &count) || count == 0) {
    return has_map(envoy, map) ? PURSER_ABSENT : PURSER_NO_MAP;
  }
  if (count == 1) {
    *value_out = string_value(first.data, first.size);
    return PURSER_PRESENT;
  }
  values = purser_scratch_allocate(scratch, count * sizeof *values);
  if (values == NULL) return PURSER_FAILED;
  values[0] = first;
  for (index = 1; index < count; index++) {
    if (!ENVOY(http_get_header)(envoy, map, name, &values[index], index, NULL)) return PURSER_FAILED;
  }
  return join(values, count, scratch, value_out);
}

purser_presence header_map_listed_entry(const request_list *list, envoy_text name, purser_scratch *scratch,
                                        purser_value *value_out) {
  envoy_text values[REQUEST_LIST_MAX];
  size_t count = 0, at;
  if (name.size == 0 || name.data[0] == ':') return PURSER_ABSENT;
  for (at = request_list_find(list, name, 0); at < list->count; at = request_list_find(list, name, at + 1)) {
    values[count++] = list->headers[at].value;
  }
  if (count == 0) return PURSER_ABSENT;
  if (count > 1) return join(values, count, scratch, value_out);
  *value_out = string_value(values[0].data, values[0].size);
  return PURSER_PRESENT;
}

/* Envoy's array, in the worker's memory; NULL with count 0 when the map is empty or the memory is spent. */
static envoy_header *headers_of(void *envoy, int map, purser_scratch *scratch, size_t *count_out) {
  envoy_header *headers;
  *count_out = ENVOY(http_get_headers_size)(envoy, map);
  if (*count_out == 0) return NULL;
  headers = purser_scratch_allocate(scratch, *count_out * sizeof *headers);
  return headers != NULL && ENVOY(http_get_headers)(envoy, map, headers) ? headers : NULL;
}

/* By name; among equal names as they came, which is the order of their places in Envoy's array. */
static int compare(const void *left, const void *right) {
  const envoy_header *a = *(envoy_header *const *)left, *b = *(envoy_header *const *)right;
  const size_t shorter = a->name.size < b->name.size ? a->name.size : b->name.size;
  const int order = shorter == 0 ? 0 : memcmp(a->name.data, b->name.data, shorter);
  if (order != 0) return order;
  if (a->name.size != b->name.size) return a->name.size < b->name.size ? -1 : 1;
  return (a > b) - (a < b);
}

static bool same_name(const envoy_header *left, const envoy_header *right) {
  return left->name.size == right->name.size &&
         (left->name.size == 0 || memcmp(left->name.data, right->name.data, left->name.size) == 0);
}

static purser_presence visit_joined(envoy_header *const *run, size_t count, purser_scratch *scratch,
                                    purser_visitor *visitor) {
  purser_value value = string_value(run[0]->value.data, run[0]->value.size);
  if (count > 1) {
    size_t size = 0, index;
    char *joined, *cursor;
    for (index = 0; index < count; index++) size += run[index]->value.size + 1;
    joined = cursor = purser_scratch_allocate(scratch, size);
    if (joined == NULL) return PURSER_FAILED;
    for (index = 0; index < count; index++) {
      if (index > 0) *cursor++ = ',';
      if (run[index]->value.size > 0) memcpy(cursor, run[index]->value.data, run[index]->value.size);
      cursor += run[index]->value.size;
    }
    value = string_value(joined, (size_t)(cursor - joined));
  }
  return purser_visit(visitor, (purser_text){run[0]->name.data, run[0]->name.size}, &value) == PURSER_OK
           ? PURSER_PRESENT
           : PURSER_FAILED;
}

purser_presence header_map_iterate(void *envoy, int map, purser_scratch *scratch, purser_visitor *visitor) {
  static const char authority[] = ":authority";
  size_t count, kept = 0, start, index;
  envoy_header *headers = headers_of(envoy, map, scratch, &count);
  envoy_header **sorted;
  if (count == 0) return has_map(envoy, map) ? PURSER_PRESENT : PURSER_NO_MAP;
  sorted = purser_scratch_allocate(scratch, count * sizeof *sorted);
  if (headers == NULL || sorted == NULL) return PURSER_FAILED;
  for (index = 0; index < count; index++) {
    envoy_header *header = &headers[index];
    if (header->name.size == sizeof authority - 1 && memcmp(header->name.data, authority, header->name.size) == 0) {
      header->name = (envoy_text){"host", 4};
    }
    if (header->name.size > 0 && header->name.data[0] != ':') sorted[kept++] = header;
  }
  /* Sorted, so that a client that sends thousands of one name cannot make this quadratic. */
  qsort(sorted, kept, sizeof *sorted, compare);
  for (start = 0; start < kept; start = index) {
    purser_presence presence;
    for (index = start + 1; index < kept && same_name(sorted[start], sorted[index]); index++) continue;
    presence = visit_joined(sorted + start, index - start, scratch, visitor);
    if (presence != PURSER_PRESENT) return presence;
  }
  return PURSER_PRESENT;
}

purser_presence header_map_bytes(void *envoy, int map, purser_scratch *scratch, int64_t *bytes_out) {
  size_t count, index;
  uint64_t bytes = 0;
  const envoy_header *headers = headers_of(envoy, map, scratch, &count);
  if (count == 0) return PURSER_ABSENT;
  if (headers == NULL) return PURSER_FAILED;
  for (index = 0; index < count; index++) bytes += headers[index].name.size + headers[index].value.size;
  *bytes_out = (int64_t)bytes;
  return PURSER_PRESENT;
}

#include "request_list.h"

#include <string.h>

bool request_list_read(request_list *list) {
  if (list->is_asked) return list->is_listed;
  list->is_asked = true;
  list->count = ENVOY(http_get_headers_size)(list->envoy, ENVOY_REQUEST_HEADERS);
  if (list->count == 0 || list->count > REQUEST_LIST_MAX) return false;
  list->is_listed = ENVOY(http_get_headers)(list->envoy, ENVOY_REQUEST_HEADERS, list->headers);
  return list->is_listed;
}

size_t request_list_find(const request_list *list, envoy_text name, size_t start) {
  size_t index;
  if (name.size == 4 && memcmp(name.data, "host", 4) == 0) name = (envoy_text){":authority", 10};
  for (index = start; index < list->count; index++) {
    const envoy_text other = list->headers[index].name;
    if (other.size == name.size && memcmp(other.data, name.data, name.size) == 0) break;
  }
  return index;
}

envoy_text request_list_only(const request_list *list, const char *name, size_t size) {
  const envoy_text wanted = {name, size};
  const size_t first = request_list_find(list, wanted, 0);
  if (first == list->count || request_list_find(list, wanted, first + 1) < list->count) return (envoy_text){NULL, 0};
  return list->headers[first].value;
}

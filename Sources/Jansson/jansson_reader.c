/* JSON by jansson. */
#include "jansson_reader.h"

#include <jansson.h>
#include <stdio.h>

/* Debian's libjansson.a is compiled for executables: it reaches `stdin`, which only json_loadf compares its argument
 * with, in a way that a library cannot. scripts/linking.sh renames that reference to this; nothing calls json_loadf. */
extern FILE *jansson_stdin;
FILE *jansson_stdin;

/* jansson goes as deep as 2,048 by recursion, which is more than a small stack has. */
static bool is_deeper_than(const uint8_t *text, size_t size, size_t depth_max) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t at = 0; at < size; ++at) {
    uint8_t byte = text[at];
    if (in_string) {
      if (byte == '\\') at += 1;
      else if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '{' || byte == '[') {
      depth += 1;
      if (depth > depth_max) return true;
    } else if ((byte == '}' || byte == ']') && depth > 0) {
      depth -= 1;
    }
  }
  return false;
}

json_node *json_node_read(const uint8_t *text, size_t size, size_t depth_max, char *error, size_t error_size) {
  if (is_deeper_than(text, size, depth_max)) {
    snprintf(error, error_size, "nested deeper than %zu levels", depth_max);
    return NULL;
  }
  json_error_t reason;
  json_t *root = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &reason);
  if (!root) snprintf(error, error_size, "line %d, column %d: %s", reason.line, reason.column, reason.text);
  return root;
}

void json_node_free(json_node *root) { json_decref(root); }

json_node_kind json_node_kind_of(const json_node *node) {
  switch (json_typeof(node)) {
    case JSON_OBJECT: return JSON_NODE_OBJECT;
    case JSON_ARRAY: return JSON_NODE_ARRAY;
    case JSON_STRING: return JSON_NODE_STRING;
    case JSON_INTEGER: return JSON_NODE_INTEGER;
    case JSON_REAL: return JSON_NODE_REAL;
    case JSON_TRUE: return JSON_NODE_TRUE;
    case JSON_FALSE: return JSON_NODE_FALSE;
    case JSON_NULL: break;
  }
  return JSON_NODE_NULL;
}

int64_t json_node_integer(const json_node *node) { return json_integer_value(node); }
double json_node_real(const json_node *node) { return json_real_value(node); }

const uint8_t *json_node_string(const json_node *node, size_t *size_out) {
  *size_out = json_string_length(node);
  return (const uint8_t *)json_string_value(node);
}

size_t json_node_count(const json_node *array) { return json_array_size(array); }
const json_node *json_node_element(const json_node *array, size_t index) { return json_array_get(array, index); }

void *json_node_member(json_node *object, void *after, const uint8_t **key_out, size_t *key_size_out,
                       json_node **value_out) {
  void *at = after ? json_object_iter_next(object, after) : json_object_iter(object);
  if (!at) return NULL;
  const char *key = json_object_iter_key(at);
  *key_out = (const uint8_t *)key;
  *key_size_out = json_object_iter_key_len(at);
  *value_out = json_object_iter_value(at);
  return at;
}

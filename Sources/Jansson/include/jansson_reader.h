/* JSON text to a tree, by jansson, with what its variadic and macro interface hides from Swift. */
#ifndef PURSER_JANSSON_READER_H
#define PURSER_JANSSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct json_t json_node;

/* The tree of a whole text, or NULL and a reason in `error`, ended by NUL. Repeated keys, text after the value, nesting
 * deeper than `depth_max`, integers beyond 64 bits and what is not UTF-8 are errors. Free it by json_node_free. */
json_node *json_node_read(const uint8_t *text, size_t size, size_t depth_max, char *error, size_t error_size);
void json_node_free(json_node *root);

typedef enum json_node_kind {
  JSON_NODE_NULL = 0,
  JSON_NODE_FALSE,
  JSON_NODE_TRUE,
  JSON_NODE_INTEGER,
  JSON_NODE_REAL,
  JSON_NODE_STRING,
  JSON_NODE_ARRAY,
  JSON_NODE_OBJECT
} json_node_kind;

json_node_kind json_node_kind_of(const json_node *node);
int64_t json_node_integer(const json_node *node);
double json_node_real(const json_node *node);
const uint8_t *json_node_string(const json_node *node, size_t *size_out);
size_t json_node_count(const json_node *array);
const json_node *json_node_element(const json_node *array, size_t index);

/* The members in their order: begin with NULL, go on with what it gave; NULL at the end. */
void *json_node_member(json_node *object, void *after, const uint8_t **key_out, size_t *key_size_out, json_node **value_out);

#endif

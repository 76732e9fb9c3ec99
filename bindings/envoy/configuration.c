#include "configuration.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a message goes. */
typedef struct complaint {
  char *message;
  size_t max;
} complaint;

__attribute__((format(printf, 2, 3))) static bool refuse(complaint complaint, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(complaint.message, complaint.max, format, arguments);
  va_end(arguments);
  return false;
}

static purser_text text_of(const json_t *string) {
  return (purser_text){json_string_value(string), json_string_length(string)};
}

static bool is_type(const purser_attribute_info *info, const char *type) {
  return info->type.size == strlen(type) && memcmp(info->type.data, type, info->type.size) == 0;
}

/* A Struct's numbers are doubles, which Envoy may print as 3 or as 3.0. */
static bool integer_of(const json_t *json, int64_t *out) {
  if (json_is_integer(json)) {
    *out = json_integer_value(json);
    return true;
  }
  if (json_is_real(json)) {
    const double number = json_real_value(json);
    if (number != floor(number) || fabs(number) > 9007199254740992.0) return false;
    *out = (int64_t)number;
    return true;
  }
  return false;
}

static bool read_policies(configuration *out, const json_t *json, complaint complaint) {
  size_t index;
  if (!json_is_array(json) || json_array_size(json) == 0) {
    return refuse(complaint, "`policies` must be a list of files and folders, with at least one");
  }
  out->policies = calloc(json_array_size(json), sizeof *out->policies);
  if (out->policies == NULL) return refuse(complaint, "out of memory");
  for (index = 0; index < json_array_size(json); index++) {
    const json_t *path = json_array_get(json, index);
    if (!json_is_string(path) || json_string_length(path) == 0) {
      return refuse(complaint, "`policies` must hold paths; the one at %zu is none", index);
    }
    out->policies[out->policies_count++] = text_of(path);
  }
  return true;
}

static bool read_map(configuration *out, uint32_t attribute, const char *name, json_t *json, complaint complaint) {
  const char *key;
  json_t *value;
  purser_entry *entries;
  size_t count = 0;
  if (!json_is_object(json)) return refuse(complaint, "constant `%s` must be an object of strings", name);
  entries = calloc(json_object_size(json) + 1, sizeof *entries);
  if (entries == NULL) return refuse(complaint, "out of memory");
  /* Entered first: whatever happens, configuration_free finds it. */
  out->maps[out->maps_count++] = (constant_map){attribute, {name, strlen(name)}, entries, 0};
  json_object_foreach(json, key, value) {
    if (!json_is_string(value)) return refuse(complaint, "constant `%s`: the value of `%s` is no string", name, key);
    entries[count].key = (purser_text){key, strlen(key)};
    entries[count].value.type = PURSER_TYPE_STRING;
    entries[count].value.as.text = text_of(value);
    count++;
  }
  out->maps[out->maps_count - 1].count = count;
  return true;
}

/* The value in the attribute's type; that of an attribute of an AttributeManifest is as the JSON is, and the load says
 * whether it fits. */
static bool read_scalar(purser_value *out, const char *name, const purser_attribute_info *info, const json_t *json,
                        complaint complaint) {
  const bool is_custom = info == NULL;
  int64_t integer;
  if (json_is_string(json) && (is_custom || is_type(info, "string"))) {
    *out = (purser_value){.type = PURSER_TYPE_STRING, .as.text = text_of(json)};
  } else if (json_is_boolean(json) && (is_custom || is_type(info, "bool"))) {
    *out = (purser_value){.type = PURSER_TYPE_BOOL, .as.boolean = json_is_true(json)};
  } else if (integer_of(json, &integer) && (is_custom || is_type(info, "int"))) {
    *out = (purser_value){.type = PURSER_TYPE_INT, .as.integer = integer};
  } else if (!is_custom && is_type(info, "uint") && integer_of(json, &integer) && integer >= 0) {
    *out = (purser_value){.type = PURSER_TYPE_UINT, .as.unsigned_integer = (uint64_t)integer};
  } else if (json_is_number(json) && (is_custom || is_type(info, "double"))) {
    *out = (purser_value){.type = PURSER_TYPE_DOUBLE, .as.number = json_number_value(json)};
  } else if (is_custom) {
    return refuse(complaint, "constant `%s`: only strings, numbers and booleans can be custom constants", name);
  } else {
    return refuse(complaint, "constant `%s` must be of type %.*s", name, (int)info->type.size, info->type.data);
  }
  return true;
}

static bool read_constants(configuration *out, json_t *json, complaint complaint) {
  const char *name;
  json_t *value;
  if (!json_is_object(json)) return refuse(complaint, "`constants` must be an object: attribute names and values");
  out->constants = calloc(json_object_size(json) + 1, sizeof *out->constants);
  out->maps = calloc(json_object_size(json) + 1, sizeof *out->maps);
  if (out->constants == NULL || out->maps == NULL) return refuse(complaint, "out of memory");
  json_object_foreach(json, name, value) {
    const purser_text text = {name, strlen(name)};
    purser_attribute_info info = {.size = sizeof info};
    uint32_t attribute;
    bool is_known;
    if (strchr(name, '.') == NULL) return refuse(complaint, "constant `%s` is no attribute", name);
    is_known = purser_attribute_number(text, &attribute) == PURSER_OK &&
               purser_attribute_describe(attribute, &info) == PURSER_OK;
    if (is_known && info.phase == PURSER_PHASE_RESPONSE) {
      return refuse(complaint, "constant `%s` is an attribute of responses", name);
    }
    if (is_known && is_type(&info, "map(string,string)")) {
      if (!read_map(out, attribute, name, value, complaint)) return false;
    } else {
      purser_constant *constant = &out->constants[out->constants_count++];
      constant->attribute = text;
      if (!read_scalar(&constant->value, name, is_known ? &info : NULL, value, complaint)) return false;
    }
  }
  return true;
}

static bool is_header_name(purser_text name) {
  size_t index;
  for (index = 0; index < name.size; index++) {
    const char byte = name.data[index];
    if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_')) return false;
  }
  return name.size > 0;
}

static bool read_metadata(configuration *out, const json_t *json, complaint complaint) {
  const char *word = json_string_value(json);
  if (word != NULL && strcmp(word, "none") == 0) {
    out->metadata = METADATA_NONE;
  } else if (word != NULL && strcmp(word, "denied") == 0) {
    out->metadata = METADATA_DENIED;
  } else if (word != NULL && strcmp(word, "all") == 0) {
    out->metadata = METADATA_ALL;
  } else {
    return refuse(complaint, "`metadata` must be \"none\", \"denied\" or \"all\"");
  }
  return true;
}

static bool read_member(configuration *out, const char *key, json_t *value, complaint complaint) {
  if (strcmp(key, "policies") == 0) return read_policies(out, value, complaint);
  if (strcmp(key, "constants") == 0) return read_constants(out, value, complaint);
  if (strcmp(key, "metadata") == 0) return read_metadata(out, value, complaint);
  if (strcmp(key, "revision") == 0) return true;
  if (strcmp(key, "reasonHeader") == 0) {
    out->reason_header = text_of(value);
    return is_header_name(out->reason_header) ||
           refuse(complaint, "`reasonHeader` must be a header's name in lower case");
  }
  if (strcmp(key, "clientAddress") == 0) {
    out->serves_client_address = json_is_true(value);
    return json_is_boolean(value) || refuse(complaint, "`clientAddress` must be true or false");
  }
  return refuse(complaint,
                "`%s` is no member; there are policies, constants, reasonHeader, metadata, clientAddress and revision",
                key);
}

bool configuration_read(configuration *out, const char *text, size_t size, char *message, size_t message_max) {
  const complaint complaint = {message, message_max};
  json_error_t error;
  const char *key;
  json_t *value;
  bool is_good = true;
  memset(out, 0, sizeof *out);
  out->metadata = METADATA_DENIED;
  if (size == 0) {
    return refuse(complaint, "there is none; it must name `policies`");
  }
  out->json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (out->json == NULL) {
    return refuse(complaint, "not JSON: line %d, column %d: %s", error.line, error.column, error.text);
  }
  if (!json_is_object(out->json)) {
    is_good = refuse(complaint, "it must be a JSON object");
  } else {
    json_object_foreach(out->json, key, value) {
      if (is_good) is_good = read_member(out, key, value, complaint);
    }
    if (is_good && out->policies_count == 0) is_good = refuse(complaint, "`policies` is missing");
  }
  if (!is_good) configuration_free(out);
  return is_good;
}

void configuration_free(configuration *configuration) {
  size_t index;
  for (index = 0; index < configuration->maps_count; index++) free(configuration->maps[index].entries);
  free(configuration->maps);
  free(configuration->constants);
  free(configuration->policies);
  json_decref(configuration->json);
  memset(configuration, 0, sizeof *configuration);
}

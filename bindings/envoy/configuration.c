#include "configuration.h"

#include "attributes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As purser_engine_options says. */
#define STORE_BYTES_MIN (1 << 20)

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

/* A Struct's numbers are doubles, which Envoy may print as 3 or as 3.0. */
static bool is_whole(const json_t *json, int64_t *out) {
  const double number = json_number_value(json);
  if (json_is_integer(json)) {
    *out = json_integer_value(json);
    return true;
  }
  if (number != floor(number) || fabs(number) > 9007199254740992.0) return false;
  *out = (int64_t)number;
  return true;
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

/* The value in the wanted type, or in the JSON's own where that is empty: of a custom attribute, of which the load says
 * whether it fits, and of elements. False: it is of another type. */
static bool read_scalar(purser_value *out, const char *type, const json_t *json) {
  const bool is_any = type[0] == 0;
  int64_t whole;
  if (json_is_string(json) && (is_any || strcmp(type, "string") == 0)) {
    *out = (purser_value){.type = PURSER_TYPE_STRING, .as.text = text_of(json)};
  } else if (json_is_boolean(json) && (is_any || strcmp(type, "bool") == 0)) {
    *out = (purser_value){.type = PURSER_TYPE_BOOL, .as.boolean = json_is_true(json)};
  } else if (!json_is_number(json)) {
    return false;
  } else if ((is_any || strcmp(type, "int") == 0) && is_whole(json, &whole)) {
    *out = (purser_value){.type = PURSER_TYPE_INT, .as.integer = whole};
  } else if (strcmp(type, "uint") == 0 && is_whole(json, &whole) && whole >= 0) {
    *out = (purser_value){.type = PURSER_TYPE_UINT, .as.unsigned_integer = (uint64_t)whole};
  } else if (is_any || strcmp(type, "double") == 0) {
    *out = (purser_value){.type = PURSER_TYPE_DOUBLE, .as.number = json_number_value(json)};
  } else {
    return false;
  }
  return true;
}

/* Zeroed memory that lives as long as the configuration. */
static void *keep(configuration *configuration, size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  configuration->elements[configuration->elements_count++] = memory;
  return memory;
}

static bool read_list(configuration *configuration, purser_value *out, const json_t *json) {
  const size_t count = json_array_size(json);
  purser_value *items = keep(configuration, count, sizeof *items);
  size_t index;
  for (index = 0; items != NULL && index < count; index++) {
    if (!read_scalar(&items[index], "string", json_array_get(json, index))) return false;
  }
  *out = (purser_value){.type = PURSER_TYPE_LIST, .as.list = {items, count}};
  return items != NULL;
}

static bool read_map(configuration *configuration, purser_value *out, const char *type, json_t *json) {
  purser_entry *entries = keep(configuration, json_object_size(json), sizeof *entries);
  const char *key;
  json_t *value;
  size_t count = 0;
  if (entries == NULL) return false;
  json_object_foreach(json, key, value) {
    entries[count].key = (purser_text){key, strlen(key)};
    if (!read_scalar(&entries[count].value, type, value)) return false;
    count++;
  }
  *out = (purser_value){.type = PURSER_TYPE_MAP, .as.map = {entries, count}};
  return true;
}

static bool read_value(configuration *configuration, purser_value *out, const char *type, json_t *json) {
  const bool is_any = type[0] == 0;
  if (json_is_array(json)) return (is_any || strcmp(type, "list(string)") == 0) && read_list(configuration, out, json);
  if (!json_is_object(json)) return read_scalar(out, type, json);
  if (strcmp(type, "map(string,string)") == 0) return read_map(configuration, out, "string", json);
  return (is_any || strcmp(type, "map(string,dyn)") == 0) && read_map(configuration, out, "", json);
}

static bool read_constants(configuration *out, json_t *json, complaint complaint) {
  const char *name;
  json_t *value;
  if (!json_is_object(json)) return refuse(complaint, "`constants` must be an object: attribute names and values");
  out->constants = calloc(json_object_size(json) + 1, sizeof *out->constants);
  out->elements = calloc(json_object_size(json) + 1, sizeof *out->elements);
  if (out->constants == NULL || out->elements == NULL) return refuse(complaint, "out of memory");
  json_object_foreach(json, name, value) {
    purser_constant *constant = &out->constants[out->constants_count++];
    purser_attribute_info info = {.size = sizeof info};
    char type[32] = "";
    uint32_t attribute;
    constant->attribute = (purser_text){name, strlen(name)};
    if (strchr(name, '.') == NULL) return refuse(complaint, "constant `%s` is no attribute", name);
    if (purser_attribute_number(constant->attribute, &attribute) == PURSER_OK &&
        purser_attribute_describe(attribute, &info) == PURSER_OK) {
      snprintf(type, sizeof type, "%.*s", (int)info.type.size, info.type.data);
      if (info.phase == PURSER_PHASE_RESPONSE) {
        return refuse(complaint, "constant `%s` is an attribute of responses", name);
      }
    }
    if (!read_value(out, &constant->value, type, value)) {
      return refuse(complaint, "constant `%s` must be of type %s", name, type[0] == 0 ? "string, number or bool" : type);
    }
    if (info.name.size > 0 && attributes_are_of_requests(attribute, info.name)) {
      return refuse(complaint, "constant `%s` is what Envoy tells of each request, which a constant would hide", name);
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

/* A count of bytes from `least` on. */
static bool read_bytes(size_t *out, const char *name, const json_t *json, int64_t least, complaint complaint) {
  int64_t bytes;
  if (!json_is_number(json) || !is_whole(json, &bytes) || bytes < least) {
    return refuse(complaint, "`%s` must be a whole number of bytes, %lld at least", name, (long long)least);
  }
  *out = (size_t)bytes;
  return true;
}

static bool read_store(process_engine_options *out, json_t *json, complaint complaint) {
  const char *key;
  json_t *value;
  if (!json_is_object(json)) return refuse(complaint, "`store` must be an object with a `directory`");
  json_object_foreach(json, key, value) {
    if (strcmp(key, "directory") == 0) {
      if (json_is_string(value)) out->store_directory = text_of(value);
    } else if (strcmp(key, "bytes") != 0) {
      return refuse(complaint, "`store.%s` is no member; there are directory and bytes", key);
    } else if (!read_bytes(&out->store_bytes, "store.bytes", value, STORE_BYTES_MIN, complaint)) {
      return false;
    }
  }
  return out->store_directory.size > 0 || refuse(complaint, "`store.directory` must be the path of a folder");
}

static bool read_member(configuration *out, const char *key, json_t *value, complaint complaint) {
  if (strcmp(key, "policies") == 0) return read_policies(out, value, complaint);
  if (strcmp(key, "constants") == 0) return read_constants(out, value, complaint);
  if (strcmp(key, "metadata") == 0) return read_metadata(out, value, complaint);
  if (strcmp(key, "store") == 0) return read_store(&out->engine_options, value, complaint);
  if (strcmp(key, "workerCacheBytes") == 0) {
    return read_bytes(&out->engine_options.worker_cache_bytes, key, value, 1, complaint);
  }
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
  if (strcmp(key, "watch") == 0) {
    out->watches = json_is_true(value);
    return json_is_boolean(value) || refuse(complaint, "`watch` must be true or false");
  }
  return refuse(complaint,
                "`%s` is no member; there are policies, constants, reasonHeader, metadata, clientAddress, store, workerCacheBytes, "
                "watch and revision",
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
  for (index = 0; index < configuration->elements_count; index++) free(configuration->elements[index]);
  free(configuration->elements);
  free(configuration->constants);
  free(configuration->policies);
  json_decref(configuration->json);
  memset(configuration, 0, sizeof *configuration);
}

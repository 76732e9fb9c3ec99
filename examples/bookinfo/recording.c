#include "recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 128

typedef struct column {
  uint32_t attribute;
  purser_type type;
  purser_text key; /* of a map's entry; NULL data for a plain attribute */
} column;

/* ------------------------------------------------------------------------------------------- the host's side */

const purser_value *recorded_value(const recorded_request *request, uint32_t attribute) {
  if (attribute >= RECORDED_ATTRIBUTES || request->places[attribute] == 0) return NULL;
  return &request->values[request->places[attribute] - 1];
}

static purser_presence get(void *context, uint32_t attribute, purser_scratch *scratch, purser_value *value_out) {
  const purser_value *value = recorded_value(context, attribute);
  (void)scratch;
  if (value == NULL) return PURSER_ABSENT;
  *value_out = *value;
  return PURSER_PRESENT;
}

static purser_presence entry(void *context, uint32_t attribute, purser_text key, purser_scratch *scratch,
                             purser_value *value_out) {
  const purser_value *value = recorded_value(context, attribute);
  size_t i;
  (void)scratch;
  if (value == NULL) return PURSER_NO_MAP;
  for (i = 0; i < value->as.map.count; i++) {
    const purser_entry *candidate = &value->as.map.entries[i];
    if (candidate->key.size == key.size && memcmp(candidate->key.data, key.data, key.size) == 0) {
      *value_out = candidate->value;
      return PURSER_PRESENT;
    }
  }
  return PURSER_ABSENT;
}

static purser_presence iterate(void *context, uint32_t attribute, purser_scratch *scratch, purser_visitor *visitor) {
  const purser_value *value = recorded_value(context, attribute);
  size_t i;
  (void)scratch;
  if (value == NULL) return PURSER_NO_MAP;
  for (i = 0; i < value->as.map.count; i++) {
    const purser_entry *item = &value->as.map.entries[i];
    if (purser_visit(visitor, item->key, &item->value) != PURSER_OK) return PURSER_FAILED;
  }
  return PURSER_PRESENT;
}

const purser_host recording_host = {sizeof(purser_host), get, entry, iterate};

purser_text recorded_text(const recorded_request *request, uint32_t attribute) {
  const purser_value *value = recorded_value(request, attribute);
  purser_text none = {NULL, 0};
  return value != NULL && value->type == PURSER_TYPE_STRING ? value->as.text : none;
}

int64_t recorded_time(const recorded_request *request) {
  const purser_value *value = recorded_value(request, PURSER_ATTRIBUTE_REQUEST_TIME);
  return value == NULL ? 0 : value->as.seconds * 1000000000 + value->nanos;
}

/* --------------------------------------------------------------------------------------------------- reading */

static char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  char *text = NULL;
  long size;
  if (file == NULL) return NULL;
  if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0) {
    text = malloc((size_t)size + 1);
    if (text != NULL) {
      size_t count = fread(text, 1, (size_t)size, file);
      text[count] = '\0';
    }
  }
  fclose(file);
  return text;
}

/* Ends the field that begins at *next and moves *next behind it. */
static char *take_field(char **next, char end) {
  char *field = *next;
  char *stop = strchr(field, end);
  if (stop != NULL) {
    *stop = '\0';
    *next = stop + 1;
  } else {
    *next = field + strlen(field);
  }
  return field;
}

/* `request.headers[accept]:string` */
static int parse_column(char *head, column *column_out) {
  static const struct { const char *name; purser_type type; } types[] = {
      {"string", PURSER_TYPE_STRING}, {"int", PURSER_TYPE_INT},   {"uint", PURSER_TYPE_UINT},
      {"bool", PURSER_TYPE_BOOL},     {"timestamp", PURSER_TYPE_TIMESTAMP}, {"duration", PURSER_TYPE_DURATION}};
  char *type = strrchr(head, ':');
  char *key = strchr(head, '[');
  size_t i;
  purser_text name;
  if (type == NULL) return -1;
  *type++ = '\0';
  column_out->key.data = NULL;
  column_out->key.size = 0;
  if (key != NULL) {
    char *end = strrchr(key, ']');
    if (end == NULL) return -1;
    *key++ = '\0';
    column_out->key.data = key;
    column_out->key.size = (size_t)(end - key);
  }
  name.data = head;
  name.size = strlen(head);
  if (purser_attribute_number(name, &column_out->attribute) != PURSER_OK) return -1;
  if (column_out->attribute >= RECORDED_ATTRIBUTES) return -1;
  for (i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (strcmp(types[i].name, type) == 0) {
      column_out->type = types[i].type;
      return 0;
    }
  }
  return -1;
}

static purser_value parse_value(const char *field, purser_type type) {
  purser_value value;
  memset(&value, 0, sizeof value);
  value.type = type;
  switch (type) {
    case PURSER_TYPE_BOOL: value.as.boolean = field[0] == '1'; break;
    case PURSER_TYPE_INT: value.as.integer = strtoll(field, NULL, 10); break;
    case PURSER_TYPE_UINT: value.as.unsigned_integer = strtoull(field, NULL, 10); break;
    case PURSER_TYPE_TIMESTAMP:
    case PURSER_TYPE_DURATION: {
      long long nanoseconds = strtoll(field, NULL, 10);
      value.as.seconds = nanoseconds / 1000000000;
      value.nanos = (int32_t)(nanoseconds % 1000000000);
      break;
    }
    default:
      value.as.text.data = field;
      value.as.text.size = strlen(field);
  }
  return value;
}

/* The value of an attribute, added if it is not there yet; NULL when the table is full. */
static purser_value *place_of(recorded_request *request, uint32_t attribute) {
  if (request->places[attribute] == 0) {
    if (request->count == RECORDED_VALUES_MAX) return NULL;
    request->numbers[request->count] = attribute;
    request->places[attribute] = (uint8_t)++request->count;
  }
  return &request->values[request->places[attribute] - 1];
}

static int fail(const char *path, const char *message, recording *recording) {
  fprintf(stderr, "%s: %s\n", path, message);
  recording_free(recording);
  return -1;
}

int recording_read(const char *path, recording *recording_out) {
  column columns[COLUMNS_MAX];
  size_t columns_count = 0, lines = 0, entries = 0, i;
  char *next, *head;
  memset(recording_out, 0, sizeof *recording_out);
  recording_out->text = read_file(path);
  if (recording_out->text == NULL) return fail(path, "cannot be read", recording_out);
  next = recording_out->text;
  head = take_field(&next, '\n');
  while (*head != '\0') {
    char *name = take_field(&head, '\t');
    if (columns_count == COLUMNS_MAX || parse_column(name, &columns[columns_count]) != 0) {
      return fail(path, "a column is not known", recording_out);
    }
    columns_count++;
  }
  for (i = 0; next[i] != '\0'; i++) lines += next[i] == '\n';
  recording_out->requests = calloc(lines + 1, sizeof(recorded_request));
  recording_out->entries = calloc((lines + 1) * (columns_count + 1), sizeof(purser_entry));
  if (recording_out->requests == NULL || recording_out->entries == NULL) {
    return fail(path, "not enough memory", recording_out);
  }
  while (*next != '\0') {
    recorded_request *request = &recording_out->requests[recording_out->count];
    char *line = take_field(&next, '\n');
    for (i = 0; i < columns_count; i++) {
      char *field = take_field(&line, '\t');
      purser_value *value;
      if (*field == '\0') continue;
      value = place_of(request, columns[i].attribute);
      if (value == NULL) return fail(path, "a request has too many attributes", recording_out);
      if (columns[i].key.data == NULL) {
        *value = parse_value(field, columns[i].type);
        continue;
      }
      /* The columns of one map stand side by side, so its entries do as well. */
      if (value->type != PURSER_TYPE_MAP) {
        value->type = PURSER_TYPE_MAP;
        value->as.map.entries = &recording_out->entries[entries];
        value->as.map.count = 0;
      }
      recording_out->entries[entries].key = columns[i].key;
      recording_out->entries[entries].value = parse_value(field, columns[i].type);
      entries++;
      value->as.map.count++;
    }
    recording_out->count++;
  }
  return 0;
}

void recording_free(recording *recording) {
  free(recording->requests);
  free(recording->entries);
  free(recording->text);
  memset(recording, 0, sizeof *recording);
}

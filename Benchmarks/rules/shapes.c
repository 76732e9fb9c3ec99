#define _POSIX_C_SOURCE 200809L

#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const shape_names[SHAPES] = {"services", "paths", "principals", "headers", "addresses", "mixed"};
const char *const kind_names[KINDS] = {"first", "last", "none", "random"};

#define SERVICES_MAX 500
#define PER_POLICY 100 /* rules of a policy that is about all services */
#define CLIENTS 50

static purser_text keep(const char *format, ...) __attribute__((format(printf, 1, 2)));
static purser_text keep(const char *format, ...) {
  char buffer[256];
  purser_text text;
  va_list arguments;
  va_start(arguments, format);
  text.size = (size_t)vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  text.data = strdup(buffer);
  if (text.data == NULL) abort();
  return text;
}

static purser_text service_name(size_t number) {
  return keep("service-%zu.team-%zu.svc.cluster.local", number, number % 20);
}

/* ---------------------------------------------------------------------------------------------------- rules */

static const purser_text none = {NULL, 0};
static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};

static range ipv4(uint32_t first, uint32_t last) {
  range range = {{0, UINT64_C(0xffff00000000) | first}, {0, UINT64_C(0xffff00000000) | last}};
  return range;
}

/* The `place`th rule of a service. */
static void rule_of_service(rule *rule, size_t service, size_t place) {
  rule->action = ALLOW;
  rule->service = service_name(service);
  rule->path = keep("/api/v1/resource-%zu/", place);
  rule->method = keep("%s", methods[place % 4]);
  rule->principal = keep("spiffe://cluster.local/ns/team-%zu/sa/client-%zu", place % 7, (service + place) % CLIENTS);
}

rule_set rules_make(shape shape, size_t count) {
  rule_set set = {shape, calloc(count, sizeof(rule)), count, 0};
  const size_t denied = shape == MIXED ? count / 3 : 0;
  const size_t served = count - denied;
  const size_t services = served < SERVICES_MAX ? served : SERVICES_MAX;
  size_t i;
  if (set.rules == NULL) abort();
  for (i = 0; i < count; i++) {
    rule *rule = &set.rules[i];
    rule->policy = (uint32_t)(i / PER_POLICY);
    switch (shape) {
      case SERVICES:
      case MIXED:
        if (i < denied) {
          rule->action = DENY;
          rule->tenant = keep("tenant-%zu", i * 7919 % 1000003);
          rule->path = keep("/api/v1/resource-%zu/", i % 11);
        } else {
          const size_t place = i - denied, service = place * services / served;
          const size_t begin = (service * served + services - 1) / services;
          rule_of_service(rule, service, place - begin);
          rule->policy = (uint32_t)((denied + PER_POLICY - 1) / PER_POLICY + service);
        }
        break;
      case PATHS:
        rule->action = ALLOW;
        rule->service = service_name(7);
        rule->path = keep("/api/v1/tenants/t-%zu/projects/p-%zu/items/i-%zu/", i / 400, i / 20 % 20, i % 20);
        rule->method = keep("%s", methods[i % 3]);
        break;
      case PRINCIPALS:
        rule->action = ALLOW;
        rule->principal = keep("spiffe://cluster.local/ns/team-%zu/sa/app-%zu", i % 40, i);
        break;
      case HEADERS:
        rule->action = DENY;
        rule->tenant = keep("tenant-%zu", i * 7919 % 1000003);
        break;
      default:
        rule->action = DENY;
        rule->ranges[0] = ipv4(0x0a000000u + (uint32_t)i * 32, 0x0a000000u + (uint32_t)i * 32 + 15);
        rule->ranges[1] = ipv4(0xac100000u + (uint32_t)i * 8, 0xac100000u + (uint32_t)i * 8 + 7);
        rule->ranges_count = 2;
        break;
    }
  }
  set.policies = set.rules[count - 1].policy + 1;
  return set;
}

void rules_free(rule_set *set) {
  size_t i;
  for (i = 0; i < set->count; i++) {
    rule *rule = &set->rules[i];
    free((void *)rule->service.data);
    free((void *)rule->path.data);
    free((void *)rule->method.data);
    free((void *)rule->principal.data);
    free((void *)rule->tenant.data);
  }
  free(set->rules);
  set->rules = NULL;
}

/* ----------------------------------------------------------------------------------------------- documents */

typedef struct writer {
  document text;
  size_t capacity;
} writer;

static void write_text(writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_text(writer *writer, const char *format, ...) {
  va_list arguments;
  if (writer->capacity - writer->text.size < 1024) {
    writer->capacity = writer->capacity * 2 + 65536;
    writer->text.data = realloc(writer->text.data, writer->capacity);
    if (writer->text.data == NULL) abort();
  }
  va_start(arguments, format);
  writer->text.size += (size_t)vsnprintf(writer->text.data + writer->text.size, 1024, format, arguments);
  va_end(arguments);
}

static void write_when(writer *writer, const rule *rule, size_t number) {
  const char *glue = "";
  write_text(writer, "  - name: r%07zu\n    action: %s\n    when: '", number, rule->action == DENY ? "DENY" : "ALLOW");
  if (rule->tenant.size > 0) {
    write_text(writer, "\"x-tenant\" in request.headers && request.headers[\"x-tenant\"] == \"%s\"", rule->tenant.data);
    glue = " && ";
  }
  if (rule->path.size > 0) {
    write_text(writer, "%srequest.url_path.startsWith(\"%s\")", glue, rule->path.data);
    glue = " && ";
  }
  if (rule->method.size > 0) {
    write_text(writer, "%srequest.method == \"%s\"", glue, rule->method.data);
    glue = " && ";
  }
  if (rule->principal.size > 0) write_text(writer, "%ssource.principal == \"%s\"", glue, rule->principal.data);
  if (rule->ranges_count > 0) write_text(writer, "has(client.address) && client.address in lists[\"net-%zu\"]", number);
  write_text(writer, "'\n");
}

static void write_range(writer *writer, const range *range, int bits) {
  const uint32_t first = (uint32_t)range->first.low;
  write_text(writer, "%u.%u.%u.%u/%d", first >> 24, first >> 16 & 255, first >> 8 & 255, first & 255, bits);
}

document rules_document(const rule_set *set) {
  writer writer = {{NULL, 0}, 0};
  size_t i;
  for (i = 0; i < set->count; i++) {
    const rule *rule = &set->rules[i];
    if (i == 0 || rule->policy != set->rules[i - 1].policy) {
      write_text(&writer, "---\napiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: p-%06u}\nspec:\n", rule->policy);
      if (rule->service.size > 0) write_text(&writer, "  match: destination.service.host == \"%s\"\n", rule->service.data);
      write_text(&writer, "  rules:\n");
    }
    write_when(&writer, rule, i);
  }
  for (i = 0; i < set->count && set->rules[i].ranges_count > 0; i++) {
    write_text(&writer, "---\napiVersion: purser.dev/v1alpha1\nkind: ValueList\nmetadata: {name: net-%zu}\nspec: {type: CIDR, values: [", i);
    write_range(&writer, &set->rules[i].ranges[0], 28);
    write_text(&writer, ", ");
    write_range(&writer, &set->rules[i].ranges[1], 29);
    write_text(&writer, "]}\n");
  }
  return writer.text;
}

/* ------------------------------------------------------------------------------------------------ requests */

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit) {
  random_state = random_state * 1664525u + 1013904223u;
  return (uint32_t)((uint64_t)(random_state >> 1) * limit >> 31);
}

typedef struct pen {
  request *request;
  size_t used;
} pen;

static purser_text put(pen *pen, const char *format, ...) __attribute__((format(printf, 2, 3)));
static purser_text put(pen *pen, const char *format, ...) {
  purser_text text = {pen->request->text + pen->used, 0};
  const size_t room = sizeof pen->request->text - pen->used;
  va_list arguments;
  va_start(arguments, format);
  text.size = (size_t)vsnprintf(pen->request->text + pen->used, room, format, arguments);
  va_end(arguments);
  if (text.size >= room) abort();
  pen->used += text.size + 1;
  return text;
}

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz-._";

/* A tail of a path, of any length. */
static const char *tail(char *buffer, uint32_t longest) {
  const uint32_t size = 1 + random_below(longest);
  uint32_t i;
  for (i = 0; i < size; i++) buffer[i] = digits[random_below(36)];
  buffer[size] = '\0';
  return buffer;
}

static purser_text address_text(pen *pen, uint32_t a) {
  return put(pen, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* What no rule of any shape asks for. */
static void strange(const rule_set *set, request *request, pen *pen) {
  char buffer[40];
  const rule *near = &set->rules[random_below((uint32_t)set->count)];
  request->method = put(pen, "%s", methods[random_below(4)]);
  request->principal = put(pen, "spiffe://cluster.local/ns/team-%u/sa/visitor-%u", random_below(40), random_below(5000));
  request->client = address_text(pen, 0xc0a80000u + random_below(65536));
  request->headers[4].value = put(pen, "tenant-x%u", random_below(1000000));
  if (set->shape == PATHS) {
    /* All but the last segment of some rule. */
    request->service = near->service;
    request->path = put(pen, "%.*s-%s", (int)near->path.size - 1, near->path.data, tail(buffer, 12));
  } else {
    request->service = near->service.size > 0 && random_below(2) ? near->service : put(pen, "unknown-%u.svc", random_below(500));
    request->path = put(pen, "/static/%s?v=%s", tail(buffer, 20), "2");
  }
}

/* The same, with all that one rule asks for. */
static void like(const rule *rule, request *request, pen *pen) {
  char buffer[40];
  if (rule->service.size > 0) request->service = rule->service;
  if (rule->method.size > 0) request->method = rule->method;
  if (rule->principal.size > 0) request->principal = rule->principal;
  if (rule->tenant.size > 0) request->headers[4].value = rule->tenant;
  if (rule->path.size > 0) request->path = put(pen, "%s%s", rule->path.data, tail(buffer, 20));
  if (rule->ranges_count > 0) {
    const range *range = &rule->ranges[random_below(2)];
    request->client = address_text(pen, (uint32_t)range->first.low + random_below((uint32_t)(range->last.low - range->first.low) + 1));
  }
}

request *requests_make(const rule_set *set, kind kind) {
  static const char *const names[HEADERS_COUNT] = {"user-agent", "accept", "x-request-id", "x-forwarded-for", "x-tenant"};
  request *requests = calloc(REQUESTS, sizeof *requests);
  size_t i, k;
  if (requests == NULL) abort();
  random_state = 1;
  for (i = 0; i < REQUESTS; i++) {
    request *request = &requests[i];
    pen pen = {request, 0};
    for (k = 0; k < HEADERS_COUNT; k++) {
      request->headers[k].name.data = names[k];
      request->headers[k].name.size = strlen(names[k]);
      request->headers[k].value = none;
    }
    request->headers[0].value = put(&pen, "client/%u.%u", random_below(9), random_below(9));
    request->headers[1].value = put(&pen, "*/*");
    strange(set, request, &pen);
    if (kind == FIRST) like(&set->rules[0], request, &pen);
    if (kind == LAST) like(&set->rules[set->count - 1], request, &pen);
    /* Deep paths are mostly missed. */
    if (kind == RANDOM && random_below(8) < (set->shape == PATHS ? 1u : 4u)) {
      like(&set->rules[random_below((uint32_t)set->count)], request, &pen);
    }
  }
  return requests;
}

/* --------------------------------------------------------------------------------------------------- host */

static purser_presence give(purser_text text, purser_value *value_out) {
  if (text.data == NULL) return PURSER_ABSENT;
  value_out->type = PURSER_TYPE_STRING;
  value_out->as.text = text;
  return PURSER_PRESENT;
}

static purser_presence get(void *context, uint32_t attribute, purser_scratch *scratch, purser_value *value_out) {
  const request *request = context;
  (void)scratch;
  switch (attribute) {
    case PURSER_ATTRIBUTE_DESTINATION_SERVICE_HOST: return give(request->service, value_out);
    case PURSER_ATTRIBUTE_REQUEST_METHOD: return give(request->method, value_out);
    case PURSER_ATTRIBUTE_REQUEST_PATH: return give(request->path, value_out);
    case PURSER_ATTRIBUTE_SOURCE_PRINCIPAL: return give(request->principal, value_out);
    case PURSER_ATTRIBUTE_CLIENT_ADDRESS: return give(request->client, value_out);
    default: return PURSER_ABSENT;
  }
}

static purser_presence entry(void *context, uint32_t attribute, purser_text key, purser_scratch *scratch,
                             purser_value *value_out) {
  const request *request = context;
  size_t i;
  (void)scratch;
  if (attribute != PURSER_ATTRIBUTE_REQUEST_HEADERS) return PURSER_NO_MAP;
  for (i = 0; i < HEADERS_COUNT; i++) {
    if (request->headers[i].name.size == key.size && memcmp(request->headers[i].name.data, key.data, key.size) == 0) {
      return give(request->headers[i].value, value_out);
    }
  }
  return PURSER_ABSENT;
}

const purser_host rules_host = {sizeof(purser_host), get, entry, NULL};

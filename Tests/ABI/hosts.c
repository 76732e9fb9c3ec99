/*
 * hosts.c - request.host: a name in lower case without port and without the root's dot, or an error.
 */
#include "host.h"

static purser_reason_kind kind_for(house *house, host_request *context, const char *name) {
  purser_reason_kind kind = PURSER_REASON_NO_PLAN;
  host_set(context, PURSER_ATTRIBUTE_REQUEST_HOST, value_string(name));
  if (house_check(house, context)) CHECK(purser_decision_reason_kind(house->request, &kind) == PURSER_OK);
  house_end(house);
  return kind;
}

static void one_name_has_many_spellings(void) {
  static const char *const same[] = {"shop.example", "shop.example.", "SHOP.Example", "shop.example:80", "shop.example.:80", "Shop.Example.:8443"};
  static const char *const others[] = {"shop.example..", ".shop.example", "shop.example.evil", "shop", "xshop.example"};
  house house;
  host_request context = host_reviews();
  size_t at;
  if (!house_open(&house, NULL, YAML_HEAD("Policy", "p") "spec: {rules: [{name: p, action: DENY, when: request.host == 'shop.example'}]}\n"))
    return;
  for (at = 0; at < sizeof same / sizeof same[0]; at += 1)
    if (!CHECK(kind_for(&house, &context, same[at]) == PURSER_REASON_RULE)) printf("  %s\n", same[at]);
  for (at = 0; at < sizeof others / sizeof others[0]; at += 1) /* another name, or none */
    if (!CHECK(kind_for(&house, &context, others[at]) != PURSER_REASON_RULE)) printf("  %s\n", others[at]);
  house_close(&house);
}

static void addresses_are_hosts(void) {
  static const char *const names[][2] = {
      {"10.0.0.1:80", "10.0.0.1"}, {"[2001:db8::1]:80", "[2001:db8::1]"}, {"[2001:DB8::1]", "[2001:db8::1]"}};
  house house;
  host_request context = host_reviews();
  char yaml[512];
  size_t at;
  if (!house_open(&house, NULL, NULL)) return;
  for (at = 0; at < sizeof names / sizeof names[0]; at += 1) {
    /* With its brackets or without. */
    snprintf(yaml, sizeof yaml, "%sspec: {rules: [{name: p, action: DENY, when: \"request.host == '%s' || '[' + request.host + ']' == '%s'\"}]}\n",
             YAML_HEAD("Policy", "p"), names[at][1], names[at][1]);
    CHECK(set_loads(house.set, yaml));
    if (!CHECK(kind_for(&house, &context, names[at][0]) == PURSER_REASON_RULE)) printf("  %s\n", names[at][0]);
  }
  house_close(&house);
}

static void what_is_no_host_is_an_error(void) {
  static const char *const names[] = {"a:80:90", "x]:80"};
  static const char *const rules[] = {"request.host == 'nobody'", "request.host == 'a'", "request.host == 'x'", "request.host.endsWith('.example')"};
  house house;
  host_request context = host_reviews();
  char yaml[512];
  size_t at, rule;
  if (!house_open(&house, NULL, NULL)) return;
  for (rule = 0; rule < sizeof rules / sizeof rules[0]; rule += 1) {
    snprintf(yaml, sizeof yaml, "%sspec: {rules: [{name: p, action: DENY, when: \"%s\"}]}\n", YAML_HEAD("Policy", "p"), rules[rule]);
    CHECK(set_loads(house.set, yaml));
    for (at = 0; at < sizeof names / sizeof names[0]; at += 1)
      if (!CHECK(kind_for(&house, &context, names[at]) == PURSER_REASON_RULE_ERROR)) printf("  %s with %s\n", names[at], rules[rule]);
  }
  house_close(&house);
}

int main(void) {
  RUN(one_name_has_many_spellings);
  RUN(addresses_are_hosts);
  RUN(what_is_no_host_is_an_error);
  return test_end();
}

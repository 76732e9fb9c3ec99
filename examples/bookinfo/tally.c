#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 64
#define WORDS 320

/* Something that was counted, with the first hop of its kind. */
typedef struct row {
  char name[WORDS * 2];
  char example[WORDS];
  size_t count;
} row;

typedef struct rows {
  row items[ROWS_MAX];
  size_t count;
} rows;

struct tally {
  size_t allowed, denied, shadowed;
  rows decisions; /* service, verdict, cause: separated by tabs */
  rows denials;   /* reason */
  rows audits;    /* rule */
  rows shadows;   /* change and rule */
};

tally *tally_new(void) {
  tally *result = calloc(1, sizeof(tally));
  if (result == NULL) exit(1);
  return result;
}

void tally_free(tally *tally) { free(tally); }

static void count(rows *rows, const char *name, const char *example) {
  size_t i;
  for (i = 0; i < rows->count; i++) {
    if (strcmp(rows->items[i].name, name) == 0) {
      rows->items[i].count++;
      return;
    }
  }
  if (rows->count == ROWS_MAX) return;
  snprintf(rows->items[i].name, sizeof rows->items[i].name, "%s", name);
  snprintf(rows->items[i].example, WORDS, "%s", example);
  rows->items[i].count = 1;
  rows->count++;
}

/* `namespace/policy/rule` */
static void write_rule(char *buffer, size_t size, const purser_rule_reference *rule) {
  snprintf(buffer, size, "%.*s%s%.*s/%.*s", (int)rule->policy_namespace.size, rule->policy_namespace.data,
           rule->policy_namespace.size > 0 ? "/" : "", (int)rule->policy.size, rule->policy.data, (int)rule->rule.size,
           rule->rule.data);
}

/* What decided: a rule, or which default. */
static void write_cause(char *buffer, size_t size, const purser_request *request) {
  purser_rule_reference rule;
  purser_reason_kind kind = PURSER_REASON_DEFAULT;
  if (purser_decision_rule(request, &rule) == PURSER_OK) {
    write_rule(buffer, size, &rule);
    return;
  }
  (void)purser_decision_reason_kind(request, &kind);
  snprintf(buffer, size, "%s",
           kind == PURSER_REASON_NO_ALLOW_RULE ? "no ALLOW rule holds" : kind == PURSER_REASON_NO_PLAN ? "no plan" : "default");
}

/* `GET /path from workload for client` */
static void write_hop(char *buffer, size_t size, const recorded_request *hop) {
  purser_text method = recorded_text(hop, PURSER_ATTRIBUTE_REQUEST_METHOD);
  purser_text path = recorded_text(hop, PURSER_ATTRIBUTE_REQUEST_PATH);
  purser_text workload = recorded_text(hop, PURSER_ATTRIBUTE_SOURCE_WORKLOAD_NAME);
  purser_text client = recorded_text(hop, PURSER_ATTRIBUTE_CLIENT_ADDRESS);
  if (workload.size == 0) workload = recorded_text(hop, PURSER_ATTRIBUTE_SOURCE_ADDRESS);
  snprintf(buffer, size, "%.*s %.*s from %.*s%s%.*s", (int)method.size, method.data, (int)path.size, path.data,
           (int)workload.size, workload.data, client.size > 0 ? " for " : "", (int)client.size, client.data);
}

void tally_add(tally *tally, const purser_request *request, const recorded_request *hop) {
  char cause[WORDS], example[WORDS], name[WORDS * 2];
  purser_text service = recorded_text(hop, PURSER_ATTRIBUTE_DESTINATION_SERVICE_NAME);
  purser_text workload = recorded_text(hop, PURSER_ATTRIBUTE_DESTINATION_WORKLOAD_NAME);
  purser_verdict verdict = PURSER_VERDICT_DENY, shadow;
  size_t audits = 0, i;

  (void)purser_decision_verdict(request, &verdict);
  write_cause(cause, sizeof cause, request);
  write_hop(example, sizeof example, hop);
  if (service.size == 0) service = workload;
  snprintf(name, sizeof name, "%.*s\t%s\t%s", (int)service.size, service.data,
           verdict == PURSER_VERDICT_ALLOW ? "allow" : "deny", cause);
  count(&tally->decisions, name, example);
  if (verdict == PURSER_VERDICT_ALLOW) {
    tally->allowed++;
  } else {
    purser_text reason = {NULL, 0};
    (void)purser_decision_reason(request, &reason);
    snprintf(name, sizeof name, "%.*s", (int)reason.size, reason.data);
    tally->denied++;
    count(&tally->denials, name, example);
  }
  (void)purser_decision_audits_count(request, &audits);
  for (i = 0; i < audits; i++) {
    purser_rule_reference rule;
    if (purser_decision_audit(request, i, &rule) != PURSER_OK) continue;
    write_rule(name, sizeof name, &rule);
    count(&tally->audits, name, example);
  }
  if (purser_decision_shadow_verdict(request, &shadow) == PURSER_OK && shadow != verdict) {
    size_t rules = 0;
    tally->shadowed++;
    (void)purser_decision_shadow_rules_count(request, &rules);
    /* Without a rule that holds, the difference is that none does. */
    snprintf(cause, sizeof cause, "%s",
             rules > 0 ? "" : shadow == PURSER_VERDICT_ALLOW ? "no rule denies" : "no ALLOW rule holds");
    for (i = 0; i < rules; i++) {
      purser_rule_reference rule;
      size_t used = strlen(cause);
      if (purser_decision_shadow_rule(request, i, &rule) != PURSER_OK) continue;
      if (used > 0 && used + 2 < sizeof cause) {
        memcpy(cause + used, ", ", 3);
        used += 2;
      }
      write_rule(cause + used, sizeof cause - used, &rule);
    }
    snprintf(name, sizeof name, "%s: %s", shadow == PURSER_VERDICT_ALLOW ? "deny would become allow" : "allow would become deny",
             cause);
    count(&tally->shadows, name, example);
  }
}

/* ------------------------------------------------------------------------------------------------------ printing */

static int by_name(const void *left, const void *right) {
  return strcmp((*(const row *const *)left)->name, (*(const row *const *)right)->name);
}

static int by_count(const void *left, const void *right) {
  const row *a = *(const row *const *)left, *b = *(const row *const *)right;
  return a->count != b->count ? (a->count < b->count) - (a->count > b->count) : strcmp(a->name, b->name);
}

static void sort(const rows *rows, const row **sorted, int (*compare)(const void *, const void *)) {
  size_t i;
  for (i = 0; i < rows->count; i++) sorted[i] = &rows->items[i];
  qsort(sorted, rows->count, sizeof sorted[0], compare);
}

static void print_counts(const char *heading, const rows *rows) {
  const row *sorted[ROWS_MAX];
  size_t i;
  if (rows->count == 0) return;
  printf("\n%s\n\n", heading);
  sort(rows, sorted, by_count);
  for (i = 0; i < rows->count; i++) {
    printf("  %4zu  %s\n        such as %s\n", sorted[i]->count, sorted[i]->name, sorted[i]->example);
  }
}

void tally_print(const tally *tally) {
  const row *sorted[ROWS_MAX];
  const size_t total = tally->allowed + tally->denied;
  size_t i;
  printf("%zu allowed, %zu denied (%.1f %%)", tally->allowed, tally->denied,
         total > 0 ? 100.0 * (double)tally->denied / (double)total : 0);
  if (tally->shadowed > 0) printf(", %zu would change with the shadow policy", tally->shadowed);
  printf("\n\nDecisions by service and rule\n\n  %-12s %-8s %-42s %5s\n", "service", "verdict", "decided by", "hops");
  sort(&tally->decisions, sorted, by_name);
  for (i = 0; i < tally->decisions.count; i++) {
    char name[WORDS * 2];
    char *verdict, *cause;
    snprintf(name, sizeof name, "%s", sorted[i]->name);
    verdict = strchr(name, '\t');
    cause = verdict == NULL ? NULL : strchr(verdict + 1, '\t');
    if (cause == NULL) continue;
    *verdict++ = '\0';
    *cause++ = '\0';
    printf("  %-12s %-8s %-42s %5zu\n", name, verdict, cause, sorted[i]->count);
  }
  print_counts("Why hops were denied", &tally->denials);
  print_counts("Marked by AUDIT rules, which never decide", &tally->audits);
  print_counts("What the shadow policy would change, were it enforced", &tally->shadows);
}

/* Numbers, searches and files: what platform.h declares itself. */
#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* glibc hands out one static object for the C locale, so this neither allocates nor fails. */
static double parse_in_c_locale(const char *text, char **end) {
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  double result = c == (locale_t)0 ? strtod(text, end) : strtod_l(text, end, c);
  if (c != (locale_t)0) freelocale(c);
  return result;
}

bool platform_parse_double(const uint8_t *text, size_t size, double *result) {
  char small[128];
  if (size == 0 || size > 4096) return false;
  for (size_t i = 0; i < size; i++) {
    uint8_t c = text[i];
    /* strtod takes blanks, hexadecimal and nan(…) too. */
    if (c == 'x' || c == 'X' || c == '(' || c <= ' ') return false;
  }
  char *copy = size < sizeof small ? small : malloc(size + 1);
  if (copy == NULL) return false;
  memcpy(copy, text, size);
  copy[size] = 0;
  char *end = copy;
  *result = parse_in_c_locale(copy, &end);
  bool whole = end == copy + size;
  if (copy != small) free(copy);
  return whole;
}

int platform_shortest_digits(double value, char digits[18], int *exponent) {
  char text[64];
  *exponent = 0;
  if (value == 0 || !isfinite(value)) {
    digits[0] = '0';
    digits[1] = 0;
    *exponent = 1;
    return 1;
  }
  if (value < 0) value = -value;
  int count = 1;
  for (int precision = 0; precision <= 16; precision++) {
    snprintf(text, sizeof text, "%.*e", precision, value);
    /* The separator is the host's locale's: take the digits only, then read them back without one. */
    count = 0;
    const char *c = text;
    for (; *c != 0 && *c != 'e'; c++)
      if (*c >= '0' && *c <= '9' && count < 17) digits[count++] = *c;
    digits[count] = 0;
    *exponent = (*c == 'e' ? atoi(c + 1) : 0) + 1;
    char again[64], *end = NULL;
    snprintf(again, sizeof again, "%se%d", digits, *exponent - count);
    if (parse_in_c_locale(again, &end) == value) break;
  }
  while (count > 1 && digits[count - 1] == '0') digits[--count] = 0;
  return count;
}

int platform_format_double(double value, char verb, int precision, void *buffer, size_t size) {
  char *text = buffer;
  if (!isfinite(value) || precision < 0) return 0;
  int written = snprintf(text, size, verb == 'e' ? "%.*e" : "%.*f", precision, value);
  if (written < 0 || (size_t)written >= size) return 0;
  /* Whatever the host's locale has between the digits becomes a point. */
  int count = 0;
  for (int at = 0; at < written; at++) {
    char c = text[at];
    bool is_number = (c >= '0' && c <= '9') || c == '-' || c == '+' || c == 'e';
    if (is_number) text[count++] = c;
    else if (count > 0 && text[count - 1] != '.') text[count++] = '.';
  }
  return count;
}

int platform_plain_digits(double value, void *buffer, size_t size) {
  char digits[18], *text = buffer;
  int point = 0;
  int count = platform_shortest_digits(value, digits, &point);
  if (value == 0) point = 1;
  size_t before = point > 0 ? (size_t)point : 1, after = count > point ? (size_t)(count - point) : 0;
  if (before + 1 + after > size) return 0;
  size_t at = 0;
  if (point <= 0) text[at++] = '0';
  for (int i = 0; i < point; i++) text[at++] = i < count ? digits[i] : '0';
  if (after > 0) text[at++] = '.';
  /* With a negative exponent the first of these are the zeros before the digits. */
  for (int i = point; i < count; i++) text[at++] = i >= 0 ? digits[i] : '0';
  return (int)at;
}

const uint8_t *platform_find(const uint8_t *text, size_t size, const uint8_t *needle, size_t needle_size) {
  if (needle_size == 0) return text;
  if (needle_size > size) return NULL;
  return memmem(text, size, needle, needle_size);
}

ptrdiff_t platform_read_file(const char *path, uint8_t *buffer, size_t size) {
  int file;
  do file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  while (file < 0 && errno == EINTR);
  if (file < 0) return -1;
  struct stat info;
  ptrdiff_t total = -1;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0 && (size_t)info.st_size <= size) {
    total = 0;
    while ((size_t)total < (size_t)info.st_size) {
      ssize_t got = read(file, buffer + total, (size_t)info.st_size - (size_t)total);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) total = -1;
      if (got <= 0) break;
      total += got;
    }
  }
  close(file);
  return total;
}

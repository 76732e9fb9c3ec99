#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void log_line(enum envoy_log_level level, const char *format, ...) {
  char line[1024];
  int length;
  va_list arguments;
  va_start(arguments, format);
  length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  if ((size_t)length >= sizeof line) length = (int)sizeof line - 1;
  ENVOY(log)((int)level, (envoy_text){line, (size_t)length});
}

void log_lines(enum envoy_log_level level, purser_text text) {
  while (text.size > 0) {
    const char *end = memchr(text.data, '\n', text.size);
    const size_t length = end == NULL ? text.size : (size_t)(end - text.data);
    if (length > 0) ENVOY(log)((int)level, (envoy_text){text.data, length});
    if (end == NULL) return;
    text.data += length + 1;
    text.size -= length + 1;
  }
}

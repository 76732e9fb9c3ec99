/* Envoy's log, from this module. Any thread: Envoy's logger takes a lock of its own and needs nothing of the thread. */
#ifndef PURSER_ENVOY_LOG_H
#define PURSER_ENVOY_LOG_H

#include "envoy_abi.h"

#include <purser.h>

/* One line; longer than 1,023 bytes is cut. */
__attribute__((format(printf, 2, 3))) void log_line(enum envoy_log_level level, const char *format, ...);

/* Each line of the text as a line of its own, uncut, so that none gets lost in a collector. */
void log_lines(enum envoy_log_level level, purser_text text);

#endif

/* libc for Swift code that must also compile as Embedded Swift, where `import Glibc` does not exist, and the few
 * things that C has and Swift's subset has not: atomics on plain memory, locks, calls with variadic arguments. */
#ifndef PURSER_PLATFORM_H
#define PURSER_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "platform_files.h"
#include "platform_path.h"
#include "platform_process.h"
#include "platform_threads.h"
#include "platform_watch.h"

/* Numbers as text, always in the C locale, whatever locale the host has set. */

/* Reads the `size` bytes of `text` as one decimal number (also `inf` and `nan`, in any case; no blanks, no
 * hexadecimal). False when they are something else. Too large is infinite, too small is zero. */
bool platform_parse_double(const uint8_t *text, size_t size, double *result);

/* The fewest significant decimal digits that read back as `value`, which must be finite: writes at most 17 characters
 * without a separator to `digits` and gives their number; `value` = ±0.DIGITS · 10^exponent. */
int platform_shortest_digits(double value, char digits[18], int *exponent);

/* A finite number as C's %f ('f') or %e ('e') writes it with `precision` digits after the point: the number of bytes
 * written to `buffer`, 0 if they do not fit its `size`. */
int platform_format_double(double value, char verb, int precision, void *buffer, size_t size);

/* The magnitude of a finite number in its fewest significant digits, without an exponent: the number of bytes written,
 * 0 if they do not fit. 400 bytes always do. */
int platform_plain_digits(double value, void *buffer, size_t size);

/* Towards zero. The number must be within the type's range: the conversion itself has no check that could trap. */
static inline int64_t platform_truncate_int(double number) { return (int64_t)number; }
static inline uint64_t platform_truncate_uint(double number) { return (uint64_t)number; }

/* First occurrence of the needle, or NULL; linear time. */
const uint8_t *platform_find(const uint8_t *text, size_t size, const uint8_t *needle, size_t needle_size);

/* Reads a regular file of at most `size` bytes into `buffer`: the number of bytes, or -1 if there is no such file, it
 * cannot be read or it is longer. `path` is NUL-terminated. */
ptrdiff_t platform_read_file(const char *path, uint8_t *buffer, size_t size);

#endif

/*
 * purser_re2.h - RE2 as three C functions: the whole of libpurser_re2.so.
 *
 * RE2 is C++ and cannot be linked into libpurser.so, so it stands behind this small library, which the engine opens
 * when the first plan with a regular expression is loaded. What RE2 throws, it keeps; it writes nothing anywhere.
 *
 * A compiled pattern is immutable to its users: any number of threads may match with it at once.
 */
#ifndef PURSER_RE2_H
#define PURSER_RE2_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct purser_re2 purser_re2;

/*
 * Compiles a pattern in RE2's syntax over UTF-8. A pattern may use 1 MiB: for its program, and for the automaton that
 * matching builds and throws away as it goes.
 * Returns NULL when the pattern is refused; then `error` holds why, NUL-terminated and cut to `error_size` bytes.
 * `error` may be NULL. The caller frees the result with purser_re2_free.
 */
purser_re2 *purser_re2_compile(const uint8_t *pattern, size_t size, char *error, size_t error_size);

/* Whether the pattern matches anywhere in the text, in time linear in its size: 1, 0, or -1 if it cannot be said. */
int32_t purser_re2_match(const purser_re2 *regex, const uint8_t *text, size_t size);

/* Accepts NULL. */
void purser_re2_free(purser_re2 *regex);

#ifdef __cplusplus
}
#endif

#endif

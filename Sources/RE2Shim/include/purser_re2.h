/*
 * purser_re2.h - RE2 as six C functions: the whole of libpurser_re2.so.
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

/*
 * The same, with the pattern's groups kept for purser_re2_find.
 */
purser_re2 *purser_re2_compile_groups(const uint8_t *pattern, size_t size, char *error, size_t error_size);

/* The number of groups of a pattern that was compiled with them; else 0. */
int32_t purser_re2_group_count(const purser_re2 *regex);

/*
 * Where the pattern first matches at or after byte `start` of the text: 1, 0, or -1 if it cannot be said. `^` and `\b`
 * see what is before `start`. offsets[0] and offsets[1] are where the whole match begins and ends, offsets[2n] and
 * offsets[2n + 1] group n, for `count` pairs at most; -1 for a group that took no part.
 */
int32_t purser_re2_find(const purser_re2 *regex, const uint8_t *text, size_t size, size_t start, int64_t *offsets,
                        size_t count);

/* Accepts NULL. */
void purser_re2_free(purser_re2 *regex);

#ifdef __cplusplus
}
#endif

#endif

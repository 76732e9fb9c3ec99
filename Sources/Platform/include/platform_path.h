/* Many bytes of a path at once: what Swift's subset for the small flavour has no vectors for. */
#ifndef PURSER_PLATFORM_PATH_H
#define PURSER_PLATFORM_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Whether none of the bytes ends a path, needs decoding, or must not stand behind the one before it: no `?`, `#`, `%`, `\`, and
 * after a `/` none that is `unwanted` once the bits of `either` are set. May be false for `!` and `'`. */
#define PLATFORM_PATH_IS_PLAIN(SIZE)                                                                              \
  static inline bool platform_path_is_plain##SIZE(const uint8_t *text, uint8_t either, uint8_t unwanted) {        \
    typedef uint8_t bytes __attribute__((vector_size(SIZE)));                                                     \
    bytes now, before, odd;                                                                                       \
    uint64_t words[SIZE / 8], any = 0;                                                                            \
    memcpy(&now, text, SIZE);                                                                                     \
    memcpy(&before, text - 1, SIZE);                                                                              \
    /* `#` and `%`, and with them `!` and `'`, differ in bits 1 and 2 only. */                                    \
    odd = (bytes)(now == '?') | (bytes)((now | 6) == '\'') | (bytes)(now == '\\') |                               \
          ((bytes)(before == '/') & (bytes)((now | either) == unwanted));                                         \
    memcpy(words, &odd, SIZE);                                                                                    \
    for (size_t i = 0; i < SIZE / 8; i++) any |= words[i];                                                        \
    return any == 0;                                                                                              \
  }

PLATFORM_PATH_IS_PLAIN(8)
PLATFORM_PATH_IS_PLAIN(16)
#undef PLATFORM_PATH_IS_PLAIN

/* How many bytes of the text, the first among them, are as above; there may be more. The text has a byte. */
static inline size_t platform_plain_path_bytes(const uint8_t *text, size_t size, uint8_t either, uint8_t unwanted) {
  size_t at = 1;
  while (size - at >= 16 && platform_path_is_plain16(text + at, either, unwanted)) at += 16;
  /* The last ones overlap those before. */
  if (at < size && size > 16 && size - at < 16 && platform_path_is_plain16(text + size - 16, either, unwanted)) return size;
  if (size - at >= 8 && platform_path_is_plain8(text + at, either, unwanted)) at += 8;
  if (at < size && size > 8 && size - at < 8 && platform_path_is_plain8(text + size - 8, either, unwanted)) return size;
  return at;
}

#endif

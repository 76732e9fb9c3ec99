/* The process around the engine: fork, large stacks, libraries opened on demand. */
#ifndef PURSER_PLATFORM_PROCESS_H
#define PURSER_PLATFORM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often this process is a fork's child of one that called this before: equal numbers, same process. Counted by
 * pthread_atfork, so asking costs one load. */
extern uint32_t platform_fork_counter;
static inline uint32_t platform_fork_count(void) { return platform_fork_counter; }
void platform_watch_forks(void);

/* Stores a word before any later load of this thread. Where other threads answer by platform_barrier_others only the
 * compiler is held here; else this is a full fence. */
static inline void platform_publish(uint64_t *word, uint64_t value, bool others_send_barriers) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
  if (others_send_barriers) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  } else {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
}

/* Sets a word that is 0 to 1; false if it was not 0. */
static inline bool platform_take(uint64_t *word) { return __atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) == 0; }

/* Stores `value` if the word is 0, and gives what it is then. */
static inline uint64_t platform_set_once(uint64_t *word, uint64_t value) {
  uint64_t expected = 0;
  return __atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ? value : expected;
}

/* Stores `value` if the word is `expected`. */
static inline bool platform_replace(uint64_t *word, uint64_t expected, uint64_t value) {
  return __atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Adds to a word that other threads add to as well. */
static inline void platform_add(uint64_t *word, uint64_t value) { (void)__atomic_fetch_add(word, value, __ATOMIC_RELAXED); }

/* A number that this process was not given before; not 0. */
uint64_t platform_next_serial(void);

/* Runs `body(context)` on a thread of its own with `stack_bytes` of stack and all signals blocked, and waits for it.
 * False if no thread could be started. */
bool platform_run_on_large_stack(size_t stack_bytes, void (*body)(void *), void *context);

/* The folder of the file that this code was loaded from, with a slash at its end; its length, or 0 if unknown or too long. */
size_t platform_own_folder(char *buffer, size_t size);

/* dlopen(path, RTLD_NOW | RTLD_LOCAL); NULL and a message if it fails. */
void *platform_open_library(const char *path, char *error, size_t error_size);
void *platform_find_symbol(void *library, const char *name);

/* An IPv4 or IPv6 address in text, as the two halves of an IPv6 address (IPv4 as ::ffff:a.b.c.d). 1, or 0 if it is none. */
int platform_parse_address(const uint8_t *text, size_t size, uint64_t *high, uint64_t *low);

#endif

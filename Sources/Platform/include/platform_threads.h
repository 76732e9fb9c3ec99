/* Threads, locks, clocks, atomics on plain memory, and appending to files: what telemetry and its backends need of
 * libc and of the C memory model. Nothing here installs a signal handler, prints, or ends the process. Objects are
 * made on the heap so that Swift never moves them; a maker returns NULL when there is no memory. */
#ifndef PURSER_PLATFORM_THREADS_H
#define PURSER_PLATFORM_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* --- Atomics on plain memory ------------------------------------------------------------------------------------ */

static inline uint64_t platform_load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
static inline void platform_store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELAXED); }
static inline uint64_t platform_load_acquire(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void platform_store_release(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
static inline uintptr_t platform_load_address(const uintptr_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void platform_store_address(uintptr_t *word, uintptr_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Entry of a section that `platform_barrier_others` can wait out: nothing after it moves before the store. Only the
 * compiler is held here; the processor is held by the barrier that the waiting side sends. */
static inline void platform_enter(uint64_t *sequence) {
  __atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
static inline void platform_leave(uint64_t *sequence) {
  __atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELEASE);
}

/* A full memory barrier on every running thread of the process (membarrier). False where the kernel or a sandbox
 * does not allow it. */
bool platform_barrier_others(void);

/* --- Locks ------------------------------------------------------------------------------------------------------ */

typedef struct platform_lock platform_lock;
platform_lock *platform_lock_make(void);
void platform_lock_free(platform_lock *lock);
void platform_lock_acquire(platform_lock *lock);
void platform_lock_release(platform_lock *lock);

/* A condition beside its own lock, timed by the monotonic clock. */
typedef struct platform_signal platform_signal;
platform_signal *platform_signal_make(void);
void platform_signal_free(platform_signal *signal);
void platform_signal_lock(platform_signal *signal);
void platform_signal_unlock(platform_signal *signal);
/* With the lock held. */
void platform_signal_wake(platform_signal *signal);
/* With the lock held; returns with it held, after a wake, a spurious one included, or at `deadline`, in monotonic
 * nanoseconds. True when the deadline has passed. */
bool platform_signal_wait(platform_signal *signal, int64_t deadline);

/* --- Threads ---------------------------------------------------------------------------------------------------- */

typedef struct platform_thread platform_thread;
/* Starts `body(context)` on a thread that blocks all signals. `name` is at most 15 bytes. NULL and an errno number in
 * `error_out` on failure. */
platform_thread *platform_thread_start(void (*body)(void *context), void *context, const char *name, int *error_out);
/* The same, with a stack of `stack_bytes`; 0 for the system's default. */
platform_thread *platform_thread_start_sized(void (*body)(void *context), void *context, const char *name,
                                             size_t stack_bytes, int *error_out);
/* Names the calling thread among those that live; never 0. */
static inline uint64_t platform_thread_identity(void) { return (uint64_t)(uintptr_t)pthread_self(); }
/* Waits for the thread's end and frees it. Not from that thread itself. */
void platform_thread_join(platform_thread *thread);

/* --- Clocks and chance ------------------------------------------------------------------------------------------ */

int64_t platform_monotonic_nanoseconds(void);
int64_t platform_wall_nanoseconds(void);
/* Waits. Not on a path where anybody else waits for the caller. */
void platform_pause(int64_t nanoseconds);
/* For hash seeds. Never waits. */
uint64_t platform_random_word(void);

/* --- Numbers ---------------------------------------------------------------------------------------------------- */

/* `value` without its fraction; 0 when it is beyond 64 bits or not a number. Swift's own conversions trap, or call libm. */
static inline int64_t platform_truncate(double value) {
  return value > -9223372036854775808.0 && value < 9223372036854775808.0 ? (int64_t)value : 0;
}

/* --- Text ------------------------------------------------------------------------------------------------------- */

/* What an errno number means, always ended by NUL. */
void platform_error_text(int error, char *text, size_t size);

/* --- Appending to files ----------------------------------------------------------------------------------------- */

typedef struct platform_append_file {
  int descriptor; /* -1 when not open */
  uint64_t device;
  uint64_t inode;
  bool ends_inside_line; /* what the file held when it was opened does not end with a newline */
} platform_append_file;

/* Opens for appending, never following a terminal, never waiting for a pipe's reader; creates it with mode 0640.
 * 0 or an errno number. */
int platform_append_open(const char *path, platform_append_file *file_out);
void platform_append_close(platform_append_file *file);
/* Whether `path` still names the open file. */
bool platform_append_is_current(const char *path, const platform_append_file *file);
/* One write, again when interrupted. The number of bytes taken, or minus an errno number. */
int64_t platform_append_write(const platform_append_file *file, const uint8_t *bytes, size_t count);

#endif

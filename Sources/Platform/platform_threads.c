/* Locks, threads, clocks and appending to files: what platform_threads.h declares. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "platform_threads.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- Atomics ---------------------------------------------------------------------------------------------------- */

bool platform_barrier_others(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return true;
  /* Not registered yet in this process (a registration does not survive exec). */
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) return false;
  return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* --- Locks ------------------------------------------------------------------------------------------------------ */

struct platform_lock {
  pthread_mutex_t mutex;
};

platform_lock *platform_lock_make(void) {
  platform_lock *lock = malloc(sizeof *lock);
  if (lock && pthread_mutex_init(&lock->mutex, NULL) != 0) {
    free(lock);
    return NULL;
  }
  return lock;
}

void platform_lock_free(platform_lock *lock) {
  if (!lock) return;
  pthread_mutex_destroy(&lock->mutex);
  free(lock);
}

void platform_lock_acquire(platform_lock *lock) { pthread_mutex_lock(&lock->mutex); }
void platform_lock_release(platform_lock *lock) { pthread_mutex_unlock(&lock->mutex); }

struct platform_signal {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
};

platform_signal *platform_signal_make(void) {
  platform_signal *signal = malloc(sizeof *signal);
  if (!signal) return NULL;
  pthread_condattr_t attributes;
  if (pthread_condattr_init(&attributes) != 0) goto no_attributes;
  if (pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0) goto no_mutex;
  if (pthread_mutex_init(&signal->mutex, NULL) != 0) goto no_mutex;
  if (pthread_cond_init(&signal->condition, &attributes) != 0) goto no_condition;
  pthread_condattr_destroy(&attributes);
  return signal;
no_condition:
  pthread_mutex_destroy(&signal->mutex);
no_mutex:
  pthread_condattr_destroy(&attributes);
no_attributes:
  free(signal);
  return NULL;
}

void platform_signal_free(platform_signal *signal) {
  if (!signal) return;
  pthread_cond_destroy(&signal->condition);
  pthread_mutex_destroy(&signal->mutex);
  free(signal);
}

void platform_signal_lock(platform_signal *signal) { pthread_mutex_lock(&signal->mutex); }
void platform_signal_unlock(platform_signal *signal) { pthread_mutex_unlock(&signal->mutex); }
void platform_signal_wake(platform_signal *signal) { pthread_cond_broadcast(&signal->condition); }

bool platform_signal_wait(platform_signal *signal, int64_t deadline) {
  if (deadline < 0) deadline = 0;
  struct timespec at = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
  return pthread_cond_timedwait(&signal->condition, &signal->mutex, &at) == ETIMEDOUT;
}

/* --- Threads ---------------------------------------------------------------------------------------------------- */

struct platform_thread {
  pthread_t thread;
  void (*body)(void *context);
  void *context;
};

static void *run(void *argument) {
  platform_thread *self = argument;
  self->body(self->context);
  return NULL;
}

platform_thread *platform_thread_start(void (*body)(void *context), void *context, const char *name, int *error_out) {
  return platform_thread_start_sized(body, context, name, 0, error_out);
}

platform_thread *platform_thread_start_sized(void (*body)(void *context), void *context, const char *name,
                                             size_t stack_bytes, int *error_out) {
  platform_thread *self = malloc(sizeof *self);
  pthread_attr_t attributes;
  if (!self || pthread_attr_init(&attributes) != 0) {
    free(self);
    if (error_out) *error_out = ENOMEM;
    return NULL;
  }
  self->body = body;
  self->context = context;
  /* The new thread inherits the mask, so no signal can reach it before it would have blocked them itself. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = stack_bytes ? pthread_attr_setstacksize(&attributes, stack_bytes) : 0;
  if (error == 0) error = pthread_create(&self->thread, &attributes, run, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    free(self);
    if (error_out) *error_out = error;
    return NULL;
  }
  if (name) pthread_setname_np(self->thread, name);
  return self;
}

void platform_thread_join(platform_thread *thread) {
  if (!thread) return;
  pthread_join(thread->thread, NULL);
  free(thread);
}

/* --- Clocks and chance ------------------------------------------------------------------------------------------ */

static int64_t nanoseconds(clockid_t clock) {
  struct timespec now = {0, 0};
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t platform_monotonic_nanoseconds(void) { return nanoseconds(CLOCK_MONOTONIC); }
int64_t platform_wall_nanoseconds(void) { return nanoseconds(CLOCK_REALTIME); }

void platform_pause(int64_t nanoseconds) {
  if (nanoseconds <= 0) return;
  struct timespec left = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

uint64_t platform_random_word(void) {
  uint64_t word = 0;
  if (getrandom(&word, sizeof word, GRND_NONBLOCK) == (ssize_t)sizeof word) return word;
  /* Early in boot, or refused: the clock and address space randomisation are the best there is. */
  return (uint64_t)nanoseconds(CLOCK_MONOTONIC) * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&word;
}

/* --- Text ------------------------------------------------------------------------------------------------------- */

void platform_error_text(int error, char *text, size_t size) {
  if (size == 0) return;
  char scratch[128];
  const char *found = strerror_r(error, scratch, sizeof scratch);
  size_t length = strnlen(found, size - 1);
  memcpy(text, found, length);
  text[length] = 0;
}

/* --- Appending to files ----------------------------------------------------------------------------------------- */

static bool last_byte_is_newline(const char *path, off_t size) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return true; /* cannot know */
  char byte = '\n';
  ssize_t got = pread(descriptor, &byte, 1, size - 1);
  close(descriptor);
  return got != 1 || byte == '\n';
}

int platform_append_open(const char *path, platform_append_file *file_out) {
  platform_append_file file = {.descriptor = -1};
  *file_out = file;
  do {
    file.descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  } while (file.descriptor < 0 && errno == EINTR);
  if (file.descriptor < 0) return errno;
  struct stat status;
  if (fstat(file.descriptor, &status) != 0) {
    int error = errno;
    close(file.descriptor);
    return error;
  }
  file.device = (uint64_t)status.st_dev;
  file.inode = (uint64_t)status.st_ino;
  file.ends_inside_line =
      S_ISREG(status.st_mode) && status.st_size > 0 && !last_byte_is_newline(path, status.st_size);
  *file_out = file;
  return 0;
}

void platform_append_close(platform_append_file *file) {
  if (file->descriptor >= 0) close(file->descriptor);
  file->descriptor = -1;
}

bool platform_append_is_current(const char *path, const platform_append_file *file) {
  struct stat status;
  if (file->descriptor < 0 || stat(path, &status) != 0) return false;
  return (uint64_t)status.st_dev == file->device && (uint64_t)status.st_ino == file->inode;
}

int64_t platform_append_write(const platform_append_file *file, const uint8_t *bytes, size_t count) {
  ssize_t taken;
  do {
    taken = write(file->descriptor, bytes, count);
  } while (taken < 0 && errno == EINTR);
  return taken < 0 ? -(int64_t)errno : (int64_t)taken;
}

/* Changes of files: what platform_watch.h declares, over inotify and an eventfd. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "platform_watch.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "platform_threads.h"

struct platform_watch {
  int inotify;
  int wake;
  size_t used, filled; /* of `buffer` */
  _Alignas(struct inotify_event) char buffer[16 << 10];
};

platform_watch *platform_watch_make(int *error_out) {
  platform_watch *watch = malloc(sizeof *watch);
  if (watch == NULL) {
    *error_out = ENOMEM;
    return NULL;
  }
  watch->used = watch->filled = 0;
  watch->wake = -1;
  watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (watch->inotify >= 0) watch->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (watch->wake >= 0) return watch;
  *error_out = errno;
  platform_watch_free(watch);
  return NULL;
}

void platform_watch_free(platform_watch *watch) {
  if (watch == NULL) return;
  if (watch->inotify >= 0) close(watch->inotify);
  if (watch->wake >= 0) close(watch->wake);
  free(watch);
}

int platform_watch_add(platform_watch *watch, const char *path, platform_watch_scope scope) {
  const uint32_t itself = IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
  const uint32_t names = itself | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR;
  /* Not IN_MODIFY: half of a file may be policies too, and other ones. */
  const uint32_t mask = scope == PLATFORM_WATCH_NAMES    ? names
                        : scope == PLATFORM_WATCH_WRITES ? names | IN_CLOSE_WRITE
                                                         : itself | IN_CLOSE_WRITE;
  const int number = inotify_add_watch(watch->inotify, path, mask | IN_DONT_FOLLOW | IN_MASK_ADD);
  return number >= 0 ? number : -errno;
}

void platform_watch_remove(platform_watch *watch, int number) { (void)inotify_rm_watch(watch->inotify, number); }

void platform_watch_wait(platform_watch *watch, int64_t deadline) {
  struct pollfd descriptors[2] = {{watch->inotify, POLLIN, 0}, {watch->wake, POLLIN, 0}};
  struct timespec left = {0, 0};
  if (deadline != INT64_MAX) {
    const int64_t now = platform_monotonic_nanoseconds();
    const int64_t wait = deadline > now ? deadline - now : 0;
    left.tv_sec = wait / 1000000000;
    left.tv_nsec = wait % 1000000000;
  }
  (void)ppoll(descriptors, 2, deadline == INT64_MAX ? NULL : &left, NULL);
  uint64_t count;
  if (read(watch->wake, &count, sizeof count) < 0) return; /* nobody woke it */
}

void platform_watch_wake(platform_watch *watch) {
  const uint64_t one = 1;
  if (write(watch->wake, &one, sizeof one) < 0) return; /* it is awake 2^64 times over */
}

bool platform_watch_next(platform_watch *watch, platform_watch_event *event_out) {
  if (watch->used >= watch->filled) {
    ssize_t count;
    do {
      count = read(watch->inotify, watch->buffer, sizeof watch->buffer);
    } while (count < 0 && errno == EINTR);
    watch->used = 0;
    watch->filled = count > 0 ? (size_t)count : 0;
    if (watch->filled < sizeof(struct inotify_event)) return false;
  }
  /* The kernel gives whole events, aligned, whose names end in NUL. */
  const struct inotify_event *event = (const void *)(watch->buffer + watch->used);
  watch->used += sizeof *event + event->len;
  event_out->number = (event->mask & IN_Q_OVERFLOW) != 0 ? 0 : event->wd;
  event_out->is_gone = (event->mask & IN_IGNORED) != 0;
  event_out->is_itself = event->len == 0;
  event_out->name = event->len > 0 ? event->name : "";
  return true;
}

static uint64_t mix(uint64_t state, uint64_t word) {
  state = (state ^ word) * 0x9e3779b97f4a7c15u;
  return state ^ state >> 29;
}

platform_path_kind platform_path_look(const char *path, uint64_t *state_out) {
  struct stat status;
  *state_out = 0;
  if (lstat(path, &status) != 0) return PLATFORM_PATH_MISSING;
  uint64_t state = mix(mix(1, (uint64_t)status.st_dev), (uint64_t)status.st_ino);
  state = mix(mix(state, (uint64_t)status.st_mtim.tv_sec), (uint64_t)status.st_mtim.tv_nsec);
  state = mix(mix(state, (uint64_t)status.st_ctim.tv_sec), (uint64_t)status.st_ctim.tv_nsec);
  *state_out = mix(state, (uint64_t)status.st_size);
  return S_ISDIR(status.st_mode)   ? PLATFORM_PATH_DIRECTORY
         : S_ISLNK(status.st_mode) ? PLATFORM_PATH_LINK
                                   : PLATFORM_PATH_OTHER;
}

size_t platform_path_link(const char *path, char *buffer, size_t size) {
  const ssize_t length = readlink(path, buffer, size);
  return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

size_t platform_working_directory(char *buffer, size_t size) {
  return getcwd(buffer, size) != NULL && buffer[0] == '/' ? strlen(buffer) : 0;
}

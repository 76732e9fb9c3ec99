/* Changes of files and directories, by inotify. One thread waits; any thread may add, remove, and wake the one that waits.
 *
 *     platform_watch ── add(path) ─► wd        the same inode, however it was reached, has one wd
 *                    ◄─ next() ───── {wd, what, name}
 */
#ifndef PURSER_PLATFORM_WATCH_H
#define PURSER_PLATFORM_WATCH_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct platform_watch platform_watch;

/* NULL and an errno number when the system gives none: EMFILE when this user has too many (fs.inotify.max_user_instances). */
platform_watch *platform_watch_make(int *error_out);
void platform_watch_free(platform_watch *watch);

typedef enum platform_watch_scope {
  PLATFORM_WATCH_NAMES = 0,   /* a directory: names that come, go, or have other rights */
  PLATFORM_WATCH_WRITES = 1,  /* a directory: these, and files in it that a writer closed */
  PLATFORM_WATCH_FILE = 2     /* a file: a writer closed it, it went away, it has other rights */
} platform_watch_scope;

/* Follows what `path` names now, without following a link at its end; the number it has, at least 1, or minus an errno number.
 * What is followed already gets the wider scope. */
int platform_watch_add(platform_watch *watch, const char *path, platform_watch_scope scope);
void platform_watch_remove(platform_watch *watch, int number);

/* Waits until something changed, somebody called platform_watch_wake, or the time is up: monotonic nanoseconds, INT64_MAX
 * for no end. One thread at a time. */
void platform_watch_wait(platform_watch *watch, int64_t deadline);
void platform_watch_wake(platform_watch *watch);

typedef struct platform_watch_event {
  int number;       /* 0 when changes were lost: anything may have changed */
  bool is_gone;     /* no more will come of this number */
  bool is_itself;   /* of the file or directory itself */
  const char *name; /* in the directory, ended by NUL; "" where there is none. Lives until the next call */
} platform_watch_event;

/* Takes the next change; false when none is left. By the thread that waits. */
bool platform_watch_next(platform_watch *watch, platform_watch_event *event_out);

typedef enum platform_path_kind {
  PLATFORM_PATH_MISSING = 0,
  PLATFORM_PATH_DIRECTORY = 1,
  PLATFORM_PATH_LINK = 2,
  PLATFORM_PATH_OTHER = 3
} platform_path_kind;

/* What a path names, without following a link at its end. `state_out` is another number when another file is there, or it was
 * written since. */
platform_path_kind platform_path_look(const char *path, uint64_t *state_out);

/* Where a link points, without a NUL; the length, or 0 if that is unknown or does not fit. */
size_t platform_path_link(const char *path, char *buffer, size_t size);
/* The working directory; its length, or 0. */
size_t platform_working_directory(char *buffer, size_t size);

#endif

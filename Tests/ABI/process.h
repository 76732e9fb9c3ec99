/*
 * process.h - what a library can do to its process, seen from outside of it: memory, threads, signal handlers.
 */
#ifndef PURSER_TEST_PROCESS_H
#define PURSER_TEST_PROCESS_H

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline long process_resident_bytes(void) {
  long total = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return -1;
  if (fscanf(file, "%ld %ld", &total, &resident) != 2) resident = -1;
  fclose(file);
  return resident < 0 ? -1 : resident * sysconf(_SC_PAGESIZE);
}

/* A thread is listed for a moment after it was joined: what is ending (the kernel's PF_EXITING) is not counted. */
static inline int process_thread_is_ending(const char *thread) {
  char path[64], line[512], *rest;
  unsigned flags = 4;
  size_t size;
  FILE *file;
  snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", thread);
  file = fopen(path, "r");
  if (!file) return 1;
  size = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[size] = 0;
  rest = strrchr(line, ')'); /* what comes before, the name, may hold spaces */
  return !rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1 || (flags & 4) != 0;
}

static inline int process_threads(void) {
  DIR *folder = opendir("/proc/self/task");
  struct dirent *entry;
  int count = 0;
  if (!folder) return -1;
  while ((entry = readdir(folder)) != NULL)
    if (entry->d_name[0] != '.' && !process_thread_is_ending(entry->d_name)) count += 1;
  closedir(folder);
  return count;
}

/* How many signals have another handler than in `before`; fills `now`. Pass NULL to only fill. */
static inline int process_signal_changes(const struct sigaction *before, struct sigaction *now) {
  int number, changes = 0;
  for (number = 1; number < NSIG; number += 1) {
    memset(&now[number], 0, sizeof now[number]);
    if (sigaction(number, NULL, &now[number]) != 0) continue;
    if (before && (before[number].sa_handler != now[number].sa_handler || before[number].sa_flags != now[number].sa_flags))
      changes += 1;
  }
  return changes;
}

#endif

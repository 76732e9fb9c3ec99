/* Folders, private files, locks between processes: what platform_files.h declares. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "platform_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Folders ---------------------------------------------------------------------------------------------------- */

int platform_folder_open(const char *path, int *folder_out) {
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return -errno;
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -errno;
  struct stat status;
  int error = fstat(folder, &status) != 0 ? errno : 0;
  if (error == 0 && status.st_uid != geteuid()) error = EPERM;
  if (error == 0 && (status.st_mode & 077) != 0) error = EACCES;
  if (error != 0) {
    close(folder);
    return -error;
  }
  *folder_out = folder;
  return 0;
}

int platform_folder_list(int folder, bool (*visit)(void *context, const char *name), void *context) {
  /* A descriptor of its own: reading moves it, and closedir closes it. */
  int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return -errno;
  DIR *names = fdopendir(copy);
  if (names == NULL) {
    int error = errno;
    close(copy);
    return -error;
  }
  for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
    if (!visit(context, entry->d_name)) break;
  }
  closedir(names);
  return 0;
}

/* --- Files ------------------------------------------------------------------------------------------------------ */

int platform_file_open(int folder, const char *name, bool create) {
  int descriptor;
  do {
    descriptor = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | (create ? O_CREAT : 0), 0600);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor < 0 ? -errno : descriptor;
}

static void tell(const struct stat *status, platform_file_facts *facts_out) {
  facts_out->device = (uint64_t)status->st_dev;
  facts_out->inode = (uint64_t)status->st_ino;
  facts_out->size = (int64_t)status->st_size;
  facts_out->is_private = S_ISREG(status->st_mode) && status->st_uid == geteuid() && (status->st_mode & 077) == 0;
}

int platform_file_look(int descriptor, platform_file_facts *facts_out) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return -errno;
  tell(&status, facts_out);
  return 0;
}

int platform_file_look_at(int folder, const char *name, platform_file_facts *facts_out) {
  struct stat status;
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  tell(&status, facts_out);
  return 0;
}

void platform_file_close(int descriptor) {
  if (descriptor >= 0) close(descriptor);
}

int platform_file_resize(int descriptor, int64_t size) { return ftruncate(descriptor, (off_t)size) != 0 ? -errno : 0; }

int platform_file_read(int descriptor, int64_t offset, void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t got = pread(descriptor, (uint8_t *)bytes + done, count - done, (off_t)offset + (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) return -ENODATA;
    done += (size_t)got;
  }
  return 0;
}

int platform_file_write(int descriptor, int64_t offset, const void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t taken = pwrite(descriptor, (const uint8_t *)bytes + done, count - done, (off_t)offset + (off_t)done);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return -errno;
    if (taken == 0) return -ENOSPC;
    done += (size_t)taken;
  }
  return 0;
}

int platform_file_remove(int folder, const char *name) { return unlinkat(folder, name, 0) != 0 ? -errno : 0; }

/* A new file under a name that nobody else uses. */
static int write_aside(int folder, const char *name, const void *bytes, size_t count, char *aside, size_t aside_size) {
  uint64_t word = 0;
  if (!platform_random_bytes(&word, sizeof word)) return -EAGAIN;
  int length = snprintf(aside, aside_size, "%s.%016llx.new", name, (unsigned long long)word);
  if (length < 0 || (size_t)length >= aside_size) return -ENAMETOOLONG;
  int descriptor = openat(folder, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return -errno;
  int error = platform_file_write(descriptor, 0, bytes, count);
  if (close(descriptor) != 0 && error == 0) error = -errno;
  if (error != 0) (void)unlinkat(folder, aside, 0);
  return error;
}

int platform_file_create(int folder, const char *name, const void *bytes, size_t count) {
  char aside[256];
  int error = write_aside(folder, name, bytes, count, aside, sizeof aside);
  if (error != 0) return error;
  /* link, unlike rename, fails where the name is taken. */
  if (linkat(folder, aside, folder, name, 0) != 0) error = -errno;
  (void)unlinkat(folder, aside, 0);
  return error;
}

int platform_file_replace(int folder, const char *name, const void *bytes, size_t count) {
  char aside[256];
  int error = write_aside(folder, name, bytes, count, aside, sizeof aside);
  if (error != 0) return error;
  if (renameat(folder, aside, folder, name) != 0) {
    error = -errno;
    (void)unlinkat(folder, aside, 0);
  }
  return error;
}

int platform_file_lock(int descriptor, bool exclusive) {
  int error;
  do {
    error = flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 ? errno : 0;
  } while (error == EINTR);
  return -error;
}

void platform_file_unlock(int descriptor) { (void)flock(descriptor, LOCK_UN); }

/* --- Mapped memory ---------------------------------------------------------------------------------------------- */

const void *platform_file_map(int descriptor, size_t size) {
  void *address = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
  return address == MAP_FAILED ? NULL : address;
}

void platform_file_unmap(const void *address, size_t size) {
  if (address != NULL) (void)munmap((void *)(uintptr_t)address, size);
}

/* --- The machine and the process -------------------------------------------------------------------------------- */

bool platform_boot_identity(uint8_t identity_out[16]) {
  char text[40];
  int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t got = read(file, text, sizeof text);
  close(file);
  unsigned digits = 0;
  memset(identity_out, 0, 16);
  for (ssize_t at = 0; at < got && digits < 32; at++) {
    char c = text[at];
    unsigned value = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
    if (value == 16) continue;
    identity_out[digits / 2] = (uint8_t)(identity_out[digits / 2] << 4 | value);
    digits++;
  }
  return digits == 32;
}

uint64_t platform_process_space(void) {
  struct stat status;
  return stat("/proc/self/ns/pid", &status) == 0 ? (uint64_t)status.st_ino : 0;
}

bool platform_random_bytes(void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t got = getrandom((uint8_t *)bytes + done, count - done, GRND_NONBLOCK);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

/* Reading files and directories whole, with errno as the only way to fail. */
#define _GNU_SOURCE
#include "cyaml.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cyaml_path_kind(const char *path, uint8_t *kind_out) {
  struct stat status;
  if (stat(path, &status) != 0) return errno;
  *kind_out = S_ISREG(status.st_mode)   ? CYAML_PATH_FILE
              : S_ISDIR(status.st_mode) ? CYAML_PATH_DIRECTORY
                                        : CYAML_PATH_OTHER;
  return 0;
}

/* Doubles a buffer; `read` decides how much is used, never the size that `fstat` saw: the file may grow. */
static int grow(uint8_t **buffer, size_t *capacity, size_t capacity_max) {
  size_t wanted = *capacity == 0 ? 16384 : *capacity * 2;
  if (wanted > capacity_max) wanted = capacity_max;
  if (wanted <= *capacity) return EFBIG;
  uint8_t *larger = realloc(*buffer, wanted);
  if (larger == NULL) return ENOMEM;
  *buffer = larger;
  *capacity = wanted;
  return 0;
}

static int read_all(int descriptor, size_t length_max, uint8_t **bytes_out, size_t *length_out) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return EINVAL;
  if (status.st_size > 0 && (uint64_t)status.st_size > length_max) return EFBIG;
  uint8_t *buffer = NULL;
  size_t length = 0, capacity = 0;
  int error = 0;
  for (;;) {
    /* One byte more than the limit, so that a file of exactly the limit is told from a longer one. */
    if (length == capacity && (error = grow(&buffer, &capacity, length_max + 1)) != 0) break;
    ssize_t count = read(descriptor, buffer + length, capacity - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    length += (size_t)count;
    if (length > length_max) {
      error = EFBIG;
      break;
    }
  }
  if (error != 0) {
    free(buffer);
    return error;
  }
  *bytes_out = buffer;
  *length_out = length;
  return 0;
}

int cyaml_file_read(const char *path, size_t length_max, uint8_t **bytes_out, size_t *length_out) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return errno;
  int error = read_all(descriptor, length_max, bytes_out, length_out);
  close(descriptor);
  return error;
}

int cyaml_directory_read(const char *path, size_t length_max, uint8_t **names_out, size_t *length_out) {
  DIR *directory = opendir(path);
  if (directory == NULL) return errno;
  uint8_t *buffer = NULL;
  size_t length = 0, capacity = 0;
  int error = 0;
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(directory);
    if (entry == NULL) {
      error = errno;
      break;
    }
    size_t size = strlen(entry->d_name) + 1;
    while (error == 0 && capacity - length < size) error = grow(&buffer, &capacity, length_max);
    if (error != 0) break;
    memcpy(buffer + length, entry->d_name, size);
    length += size;
  }
  closedir(directory);
  if (error != 0) {
    free(buffer);
    return error;
  }
  *names_out = buffer;
  *length_out = length;
  return 0;
}

void cyaml_buffer_free(uint8_t *buffer) { free(buffer); }

size_t cyaml_errno_text(int error, char *buffer, size_t capacity) {
  if (capacity == 0) return 0;
  /* Not strerror: it follows the host's language. */
  const char *text = strerrordesc_np(error);
  if (text == NULL) text = "unknown error";
  size_t length = strlen(text);
  if (length > capacity) length = capacity;
  memcpy(buffer, text, length);
  return length;
}

bool cyaml_double(const uint8_t *text, size_t length, double *value_out) {
  char copy[64];
  if (length == 0 || length >= sizeof copy) return false;
  for (size_t i = 0; i < length; i++) {
    uint8_t c = text[i];
    if (!((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E')) return false;
    copy[i] = (char)c;
  }
  copy[length] = 0;
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (c_locale == (locale_t)0) return false;
  char *end = NULL;
  double value = strtod_l(copy, &end, c_locale);
  freelocale(c_locale);
  if (end != copy + length || !isfinite(value)) return false;
  *value_out = value;
  return true;
}

/* Folders, small private files, locks between processes and mapped words: what the stores need of the file system. Names
 * are those of one folder, given by its descriptor. Every function gives 0 (or a count) or minus an errno number. */
#ifndef PURSER_PLATFORM_FILES_H
#define PURSER_PLATFORM_FILES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens a folder, made with mode 0700 if only its last part is missing. -EPERM if this user does not own it, -EACCES if
 * others may read, write or enter it. */
int platform_folder_open(const char *path, int *folder_out);
/* Calls `visit` with each name; stops when it gives false. */
int platform_folder_list(int folder, bool (*visit)(void *context, const char *name), void *context);

typedef struct platform_file_facts {
  uint64_t device;
  uint64_t inode;
  int64_t size;
  bool is_private; /* a regular file of this user that nobody else may read or write */
} platform_file_facts;

/* Opens for reading and writing, never through a link; `create` makes it with mode 0600. The descriptor. */
int platform_file_open(int folder, const char *name, bool create);
int platform_file_look(int descriptor, platform_file_facts *facts_out);
/* As platform_file_look, by name, without following a link. */
int platform_file_look_at(int folder, const char *name, platform_file_facts *facts_out);
void platform_file_close(int descriptor);
int platform_file_resize(int descriptor, int64_t size);
/* All of the bytes, or an error; -ENODATA where the file ends before. */
int platform_file_read(int descriptor, int64_t offset, void *bytes, size_t count);
int platform_file_write(int descriptor, int64_t offset, const void *bytes, size_t count);
int platform_file_remove(int folder, const char *name);

/* Makes the file with all its bytes at once: nobody sees it half written. -EEXIST if there is one. */
int platform_file_create(int folder, const char *name, const void *bytes, size_t count);
/* The same, in place of one that is there. */
int platform_file_replace(int folder, const char *name, const void *bytes, size_t count);

/* flock without waiting: -EWOULDBLOCK if another open file has it. A lock replaces one that this descriptor had. */
int platform_file_lock(int descriptor, bool exclusive);
void platform_file_unlock(int descriptor);

/* Maps a file's first bytes for reading, shared with who writes it; NULL on failure. */
const void *platform_file_map(int descriptor, size_t size);
void platform_file_unmap(const void *address, size_t size);

/* Names this boot of the machine: 16 bytes. False if the system does not tell. */
bool platform_boot_identity(uint8_t identity_out[16]);
/* Names the space in which process numbers of this process mean something; 0 if the system does not tell. */
uint64_t platform_process_space(void);
/* For keys. False if the system has no good randomness yet. Never waits. */
bool platform_random_bytes(void *bytes, size_t count);

#endif

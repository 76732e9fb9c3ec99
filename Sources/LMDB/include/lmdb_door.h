/* LMDB 0.9, opened by dlopen when the first store is: who keeps nothing needs no liblmdb. These are LMDB's functions under
 * names of our own, with the pointers made void; what they do and give stands in <lmdb.h>: 0, an errno number, or one of the
 * negative codes below. Where LMDB finds its own pages wrong it prints and ends the process; here the call gives
 * LMDB_DOOR_BROKEN instead, and the environment must not be used again, only closed. */
#ifndef PURSER_LMDB_DOOR_H
#define PURSER_LMDB_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  LMDB_DOOR_BROKEN = -31000,
  LMDB_DOOR_NOT_FOUND = -30798,
  LMDB_DOOR_MAP_FULL = -30792,
  LMDB_DOOR_READERS_FULL = -30790,
  LMDB_DOOR_TXN_FULL = -30788
};

/* Opens the library once. False, and a message that names the Debian package, if it is not there. */
bool lmdb_door_open(char *error, size_t error_size);
/* What a code means, ended by NUL. */
void lmdb_door_error_text(int code, char *text, size_t size);

typedef struct lmdb_bytes {
  size_t size;
  const void *start;
} lmdb_bytes;

/* One data file `path` and its lock file beside it, mode 0600; no sync to the disk, no thread-local readers, no writable
 * map. The map's size is the file's for ever. */
int lmdb_door_environment_open(const char *path, size_t map_bytes, unsigned readers_max, void **environment_out);
void lmdb_door_environment_close(void *environment);
int lmdb_door_descriptor(void *environment);
/* Frees the places of readers whose process is dead; how many. */
int lmdb_door_check_readers(void *environment);

typedef struct lmdb_door_facts {
  uint64_t entries;
  uint64_t pages;       /* in use by the table */
  uint64_t page_bytes;
  uint32_t readers;
} lmdb_door_facts;
int lmdb_door_look(void *environment, void *transaction, lmdb_door_facts *facts_out);

int lmdb_door_read(void *environment, void **transaction_out);
int lmdb_door_renew(void *transaction);
void lmdb_door_reset(void *transaction);
int lmdb_door_write(void *environment, void **transaction_out);
/* Ends the transaction, successful or not. */
int lmdb_door_commit(void *transaction);
void lmdb_door_abort(void *transaction);

/* The one table of the file is number 1. */
int lmdb_door_get(void *transaction, const void *key, size_t key_size, lmdb_bytes *value_out);
int lmdb_door_put(void *transaction, const void *key, size_t key_size, const void *value, size_t value_size);
/* Empties the table. */
int lmdb_door_clear(void *transaction);

int lmdb_door_cursor_open(void *transaction, void **cursor_out);
void lmdb_door_cursor_close(void *cursor);
/* The first entry whose key is not before `key`. */
int lmdb_door_cursor_seek(void *cursor, const void *key, size_t key_size, lmdb_bytes *key_out, lmdb_bytes *value_out);
int lmdb_door_cursor_next(void *cursor, lmdb_bytes *key_out, lmdb_bytes *value_out);
/* Deletes the entry that the cursor is at; the next `next` gives the one after it. */
int lmdb_door_cursor_delete(void *cursor);

/* What the two heads of a data file say, without trusting anything in it. `head` is its first `size` bytes, 2 pages at least.
 * False if they are not heads of this LMDB's format with these sizes. `used_bytes_out` is the end of the last page used. */
bool lmdb_door_check_head(const uint8_t *head, size_t size, uint64_t map_bytes, uint64_t *used_bytes_out);

#endif

/* LMDB alone: what its own look-up takes of a hit in the store, with the same file and names drawn as users are. */
#define _GNU_SOURCE

#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "external.h"

#define NAME_BYTES 16

struct lookups {
  MDB_env *environment;
  MDB_txn *transaction;
  MDB_dbi table;
  char *names; /* all that the file has */
  size_t names_count;
  char batch[BATCH][NAME_BYTES];
  uint64_t seen;
};

static void demand_lmdb(int status, const char *what) {
  if (status == 0) return;
  fprintf(stderr, "bench_external: %s: %s\n", what, mdb_strerror(status));
  exit(1);
}

/* The engine has the file open, and LMDB opens none twice in a process. */
static void copy_store(const char *folder, const char *copy) {
  static char bytes[1 << 20];
  struct dirent *entry;
  char path[512] = "";
  ssize_t size;
  int from, to;
  DIR *listing = opendir(folder);
  while (listing && (entry = readdir(listing)) != NULL) {
    const size_t length = strlen(entry->d_name);
    if (length > 4 && strcmp(entry->d_name + length - 4, ".mdb") == 0) snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
  }
  if (listing) closedir(listing);
  from = open(path, O_RDONLY);
  to = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (from < 0 || to < 0) fail("the store cannot be copied");
  while ((size = read(from, bytes, sizeof bytes)) > 0)
    if (write(to, bytes, (size_t)size) != size) fail("the store cannot be copied");
  close(from);
  close(to);
}

lookups *lookups_open(const char *folder) {
  lookups *made = calloc(1, sizeof *made);
  char copy[512];
  MDB_cursor *cursor;
  MDB_val key, value;
  MDB_stat facts;
  struct stat file;
  snprintf(copy, sizeof copy, "%s.copy", folder);
  copy_store(folder, copy);
  if (made == NULL || stat(copy, &file) != 0) fail("no memory");
  demand_lmdb(mdb_env_create(&made->environment), "environment");
  demand_lmdb(mdb_env_set_mapsize(made->environment, (size_t)file.st_size), "map");
  demand_lmdb(mdb_env_open(made->environment, copy, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600), "open");
  unlink(copy);
  demand_lmdb(mdb_txn_begin(made->environment, NULL, MDB_RDONLY, &made->transaction), "begin");
  demand_lmdb(mdb_dbi_open(made->transaction, NULL, 0, &made->table), "table");
  demand_lmdb(mdb_stat(made->transaction, made->table, &facts), "facts");
  made->names = malloc(facts.ms_entries * NAME_BYTES + 1);
  if (made->names == NULL) fail("no memory");
  demand_lmdb(mdb_cursor_open(made->transaction, made->table, &cursor), "cursor");
  while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
    if (key.mv_size == NAME_BYTES) memcpy(made->names + NAME_BYTES * made->names_count++, key.mv_data, NAME_BYTES);
  mdb_cursor_close(cursor);
  mdb_txn_reset(made->transaction);
  if (made->names_count == 0) fail("the store has no entries");
  return made;
}

void lookups_close(lookups *lookups) {
  mdb_txn_abort(lookups->transaction);
  mdb_env_close(lookups->environment);
  free(lookups->names);
  free(lookups);
}

void lookups_draw(lookups *lookups, uint64_t *random) {
  size_t i;
  for (i = 0; i < BATCH; i++)
    memcpy(lookups->batch[i], lookups->names + NAME_BYTES * (random_next(random) % lookups->names_count), NAME_BYTES);
}

void lookups_pass(lookups *lookups) {
  MDB_val key, value;
  size_t i, at;
  for (i = 0; i < BATCH; i++) {
    key.mv_data = lookups->batch[i];
    key.mv_size = NAME_BYTES;
    demand_lmdb(mdb_txn_renew(lookups->transaction), "renew");
    demand_lmdb(mdb_get(lookups->transaction, lookups->table, &key, &value), "get");
    /* Each line of the value is read, as whoever opens its seal must. */
    for (at = 0; at < value.mv_size; at += 64) lookups->seen += ((unsigned char *)value.mv_data)[at];
    mdb_txn_reset(lookups->transaction);
  }
}

/* LMDB's functions, found by dlopen, and a way back from its assertions. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "lmdb_door.h"

#include <dlfcn.h>
#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char library_name[] = "liblmdb.so.0";

/* --- The library ------------------------------------------------------------------------------------------------ */

#define FUNCTIONS(each)                                                                                                  \
  each(version) each(strerror) each(env_create) each(env_open) each(env_close) each(env_set_mapsize)                      \
      each(env_set_maxreaders) each(env_set_assert) each(env_get_fd) each(env_info) each(stat) each(txn_begin)            \
          each(txn_renew) each(txn_reset) each(txn_commit) each(txn_abort) each(dbi_open) each(get)         \
              each(put) each(drop) each(cursor_open) each(cursor_close) each(cursor_get) each(cursor_del)       \
                  each(reader_check)

#define field(name) __typeof__(&mdb_##name) name;
static struct { FUNCTIONS(field) } lmdb;
#undef field

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static bool is_open;

bool lmdb_door_open(char *error, size_t error_size) {
  pthread_mutex_lock(&opening);
  if (!is_open) {
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
      const char *why = dlerror();
      (void)snprintf(error, error_size, "%s cannot be opened: install the package liblmdb0 (%s)", library_name,
                     why == NULL ? "unknown reason" : why);
    } else {
      bool is_whole = true;
#define find(name)                                                                                                       \
  *(void **)&lmdb.name = dlsym(library, "mdb_" #name);                                                                   \
  is_whole = is_whole && lmdb.name != NULL;
      FUNCTIONS(find)
#undef find
      int major = 0, minor = 0;
      if (is_whole) (void)lmdb.version(&major, &minor, NULL);
      /* The heads of a file are read here too, so their form must be known. */
      is_open = is_whole && major == 0 && minor == 9;
      if (!is_open) {
        (void)snprintf(error, error_size, "%s is not LMDB 0.9: install the package liblmdb0", library_name);
        (void)dlclose(library);
      }
    }
  }
  bool result = is_open;
  pthread_mutex_unlock(&opening);
  return result;
}

void lmdb_door_error_text(int code, char *text, size_t size) {
  if (size == 0) return;
  if (code == LMDB_DOOR_BROKEN) {
    (void)snprintf(text, size, "the file's pages do not fit together");
  } else if (code > 0 || lmdb.strerror == NULL) {
    char scratch[128];
    (void)snprintf(text, size, "%s", strerror_r(code, scratch, sizeof scratch));
  } else {
    (void)snprintf(text, size, "%s", lmdb.strerror(code));
  }
}

/* --- Assertions ------------------------------------------------------------------------------------------------- */

/* Where this thread goes on when LMDB finds its pages wrong. Readers hold no lock of LMDB's; a writer's is let go by the
 * abort that must follow. */
/* In the static block: found without a call, which would need the dynamic loader as a library. */
static _Thread_local jmp_buf *way_back __attribute__((tls_model("initial-exec")));

static void leave(MDB_env *environment, const char *message) {
  (void)environment, (void)message;
  if (way_back != NULL) longjmp(*way_back, 1);
  /* No call of ours is running: LMDB's own reaction follows. */
}

/* Evaluates `call` into `result`. */
#define guarded(result, call)                                                                                            \
  do {                                                                                                                   \
    jmp_buf here;                                                                                                        \
    jmp_buf *before = way_back;                                                                                          \
    way_back = &here;                                                                                                    \
    if (_setjmp(here) == 0) {                                                                                            \
      (result) = (call);                                                                                                 \
    } else {                                                                                                             \
      (result) = LMDB_DOOR_BROKEN;                                                                                       \
    }                                                                                                                    \
    way_back = before;                                                                                                   \
  } while (0)

/* --- Environments ----------------------------------------------------------------------------------------------- */

int lmdb_door_environment_open(const char *path, size_t map_bytes, unsigned readers_max, void **environment_out) {
  MDB_env *environment = NULL;
  int status = lmdb.env_create(&environment);
  if (status != 0) return status;
  (void)lmdb.env_set_assert(environment, leave);
  status = lmdb.env_set_mapsize(environment, map_bytes);
  if (status == 0) status = lmdb.env_set_maxreaders(environment, readers_max);
  if (status == 0) {
    const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NORDAHEAD;
    volatile int result = 0;
    guarded(result, lmdb.env_open(environment, path, flags, 0600));
    /* Sets how keys are compared, for every later transaction. */
    MDB_txn *transaction = NULL;
    MDB_dbi table = 0;
    if (result == 0) guarded(result, lmdb.txn_begin(environment, NULL, MDB_RDONLY, &transaction));
    if (result == 0) {
      guarded(result, lmdb.dbi_open(transaction, NULL, 0, &table));
      lmdb.txn_abort(transaction);
    }
    status = result;
  }
  if (status != 0) {
    lmdb.env_close(environment);
    return status;
  }
  *environment_out = environment;
  return 0;
}

void lmdb_door_environment_close(void *environment) { lmdb.env_close(environment); }

int lmdb_door_descriptor(void *environment) {
  int descriptor = -1;
  return lmdb.env_get_fd(environment, &descriptor) == 0 ? descriptor : -1;
}

int lmdb_door_check_readers(void *environment) {
  int dead = 0;
  return lmdb.reader_check(environment, &dead) == 0 ? dead : 0;
}

int lmdb_door_look(void *environment, void *transaction, lmdb_door_facts *facts_out) {
  MDB_envinfo info;
  MDB_stat state;
  int status = lmdb.env_info(environment, &info);
  if (status == 0) status = lmdb.stat(transaction, 1, &state);
  if (status != 0) return status;
  facts_out->entries = state.ms_entries;
  facts_out->pages = state.ms_branch_pages + state.ms_leaf_pages + state.ms_overflow_pages;
  facts_out->page_bytes = state.ms_psize;
  facts_out->readers = info.me_numreaders;
  return 0;
}

/* --- Transactions ----------------------------------------------------------------------------------------------- */

int lmdb_door_read(void *environment, void **transaction_out) {
  MDB_txn *transaction = NULL;
  volatile int status = 0;
  guarded(status, lmdb.txn_begin(environment, NULL, MDB_RDONLY, &transaction));
  if (status == 0) *transaction_out = transaction;
  return status;
}

int lmdb_door_renew(void *transaction) { return lmdb.txn_renew(transaction); }
void lmdb_door_reset(void *transaction) { lmdb.txn_reset(transaction); }

int lmdb_door_write(void *environment, void **transaction_out) {
  MDB_txn *transaction = NULL;
  volatile int status = 0;
  guarded(status, lmdb.txn_begin(environment, NULL, 0, &transaction));
  if (status == 0) *transaction_out = transaction;
  return status;
}

int lmdb_door_commit(void *transaction) {
  volatile int status = 0;
  guarded(status, lmdb.txn_commit(transaction));
  if (status == LMDB_DOOR_BROKEN) lmdb_door_abort(transaction);
  return status;
}

void lmdb_door_abort(void *transaction) {
  volatile int status = 0;
  guarded(status, (lmdb.txn_abort(transaction), 0));
  (void)status;
}

int lmdb_door_get(void *transaction, const void *key, size_t key_size, lmdb_bytes *value_out) {
  MDB_val name = {key_size, (void *)(uintptr_t)key}, value = {0, NULL};
  volatile int status = 0;
  guarded(status, lmdb.get(transaction, 1, &name, &value));
  value_out->size = value.mv_size;
  value_out->start = value.mv_data;
  return status;
}

int lmdb_door_put(void *transaction, const void *key, size_t key_size, const void *value, size_t value_size) {
  MDB_val name = {key_size, (void *)(uintptr_t)key}, data = {value_size, (void *)(uintptr_t)value};
  volatile int status = 0;
  guarded(status, lmdb.put(transaction, 1, &name, &data, 0));
  return status;
}

int lmdb_door_clear(void *transaction) {
  volatile int status = 0;
  guarded(status, lmdb.drop(transaction, 1, 0));
  return status;
}

/* --- Cursors ---------------------------------------------------------------------------------------------------- */

int lmdb_door_cursor_open(void *transaction, void **cursor_out) {
  MDB_cursor *cursor = NULL;
  int status = lmdb.cursor_open(transaction, 1, &cursor);
  if (status == 0) *cursor_out = cursor;
  return status;
}

void lmdb_door_cursor_close(void *cursor) { lmdb.cursor_close(cursor); }

static int move(void *cursor, MDB_val name, MDB_cursor_op how, lmdb_bytes *key_out, lmdb_bytes *value_out) {
  MDB_val value = {0, NULL};
  volatile int status = 0;
  guarded(status, lmdb.cursor_get(cursor, &name, &value, how));
  if (status != 0) return status;
  key_out->size = name.mv_size;
  key_out->start = name.mv_data;
  value_out->size = value.mv_size;
  value_out->start = value.mv_data;
  return 0;
}

int lmdb_door_cursor_seek(void *cursor, const void *key, size_t key_size, lmdb_bytes *key_out, lmdb_bytes *value_out) {
  MDB_val name = {key_size, (void *)(uintptr_t)key};
  return move(cursor, name, key_size == 0 ? MDB_FIRST : MDB_SET_RANGE, key_out, value_out);
}

int lmdb_door_cursor_next(void *cursor, lmdb_bytes *key_out, lmdb_bytes *value_out) {
  MDB_val name = {0, NULL};
  return move(cursor, name, MDB_NEXT, key_out, value_out);
}

int lmdb_door_cursor_delete(void *cursor) {
  volatile int status = 0;
  guarded(status, lmdb.cursor_del(cursor, 0));
  return status;
}

/* --- The heads of a file ---------------------------------------------------------------------------------------- */

/* struct MDB_page's header and struct MDB_meta of LMDB 0.9, on 64 bits. */
enum {
  page_flags_at = 10, page_is_head = 0x08, meta_at = 16,
  magic_at = meta_at, version_at = meta_at + 4, map_size_at = meta_at + 16,
  page_size_at = meta_at + 24, root_free_at = meta_at + 24 + 40, root_main_at = meta_at + 24 + 48 + 40,
  last_page_at = meta_at + 24 + 96, head_size = meta_at + 24 + 96 + 16
};

static uint64_t word(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint32_t half(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

bool lmdb_door_check_head(const uint8_t *head, size_t size, uint64_t map_bytes, uint64_t *used_bytes_out) {
  if (size < 2 * 512) return false;
  const uint64_t page = half(head + page_size_at);
  if (page < 512 || page > 65536 || (page & (page - 1)) != 0 || size < page + head_size) return false;
  uint64_t used = 0;
  for (int number = 0; number < 2; number++) {
    const uint8_t *at = head + (number == 0 ? 0 : page);
    if ((half(at + page_flags_at) & page_is_head) == 0) return false;
    if (half(at + magic_at) != 0xBEEFC0DE || half(at + version_at) != 1 || half(at + page_size_at) != page) return false;
    const uint64_t last = word(at + last_page_at), pages = map_bytes / page;
    if (word(at + map_size_at) != map_bytes || last < 1 || last >= pages) return false;
    const uint64_t free_root = word(at + root_free_at), main_root = word(at + root_main_at);
    if ((free_root != UINT64_MAX && (free_root < 2 || free_root > last)) ||
        (main_root != UINT64_MAX && (main_root < 2 || main_root > last)))
      return false;
    if ((last + 1) * page > used) used = (last + 1) * page;
  }
  *used_bytes_out = used;
  return true;
}

#include "allocation_count.h"

#include <errno.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static __thread int counting;
static __thread unsigned long allocated;

void allocation_count_start(void) {
  allocated = 0;
  counting = 1;
}

unsigned long allocation_count_stop(void) {
  counting = 0;
  return allocated;
}

void *malloc(size_t size) {
  allocated += counting ? 1u : 0u;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  allocated += counting ? 1u : 0u;
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  allocated += counting ? 1u : 0u;
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  allocated += counting ? 1u : 0u;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  allocated += counting ? 1u : 0u;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory_out, size_t alignment, size_t size) {
  void *memory;
  allocated += counting ? 1u : 0u;
  memory = __libc_memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *memory_out = memory;
  return 0;
}

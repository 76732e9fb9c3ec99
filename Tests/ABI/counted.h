/*
 * counted.h - this program's own malloc, which stands before libc's for the whole process, the library included, and counts
 * what the current thread asks for while `counting` is set.
 */
#ifndef PURSER_TEST_COUNTED_H
#define PURSER_TEST_COUNTED_H

#include <errno.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

#ifdef __cplusplus
#define NOTHROW noexcept(true)
#else
#define NOTHROW
#endif

static __thread int counting; /* of this thread: an exporter thread may allocate */
static __thread unsigned long allocated, freed;

void *malloc(size_t size) NOTHROW {
  allocated += counting ? 1u : 0u;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) NOTHROW {
  allocated += counting ? 1u : 0u;
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) NOTHROW {
  allocated += counting ? 1u : 0u;
  return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) NOTHROW {
  allocated += counting ? 1u : 0u;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) NOTHROW {
  allocated += counting ? 1u : 0u;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **memory_out, size_t alignment, size_t size) NOTHROW {
  void *memory;
  allocated += counting ? 1u : 0u;
  memory = __libc_memalign(alignment, size);
  if (!memory) return ENOMEM;
  *memory_out = memory;
  return 0;
}
void free(void *memory) NOTHROW {
  freed += counting && memory ? 1u : 0u;
  __libc_free(memory);
}

#ifdef __cplusplus
}
#endif

#endif

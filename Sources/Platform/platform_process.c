/* The process around the engine: what platform_process.h declares. */
#define _GNU_SOURCE
#include "platform_process.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

uint32_t platform_fork_counter = 0;

static void count_fork(void) { platform_fork_counter += 1; }

static void watch_forks(void) { (void)pthread_atfork(NULL, NULL, count_fork); }

void platform_watch_forks(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, watch_forks);
}

uint64_t platform_next_serial(void) {
  static uint64_t last = 0;
  return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

struct large_stack_call {
  void (*body)(void *);
  void *context;
};

static void *run_body(void *argument) {
  struct large_stack_call *call = argument;
  call->body(call->context);
  return NULL;
}

bool platform_run_on_large_stack(size_t stack_bytes, void (*body)(void *), void *context) {
  struct large_stack_call call = {body, context};
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  if (pthread_attr_init(&attributes) != 0) return false;
  sigfillset(&all);
  bool started = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
                 pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
  if (started) {
    started = pthread_create(&thread, &attributes, run_body, &call) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  (void)pthread_attr_destroy(&attributes);
  return started && pthread_join(thread, NULL) == 0;
}

size_t platform_own_folder(char *buffer, size_t size) {
  Dl_info info;
  if (dladdr((void *)platform_own_folder, &info) == 0 || info.dli_fname == NULL) return 0;
  const char *slash = strrchr(info.dli_fname, '/');
  if (slash == NULL) return 0;
  size_t length = (size_t)(slash - info.dli_fname) + 1;
  if (length >= size) return 0;
  memcpy(buffer, info.dli_fname, length);
  buffer[length] = 0;
  return length;
}

void *platform_open_library(const char *path, char *error, size_t error_size) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL && error_size > 0) {
    const char *why = dlerror();
    (void)snprintf(error, error_size, "%s", why == NULL ? "unknown error" : why);
  }
  return library;
}

void *platform_find_symbol(void *library, const char *name) { return dlsym(library, name); }

/* Four numbers up to 255 without needless zeros: what inet_pton takes too, which is several times slower. */
static int parse_ipv4(const uint8_t *text, size_t size, uint64_t *address) {
  uint64_t whole = 0;
  size_t at = 0;
  for (int part = 0; part < 4; part++) {
    unsigned number = 0;
    if (part > 0 && (at == size || text[at++] != '.')) return 0;
    const size_t digits = at;
    while (at < size && at - digits < 3 && text[at] >= '0' && text[at] <= '9') number = number * 10 + (text[at++] - '0');
    if (at == digits || number > 255 || (text[digits] == '0' && at - digits > 1)) return 0;
    whole = whole << 8 | number;
  }
  *address = whole;
  return at == size;
}

int platform_parse_address(const uint8_t *text, size_t size, uint64_t *high, uint64_t *low) {
  char buffer[INET6_ADDRSTRLEN];
  unsigned char bytes[16];
  if (parse_ipv4(text, size, low)) {
    *high = 0;
    *low |= 0xffff00000000;
    return 1;
  }
  if (size == 0 || size >= sizeof buffer || memchr(text, 0, size) != NULL) return 0;
  memcpy(buffer, text, size);
  buffer[size] = 0;
  if (memchr(buffer, ':', size) == NULL || inet_pton(AF_INET6, buffer, bytes) != 1) return 0;
  *high = *low = 0;
  for (int i = 0; i < 8; i++) {
    *high = *high << 8 | bytes[i];
    *low = *low << 8 | bytes[i + 8];
  }
  return 1;
}

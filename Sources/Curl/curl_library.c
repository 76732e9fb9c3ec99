/* Opens libcurl.so.4 once. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static const char library_name[] = "libcurl.so.4";

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static curl_library opened;
static bool is_open;

static bool find_functions(void *handle) {
#define find(field, name) ((*(void **)&opened.field = dlsym(handle, #name)) != NULL)
  return find(global_init, curl_global_init) && find(version_info, curl_version_info) &&
         find(easy_init, curl_easy_init) && find(easy_cleanup, curl_easy_cleanup) &&
         find(easy_setopt, curl_easy_setopt) && find(easy_getinfo, curl_easy_getinfo) &&
         find(easy_strerror, curl_easy_strerror) && find(slist_append, curl_slist_append) &&
         find(slist_free_all, curl_slist_free_all) && find(multi_init, curl_multi_init) &&
         find(multi_cleanup, curl_multi_cleanup) && find(multi_setopt, curl_multi_setopt) &&
         find(multi_add_handle, curl_multi_add_handle) && find(multi_remove_handle, curl_multi_remove_handle) &&
         find(multi_perform, curl_multi_perform) && find(multi_poll, curl_multi_poll) &&
         find(multi_wakeup, curl_multi_wakeup) && find(multi_info_read, curl_multi_info_read);
#undef find
}

static bool open_library(char *error, size_t error_size) {
  void *handle = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    snprintf(error, error_size, "%s cannot be opened: install the package libcurl4 (%s)", library_name,
             reason ? reason : "unknown reason");
    return false;
  }
  if (!find_functions(handle)) {
    snprintf(error, error_size, "%s lacks a function: install the package libcurl4, 7.88 or later", library_name);
    return false;
  }
  /* A host may use libcurl too: initialising it again only counts. It is never undone, as threads of ours may live. */
  if (opened.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    snprintf(error, error_size, "%s cannot be initialised", library_name);
    return false;
  }
  curl_version_info_data *information = opened.version_info(CURLVERSION_NOW);
  if (!information || information->version_num < 0x075700 || !(information->features & CURL_VERSION_SSL) ||
      !(information->features & CURL_VERSION_HTTP2) || !(information->features & CURL_VERSION_ASYNCHDNS)) {
    snprintf(error, error_size, "%s is older than 7.87 or lacks TLS, HTTP/2 or a resolver: install the package libcurl4",
             library_name);
    return false;
  }
  return true;
}

const curl_library *curl_library_open(char *error, size_t error_size) {
  pthread_mutex_lock(&opening);
  if (!is_open) is_open = open_library(error, error_size);
  const curl_library *library = is_open ? &opened : NULL;
  pthread_mutex_unlock(&opening);
  return library;
}

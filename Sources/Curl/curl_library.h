/* What is used of libcurl.so.4, found by name: private to this folder. */
#ifndef PURSER_CURL_LIBRARY_H
#define PURSER_CURL_LIBRARY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct curl_library {
  __typeof__(&curl_global_init) global_init;
  __typeof__(&curl_version_info) version_info;
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *);
  CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
  const char *(*easy_strerror)(CURLcode);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
  CURLM *(*multi_init)(void);
  CURLMcode (*multi_cleanup)(CURLM *);
  CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
  CURLMcode (*multi_add_handle)(CURLM *, CURL *);
  CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
  CURLMcode (*multi_perform)(CURLM *, int *);
  CURLMcode (*multi_poll)(CURLM *, struct curl_waitfd *, unsigned int, int, int *);
  CURLMcode (*multi_wakeup)(CURLM *);
  CURLMsg *(*multi_info_read)(CURLM *, int *);
} curl_library;

/* The one of this process, opened the first time; it stays open. NULL and a reason that names the package on failure. */
const curl_library *curl_library_open(char *error, size_t error_size);

/* curl_easy_setopt takes whatever it is given; these say what. */
static inline bool curl_set_long(const curl_library *library, CURL *easy, CURLoption option, long value) {
  return library->easy_setopt(easy, option, value) == CURLE_OK;
}
static inline bool curl_set_size(const curl_library *library, CURL *easy, CURLoption option, curl_off_t value) {
  return library->easy_setopt(easy, option, value) == CURLE_OK;
}
static inline bool curl_set_text(const curl_library *library, CURL *easy, CURLoption option, const char *value) {
  return library->easy_setopt(easy, option, value) == CURLE_OK;
}
static inline bool curl_set_pointer(const curl_library *library, CURL *easy, CURLoption option, void *value) {
  return library->easy_setopt(easy, option, value) == CURLE_OK;
}
static inline bool curl_set_list(const curl_library *library, CURL *easy, CURLoption option, struct curl_slist *value) {
  return library->easy_setopt(easy, option, value) == CURLE_OK;
}

#endif

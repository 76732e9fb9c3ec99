/* nothing.c - the module to compare with: every hook that Envoy demands, none of which does anything. */
#include "envoy_abi.h"

ENVOY_HOOK const char *envoy_dynamic_module_on_program_init(void);
ENVOY_HOOK const void *envoy_dynamic_module_on_http_filter_config_new(void *envoy, envoy_text name, envoy_text text);
ENVOY_HOOK void envoy_dynamic_module_on_http_filter_config_destroy(const void *configuration);
ENVOY_HOOK const void *envoy_dynamic_module_on_http_filter_new(const void *configuration, void *envoy);
ENVOY_HOOK int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *filter, bool end);
ENVOY_HOOK int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *filter, bool end);
ENVOY_HOOK void envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, const void *filter);
ENVOY_HOOK void envoy_dynamic_module_on_http_filter_destroy(const void *filter);

static const char something;

const char *envoy_dynamic_module_on_program_init(void) { return ENVOY_ABI_VERSION; }

const void *envoy_dynamic_module_on_http_filter_config_new(void *envoy, envoy_text name, envoy_text text) {
  (void)envoy, (void)name, (void)text;
  return &something;
}

void envoy_dynamic_module_on_http_filter_config_destroy(const void *configuration) { (void)configuration; }

const void *envoy_dynamic_module_on_http_filter_new(const void *configuration, void *envoy) {
  (void)envoy;
  return configuration;
}

int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *filter, bool end) {
  (void)envoy, (void)filter, (void)end;
  return ENVOY_CONTINUE;
}

int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *filter, bool end) {
  (void)envoy, (void)filter, (void)end;
  return ENVOY_CONTINUE;
}

void envoy_dynamic_module_on_http_filter_stream_complete(void *envoy, const void *filter) {
  (void)envoy, (void)filter;
}

void envoy_dynamic_module_on_http_filter_destroy(const void *filter) { (void)filter; }

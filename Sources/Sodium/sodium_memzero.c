/*
 * Of the embedded flavour only. Debian's libsodium keeps this function, the one that its SHA-256 asks for, in an object
 * that brings most of the library along: 230 KB.
 */
#define _DEFAULT_SOURCE
#include <stddef.h>
#include <string.h>

void sodium_memzero(void *memory, size_t size);

void sodium_memzero(void *memory, size_t size) { explicit_bzero(memory, size); }

/*
 * jansson_stdin.c - what makes Debian's libjansson.a fit into a shared library.
 *
 * The archive is compiled for executables: it reaches `stdin`, which only json_loadf compares its argument with, in a way that a
 * library cannot. scripts/build-library.sh renames that reference to this; nothing here calls json_loadf.
 */
#include <stdio.h>

extern FILE *jansson_stdin;
__attribute__((visibility("hidden"))) FILE *jansson_stdin;

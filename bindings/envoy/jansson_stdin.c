/*
 * jansson_stdin.c - what makes Debian's libjansson.a fit into a shared library.
 *
 * The archive is compiled for executables: it reaches `stdin`, which only json_loadf compares its argument with, in a
 * way that a library cannot. build.sh renames that reference to this; nothing here calls json_loadf.
 */
#include <stdio.h>

extern FILE *purser_envoy_stdin;
FILE *purser_envoy_stdin;

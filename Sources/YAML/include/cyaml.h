/* What the reader of documents needs from C: libyaml's events without its unions, files, and numbers.
 *
 * libyaml counts in characters (code points), not bytes; whoever holds the text turns an index into a place in it.
 * Nothing here keeps state between calls but the parser, and a parser belongs to one thread at a time. */
#ifndef PURSER_CYAML_H
#define PURSER_CYAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- events ------------------------------------------------------------------------------------------------- */

enum {
  CYAML_OTHER = 0, /* start of the stream or of a document */
  CYAML_STREAM_END = 1,
  CYAML_DOCUMENT_END = 2,
  CYAML_ALIAS = 3,
  CYAML_SCALAR = 4,
  CYAML_SEQUENCE_START = 5,
  CYAML_SEQUENCE_END = 6,
  CYAML_MAPPING_START = 7,
  CYAML_MAPPING_END = 8
};

enum {
  CYAML_PLAIN = 0,
  CYAML_SINGLE_QUOTED = 1,
  CYAML_DOUBLE_QUOTED = 2,
  CYAML_LITERAL = 3,
  CYAML_FOLDED = 4,
  CYAML_BLOCK = 5, /* of a collection */
  CYAML_FLOW = 6   /* of a collection */
};

/* The pointers are the parser's and live until its next call. */
typedef struct {
  uint8_t kind;
  uint8_t style;
  size_t start; /* characters from the start of the text */
  size_t end;
  const uint8_t *value; /* a scalar's text, decoded; may hold NUL */
  size_t value_length;
  const uint8_t *anchor; /* of a node, or the name an alias refers to; NULL when there is none */
  size_t anchor_length;
  const uint8_t *tag; /* in its long form; NULL when there is none */
  size_t tag_length;
} cyaml_event;

typedef struct {
  bool is_memory;
  bool is_reader;       /* the bytes are no text; `offset` says where, in bytes */
  size_t offset;
  size_t problem_index; /* characters */
  size_t context_index; /* characters: where the construct in trouble began */
  const char *problem;  /* libyaml's words, static; never NULL */
  const char *context;  /* never NULL */
} cyaml_error;

typedef struct cyaml_parser cyaml_parser;

/* The text is UTF-8 without a byte order mark and must outlive the parser. NULL when memory is out. */
cyaml_parser *cyaml_parser_create(const uint8_t *text, size_t length);
void cyaml_parser_free(cyaml_parser *parser);

/* False when the text is no YAML; the parser is then of no further use but for `cyaml_parser_error`. */
bool cyaml_parser_next(cyaml_parser *parser, cyaml_event *event_out);
void cyaml_parser_error(const cyaml_parser *parser, cyaml_error *error_out);

/* --- files -------------------------------------------------------------------------------------------------- */

enum {
  CYAML_PATH_FILE = 0,
  CYAML_PATH_DIRECTORY = 1,
  CYAML_PATH_OTHER = 2 /* a socket, a pipe, a device */
};

/* Each returns 0 or an errno. Buffers given out are freed with `cyaml_buffer_free`. */
int cyaml_path_kind(const char *path, uint8_t *kind_out);
/* EFBIG when the file is longer than `length_max`. Follows symbolic links; never blocks on what is no file. */
int cyaml_file_read(const char *path, size_t length_max, uint8_t **bytes_out, size_t *length_out);
/* The names in a directory, each ended by NUL, in no order; EFBIG when they need more than `length_max`. */
int cyaml_directory_read(const char *path, size_t length_max, uint8_t **names_out, size_t *length_out);
void cyaml_buffer_free(uint8_t *buffer);
/* Writes what an errno means and returns its length. */
size_t cyaml_errno_text(int error, char *buffer, size_t capacity);

/* --- numbers ------------------------------------------------------------------------------------------------ */

/* A decimal number in the C locale, whatever the host's locale is. False when `text` is anything else or not finite. */
bool cyaml_double(const uint8_t *text, size_t length, double *value_out);

#endif

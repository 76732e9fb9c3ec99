/* libyaml's events, one at a time, as structs without unions. */
#include "cyaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct cyaml_parser {
  yaml_parser_t yaml;
  yaml_event_t event;
  bool has_event;
};

cyaml_parser *cyaml_parser_create(const uint8_t *text, size_t length) {
  cyaml_parser *parser = calloc(1, sizeof *parser);
  if (parser == NULL) return NULL;
  if (!yaml_parser_initialize(&parser->yaml)) {
    free(parser);
    return NULL;
  }
  yaml_parser_set_input_string(&parser->yaml, length == 0 ? (const uint8_t *)"" : text, length);
  /* Said, not guessed: a file in UTF-16 is refused like any other bytes that are no UTF-8. */
  yaml_parser_set_encoding(&parser->yaml, YAML_UTF8_ENCODING);
  return parser;
}

static void drop_event(cyaml_parser *parser) {
  if (!parser->has_event) return;
  yaml_event_delete(&parser->event);
  parser->has_event = false;
}

void cyaml_parser_free(cyaml_parser *parser) {
  if (parser == NULL) return;
  drop_event(parser);
  yaml_parser_delete(&parser->yaml);
  free(parser);
}

static uint8_t scalar_style(yaml_scalar_style_t style) {
  switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: return CYAML_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return CYAML_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE: return CYAML_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE: return CYAML_FOLDED;
    default: return CYAML_PLAIN;
  }
}

static void set_name(const yaml_char_t *name, const uint8_t **text_out, size_t *length_out) {
  *text_out = name;
  *length_out = name == NULL ? 0 : strlen((const char *)name);
}

bool cyaml_parser_next(cyaml_parser *parser, cyaml_event *out) {
  memset(out, 0, sizeof *out);
  drop_event(parser);
  if (!yaml_parser_parse(&parser->yaml, &parser->event)) return false;
  parser->has_event = true;
  const yaml_event_t *event = &parser->event;
  out->start = event->start_mark.index;
  out->end = event->end_mark.index;
  switch (event->type) {
    case YAML_STREAM_END_EVENT:
    case YAML_NO_EVENT:
      out->kind = CYAML_STREAM_END;
      break;
    case YAML_DOCUMENT_END_EVENT:
      out->kind = CYAML_DOCUMENT_END;
      break;
    case YAML_ALIAS_EVENT:
      out->kind = CYAML_ALIAS;
      set_name(event->data.alias.anchor, &out->anchor, &out->anchor_length);
      break;
    case YAML_SCALAR_EVENT:
      out->kind = CYAML_SCALAR;
      out->style = scalar_style(event->data.scalar.style);
      out->value = event->data.scalar.value;
      out->value_length = event->data.scalar.length;
      set_name(event->data.scalar.anchor, &out->anchor, &out->anchor_length);
      set_name(event->data.scalar.tag, &out->tag, &out->tag_length);
      break;
    case YAML_SEQUENCE_START_EVENT:
      out->kind = CYAML_SEQUENCE_START;
      out->style = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE ? CYAML_FLOW : CYAML_BLOCK;
      set_name(event->data.sequence_start.anchor, &out->anchor, &out->anchor_length);
      set_name(event->data.sequence_start.tag, &out->tag, &out->tag_length);
      break;
    case YAML_SEQUENCE_END_EVENT:
      out->kind = CYAML_SEQUENCE_END;
      break;
    case YAML_MAPPING_START_EVENT:
      out->kind = CYAML_MAPPING_START;
      out->style = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE ? CYAML_FLOW : CYAML_BLOCK;
      set_name(event->data.mapping_start.anchor, &out->anchor, &out->anchor_length);
      set_name(event->data.mapping_start.tag, &out->tag, &out->tag_length);
      break;
    case YAML_MAPPING_END_EVENT:
      out->kind = CYAML_MAPPING_END;
      break;
    default:
      out->kind = CYAML_OTHER;
      break;
  }
  return true;
}

void cyaml_parser_error(const cyaml_parser *parser, cyaml_error *out) {
  const yaml_parser_t *yaml = &parser->yaml;
  out->is_memory = yaml->error == YAML_MEMORY_ERROR;
  out->is_reader = yaml->error == YAML_READER_ERROR;
  out->offset = yaml->problem_offset;
  out->problem_index = yaml->problem_mark.index;
  out->context_index = yaml->context == NULL ? yaml->problem_mark.index : yaml->context_mark.index;
  out->problem = yaml->problem == NULL ? "" : yaml->problem;
  out->context = yaml->context == NULL ? "" : yaml->context;
}

#include <config.h>

#include "csv.h"

#include "../base/draft.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "../base/workers.h"
#include "decimal.h"
#include "exporter.h"
#include "lines.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_BYTES = 12 };
_Static_assert((int) LINES_AFTER >= DECIMAL_LOOKAHEAD, "a number at a line's end can be parsed");

/* Export: the lines of a block are made by all workers, and appended in order.  */
struct export
{
  struct draft *draft;
  struct workers *workers;
  uint64_t columns;
  const float *values;   /* (block, columns) */
  const int32_t *labels; /* (block) */
  char *text;            /* (block, line) */
  size_t line;           /* room for one line */
  size_t *length;        /* (block) */
};

static int
format_row (void *context, size_t row, int worker)
{
  const struct export *export = context;
  char *start = export->text + row * export->line, *at = start;
  const float *values = export->values + row * export->columns;
  (void) worker;
  at += sprintf (at, "%" PRId32, export->labels[row]);
  for (uint64_t i = 0; i < export->columns; i++)
    {
      *at++ = ',';
      if (values[i] == 0.0f && !signbit (values[i])) /* most of them */
        *at++ = '0';
      else
        at = decimal_print (at, values[i]);
    }
  *at++ = '\n';
  export->length[row] = (size_t) (at - start);
  return 0;
}

static int
export_block (void *context, uint64_t row, uint64_t rows, float *values, int32_t *labels)
{
  struct export *export = context;
  (void) row;
  export->values = values;
  export->labels = labels;
  if (workers_run (export->workers, rows, format_row, export))
    return -1;
  for (uint64_t i = 0; i < rows; i++)
    if (draft_write (export->draft, export->text + i * export->line, export->length[i]))
      return -1;
  return 0;
}

static int
export_whole (struct export *export, struct featfile *file, const char *csv)
{
  uint64_t block = exporter_block_rows (file);
  size_t line;
  export->columns = featfile_info (file)->columns;
  if (memory_multiply (export->columns, DECIMAL_BYTES, "a line", &line))
    return -1;
  export->line = line + LABEL_BYTES + 2;
  if (!(export->length = memory_new (block, sizeof (size_t))) || !(export->text = memory_new (block, export->line))
      || !(export->draft = draft_new (csv)))
    return -1;
  if (exporter_run (file, export_block, export, csv) == 0)
    return draft_commit (export->draft);
  draft_discard (export->draft);
  return -1;
}

int
csv_export (const char *features, const struct featnames *names, const char *csv, struct workers *workers,
            uint64_t *rows)
{
  struct export export = { .workers = workers };
  struct featfile *file = featfile_open_named (features, names);
  if (!file)
    return -1;
  int result = featfile_use_workers (file, workers) ? -1 : export_whole (&export, file, csv);
  *rows = featfile_info (file)->rows;
  memory_free (export.text);
  memory_free (export.length);
  featfile_close (file);
  return result;
}

/* Import: blocks of lines, as many as a tile has rows, are converted by all workers.  */
struct import {
  const char *csv;
  struct featinfo info;
  struct lines *lines;
  struct workers *workers;
  float *values;   /* (block, columns) */
  int32_t *labels; /* (block) */
};

/* FIELD is shown with question marks for what would disturb a terminal.  */
static int
bad_field (const struct import *import, const struct line *line, const char *field, const char *what)
{
  char shown[41] = "";
  uint64_t number = 1;
  const char *end = line->text + line->length;
  for (const char *at = line->text; at < field; at++)
    number += *at == ',';
  for (size_t i = 0; i + 1 < sizeof shown && field + i < end && field[i] != ','; i++)
    shown[i] = (unsigned char) field[i] < ' ' || field[i] == 0x7f ? '?' : field[i];
  return error_set ("line %" PRIu64 ", field %" PRIu64 " of '%s' is '%s', %s", line->number, number, import->csv, shown,
                    what);
}

static const char *
skip_blanks (const char *at)
{
  while (*at == ' ' || *at == '\t')
    at++;
  return at;
}

/* The label at the start of LINE. Returns what follows its comma, or the end; NULL with the error set.  */
static const char *
parse_label (const struct import *import, const struct line *line, uint64_t *label)
{
  const char *end = line->text + line->length, *start = skip_blanks (line->text), *at = start;
  uint64_t limit = importer_label_limit (&import->info);
  for (*label = 0; *at >= '0' && *at <= '9' && *label <= IMPORTER_CLASSES_MOST; at++)
    *label = 10 * *label + (uint64_t) (*at - '0');
  const char *after = skip_blanks (at);
  if (at > start && *label < limit && (after == end || *after == ','))
    return after == end ? end : after + 1;
  char what[128];
  snprintf (what, sizeof what, "not a class from 0 to %" PRIu64 "; a line is label,value,value,...", limit - 1);
  bad_field (import, line, start, what);
  return NULL;
}

/* Counts rows and, on the first line, columns; finds the largest label.  */
static int
survey_line (struct import *import, const struct line *line, uint64_t *largest)
{
  uint64_t label;
  const char *end = line->text + line->length;
  if (!parse_label (import, line, &label))
    return -1;
  *largest = label > *largest ? label : *largest;
  if (import->info.rows++ == 0)
    for (const char *at = line->text; at < end; at++)
      import->info.columns += *at == ',';
  return 0;
}

/* One line at a time, so that the text stays in the processor's cache.  */
static int
survey (struct import *import)
{
  uint64_t largest = 0;
  size_t count;
  do
    {
      if (stop_requested ())
        return error_stopped ("stopped while reading '%s'; run the same command again", import->csv);
      if (lines_gather (import->lines, 1, &count))
        return -1;
      struct line line = count ? lines_line (import->lines, 0) : (struct line){ 0 };
      if (count && survey_line (import, &line, &largest))
        return -1;
    }
  while (count > 0);
  if (import->info.rows == 0 || import->info.columns == 0)
    return error_set ("'%s' has no %s; a line is label,value,value,...", import->csv,
                      import->info.rows ? "values" : "lines");
  return importer_name_classes (&import->info, largest);
}

/* The field at AT, where no comma or end of a number in the usual form follows. Returns what follows it.  */
static const char *
parse_value (const struct import *import, const struct line *line, const char *at, float *value)
{
  const char *end = line->text + line->length, *start = skip_blanks (at), *after = decimal_parse (start, value);
  if (after)
    {
      after = skip_blanks (after);
      if (isfinite (*value) && (after == end || *after == ','))
        return after;
    }
  bad_field (import, line, start, "not a finite number; correct it");
  return NULL;
}

static int
parse_row (void *context, size_t row, int worker)
{
  struct import *import = context;
  struct line line = lines_line (import->lines, row);
  const char *end = line.text + line.length;
  uint64_t label, columns = import->info.columns, column = 0, zeros;
  float *values = import->values + row * columns, value;
  const char *at = parse_label (import, &line, &label);
  (void) worker;
  if (!at)
    return -1;
  import->labels[row] = (int32_t) label;
  memset (values, 0, columns * sizeof *values);
  for (bool more = at[-1] == ','; more; column++)
    {
      at = decimal_skip_zeros (at, column < columns ? columns - 1 - column : 0, &zeros);
      column += zeros;
      at = parse_value (import, &line, at, &value);
      if (!at)
        return -1;
      if (column < columns)
        values[column] = value;
      more = at < end;
      at += more;
    }
  if (column != columns)
    return error_set ("line %" PRIu64 " of '%s' has %" PRIu64 " value%s and the first line %" PRIu64 "; correct it",
                      line.number, import->csv, column, column == 1 ? "" : "s", columns);
  return 0;
}

static int
take_lines (void *context, uint64_t row, uint64_t rows, float *values, int32_t *labels)
{
  struct import *import = context;
  size_t count;
  (void) row;
  import->values = values;
  import->labels = labels;
  if (lines_gather (import->lines, rows, &count))
    return -1;
  if (count < rows)
    return error_set ("'%s' became shorter while it was read; import it again", import->csv);
  if (workers_run (import->workers, rows, parse_row, import) == 0)
    return 0;
  for (size_t i = 0; i < count; i++) /* tell the first bad line, whoever found one */
    if (parse_row (import, i, 0))
      return -1;
  return -1;
}

int
csv_import (const char *csv, const char *features, const struct importer_options *options, struct workers *workers,
            uint64_t *rows)
{
  struct import import = { .csv = csv, .workers = workers };
  if (importer_describe (&import.info, options))
    return -1;
  import.lines = lines_open (csv);
  int result = import.lines ? survey (&import) : -1;
  if (result == 0)
    {
      lines_rewind (import.lines);
      result = importer_run (&import.info, features, take_lines, &import, csv, workers);
    }
  *rows = import.info.rows;
  lines_close (import.lines);
  featinfo_free (&import.info);
  return result;
}

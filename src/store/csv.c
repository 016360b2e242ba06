#include <config.h>

#include "csv.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "../base/workers.h"
#include "decimal.h"
#include "featwriter.h"
#include "lines.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  VALUE_BYTES = 16, /* "-1.17549435e-38,", the longest */
  LABEL_BYTES = 12,
  BLOCK_BYTES = 16 << 20, /* of values */
  CLASSES_MOST = 1000000,
};

/* Export: blocks of rows are read, written as text by all workers, and appended in order.  */
struct export
{
  struct featfile *file;
  uint64_t columns;
  float *values;   /* (block, columns) */
  int32_t *labels; /* (block) */
  char *text;      /* (block, line) */
  size_t line;     /* room for one line */
  size_t *length;  /* (block) */
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
        at += sprintf (at, "%.9g", (double) values[i]);
    }
  *at++ = '\n';
  export->length[row] = (size_t) (at - start);
  return 0;
}

static int
write_block (struct export *export, FILE *stream, uint64_t rows, const char *csv)
{
  for (uint64_t row = 0; row < rows; row++)
    if (fwrite (export->text + row * export->line, 1, export->length[row], stream) != export->length[row])
      return error_system ("write", csv);
  return 0;
}

static int
export_rows (struct export *export, FILE *stream, struct workers *workers, const char *csv)
{
  const struct featinfo *info = featfile_info (export->file);
  uint64_t block = BLOCK_BYTES / sizeof (float) / info->columns;
  block = block < 1 ? 1 : block;
  block = info->chunk_rows && block > info->chunk_rows ? block - block % info->chunk_rows : block;
  block = block > info->rows ? info->rows : block;
  size_t values, line;
  if (memory_multiply (block, info->columns, "a block of rows", &values)
      || memory_multiply (info->columns, VALUE_BYTES, "a line", &line)
      || !(export->values = memory_new (values, sizeof (float)))
      || !(export->labels = memory_new (block, sizeof (int32_t)))
      || !(export->length = memory_new (block, sizeof (size_t))))
    return -1;
  export->columns = info->columns;
  export->line = line + LABEL_BYTES + 2;
  if (!(export->text = memory_new (block, export->line)))
    return -1;
  for (uint64_t row = 0; row < info->rows; row += block)
    {
      uint64_t rows = info->rows - row < block ? info->rows - row : block;
      if (featfile_read (export->file, row, rows, 0, info->columns, export->values)
          || featfile_read_labels (export->file, row, rows, export->labels)
          || workers_run (workers, rows, format_row, export) || write_block (export, stream, rows, csv))
        return -1;
      if (stop_requested ())
        return error_stopped ("stopped while writing '%s'; run the same command again", csv);
    }
  return 0;
}

static int
export_whole (struct export *export, const char *csv, struct workers *workers)
{
  char *temporary = file_temporary (csv);
  FILE *stream = temporary ? fopen (temporary, "wbxe") : NULL;
  int result = -1;
  if (stream)
    {
      result = export_rows (export, stream, workers, csv);
      if (fclose (stream) && result == 0)
        result = error_system ("write", csv);
      if (result == 0)
        result = file_commit (temporary, csv);
      else
        unlink (temporary);
    }
  else if (temporary)
    error_system ("create", csv);
  free (temporary);
  return result;
}

int
csv_export (const char *features, const char *csv, struct workers *workers, uint64_t *rows)
{
  struct export export = { .file = featfile_open (features) };
  if (!export.file)
    return -1;
  int result = featfile_use_workers (export.file, workers) ? -1 : export_whole (&export, csv, workers);
  *rows = featfile_info (export.file)->rows;
  memory_free (export.values);
  memory_free (export.labels);
  memory_free (export.text);
  memory_free (export.length);
  featfile_close (export.file);
  return result;
}

/* Import: blocks of lines, as many as a tile has rows, are converted by all workers and become a row of tiles.  */
struct import {
  const char *csv;
  struct featinfo info;
  struct lines *lines;
  float *values;   /* (chunk_rows, columns) */
  int32_t *labels; /* (chunk_rows) */
};

static int
bad_field (const struct import *import, const struct line *line, const char *field, const char *what)
{
  uint64_t number = 1;
  for (const char *at = line->text; at < field; at++)
    number += *at == ',';
  size_t length = strcspn (field, ",\n"), shown = (size_t) (line->text + line->length - field);
  shown = shown < length ? shown : length;
  return error_set ("line %" PRIu64 ", field %" PRIu64 " of '%s' is '%.*s', %s", line->number, number, import->csv,
                    (int) (shown < 40 ? shown : 40), field, what);
}

static const char *
skip_blanks (const char *at, const char *end)
{
  while (at < end && (*at == ' ' || *at == '\t'))
    at++;
  return at;
}

/* The label at the start of LINE, below LIMIT. Returns what follows its comma, or the end; NULL with the error set.  */
static const char *
parse_label (const struct import *import, const struct line *line, uint64_t limit, uint64_t *label)
{
  const char *end = line->text + line->length, *start = skip_blanks (line->text, end), *at = start;
  for (*label = 0; at < end && *at >= '0' && *at <= '9' && *label <= CLASSES_MOST; at++)
    *label = 10 * *label + (uint64_t) (*at - '0');
  const char *after = skip_blanks (at, end);
  if (at > start && *label < limit && (after == end || *after == ','))
    return after == end ? end : after + 1;
  char what[128];
  snprintf (what, sizeof what, "not a class from 0 to %" PRIu64 "; a line is label,value,value,...", limit - 1);
  bad_field (import, line, start, what);
  return NULL;
}

/* Counts rows and, on the first line, columns; finds the largest label.  */
static int
survey_line (struct import *import, const struct line *line, uint64_t limit, uint64_t *largest)
{
  uint64_t label;
  const char *end = line->text + line->length, *at = parse_label (import, line, limit, &label);
  if (!at)
    return -1;
  if (label > *largest)
    *largest = label;
  if (import->info.rows++ == 0)
    for (at = line->text; at < end; at++)
      import->info.columns += *at == ',';
  return 0;
}

static int
survey (struct import *import)
{
  bool named = import->info.classes.count > 0;
  uint64_t limit = named ? import->info.classes.count : CLASSES_MOST, largest = 0;
  size_t count;
  do
    {
      if (stop_requested ())
        return error_stopped ("stopped while reading '%s'; run the same command again", import->csv);
      if (lines_gather (import->lines, 64, &count))
        return -1;
      for (size_t i = 0; i < count; i++)
        {
          struct line line = lines_line (import->lines, i);
          if (survey_line (import, &line, limit, &largest))
            return -1;
        }
    }
  while (count > 0);
  if (import->info.rows == 0 || import->info.columns == 0)
    return error_set ("'%s' has no %s; a line is label,value,value,...", import->csv,
                      import->info.rows ? "values" : "lines");
  import->info.origin.images = import->info.rows;
  for (uint64_t i = 0; i <= largest && !named; i++)
    {
      char name[24];
      snprintf (name, sizeof name, "%" PRIu64, i);
      if (names_add (&import->info.classes, name))
        return -1;
    }
  return 0;
}

static int
parse_row (void *context, size_t row, int worker)
{
  struct import *import = context;
  struct line line = lines_line (import->lines, row);
  const char *end = line.text + line.length;
  uint64_t label, columns = import->info.columns, column = 0;
  float *values = import->values + row * columns;
  const char *at = parse_label (import, &line, import->info.classes.count, &label);
  (void) worker;
  if (!at)
    return -1;
  import->labels[row] = (int32_t) label;
  for (bool more = at > line.text && at[-1] == ','; more; column++)
    {
      const char *start = skip_blanks (at, end);
      float value;
      const char *after = decimal_parse (start, end, &value);
      at = after ? skip_blanks (after, end) : start;
      if (!after || !isfinite (value) || (at < end && *at != ','))
        return bad_field (import, &line, start, "not a finite number; correct it");
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
import_rows (struct import *import, struct featwriter *writer, struct workers *workers)
{
  uint64_t height = import->info.chunk_rows, row = 0;
  size_t values, count;
  if (memory_multiply (height, import->info.columns, "a row of tiles", &values)
      || !(import->values = memory_new (values, sizeof (float)))
      || !(import->labels = memory_new (height, sizeof (int32_t))))
    return -1;
  lines_rewind (import->lines);
  for (; row < import->info.rows; row += count)
    {
      if (stop_requested ())
        return error_stopped ("stopped while reading '%s'; run the same command again", import->csv);
      if (lines_gather (import->lines, height, &count))
        return -1;
      if (count == 0)
        return error_set ("'%s' became shorter while it was read; import it again", import->csv);
      if (workers_run (workers, count, parse_row, import))
        {
          for (size_t i = 0; i < count; i++) /* tell the first bad line, whoever found one */
            if (parse_row (import, i, 0))
              return -1;
          return -1;
        }
      if (featwriter_put_tile_row (writer, row / height, import->values, count, workers)
          || featwriter_put_rows (writer, row, count, import->labels, NULL))
        return -1;
    }
  return 0;
}

static int
import_whole (struct import *import, const char *features, struct workers *workers)
{
  if (survey (import))
    return -1;
  featinfo_choose_tile (&import->info);
  struct featwriter *writer = featwriter_new (features, &import->info);
  if (!writer)
    return -1;
  if (import_rows (import, writer, workers) == 0)
    return featwriter_commit (writer, import->info.rows, NULL, 0);
  featwriter_discard (writer);
  return -1;
}

int
csv_import (const char *csv, const char *features, const struct csv_options *options, struct workers *workers,
            uint64_t *rows)
{
  struct import import = { .csv = csv, .info = { .half = options->half, .compress = options->compress } };
  snprintf (import.info.origin.version, sizeof import.info.origin.version, "%s", PACKAGE_VERSION);
  int result = names_copy (&import.info.classes, &options->classes);
  if (result == 0 && options->command)
    result = (import.info.origin.command = text_new ("%s", options->command)) ? 0 : -1;
  if (result == 0)
    result = (import.lines = lines_open (csv)) ? import_whole (&import, features, workers) : -1;
  *rows = import.info.rows;
  lines_close (import.lines);
  memory_free (import.values);
  memory_free (import.labels);
  featinfo_free (&import.info);
  return result;
}

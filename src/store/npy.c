#include <config.h>

#include "npy.h"

#include "../base/draft.h"
#include "../base/error.h"
#include "../base/half.h"
#include "../base/memory.h"
#include "../base/workers.h"
#include "exporter.h"
#include "npyheader.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LABELS_AT_ONCE = 4096 };

char *
npy_labels_path (const char *npy)
{
  return text_new ("%.*s.labels.npy", (int) (strlen (npy) - strlen (".npy")), npy);
}

/* The COUNT elements of SIZE bytes in DATA with their bytes in the opposite order.  */
static void
swap_bytes (void *data, size_t count, size_t size)
{
  unsigned char *at = data;
  for (size_t i = 0; i < count; i++, at += size)
    for (size_t low = 0, high = size - 1; low < high; low++, high--)
      {
        unsigned char kept = at[low];
        at[low] = at[high];
        at[high] = kept;
      }
}

struct export
{
  struct draft *features, *labels;
  uint64_t columns;
  uint16_t *halves; /* (block, columns); NULL for float32 */
};

static int
write_elements (struct draft *draft, void *data, size_t count, size_t size)
{
  if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
    swap_bytes (data, count, size);
  return draft_write (draft, data, count * size);
}

static int
export_block (void *context, uint64_t row, uint64_t rows, float *values, int32_t *labels)
{
  struct export *export = context;
  size_t count = rows * export->columns;
  (void) row;
  if (export->halves)
    half_from_float (export->halves, values, count);
  return (export->halves ? write_elements (export->features, export->halves, count, sizeof *export->halves)
                         : write_elements (export->features, values, count, sizeof *values))
             || write_elements (export->labels, labels, rows, sizeof *labels)
           ? -1
           : 0;
}

static int
export_arrays (struct export *export, struct featfile *file, const char *npy)
{
  const struct featinfo *info = featfile_info (file);
  struct npyheader header = { .kind = 'f', .bytes = info->half ? 2 : 4, .rank = 2 };
  struct npyheader label_header = { .kind = 'i', .bytes = 4, .rank = 1 };
  char text[NPYHEADER_BYTES_MOST];
  export->columns = header.shape[1] = info->columns;
  header.shape[0] = label_header.shape[0] = info->rows;
  if (info->half && !(export->halves = memory_new (exporter_block_rows (file) * info->columns, sizeof (uint16_t))))
    return -1;
  if (draft_write (export->features, text, npyheader_format (&header, text))
      || draft_write (export->labels, text, npyheader_format (&label_header, text)))
    return -1;
  return exporter_run (file, export_block, export, npy);
}

/* Gives both their names, or leaves neither: features never stand beside labels that are not theirs.  A file may have
   its name though its commit failed, where that is not durable.  */
static int
commit (struct export *export, const char *npy, const char *labels)
{
  bool fresh_labels = !file_exists (labels), fresh = !file_exists (npy);
  if (draft_commit (export->labels))
    {
      draft_discard (export->features);
      if (fresh_labels)
        unlink (labels);
      return -1;
    }
  if (draft_commit (export->features) == 0)
    return 0;
  unlink (labels);
  if (fresh)
    unlink (npy);
  return -1;
}

static int
export_whole (struct export *export, struct featfile *file, const char *npy, const char *labels)
{
  int result = -1;
  if ((export->features = draft_new (npy)) && (export->labels = draft_new (labels)))
    result = export_arrays (export, file, npy);
  memory_free (export->halves);
  if (result == 0)
    return commit (export, npy, labels);
  draft_discard (export->features);
  draft_discard (export->labels);
  return -1;
}

int
npy_export (const char *features, const struct featnames *names, const char *npy, const char *labels,
            struct workers *workers, uint64_t *rows)
{
  struct export export = { 0 };
  struct featfile *file = featfile_open_named (features, names);
  if (!file)
    return -1;
  int result = featfile_use_workers (file, workers) ? -1 : export_whole (&export, file, npy, labels);
  *rows = featfile_info (file)->rows;
  featfile_close (file);
  return result;
}

/* An array that is read from its beginning to its end.  */
struct array {
  const char *path;
  FILE *stream;
  struct npyheader header;
  off_t start; /* of the elements */
};

static int
array_open (struct array *array, bool whole, int rank, const char *path)
{
  array->path = path;
  array->stream = fopen (path, "rbe");
  if (!array->stream)
    return error_system ("open", path);
  if (npyheader_read (&array->header, array->stream, whole, path))
    return -1;
  array->start = ftello (array->stream);
  if (array->header.rank != rank)
    return error_set ("'%s' has %d dimension%s, not %d (%s); reshape it", path, array->header.rank,
                      array->header.rank == 1 ? "" : "s", rank, whole ? "a label for each row" : "rows, columns");
  return array->header.elements ? 0 : error_set ("'%s' is an array without elements; save one with rows", path);
}

static void
array_close (struct array *array)
{
  if (array->stream)
    fclose (array->stream);
}

static int
array_read (struct array *array, void *elements, size_t count)
{
  size_t size = (size_t) array->header.bytes, found = fread (elements, size, count, array->stream);
  if (ferror (array->stream))
    return error_system ("read", array->path);
  if (found < count)
    return error_set ("'%s' became shorter while it was read; import it again", array->path);
  if (array->header.swapped)
    swap_bytes (elements, count, size);
  return 0;
}

struct import {
  struct featinfo info;
  struct array features, labels;
  struct workers *workers;
  unsigned char *elements; /* (block, columns) of the file */
  float *values;           /* (block, columns) */
  uint64_t first;          /* row of the block */
};

/* The integer at ELEMENT, its sign extended.  */
static int64_t
integer (const unsigned char *element, const struct npyheader *header)
{
  bool is_signed = header->kind == 'i';
  int16_t two;
  int32_t four;
  int64_t eight;
  switch (header->bytes)
    {
    case 1:
      return is_signed ? (signed char) *element : *element;
    case 2:
      memcpy (&two, element, sizeof two);
      return is_signed ? two : (uint16_t) two;
    case 4:
      memcpy (&four, element, sizeof four);
      return is_signed ? four : (int64_t) (uint32_t) four;
    default:
      memcpy (&eight, element, sizeof eight);
      return eight;
    }
}

/* The next ROWS labels, from ROW on, of at most LABELS_AT_ONCE.  */
static int
read_labels (struct import *import, uint64_t row, uint64_t rows, int32_t *labels)
{
  unsigned char elements[LABELS_AT_ONCE * sizeof (int64_t)];
  const struct npyheader *header = &import->labels.header;
  uint64_t limit = importer_label_limit (&import->info);
  if (array_read (&import->labels, elements, rows))
    return -1;
  for (uint64_t i = 0; i < rows; i++)
    {
      int64_t label = integer (elements + i * (uint64_t) header->bytes, header);
      if (label < 0 || (uint64_t) label >= limit)
        return error_set ("the label at row %" PRIu64 " of '%s' is %" PRId64 ", not a class from 0 to %" PRIu64
                          "; correct it",
                          row + i, import->labels.path, label, limit - 1);
      labels[i] = (int32_t) label;
    }
  return 0;
}

/* Finds the largest label, and goes back to the first.  */
static int
survey (struct import *import)
{
  int32_t labels[LABELS_AT_ONCE], largest = 0;
  for (uint64_t row = 0, rows; row < import->info.rows; row += rows)
    {
      rows = import->info.rows - row < LABELS_AT_ONCE ? import->info.rows - row : LABELS_AT_ONCE;
      if (read_labels (import, row, rows, labels))
        return -1;
      for (uint64_t i = 0; i < rows; i++)
        largest = labels[i] > largest ? labels[i] : largest;
    }
  if (fseeko (import->labels.stream, import->labels.start, SEEK_SET))
    return error_system ("read", import->labels.path);
  return importer_name_classes (&import->info, (uint64_t) largest);
}

static int
convert_row (void *context, size_t row, int worker)
{
  struct import *import = context;
  uint64_t columns = import->info.columns, size = (uint64_t) import->features.header.bytes;
  const void *elements = import->elements + row * columns * size;
  const double *wide = elements;
  float *values = import->values + row * columns;
  (void) worker;
  if (size == sizeof (uint16_t))
    half_to_float (values, elements, columns);
  else if (size == sizeof (float))
    memcpy (values, elements, columns * sizeof *values);
  for (uint64_t i = 0; size == sizeof (double) && i < columns; i++)
    values[i] = (float) wide[i];
  for (uint64_t i = 0; i < columns; i++)
    if (!isfinite (values[i]))
      return error_set (
        "'%s' has the value %g at row %" PRIu64 ", column %" PRIu64 ", not a finite float32; correct it",
        import->features.path, size == sizeof (double) ? wide[i] : (double) values[i], import->first + row, i);
  return 0;
}

static int
take_rows (void *context, uint64_t row, uint64_t rows, float *values, int32_t *labels)
{
  struct import *import = context;
  uint64_t count = rows * import->info.columns;
  import->first = row;
  import->values = values;
  if (!import->elements && !(import->elements = memory_new (count, (size_t) import->features.header.bytes)))
    return -1; /* the first block is the largest */
  if (array_read (&import->features, import->elements, count) || read_labels (import, row, rows, labels))
    return -1;
  if (workers_run (import->workers, rows, convert_row, import) == 0)
    return 0;
  for (size_t i = 0; i < rows; i++) /* tell the first bad value, whoever found one */
    if (convert_row (import, i, 0))
      return -1;
  return -1;
}

static int
open_arrays (struct import *import, const char *npy, const char *labels)
{
  if (array_open (&import->features, false, 2, npy) || array_open (&import->labels, true, 1, labels))
    return -1;
  import->info.rows = import->features.header.shape[0];
  import->info.columns = import->features.header.shape[1];
  uint64_t count = import->labels.header.shape[0];
  return count == import->info.rows
           ? 0
           : error_set ("'%s' has %" PRIu64 " rows and '%s' %" PRIu64 " labels; give the labels of these rows", npy,
                        import->info.rows, labels, count);
}

int
npy_import (const char *npy, const char *labels, const char *features, const struct importer_options *options,
            struct workers *workers, uint64_t *rows)
{
  struct import import = { .workers = workers };
  if (importer_describe (&import.info, options))
    return -1;
  int result = open_arrays (&import, npy, labels);
  import.info.half |= !options->single && import.features.header.bytes == sizeof (uint16_t);
  if (result == 0)
    result = survey (&import);
  if (result == 0)
    result = importer_run (&import.info, features, take_rows, &import, npy, workers);
  *rows = import.info.rows;
  memory_free (import.elements);
  array_close (&import.features);
  array_close (&import.labels);
  featinfo_free (&import.info);
  return result;
}

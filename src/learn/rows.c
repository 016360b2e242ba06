#include <config.h>

#include "rows.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
  uint64_t *row;
  int32_t *label;
  float *values; /* (batch, d) */
};

struct rows {
  struct featfile *file; /* borrowed */
  uint64_t count;        /* n */
  size_t columns, batch;
  int32_t *label; /* (n) */

  const struct order *order; /* borrowed */
  size_t window;             /* its number, where one is loaded */
  uint64_t position;         /* in the order, of the next row */

  uint64_t *loaded; /* numbers of the rows in VALUES, ascending */
  size_t loaded_count;
  float *values; /* (window rows, d) */

  struct buffer buffer[2]; /* one may be in use while the other is filled */
  int turn;
  double seconds;
};

static int
allocate (struct rows *rows, size_t window_rows)
{
  size_t window, batch;
  if (memory_multiply (window_rows, rows->columns, "a window's size", &window)
      || memory_multiply (rows->batch, rows->columns, "a batch's size", &batch))
    return -1;
  rows->label = memory_new ((size_t) rows->count, sizeof *rows->label);
  rows->loaded = memory_new (window_rows, sizeof *rows->loaded);
  rows->values = memory_new (window, sizeof *rows->values);
  if (!rows->label || !rows->loaded || !rows->values)
    return -1;
  for (int i = 0; i < 2; i++)
    {
      struct buffer *buffer = &rows->buffer[i];
      buffer->row = memory_new (rows->batch, sizeof *buffer->row);
      buffer->label = memory_new (rows->batch, sizeof *buffer->label);
      buffer->values = memory_new (batch, sizeof *buffer->values);
      if (!buffer->row || !buffer->label || !buffer->values)
        return -1;
    }
  return 0;
}

struct rows *
rows_new (struct featfile *file, size_t batch, uint64_t window_rows)
{
  const struct featinfo *info = featfile_info (file);
  struct rows *rows = calloc (1, sizeof *rows);
  if (!rows)
    {
      error_set ("no memory to read '%s'; give the job more memory", featfile_path (file));
      return NULL;
    }
  rows->file = file;
  rows->count = info->rows;
  rows->columns = (size_t) info->columns;
  rows->batch = batch < info->rows ? batch : (size_t) info->rows;
  if (allocate (rows, (size_t) window_rows) || featfile_read_labels (file, 0, rows->count, rows->label))
    {
      rows_free (rows);
      return NULL;
    }
  return rows;
}

void
rows_free (struct rows *rows)
{
  if (!rows)
    return;
  for (int i = 0; i < 2; i++)
    {
      memory_free (rows->buffer[i].row);
      memory_free (rows->buffer[i].label);
      memory_free (rows->buffer[i].values);
    }
  memory_free (rows->label);
  memory_free (rows->loaded);
  memory_free (rows->values);
  free (rows);
}

const int32_t *
rows_labels (const struct rows *rows)
{
  return rows->label;
}

void
rows_begin (struct rows *rows, const struct order *order)
{
  rows->order = order;
  rows->position = 0;
  rows->window = SIZE_MAX; /* so that the next one is number 0 */
}

static int
compare (const void *a, const void *b)
{
  uint64_t left = *(const uint64_t *) a, right = *(const uint64_t *) b;
  return (left > right) - (left < right);
}

/* Reads the rows of the next window in ascending order, each run of consecutive ones at once.  */
static int
load_window (struct rows *rows)
{
  const struct order *order = rows->order;
  rows->window++;
  uint64_t begin = rows->window ? order->window_end[rows->window - 1] : 0;
  size_t count = (size_t) (order->window_end[rows->window] - begin), run;
  if (count == rows->count && rows->loaded_count == count)
    return 0;
  double started = clock_seconds ();
  rows->loaded_count = 0;
  memcpy (rows->loaded, order->row + begin, count * sizeof *rows->loaded);
  qsort (rows->loaded, count, sizeof *rows->loaded, compare);
  for (size_t first = 0; first < count; first += run)
    {
      for (run = 1; first + run < count && rows->loaded[first + run] == rows->loaded[first] + run; run++)
        ;
      if (featfile_read (rows->file, rows->loaded[first], run, 0, rows->columns, rows->values + first * rows->columns))
        return -1;
    }
  rows->loaded_count = count;
  rows->seconds += clock_seconds () - started;
  return 0;
}

static int
take_row (struct rows *rows, struct buffer *buffer, size_t index)
{
  bool loaded = rows->window != SIZE_MAX && rows->position < rows->order->window_end[rows->window];
  if (!loaded && load_window (rows))
    return -1;
  uint64_t row = rows->order->row[rows->position++];
  const uint64_t *found = bsearch (&row, rows->loaded, rows->loaded_count, sizeof row, compare);
  buffer->row[index] = row;
  buffer->label[index] = rows->label[row];
  memcpy (buffer->values + index * rows->columns, rows->values + (size_t) (found - rows->loaded) * rows->columns,
          rows->columns * sizeof *buffer->values);
  return 0;
}

int
rows_next (struct rows *rows, struct batch *batch)
{
  struct buffer *buffer = &rows->buffer[rows->turn];
  uint64_t left = rows->count - rows->position;
  size_t count = left < rows->batch ? (size_t) left : rows->batch;
  rows->turn = !rows->turn;
  for (size_t i = 0; i < count; i++)
    if (take_row (rows, buffer, i))
      return -1;
  *batch = (struct batch){ count, buffer->row, buffer->label, buffer->values };
  return 0;
}

double
rows_seconds (const struct rows *rows)
{
  return rows->seconds;
}

double
rows_bytes (uint64_t columns, size_t batch, uint64_t window_rows)
{
  return (double) columns * sizeof (float) * ((double) window_rows + 2 * (double) batch);
}

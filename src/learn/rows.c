#include <config.h>

#include "rows.h"

#include "../base/ahead.h"
#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A batch in the making.  */
struct buffer {
  uint64_t *row;
  int32_t *label;
  float *values; /* (batch, d) */
};

/* A window that has been read.  */
struct loaded {
  uint64_t *row; /* their numbers, ascending */
  size_t count;
  float *values; /* (window rows, d) */
};

struct rows {
  struct featfile *file; /* borrowed */
  uint64_t count;        /* n */
  uint64_t first_column; /* of the share */
  size_t columns, batch; /* d of the share, b */
  int32_t *label;        /* (n) */

  const struct order *order; /* borrowed; from here to NEXT_WINDOW there is something only inside rows_walk */
  size_t first_window;       /* of the walk */
  struct ahead *ahead;
  const struct loaded *current; /* the window in use */
  uint64_t position, end;       /* in the order: of the next row, and of where its window ends */
  size_t next_window;           /* after the one in use */

  struct loaded loaded[2]; /* the second is empty where nothing is read ahead */
  struct buffer buffer[2]; /* one is the next batch while the other is in use */
  int turn;
  double seconds;
};

static int
allocate_windows (struct rows *rows, size_t window_rows, int windows)
{
  size_t values;
  if (memory_multiply (window_rows, rows->columns, "a window's size", &values))
    return -1;
  for (struct loaded *loaded = rows->loaded; loaded < rows->loaded + windows; loaded++)
    {
      loaded->row = memory_new (window_rows, sizeof *loaded->row);
      loaded->values = memory_new (values, sizeof *loaded->values);
      if (!loaded->row || !loaded->values)
        return -1;
    }
  return 0;
}

static int
allocate_batches (struct rows *rows)
{
  size_t values;
  if (memory_multiply (rows->batch, rows->columns, "a batch's size", &values))
    return -1;
  for (struct buffer *buffer = rows->buffer; buffer < rows->buffer + 2; buffer++)
    {
      buffer->row = memory_new (rows->batch, sizeof *buffer->row);
      buffer->label = memory_new (rows->batch, sizeof *buffer->label);
      buffer->values = memory_new (values, sizeof *buffer->values);
      if (!buffer->row || !buffer->label || !buffer->values)
        return -1;
    }
  return 0;
}

struct rows *
rows_new (struct featfile *file, const struct rows_plan *plan)
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
  rows->first_column = plan->first_column;
  rows->columns = (size_t) plan->columns;
  rows->batch = plan->batch < info->rows ? plan->batch : (size_t) info->rows;
  rows->label = memory_new ((size_t) rows->count, sizeof *rows->label);
  int windows = plan->ahead && plan->window_rows < rows->count ? 2 : 1;
  if (!rows->label || allocate_windows (rows, (size_t) plan->window_rows, windows) || allocate_batches (rows)
      || featfile_read_labels (file, 0, rows->count, rows->label))
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
      memory_free (rows->loaded[i].row);
      memory_free (rows->loaded[i].values);
    }
  memory_free (rows->label);
  free (rows);
}

const int32_t *
rows_labels (const struct rows *rows)
{
  return rows->label;
}

static int
compare (const void *a, const void *b)
{
  uint64_t left = *(const uint64_t *) a, right = *(const uint64_t *) b;
  return (left > right) - (left < right);
}

/* The number of rows from FIRST on that follow each other in the file.  */
static size_t
count_run (const struct loaded *loaded, size_t first)
{
  size_t run = 1;
  while (first + run < loaded->count && loaded->row[first + run] == loaded->row[first] + run)
    run++;
  return run;
}

int
rows_check_stop (const char *path)
{
  return stop_requested () ? error_stopped ("reading '%s' was stopped; run the same command again", path) : 0;
}

/* Reads the rows of LOADED->row, each run of consecutive ones at once.  */
static int
read_runs (struct rows *rows, struct loaded *loaded)
{
  size_t run;
  for (size_t first = 0; first < loaded->count; first += run)
    {
      float *values = loaded->values + first * rows->columns;
      run = count_run (loaded, first);
      if (rows_check_stop (featfile_path (rows->file))
          || featfile_read (rows->file, loaded->row[first], run, rows->first_column, rows->columns, values))
        return -1;
    }
  return 0;
}

/* Makes BUFFER hold the rows of the walk's window INDEX, unless it has the whole file already.  */
static int
load_window (void *context, size_t index, void *buffer)
{
  struct rows *rows = context;
  index += rows->first_window;
  struct loaded *loaded = buffer;
  const struct order *order = rows->order;
  uint64_t begin = index ? order->window_end[index - 1] : 0;
  if (loaded->count == rows->count)
    return 0;
  loaded->count = (size_t) (order->window_end[index] - begin);
  memcpy (loaded->row, order->row + begin, loaded->count * sizeof *loaded->row);
  qsort (loaded->row, loaded->count, sizeof *loaded->row, compare);
  if (read_runs (rows, loaded) == 0)
    return 0;
  loaded->count = 0;
  return -1;
}

static int
next_window (struct rows *rows)
{
  double started = clock_seconds ();
  rows->current = ahead_next (rows->ahead);
  rows->seconds += clock_seconds () - started;
  if (!rows->current)
    return -1;
  rows->end = rows->order->window_end[rows->next_window++];
  return 0;
}

static int
take_row (struct rows *rows, struct buffer *buffer, size_t index)
{
  if (rows->position == rows->end && next_window (rows))
    return -1;
  const struct loaded *loaded = rows->current;
  uint64_t row = rows->order->row[rows->position++];
  const uint64_t *found = bsearch (&row, loaded->row, loaded->count, sizeof row, compare);
  buffer->row[index] = row;
  buffer->label[index] = rows->label[row];
  memcpy (buffer->values + index * rows->columns, loaded->values + (size_t) (found - loaded->row) * rows->columns,
          rows->columns * sizeof *buffer->values);
  return 0;
}

/* The next BATCH, valid until the next call but one; with no rows where none are left.  */
static int
take_batch (struct rows *rows, struct batch *batch)
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

static int
visit_batches (struct rows *rows, rows_visit *visit, void *context)
{
  struct batch batch, next;
  const char *path = featfile_path (rows->file);
  if (take_batch (rows, &batch))
    return -1;
  for (; batch.rows > 0; batch = next)
    {
      if (rows_check_stop (path) || take_batch (rows, &next) || visit (context, &batch, &next))
        return -1;
    }
  return 0;
}

/* The window of ORDER that row POSITION of it is in.  */
static size_t
find_window (const struct order *order, uint64_t position)
{
  size_t window = 0;
  while (order->window_end[window] <= position)
    window++;
  return window;
}

int
rows_walk (struct rows *rows, const struct order *order, uint64_t position, rows_visit *visit, void *context)
{
  if (position >= rows->count)
    return 0;
  rows->order = order;
  rows->position = rows->end = position;
  rows->first_window = rows->next_window = find_window (order, position);
  rows->ahead = ahead_new (order->windows - rows->first_window, &rows->loaded[0],
                           rows->loaded[1].values ? &rows->loaded[1] : NULL, load_window, rows);
  int result = rows->ahead ? visit_batches (rows, visit, context) : -1;
  ahead_free (rows->ahead);
  return result;
}

double
rows_seconds (const struct rows *rows)
{
  return rows->seconds;
}

double
rows_bytes (const struct rows_plan *plan)
{
  return (double) plan->columns * sizeof (float)
         * ((plan->ahead ? 2 : 1) * (double) plan->window_rows + 2 * (double) plan->batch);
}

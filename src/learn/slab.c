#include <config.h>

#include "slab.h"

#include "../base/ahead.h"
#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"

static const double usual_bytes = 64 << 20; /* enough for long reads, little beside the products */

static size_t
round_up (uint64_t count, uint64_t unit)
{
  return (size_t) ((count + unit - 1) / unit * unit);
}

/* Columns of a slab of up to BYTES: whole chunks, where they are not rows from one end to the other.  */
static size_t
choose_width (const struct slabs *slabs, uint64_t chunk_columns, double bytes)
{
  bool tiles = chunk_columns > 0 && chunk_columns < slabs->columns;
  double column = (double) slabs->rows * sizeof (float);
  double fitting = (tiles && bytes > usual_bytes ? usual_bytes : bytes) / column;
  uint64_t unit = tiles && chunk_columns > SLAB_COLUMNS ? chunk_columns : SLAB_COLUMNS;
  size_t width = fitting < (double) unit ? (size_t) fitting / SLAB_COLUMNS * SLAB_COLUMNS
                                         : round_up ((uint64_t) (fitting / (double) unit) * unit, SLAB_COLUMNS);
  size_t most = round_up (slabs->columns, SLAB_COLUMNS);
  return width < SLAB_COLUMNS ? SLAB_COLUMNS : width < most ? width : most;
}

struct slabs
slabs_of (struct featfile *const *file, size_t files, uint64_t first, uint64_t columns, double bytes)
{
  struct slabs slabs = { .files = files, .first = first, .columns = columns };
  uint64_t chunk_columns = 0;
  for (size_t i = 0; i < files; i++)
    {
      const struct featinfo *info = featfile_info (file[i]);
      slabs.file[i] = file[i];
      slabs.rows += (size_t) info->rows;
      chunk_columns = info->chunk_columns > chunk_columns ? info->chunk_columns : chunk_columns;
      if (info->chunk_rows == 0)
        chunk_columns = info->columns; /* contiguous rows: few passes over them */
    }
  slabs.width = choose_width (&slabs, chunk_columns, bytes / 2);
  slabs.ahead = slabs.width < columns;
  return slabs;
}

double
slabs_bytes (const struct slabs *slabs)
{
  return (slabs->ahead ? 2 : 1) * (double) slabs->rows * (double) slabs->width * sizeof (float);
}

static int
read_slab (void *context, size_t index, void *buffer)
{
  const struct slabs *slabs = context;
  struct slab *slab = buffer;
  uint64_t begin = (uint64_t) index * slabs->width, left = slabs->columns - begin;
  slab->first = slabs->first + begin;
  slab->columns = left < slabs->width ? (size_t) left : slabs->width;
  slab->rows = slabs->rows;
  float *values = slab->values;
  for (size_t i = 0; i < slabs->files; i++)
    {
      const struct featinfo *info = featfile_info (slabs->file[i]);
      if (stop_requested ())
        return error_stopped ("reading '%s' was stopped; run the same command again", featfile_path (slabs->file[i]));
      if (featfile_read (slabs->file[i], 0, info->rows, slab->first, slab->columns, values))
        return -1;
      values += info->rows * slab->columns;
    }
  return 0;
}

static int
visit_slabs (struct ahead *ahead, size_t count, slab_visit *visit, void *context, double *waited)
{
  for (size_t i = 0; i < count; i++)
    {
      double started = clock_seconds ();
      const struct slab *slab = ahead_next (ahead);
      *waited += clock_seconds () - started;
      if (!slab || visit (context, slab))
        return -1;
    }
  return 0;
}

int
slabs_walk (const struct slabs *slabs, slab_visit *visit, void *context, double *waited)
{
  struct slab buffer[2] = { 0 };
  size_t count = (size_t) ((slabs->columns + slabs->width - 1) / slabs->width);
  int result = -1, buffers = slabs->ahead ? 2 : 1;
  struct ahead *ahead = NULL;
  for (int i = 0; i < buffers; i++)
    if (!(buffer[i].values = memory_new (slabs->rows * slabs->width, sizeof (float))))
      goto done;
  ahead = ahead_new (count, &buffer[0], slabs->ahead ? &buffer[1] : NULL, read_slab, (void *) slabs);
  result = ahead ? visit_slabs (ahead, count, visit, context, waited) : -1;
  ahead_free (ahead);
done:
  memory_free (buffer[0].values);
  memory_free (buffer[1].values);
  return result;
}

#include <config.h>

#include "tilereader.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/workers.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct tilereader {
  const struct matrix *matrix;
  const struct featinfo *info;
  struct workers *workers;
  size_t threads;
  struct tile_codec **codec;                      /* (threads) */
  struct chunk *chunk;                            /* (threads) */
  pthread_mutex_t hdf5;                           /* held by the thread that calls HDF5 */
  struct window range;                            /* what is being read */
  uint64_t first_row, first_column, tile_columns; /* tile of task 0, and tiles across the range */
  float *values;
};

static int
refuse_chunk (const struct matrix *matrix, const struct featinfo *info, uint64_t tile_row, uint64_t tile_column,
              const char *reason)
{
  return error_set ("chunk (%" PRIu64 ", %" PRIu64 ") of '%s' of '%s', from row %" PRIu64 " and column %" PRIu64
                    " on, %s; make the file again",
                    tile_row, tile_column, matrix->name, matrix->path, tile_row * info->chunk_rows,
                    tile_column * info->chunk_columns, reason);
}

int
tilereader_read_chunk (const struct matrix *matrix, const struct featinfo *info, uint64_t tile_row,
                       uint64_t tile_column, struct chunk *chunk)
{
  const hsize_t offset[2] = { tile_row * info->chunk_rows, tile_column * info->chunk_columns };
  hsize_t bytes = 0;
  const char *reason = NULL;
  if (H5Dget_chunk_storage_size (matrix->dataset, offset, &bytes) < 0 || bytes == 0)
    reason = "is missing";
  else if (bytes > chunk->room)
    reason = "is larger than a tile can be";
  else if (H5Dread_chunk (matrix->dataset, H5P_DEFAULT, offset, &chunk->filter_mask, chunk->data) < 0)
    reason = "cannot be read";
  chunk->length = bytes;
  if (info->plain)
    chunk->filter_mask = chunk->filter_mask << 1 | CHUNK_PLAIN; /* as if shuffle were there and left out */
  return reason ? refuse_chunk (matrix, info, tile_row, tile_column, reason) : 0;
}

struct tilereader *
tilereader_new (const struct matrix *matrix, const struct featinfo *info, struct workers *workers)
{
  size_t threads = (size_t) workers_count (workers);
  struct tilereader *reader = memory_new (1, sizeof *reader);
  if (!reader)
    return NULL;
  *reader = (struct tilereader){ .matrix = matrix, .info = info, .workers = workers, .threads = threads };
  pthread_mutex_init (&reader->hdf5, NULL);
  reader->codec = memory_new (threads, sizeof (struct tile_codec *));
  reader->chunk = memory_new (threads, sizeof *reader->chunk);
  bool ready = reader->codec && reader->chunk;
  for (size_t i = 0; ready && i < threads; i++)
    ready = (reader->codec[i] = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, TILE_DECODE_ONLY))
            && !chunk_new (&reader->chunk[i], 2 * tile_bound (reader->codec[i])); /* other compressors may need more */
  if (ready)
    return reader;
  tilereader_free (reader);
  return NULL;
}

void
tilereader_free (struct tilereader *reader)
{
  if (!reader)
    return;
  for (size_t i = 0; i < reader->threads; i++)
    {
      if (reader->codec)
        tile_codec_free (reader->codec[i]);
      if (reader->chunk)
        chunk_free (&reader->chunk[i]);
    }
  pthread_mutex_destroy (&reader->hdf5);
  memory_free (reader->codec);
  memory_free (reader->chunk);
  memory_free (reader);
}

/* The part of the range [*BEGIN, END) that lies in the tile that starts at START and has SIZE: *BEGIN becomes relative
   to the tile; returns the length.  */
static uint64_t
clip (uint64_t *begin, uint64_t end, uint64_t start, uint64_t size)
{
  uint64_t from = *begin > start ? *begin : start, to = end < start + size ? end : start + size;
  *begin = from - start;
  return to - from;
}

static int
read_tile (void *context, size_t index, int worker)
{
  struct tilereader *reader = context;
  const struct featinfo *info = reader->info;
  const struct window *range = &reader->range;
  struct chunk *chunk = &reader->chunk[worker];
  uint64_t tile_row = reader->first_row + index / reader->tile_columns;
  uint64_t tile_column = reader->first_column + index % reader->tile_columns;
  uint64_t start_row = tile_row * info->chunk_rows, start_column = tile_column * info->chunk_columns;
  struct window window = { .row = range->row, .column = range->column };
  window.rows = clip (&window.row, range->row + range->rows, start_row, info->chunk_rows);
  window.columns = clip (&window.column, range->column + range->columns, start_column, info->chunk_columns);
  float *values = reader->values + (start_row + window.row - range->row) * range->columns
                  + (start_column + window.column - range->column);
  pthread_mutex_lock (&reader->hdf5);
  int result = tilereader_read_chunk (reader->matrix, info, tile_row, tile_column, chunk);
  pthread_mutex_unlock (&reader->hdf5);
  if (result)
    return -1;
  if (tile_decode (reader->codec[worker], chunk, &window, values, range->columns))
    return refuse_chunk (reader->matrix, info, tile_row, tile_column, error_message ());
  window.row += start_row;
  window.column += start_column;
  return matrix_check_finite (reader->matrix, &window, values, range->columns);
}

int
tilereader_read (struct tilereader *reader, const struct window *range, float *values)
{
  const struct featinfo *info = reader->info;
  reader->range = *range;
  reader->values = values;
  reader->first_row = range->row / info->chunk_rows;
  reader->first_column = range->column / info->chunk_columns;
  reader->tile_columns = (range->column + range->columns - 1) / info->chunk_columns - reader->first_column + 1;
  uint64_t tile_rows = (range->row + range->rows - 1) / info->chunk_rows - reader->first_row + 1;
  return workers_run (reader->workers, tile_rows * reader->tile_columns, read_tile, reader);
}

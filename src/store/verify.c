#include <config.h>

#include "verify.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "../base/workers.h"
#include "featfile.h"
#include "tile.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  TILES_AT_ONCE = 8, /* for each thread */
  BLOCK_ROWS = 4096, /* of labels and paths */
  BLOCK_BYTES = 16 << 20,
};

struct verify {
  struct featfile *file;
  const struct featinfo *info;
  struct workers *workers;
  struct tile_codec **codec; /* (threads) */
  float **values;            /* (threads), each (chunk_rows, chunk_columns) */
  size_t batch;              /* tiles at once */
  struct chunk *chunk;       /* (batch) */
  struct error *error;       /* (batch) so that the first bad tile is told, whoever finds it */
  uint64_t first;            /* tile of task 0, counted row by row */
};

static void
describe_tile (const struct verify *verify, uint64_t tile, const char *reason)
{
  const struct featinfo *info = verify->info;
  uint64_t columns = featinfo_tile_columns (info), row = tile / columns * info->chunk_rows;
  uint64_t end = info->rows - row < info->chunk_rows ? info->rows : row + info->chunk_rows;
  error_set ("chunk (%" PRIu64 ", %" PRIu64 ") of '/features' of '%s', rows %" PRIu64 " to %" PRIu64
             ", %s; make the file again",
             tile / columns, tile % columns, featfile_path (verify->file), row, end - 1, reason);
}

static int
check_finite (const struct verify *verify, uint64_t tile, const float *values, uint64_t rows, uint64_t columns)
{
  const struct featinfo *info = verify->info;
  uint64_t tiles = featinfo_tile_columns (info);
  for (uint64_t row = 0; row < rows; row++)
    for (uint64_t column = 0; column < columns; column++)
      if (!isfinite (values[row * info->chunk_columns + column]))
        {
          char reason[128];
          snprintf (reason, sizeof reason, "has the value %g at row %" PRIu64 ", column %" PRIu64,
                    (double) values[row * info->chunk_columns + column], tile / tiles * info->chunk_rows + row,
                    tile % tiles * info->chunk_columns + column);
          describe_tile (verify, tile, reason);
          return -1;
        }
  return 0;
}

/* Keeps its error for the main thread, which tells the first.  */
static int
check_tile (void *context, size_t index, int worker)
{
  struct verify *verify = context;
  const struct featinfo *info = verify->info;
  uint64_t tile = verify->first + index, columns = featinfo_tile_columns (info);
  uint64_t row = tile / columns * info->chunk_rows, column = tile % columns * info->chunk_columns;
  uint64_t rows = info->rows - row < info->chunk_rows ? info->rows - row : info->chunk_rows;
  uint64_t width = info->columns - column < info->chunk_columns ? info->columns - column : info->chunk_columns;
  verify->error[index].status = 0;
  if (tile_decode (verify->codec[worker], &verify->chunk[index], &(struct window){ .rows = rows, .columns = width },
                   verify->values[worker], info->chunk_columns))
    {
      char reason[256];
      snprintf (reason, sizeof reason, "%s", error_message ());
      describe_tile (verify, tile, reason);
      error_get (&verify->error[index]);
    }
  else if (check_finite (verify, tile, verify->values[worker], rows, width))
    error_get (&verify->error[index]);
  return 0;
}

static int
make_buffers (struct verify *verify)
{
  const struct featinfo *info = verify->info;
  size_t threads = (size_t) workers_count (verify->workers), values;
  verify->batch = threads * TILES_AT_ONCE;
  verify->codec = calloc (threads, sizeof (struct tile_codec *));
  verify->values = calloc (threads, sizeof (float *));
  if (!verify->codec || !verify->values)
    return error_set ("no memory left to verify '%s'; give the job more memory", featfile_path (verify->file));
  if (memory_multiply (info->chunk_rows, info->chunk_columns, "a chunk", &values))
    return -1;
  for (size_t i = 0; i < threads; i++)
    if (!(verify->codec[i] = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, 1))
        || !(verify->values[i] = memory_new (values, sizeof (float))))
      return -1;
  verify->error = memory_new (verify->batch, sizeof *verify->error);
  verify->chunk = memory_new (verify->batch, sizeof *verify->chunk);
  for (size_t i = 0; verify->chunk && i < verify->batch; i++)
    if (chunk_new (&verify->chunk[i], 2 * tile_bound (verify->codec[0])))
      return -1;
  return verify->error && verify->chunk ? 0 : -1;
}

static void
free_buffers (struct verify *verify)
{
  for (int i = 0; i < workers_count (verify->workers); i++)
    {
      tile_codec_free (verify->codec ? verify->codec[i] : NULL);
      memory_free (verify->values ? verify->values[i] : NULL);
    }
  free (verify->codec);
  free (verify->values);
  for (size_t i = 0; verify->chunk && i < verify->batch; i++)
    chunk_free (&verify->chunk[i]);
  memory_free (verify->chunk);
  memory_free (verify->error);
}

/* Reads and checks COUNT tiles from verify->first on.  */
static int
check_batch (struct verify *verify, size_t count)
{
  uint64_t columns = featinfo_tile_columns (verify->info);
  size_t read = 0;
  struct error unread = { 0 };
  for (; read < count && !unread.status; read++)
    if (featfile_read_tile (verify->file, (verify->first + read) / columns, (verify->first + read) % columns,
                            &verify->chunk[read]))
      {
        error_get (&unread);
        break;
      }
  if (workers_run (verify->workers, read, check_tile, verify))
    return -1;
  for (size_t i = 0; i < read; i++)
    if (verify->error[i].status)
      return error_put (&verify->error[i]);
  return unread.status ? error_put (&unread) : 0;
}

static int
check_tiles (struct verify *verify, struct verify_report *report)
{
  uint64_t tiles = featinfo_tile_rows (verify->info) * featinfo_tile_columns (verify->info);
  int result = make_buffers (verify);
  while (report->chunks < tiles && result == 0)
    {
      size_t count = tiles - report->chunks < verify->batch ? tiles - report->chunks : verify->batch;
      verify->first = report->chunks;
      result = check_batch (verify, count);
      report->chunks += count;
      if (result == 0 && stop_requested ())
        result =
          error_stopped ("stopped while verifying '%s'; run the same command again", featfile_path (verify->file));
    }
  free_buffers (verify);
  return result;
}

/* For other layouts and filters than ours: what HDF5 reads.  */
static int
check_values (struct verify *verify)
{
  const struct featinfo *info = verify->info;
  uint64_t rows = BLOCK_BYTES / sizeof (float) / info->columns;
  rows = rows < 1 ? 1 : rows;
  rows = info->chunk_rows && rows > info->chunk_rows ? rows - rows % info->chunk_rows : rows;
  float *values = memory_new (rows * info->columns, sizeof *values);
  int result = values ? 0 : -1;
  for (uint64_t row = 0; row < info->rows && result == 0; row += rows)
    result =
      featfile_read (verify->file, row, info->rows - row < rows ? info->rows - row : rows, 0, info->columns, values);
  memory_free (values);
  return result;
}

static int
check_paths (const struct verify *verify, const char *paths, uint64_t row, uint64_t rows)
{
  for (uint64_t i = 0; i < rows; i++)
    {
      const char *path = paths + i * (verify->info->path_bytes + 1);
      if (*path == '\0' || !text_is_utf8 (path))
        return error_set ("'/images' of '%s' has no valid path at row %" PRIu64 "; make the file again",
                          featfile_path (verify->file), row + i);
    }
  return 0;
}

static int
check_rows (struct verify *verify)
{
  const struct featinfo *info = verify->info;
  int32_t *labels = memory_new (BLOCK_ROWS, sizeof *labels);
  char *paths = memory_new (BLOCK_ROWS, info->path_bytes + 1);
  int result = labels && paths ? 0 : -1;
  for (uint64_t row = 0, rows; row < info->rows && result == 0; row += rows)
    {
      rows = info->rows - row < BLOCK_ROWS ? info->rows - row : BLOCK_ROWS;
      if (featfile_read_labels (verify->file, row, rows, labels)
          || featfile_read_images (verify->file, row, rows, paths)
          || (info->path_bytes && check_paths (verify, paths, row, rows)))
        result = -1;
    }
  memory_free (labels);
  memory_free (paths);
  return result;
}

static int
check_failures (const struct verify *verify)
{
  const struct featinfo *info = verify->info;
  struct failure *failures;
  size_t count;
  if (featfile_read_failures (verify->file, &failures, &count))
    return -1;
  failures_free (failures, count);
  uint64_t images = info->origin.images, found = info->rows + info->failed;
  if (images && (info->origin.parts == 0 ? found != images : found > images))
    return error_set ("'%s' has %" PRIu64 " rows and %" PRIu64 " failures, but was made from %" PRIu64
                      " images; make the file again",
                      featfile_path (verify->file), info->rows, info->failed, images);
  return 0;
}

int
verify_file (const char *path, struct workers *workers, struct verify_report *report)
{
  double start = clock_seconds ();
  *report = (struct verify_report){ 0 };
  struct verify verify = { .file = featfile_open (path), .workers = workers };
  if (!verify.file)
    return -1;
  verify.info = featfile_info (verify.file);
  int result = verify.info->tiled ? check_tiles (&verify, report) : check_values (&verify);
  if (result == 0 && (check_rows (&verify) || check_failures (&verify)))
    result = -1;
  report->rows = verify.info->rows;
  report->failed = verify.info->failed;
  report->bytes = verify.info->rows * verify.info->columns * sizeof (float);
  report->seconds = clock_seconds () - start;
  featfile_close (verify.file);
  return result;
}

#include <config.h>

#include "merge.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "featwriter.h"
#include "tile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 4096 }; /* of labels and paths copied at a time */

struct merge {
  const char *features, *split, *merged;
  const struct featinfo *first;
  struct workers *workers;
  struct featinfo info;     /* of the merged file; classes and command are FIRST's */
  struct failure *failures; /* (failures_found) of all parts */
  size_t failures_found;
  struct featwriter *writer;
  uint64_t row;           /* of the merged file, next to be written */
  struct chunk chunk;     /* a tile on its way */
  int32_t *labels;          /* (BLOCK_ROWS), as many as chunk_rows at least */
  char *part_paths, *paths; /* (block, path_bytes + 1) as in the part, as in the merged file */
  float *left;              /* (chunk_rows, columns) rows that fill no tile */
  int32_t *left_labels;     /* (chunk_rows) */
  char *left_paths;         /* (chunk_rows, path_bytes + 1) */
  uint64_t left_rows;
};

/* What is done with one part that is open.  */
typedef int part_step (struct merge *merge, struct featfile *part);

static int
check_part (const struct merge *merge, const struct featfile *part, uint64_t number)
{
  static const char remedy[] = "remove the parts of the other run";
  const struct featinfo *info = featfile_info (part), *first = merge->first;
  const char *path = featfile_path (part);
  char *first_path = parts_path (merge->features, merge->split, first->origin.part);
  int result = -1;
  if (!first_path)
    return -1;
  if (featinfo_compare (first, first_path, info, path, remedy))
    ;
  else if (info->origin.part != number)
    error_set ("'%s' says that it is part %" PRIu64 "; it was renamed, remove it", path, info->origin.part);
  else if (info->origin.parts != first->origin.parts || info->origin.images != first->origin.images)
    error_set (
      "'%s' is one of %" PRIu64 " parts with %" PRIu64 " images and '%s' one of %" PRIu64 " with %" PRIu64 "; %s",
      first_path, first->origin.parts, first->origin.images, path, info->origin.parts, info->origin.images, remedy);
  else if (!info->tiled || info->chunk_rows != first->chunk_rows || info->chunk_columns != first->chunk_columns)
    error_set ("'%s' has other tiles than '%s'; %s", path, first_path, remedy);
  else
    result = 0;
  free (first_path);
  return result;
}

static int
for_each_part (struct merge *merge, part_step *step)
{
  int result = 0;
  for (uint64_t number = 0; number < merge->first->origin.parts && result == 0; number++)
    {
      if (stop_requested ())
        return error_stopped ("stopped while merging '%s'; run the same command again", merge->merged);
      char *path = parts_path (merge->features, merge->split, number);
      struct featfile *part = path ? featfile_open (path) : NULL;
      result = !part || check_part (merge, part, number) ? -1 : step (merge, part);
      featfile_close (part);
      free (path);
    }
  return result;
}

/* Adds up rows, failures, and the longest path.  */
static int
survey_part (struct merge *merge, struct featfile *part)
{
  const struct featinfo *info = featfile_info (part);
  struct failure *failures, *all;
  size_t count;
  merge->info.rows += info->rows;
  if (info->path_bytes > merge->info.path_bytes)
    merge->info.path_bytes = info->path_bytes;
  if (featfile_read_failures (part, &failures, &count))
    return -1;
  all = count ? realloc (merge->failures, (merge->failures_found + count) * sizeof *all) : merge->failures;
  if (count && !all)
    {
      failures_free (failures, count);
      return error_set ("no memory left for the failures of '%s'; give the job more memory", merge->merged);
    }
  if (count)
    memcpy (all + merge->failures_found, failures, count * sizeof *all);
  merge->failures = all;
  merge->failures_found += count;
  free (failures);
  return 0;
}

static int
check_sums (const struct merge *merge)
{
  const struct featinfo *info = &merge->info;
  uint64_t failed = merge->failures_found;
  if (info->origin.images && info->rows + failed != info->origin.images)
    return error_set ("the parts of '%s' have %" PRIu64 " rows and %" PRIu64 " failures, but there were %" PRIu64
                      " images; remove the parts and extract again",
                      merge->merged, info->rows, failed, info->origin.images);
  if (info->rows == 0)
    return error_set ("'%s' would have no rows: all %" PRIu64 " images failed, the first, '%s', for this reason: %s; "
                      "check the images",
                      merge->merged, failed, failed ? merge->failures[0].image : "",
                      failed ? merge->failures[0].reason : "");
  return 0;
}

static int
make_buffers (struct merge *merge)
{
  const struct featinfo *info = &merge->info;
  size_t values, path = info->path_bytes + 1, block = info->chunk_rows > BLOCK_ROWS ? info->chunk_rows : BLOCK_ROWS;
  struct tile_codec *codec = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, info->compress);
  if (!codec)
    return -1;
  size_t bound = 2 * tile_bound (codec); /* other compressors may need more than ours at most */
  tile_codec_free (codec);
  if (memory_multiply (info->chunk_rows, info->columns, "a row of tiles", &values)
      || chunk_new (&merge->chunk, bound) || !(merge->labels = memory_new (block, sizeof (int32_t)))
      || !(merge->part_paths = memory_new (block, path)) || !(merge->paths = memory_new (block, path))
      || !(merge->left = memory_new (values, sizeof (float)))
      || !(merge->left_labels = memory_new (info->chunk_rows, sizeof (int32_t)))
      || !(merge->left_paths = memory_new (info->chunk_rows, path)))
    return -1;
  return 0;
}

/* LABELS (rows) and PATHS (rows, path_bytes + 1 of the merged file) from ROW of PART on.  */
static int
read_rows (struct merge *merge, struct featfile *part, uint64_t row, uint64_t rows, int32_t *labels, char *paths)
{
  size_t from = featfile_info (part)->path_bytes + 1, to = merge->info.path_bytes + 1;
  if (featfile_read_labels (part, row, rows, labels) || featfile_read_images (part, row, rows, merge->part_paths))
    return -1;
  for (uint64_t i = 0; i < rows; i++)
    {
      memset (paths + i * to, 0, to);
      if (from > 1)
        memcpy (paths + i * to, merge->part_paths + i * from, from);
    }
  return 0;
}

static int
copy_tiles (struct merge *merge, struct featfile *part)
{
  uint64_t height = merge->info.chunk_rows, tile_rows = featfile_info (part)->rows / height;
  for (uint64_t row = 0; row < tile_rows; row++)
    for (uint64_t column = 0; column < featinfo_tile_columns (&merge->info); column++)
      if (featfile_read_tile (part, row, column, &merge->chunk)
          || featwriter_put_tile (merge->writer, merge->row / height + row, column, &merge->chunk))
        return -1;
  for (uint64_t row = 0, rows; row < tile_rows * height; row += rows)
    {
      rows = tile_rows * height - row < BLOCK_ROWS ? tile_rows * height - row : BLOCK_ROWS;
      if (read_rows (merge, part, row, rows, merge->labels, merge->paths)
          || featwriter_put_rows (merge->writer, merge->row + row, rows, merge->labels, merge->paths))
        return -1;
    }
  merge->row += tile_rows * height;
  return 0;
}

static int
put_left (struct merge *merge)
{
  uint64_t rows = merge->left_rows;
  if (rows == 0)
    return 0;
  if (featwriter_put_tile_row (merge->writer, merge->row / merge->info.chunk_rows, merge->left, rows, merge->workers)
      || featwriter_put_rows (merge->writer, merge->row, rows, merge->left_labels, merge->left_paths))
    return -1;
  merge->row += rows;
  merge->left_rows = 0;
  return 0;
}

static int
gather_left (struct merge *merge, struct featfile *part)
{
  uint64_t height = merge->info.chunk_rows, columns = merge->info.columns, end = featfile_info (part)->rows, rows;
  for (uint64_t row = end - end % height; row < end; row += rows)
    {
      rows = end - row < height - merge->left_rows ? end - row : height - merge->left_rows;
      if (featfile_read (part, row, rows, 0, columns, merge->left + merge->left_rows * columns)
          || read_rows (merge, part, row, rows, merge->left_labels + merge->left_rows,
                        merge->left_paths + merge->left_rows * (merge->info.path_bytes + 1)))
        return -1;
      merge->left_rows += rows;
      if (merge->left_rows == height && put_left (merge))
        return -1;
    }
  return 0;
}

static int
write_merged (struct merge *merge)
{
  if (for_each_part (merge, survey_part) || check_sums (merge) || make_buffers (merge)
      || !(merge->writer = featwriter_new (merge->merged, &merge->info)) || for_each_part (merge, copy_tiles)
      || for_each_part (merge, gather_left) || put_left (merge))
    return -1;
  int result = featwriter_commit (merge->writer, merge->info.rows, merge->failures, merge->failures_found);
  merge->writer = NULL;
  return result;
}

static void
free_buffers (struct merge *merge)
{
  failures_free (merge->failures, merge->failures_found);
  chunk_free (&merge->chunk);
  memory_free (merge->labels);
  memory_free (merge->part_paths);
  memory_free (merge->paths);
  memory_free (merge->left);
  memory_free (merge->left_labels);
  memory_free (merge->left_paths);
}

int
merge_parts (const char *features, const char *split, const char *merged, const struct featinfo *first,
             struct workers *workers, struct merge_report *report)
{
  struct merge merge = {
    .features = features, .split = split, .merged = merged, .first = first, .workers = workers, .info = *first
  };
  merge.info.rows = 0;
  merge.info.path_bytes = 0;
  merge.info.origin.part = merge.info.origin.parts = 0;
  if (merge.info.compress < 0)
    merge.info.compress = 1;
  int result = write_merged (&merge);
  report->rows = merge.info.rows;
  report->failed = merge.failures_found;
  featwriter_discard (merge.writer);
  free_buffers (&merge);
  return result;
}

#include <config.h>

#include "join.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "featwriter.h"
#include "parts.h"
#include "tile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 4096 }; /* of labels and paths copied at a time */

struct join {
  const char *features, *split, *merged;
  const struct featinfo *first;
  struct workers *workers;
  struct featinfo info;     /* of the merged file; classes and command are FIRST's */
  struct failure *failures; /* (failures_found) of all parts */
  size_t failures_found;
  struct featwriter *writer;
  uint64_t row;             /* of the merged file, next to be written */
  struct chunk chunk;       /* a tile on its way */
  int32_t *labels;          /* (BLOCK_ROWS), as many as chunk_rows at least */
  uint64_t *digests;        /* (block) */
  char *part_paths, *paths; /* (block, path_bytes + 1) as in the part, as in the merged file */
  float *left;              /* (chunk_rows, columns) rows that fill no tile */
  int32_t *left_labels;     /* (chunk_rows) */
  uint64_t *left_digests;   /* (chunk_rows) */
  char *left_paths;         /* (chunk_rows, path_bytes + 1) */
  uint64_t left_rows;
};

/* What is done with one part that is open.  */
typedef int part_step (struct join *join, struct featfile *part);

static int
check_part (const struct join *join, const struct featfile *part, uint64_t number)
{
  static const char remedy[] = "remove the parts of the other run";
  const struct featinfo *info = featfile_info (part), *first = join->first;
  const char *path = featfile_path (part);
  char *first_path = parts_path (join->features, join->split, first->origin.part);
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
for_each_part (struct join *join, part_step *step)
{
  int result = 0;
  for (uint64_t number = 0; number < join->first->origin.parts && result == 0; number++)
    {
      if (stop_requested ())
        return error_stopped ("stopped while merging '%s'; run the same command again", join->merged);
      char *path = parts_path (join->features, join->split, number);
      struct featfile *part = path ? featfile_open (path) : NULL;
      result = !part || check_part (join, part, number) ? -1 : step (join, part);
      featfile_close (part);
      free (path);
    }
  return result;
}

/* Adds up rows, failures, and the longest path.  */
static int
survey_part (struct join *join, struct featfile *part)
{
  const struct featinfo *info = featfile_info (part);
  struct failure *failures, *all;
  size_t count;
  join->info.rows += info->rows;
  join->info.digests |= info->digests; /* the others' are not known, and 0 */
  if (info->path_bytes > join->info.path_bytes)
    join->info.path_bytes = info->path_bytes;
  if (featfile_read_failures (part, &failures, &count))
    return -1;
  all = count ? realloc (join->failures, (join->failures_found + count) * sizeof *all) : join->failures;
  if (count && !all)
    {
      failures_free (failures, count);
      return error_set ("no memory left for the failures of '%s'; give the job more memory", join->merged);
    }
  if (count)
    memcpy (all + join->failures_found, failures, count * sizeof *all);
  join->failures = all;
  join->failures_found += count;
  free (failures);
  return 0;
}

static int
check_sums (const struct join *join)
{
  const struct featinfo *info = &join->info;
  uint64_t failed = join->failures_found;
  if (info->origin.images && info->rows + failed != info->origin.images)
    return error_set ("the parts of '%s' have %" PRIu64 " rows and %" PRIu64 " failures, but there were %" PRIu64
                      " images; remove the parts and extract again",
                      join->merged, info->rows, failed, info->origin.images);
  if (info->rows == 0)
    return error_set ("'%s' would have no rows: all %" PRIu64 " images failed, the first, '%s', for this reason: %s; "
                      "check the images",
                      join->merged, failed, failed ? join->failures[0].image : "",
                      failed ? join->failures[0].reason : "");
  return 0;
}

static int
make_buffers (struct join *join)
{
  const struct featinfo *info = &join->info;
  size_t values, path = info->path_bytes + 1, block = info->chunk_rows > BLOCK_ROWS ? info->chunk_rows : BLOCK_ROWS;
  struct tile_codec *codec = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, info->compress);
  if (!codec)
    return -1;
  size_t bound = 2 * tile_bound (codec); /* other compressors may need more than ours at most */
  tile_codec_free (codec);
  if (memory_multiply (info->chunk_rows, info->columns, "a row of tiles", &values) || chunk_new (&join->chunk, bound)
      || !(join->labels = memory_new (block, sizeof (int32_t))) || !(join->part_paths = memory_new (block, path))
      || !(join->paths = memory_new (block, path)) || !(join->left = memory_new (values, sizeof (float)))
      || !(join->digests = memory_new (block, sizeof (uint64_t)))
      || !(join->left_digests = memory_new (info->chunk_rows, sizeof (uint64_t)))
      || !(join->left_labels = memory_new (info->chunk_rows, sizeof (int32_t)))
      || !(join->left_paths = memory_new (info->chunk_rows, path)))
    return -1;
  return 0;
}

/* LABELS (rows), DIGESTS (rows) and PATHS (rows, path_bytes + 1 of the merged file) from ROW of PART on.  */
static int
read_rows (struct join *join, struct featfile *part, uint64_t row, uint64_t rows, int32_t *labels, uint64_t *digests,
           char *paths)
{
  size_t from = featfile_info (part)->path_bytes + 1, to = join->info.path_bytes + 1;
  if (featfile_read_labels (part, row, rows, labels) || featfile_read_digests (part, row, rows, digests)
      || featfile_read_images (part, row, rows, join->part_paths))
    return -1;
  for (uint64_t i = 0; i < rows; i++)
    {
      memset (paths + i * to, 0, to);
      if (from > 1)
        memcpy (paths + i * to, join->part_paths + i * from, from);
    }
  return 0;
}

/* Appends the rows of as many labels, digests and paths.  */
static int
put_rows (struct join *join, uint64_t row, uint64_t rows, const int32_t *labels, const uint64_t *digests,
          const char *paths)
{
  if (join->info.digests && featwriter_put_digests (join->writer, row, rows, digests))
    return -1;
  return featwriter_put_rows (join->writer, row, rows, labels, paths);
}

static int
copy_tiles (struct join *join, struct featfile *part)
{
  uint64_t height = join->info.chunk_rows, tile_rows = featfile_info (part)->rows / height;
  for (uint64_t row = 0; row < tile_rows; row++)
    for (uint64_t column = 0; column < featinfo_tile_columns (&join->info); column++)
      if (featfile_read_tile (part, row, column, &join->chunk)
          || featwriter_put_tile (join->writer, join->row / height + row, column, &join->chunk))
        return -1;
  for (uint64_t row = 0, rows; row < tile_rows * height; row += rows)
    {
      rows = tile_rows * height - row < BLOCK_ROWS ? tile_rows * height - row : BLOCK_ROWS;
      if (read_rows (join, part, row, rows, join->labels, join->digests, join->paths)
          || put_rows (join, join->row + row, rows, join->labels, join->digests, join->paths))
        return -1;
    }
  join->row += tile_rows * height;
  return 0;
}

static int
put_left (struct join *join)
{
  uint64_t rows = join->left_rows;
  if (rows == 0)
    return 0;
  if (featwriter_put_tile_row (join->writer, join->row / join->info.chunk_rows, join->left, rows, join->workers)
      || put_rows (join, join->row, rows, join->left_labels, join->left_digests, join->left_paths))
    return -1;
  join->row += rows;
  join->left_rows = 0;
  return 0;
}

static int
gather_left (struct join *join, struct featfile *part)
{
  uint64_t height = join->info.chunk_rows, columns = join->info.columns, end = featfile_info (part)->rows, rows;
  for (uint64_t row = end - end % height; row < end; row += rows)
    {
      rows = end - row < height - join->left_rows ? end - row : height - join->left_rows;
      if (featfile_read (part, row, rows, 0, columns, join->left + join->left_rows * columns)
          || read_rows (join, part, row, rows, join->left_labels + join->left_rows,
                        join->left_digests + join->left_rows,
                        join->left_paths + join->left_rows * (join->info.path_bytes + 1)))
        return -1;
      join->left_rows += rows;
      if (join->left_rows == height && put_left (join))
        return -1;
    }
  return 0;
}

static int
write_merged (struct join *join)
{
  if (for_each_part (join, survey_part) || check_sums (join) || make_buffers (join)
      || !(join->writer = featwriter_new (join->merged, &join->info)) || for_each_part (join, copy_tiles)
      || for_each_part (join, gather_left) || put_left (join))
    return -1;
  int result = featwriter_commit (join->writer, join->info.rows, join->failures, join->failures_found);
  join->writer = NULL;
  return result;
}

static void
free_buffers (struct join *join)
{
  failures_free (join->failures, join->failures_found);
  chunk_free (&join->chunk);
  memory_free (join->labels);
  memory_free (join->part_paths);
  memory_free (join->paths);
  memory_free (join->left);
  memory_free (join->digests);
  memory_free (join->left_labels);
  memory_free (join->left_digests);
  memory_free (join->left_paths);
}

int
join_parts (const char *features, const char *split, const char *merged, const struct featinfo *first,
            struct workers *workers, uint64_t *rows, uint64_t *failed)
{
  struct join join = {
    .features = features, .split = split, .merged = merged, .first = first, .workers = workers, .info = *first
  };
  join.info.rows = 0;
  join.info.path_bytes = 0;
  join.info.origin.part = join.info.origin.parts = 0;
  if (join.info.compress < 0)
    join.info.compress = 1;
  int result = write_merged (&join);
  *rows = join.info.rows;
  *failed = join.failures_found;
  featwriter_discard (join.writer);
  free_buffers (&join);
  return result;
}

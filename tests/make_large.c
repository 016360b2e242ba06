/* Features of more than 2^32 values in files of more than 4 GiB, for tests/slow-large.sh.

     make_large FOLDER      writes the two parts of a split, FOLDER/training.parts
     make_large -c FILE     checks the merged file's last rows and last columns  */
#include <config.h>

#include "store_support.h"

#include "../src/store/parts.h"
#include "../src/store/tile.h"

#include <inttypes.h>

/* 43,008 x 100,352 = 4,315,938,816 values.  Rows repeat after PERIOD, so few tiles have to be compressed.  */
enum { PART_ROWS = 21504, ROWS = 2 * PART_ROWS, COLUMNS = 100352, PERIOD = 128 };

/* A quarter of the values are not 0, and these have 24 bits that do not compress.  */
static float
value (uint64_t row, uint64_t column)
{
  uint64_t x = (row % PERIOD * COLUMNS + column) * 0x9E3779B97F4A7C15U;
  x = (x ^ x >> 32) * 0xD6E8FEB86659FD93U;
  x ^= x >> 32;
  return x % 4 ? 0 : (float) (x >> 40) / (1 << 24);
}

static void
fill (uint64_t row, uint64_t rows, uint64_t column, uint64_t columns, float *values)
{
  for (uint64_t i = 0; i < rows; i++)
    for (uint64_t j = 0; j < columns; j++)
      values[i * columns + j] = value (row + i, column + j);
}

static struct featinfo
describe (uint64_t part)
{
  struct featinfo info = sample_info (PART_ROWS);
  info.columns = COLUMNS;
  info.provenance.shape[0] = info.provenance.shape[1] = 7;
  info.provenance.shape[2] = 2048;
  info.origin.images = ROWS;
  info.origin.part = part;
  info.origin.parts = 2;
  featinfo_choose_tile (&info);
  return info;
}

/* The tiles (PERIOD / chunk_rows, tile columns) that all others are copies of.  */
static struct chunk *
encode (const struct featinfo *info)
{
  uint64_t down = PERIOD / info->chunk_rows, across = featinfo_tile_columns (info);
  struct tile_codec *codec = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, info->compress);
  float *values = memory_new (info->chunk_rows * info->chunk_columns, sizeof *values);
  struct chunk *chunk = memory_new (down * across, sizeof *chunk);
  for (uint64_t i = 0; i < down * across; i++)
    {
      fill (i / across * info->chunk_rows, info->chunk_rows, i % across * info->chunk_columns, info->chunk_columns,
            values);
      if (chunk_new (&chunk[i], tile_bound (codec))
          || tile_encode (codec, values, info->chunk_columns, info->chunk_rows, info->chunk_columns, &chunk[i]))
        return NULL;
    }
  memory_free (values);
  tile_codec_free (codec);
  return chunk;
}

static int
put_row (struct featwriter *writer, uint64_t part, uint64_t row)
{
  char path[32];
  int32_t label = sample_label (part * PART_ROWS + row, 2);
  snprintf (path, sizeof path, "training/food/1_%05d.jpg", (int) (part * PART_ROWS + row));
  return featwriter_put_rows (writer, row, 1, &label, path);
}

static int
write_part (const char *folder, uint64_t part)
{
  struct featinfo info = describe (part);
  struct chunk *chunk = encode (&info);
  char *path = parts_path (folder, "training", part), *directory = parts_directory (folder, "training");
  if (!chunk || !path || !directory || file_make_directories (directory))
    return -1;
  struct featwriter *writer = featwriter_new (path, &info);
  uint64_t across = featinfo_tile_columns (&info), tiles = featinfo_tile_rows (&info) * across;
  int result = writer ? 0 : -1;
  for (uint64_t i = 0; result == 0 && i < tiles; i++)
    result = featwriter_put_tile (writer, i / across, i % across, &chunk[i % (PERIOD / info.chunk_rows * across)]);
  for (uint64_t row = 0; result == 0 && row < PART_ROWS; row++)
    result = put_row (writer, part, row);
  return result ? -1 : featwriter_commit (writer, PART_ROWS, NULL, 0);
}

static int
check (struct featfile *file, uint64_t row, uint64_t rows, uint64_t column, uint64_t columns)
{
  float *found = memory_new (rows * columns, sizeof *found), *expected = memory_new (rows * columns, sizeof *found);
  if (!found || !expected || featfile_read (file, row, rows, column, columns, found))
    return -1;
  fill (row, rows, column, columns, expected);
  for (uint64_t i = 0; i < rows * columns; i++)
    if (found[i] != expected[i])
      return error_set ("row %" PRIu64 ", column %" PRIu64 ": %.9g, not %.9g", row + i / columns, column + i % columns,
                        (double) found[i], (double) expected[i]);
  memory_free (found);
  memory_free (expected);
  return 0;
}

static int
check_file (const char *path)
{
  struct workers *workers = workers_new (2);
  struct featfile *file = featfile_open (path);
  if (!file || !workers || check (file, ROWS - 300, 300, 0, COLUMNS) || check (file, 0, ROWS, COLUMNS - 12, 12)
      || featfile_use_workers (file, workers) || check (file, ROWS - 300, 300, 0, COLUMNS)
      || check (file, 0, ROWS, COLUMNS - 12, 12))
    return -1;
  featfile_close (file);
  workers_free (workers);
  return 0;
}

int
main (int count, char **argument)
{
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  if (count < 2)
    return 2;
  int result = count > 2 ? check_file (argument[2]) : write_part (argument[1], 0) || write_part (argument[1], 1);
  if (result)
    fprintf (stderr, "%s\n", error_message ());
  return result ? EXIT_FAILURE : EXIT_SUCCESS;
}

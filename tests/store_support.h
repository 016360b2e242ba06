/* What the tests of src/store share: feature files to work on.  */
#ifndef SLABFIT_TESTS_STORE_SUPPORT_H
#define SLABFIT_TESTS_STORE_SUPPORT_H

#include "../src/base/memory.h"
#include "../src/base/workers.h"
#include "../src/store/featwriter.h"
#include "support.h"

/* A value of the test files: mostly zeros, exact in float16, and different for each row and column.  */
static inline float
sample_value (uint64_t row, uint64_t column)
{
  uint64_t mixed = row * 2654435761U + column * 40503U + (row ^ column) * 97U;
  return mixed % 7 ? 0.0f : (float) (mixed / 7 % 1999) / 8.0f - 64.0f;
}

static inline int32_t
sample_label (uint64_t row, size_t classes)
{
  return (int32_t) (row * 7 % classes);
}

/* Two classes, 10 columns in tiles of 4 x 6, made as nothing real was.  To be freed by featinfo_free.  */
static inline struct featinfo
sample_info (uint64_t rows)
{
  struct featinfo info = { .rows = rows, .columns = 10, .chunk_rows = 4, .chunk_columns = 6, .compress = 1 };
  info.path_bytes = strlen ("training/food/1_00000.jpg");
  if (names_add (&info.classes, "food") || names_add (&info.classes, "non_food"))
    abort ();
  info.provenance = (struct provenance){
    .rank = 3, .shape = { 1, 1, 10 }, .layer = "output", .pool = "avg", .preprocess = "keras", .precision = "f32"
  };
  memset (info.provenance.backbone_sha256, 'b', FILE_SHA256_BYTES - 1);
  memset (info.origin.manifest_sha256, 'c', FILE_SHA256_BYTES - 1);
  info.origin.seed = 42;
  info.origin.command = text_new ("slabfit extract data");
  strcpy (info.origin.version, "0.1.0");
  return info;
}

/* Puts rows [0, rows) whose samples are those of the images from FIRST on.  */
static inline int
sample_put (struct featwriter *writer, const struct featinfo *info, uint64_t first, uint64_t rows)
{
  struct workers *workers = workers_new (2);
  float *values = memory_new (info->chunk_rows * info->columns, sizeof *values);
  int32_t *labels = memory_new (info->chunk_rows, sizeof *labels);
  char *paths = memory_new (info->chunk_rows, info->path_bytes + 1);
  int result = 0;
  for (uint64_t row = 0; row < rows && result == 0; row += info->chunk_rows)
    {
      uint64_t count = rows - row < info->chunk_rows ? rows - row : info->chunk_rows;
      for (uint64_t i = 0; i < count; i++)
        {
          labels[i] = sample_label (first + row + i, info->classes.count);
          if (info->path_bytes)
            snprintf (paths + i * (info->path_bytes + 1), info->path_bytes + 1, "training/food/1_%05d.jpg",
                      (int) (first + row + i));
          for (uint64_t j = 0; j < info->columns; j++)
            values[i * info->columns + j] = sample_value (first + row + i, j);
        }
      if (featwriter_put_tile_row (writer, row / info->chunk_rows, values, count, workers)
          || featwriter_put_rows (writer, row, count, labels, paths))
        result = -1;
    }
  memory_free (paths);
  memory_free (labels);
  memory_free (values);
  workers_free (workers);
  return result;
}

/* Writes PATH with ROWS of the INFO->rows rows.  */
static inline int
sample_write (const char *path, const struct featinfo *info, uint64_t first, uint64_t rows,
              const struct failure *failures, size_t failure_count)
{
  struct featwriter *writer = featwriter_new (path, info);
  if (!writer)
    return -1;
  if (sample_put (writer, info, first, rows) == 0)
    return featwriter_commit (writer, rows, failures, failure_count);
  featwriter_discard (writer);
  return -1;
}

/* Writes PATH with ROWS rows in which tile (3, 1) has a wrong bit, in its checksum.  */
static inline void
sample_write_damaged (const char *path, uint64_t rows)
{
  struct featinfo info = sample_info (rows);
  unsigned char tile[4096];
  struct chunk chunk = { .data = tile, .room = sizeof tile };
  size_t bytes;
  ck_assert_int_eq (sample_write (path, &info, 0, rows, NULL, 0), 0);
  struct featfile *file = featfile_open (path);
  ck_assert_int_eq (featfile_read_tile (file, 3, 1, &chunk), 0);
  featfile_close (file);
  unsigned char *data = file_read (path, 1 << 20, &bytes);
  unsigned char *place = memmem (data, bytes, tile, chunk.length);
  ck_assert_ptr_nonnull (place);
  place[chunk.length - 1] ^= 1;
  ck_assert_int_eq (file_write (path, data, bytes), 0);
  free (data);
  featinfo_free (&info);
}

#endif

/* What the tests of src/store share: scratch folders, reference files, and feature files to work on.  */
#ifndef STORE_SUPPORT_H
#define STORE_SUPPORT_H

#include "../src/base/error.h"
#include "../src/base/memory.h"
#include "../src/base/workers.h"
#include "../src/store/featwriter.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tests/reference/NAME, valid until the next call.  */
static inline const char *
reference_path (const char *name)
{
  static char path[4096];
  const char *source = getenv ("srcdir");
  snprintf (path, sizeof path, "%s%stests/reference/%s", source ? source : "", source ? "/" : "", name);
  if (!source && access (path, R_OK)) /* run inside tests */
    snprintf (path, sizeof path, "reference/%s", name);
  return path;
}

/* A fresh folder, to be removed by scratch_remove.  */
static inline char *
scratch_new (void)
{
  const char *base = getenv ("TMPDIR");
  char *path = text_new ("%s/slabfit-store-XXXXXX", base ? base : "/tmp");
  ck_assert_ptr_nonnull (mkdtemp (path));
  return path;
}

static inline void
scratch_remove (char *path)
{
  DIR *stream = opendir (path);
  for (struct dirent *entry; stream && (entry = readdir (stream));)
    if (strcmp (entry->d_name, ".") && strcmp (entry->d_name, ".."))
      {
        char *inside = file_path (path, entry->d_name);
        if (file_is_directory (inside))
          scratch_remove (inside);
        else
          {
            unlink (inside);
            free (inside);
          }
      }
  if (stream)
    closedir (stream);
  rmdir (path);
  free (path);
}

/* How many entries the folder has.  */
static inline int
scratch_entries (const char *path)
{
  int count = -2;
  DIR *stream = opendir (path);
  while (stream && readdir (stream))
    count++;
  if (stream)
    closedir (stream);
  return count;
}

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

/* Runs SUITE and returns the exit status.  */
static inline int
run_suite (Suite *suite)
{
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

#include <config.h>

#include "verify.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "featfile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
  BLOCK_ROWS = 4096,      /* of labels and paths */
  BLOCK_BYTES = 32 << 20, /* of features, so that each thread has some tiles of it */
};

struct verify {
  struct featfile *file;
  const struct featinfo *info;
};

static int
check_features (const struct verify *verify)
{
  const struct featinfo *info = verify->info;
  uint64_t height = featinfo_block_rows (info, BLOCK_BYTES);
  float *values = memory_new (height, info->columns * sizeof *values);
  int result = values ? 0 : -1;
  for (uint64_t row = 0; row < info->rows && result == 0; row += height)
    if (stop_requested ())
      result = error_stopped ("stopped while verifying '%s'; run the same command again", featfile_path (verify->file));
    else
      result = featfile_read (verify->file, row, info->rows - row < height ? info->rows - row : height, 0,
                              info->columns, values);
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
  uint64_t *digests = memory_new (BLOCK_ROWS, sizeof *digests);
  char *paths = memory_new (BLOCK_ROWS, info->path_bytes + 1);
  int result = labels && digests && paths ? 0 : -1;
  for (uint64_t row = 0, rows; row < info->rows && result == 0; row += rows)
    {
      rows = info->rows - row < BLOCK_ROWS ? info->rows - row : BLOCK_ROWS;
      if (featfile_read_labels (verify->file, row, rows, labels)
          || featfile_read_digests (verify->file, row, rows, digests)
          || featfile_read_images (verify->file, row, rows, paths)
          || (info->path_bytes && check_paths (verify, paths, row, rows)))
        result = -1;
    }
  memory_free (labels);
  memory_free (digests);
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
verify_named (const char *path, const struct featnames *names, struct workers *workers, struct verify_report *report)
{
  double start = clock_seconds ();
  *report = (struct verify_report){ 0 };
  struct verify verify = { .file = featfile_open_named (path, names) };
  if (!verify.file)
    return -1;
  verify.info = featfile_info (verify.file);
  int result = featfile_use_workers (verify.file, workers) || check_features (&verify) || check_rows (&verify)
                   || check_failures (&verify)
                 ? -1
                 : 0;
  if (verify.info->tiled)
    report->chunks = featinfo_tile_rows (verify.info) * featinfo_tile_columns (verify.info);
  report->rows = verify.info->rows;
  report->failed = verify.info->failed;
  report->bytes = verify.info->rows * verify.info->columns * sizeof (float);
  report->seconds = clock_seconds () - start;
  featfile_close (verify.file);
  return result;
}

int
verify_file (const char *path, struct workers *workers, struct verify_report *report)
{
  return verify_named (path, &(struct featnames){ 0 }, workers, report);
}

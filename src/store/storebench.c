#include <config.h>

#include "storebench.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "../base/stop.h"
#include "../base/workers.h"
#include "featwriter.h"
#include "merge.h"
#include "parts.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  BANDS = 4,       /* different rows of tiles, repeated down the file */
  PART_ROWS = 512, /* as extract makes them */
  BATCH_ROWS = 32,
  READ_TILES = 4,   /* rows of tiles that are read at once */
  SLAB_TILES = 2,   /* across a slab of columns */
  SLAB_ROWS = 2048, /* so that memory does not grow with the file */
  COPY_BYTES = 1 << 20,
};

static const char split[] = "bench";

const char *const storebench_names[STOREBENCH_STEPS] = { "write", "copy", "merge", "read", "batches", "columns" };

struct bench {
  const struct storebench_options *options;
  struct workers *workers;
  struct featinfo info;
  char *path;    /* FOLDER/bench.h5 */
  float *bands;  /* (BANDS, chunk_rows, columns) */
  float *values; /* room for what is read at once */
};

typedef int bench_step (struct bench *bench);

static int
check_stop (void)
{
  return stop_requested () ? error_stopped ("the benchmark was stopped; run the same command again") : 0;
}

/* Rectified normal numbers: the mantissas are random, as those of real features.  */
static int
fill_band (void *context, size_t index, int worker)
{
  struct bench *bench = context;
  uint64_t count = bench->info.chunk_rows * bench->info.columns;
  float *band = bench->bands + index * count;
  struct random random = random_new (bench->options->seed, index);
  (void) worker;
  for (uint64_t i = 0; i < count; i++)
    band[i] = (double) random_uniform (&random) < bench->options->zeros ? 0.0f : fabsf (random_normal (&random));
  return 0;
}

/* The first rows of the file that is named, over and over.  */
static int
copy_bands (struct bench *bench)
{
  struct featfile *file = featfile_open (bench->options->like);
  int result = file ? 0 : -1;
  uint64_t columns = bench->info.columns;
  for (uint64_t row = 0; row < BANDS * bench->info.chunk_rows && result == 0; row++)
    result = featfile_read (file, row % featfile_info (file)->rows, 1, 0, columns, bench->bands + row * columns);
  featfile_close (file);
  return result;
}

static int
put_bands (struct bench *bench, struct featwriter *writer, uint64_t rows)
{
  uint64_t height = bench->info.chunk_rows;
  int32_t label[PART_ROWS];
  for (int i = 0; i < PART_ROWS; i++)
    label[i] = i % 2; /* of two classes in turn */
  for (uint64_t row = 0; row < rows; row += height)
    if (check_stop ()
        || featwriter_put_tile_row (writer, row / height,
                                    bench->bands + row / height % BANDS * height * bench->info.columns,
                                    rows - row < height ? rows - row : height, bench->workers))
      return -1;
  return featwriter_put_rows (writer, 0, rows, label, NULL);
}

static int
write_part (struct bench *bench, uint64_t number)
{
  struct featinfo info = bench->info;
  uint64_t left = info.rows - number * PART_ROWS;
  info.origin.part = number;
  info.rows = left < PART_ROWS ? left : PART_ROWS;
  char *path = parts_path (bench->options->folder, split, number);
  struct featwriter *writer = path ? featwriter_new (path, &info) : NULL;
  free (path);
  if (!writer)
    return -1;
  if (put_bands (bench, writer, info.rows) == 0)
    return featwriter_commit (writer, info.rows, NULL, 0);
  featwriter_discard (writer);
  return -1;
}

static int
write_parts (struct bench *bench)
{
  char *directory = parts_directory (bench->options->folder, split);
  int result = directory ? file_make_directories (directory) : -1;
  for (uint64_t i = 0; i < bench->info.origin.parts && result == 0; i++)
    result = write_part (bench, i);
  free (directory);
  return result;
}

/* Appends the file PATH to TO.  */
static int
append (const char *path, int to, unsigned char *buffer)
{
  int from = open (path, O_RDONLY | O_CLOEXEC);
  if (from < 0)
    return error_system ("open", path);
  ssize_t got;
  while ((got = read (from, buffer, COPY_BYTES)) > 0)
    if (write (to, buffer, (size_t) got) != got)
      {
        close (from);
        return error_system ("copy", path);
      }
  close (from);
  return got < 0 ? error_system ("read", path) : 0;
}

static int
copy_parts (struct bench *bench)
{
  unsigned char *buffer = memory_new (COPY_BYTES, 1);
  int to = open (bench->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  int result = !buffer ? -1 : to < 0 ? error_system ("write", bench->path) : 0;
  for (uint64_t i = 0; i < bench->info.origin.parts && result == 0; i++)
    {
      char *path = parts_path (bench->options->folder, split, i);
      result = path && check_stop () == 0 ? append (path, to, buffer) : -1;
      free (path);
    }
  if (to >= 0 && result == 0 && fsync (to))
    result = error_system ("write", bench->path);
  if (to >= 0)
    close (to);
  unlink (bench->path);
  memory_free (buffer);
  return result;
}

static int
merge (struct bench *bench)
{
  struct merge_report report;
  return merge_split (bench->options->folder, split, true, bench->workers, &report);
}

/* Reads the whole file in windows of ROWS x COLUMNS.  */
static int
read_windows (struct bench *bench, uint64_t rows, uint64_t columns)
{
  const struct featinfo *info = &bench->info;
  struct featfile *file = featfile_open (bench->path);
  int result = file ? featfile_use_workers (file, bench->workers) : -1;
  for (uint64_t column = 0; column < info->columns && result == 0; column += columns)
    for (uint64_t row = 0; row < info->rows && result == 0; row += rows)
      {
        uint64_t width = info->columns - column < columns ? info->columns - column : columns;
        uint64_t height = info->rows - row < rows ? info->rows - row : rows;
        result = check_stop () ? -1 : featfile_read (file, row, height, column, width, bench->values);
      }
  featfile_close (file);
  return result;
}

static int
read_whole (struct bench *bench)
{
  return read_windows (bench, READ_TILES * bench->info.chunk_rows, bench->info.columns);
}

static int
read_batches (struct bench *bench)
{
  return read_windows (bench, BATCH_ROWS, bench->info.columns);
}

static int
read_columns (struct bench *bench)
{
  return read_windows (bench, SLAB_ROWS, SLAB_TILES * bench->info.chunk_columns);
}

/* All steps once; keeps the best rates.  */
static int
measure (struct bench *bench, struct storebench_report *report)
{
  static bench_step *const steps[STOREBENCH_STEPS] = { write_parts, copy_parts,   merge,
                                                       read_whole,  read_batches, read_columns };
  for (size_t i = 0; i < STOREBENCH_STEPS; i++)
    {
      double begin = clock_seconds ();
      if (steps[i](bench))
        return -1;
      report->rate[i] = fmax (report->rate[i], (double) report->value_bytes / (clock_seconds () - begin));
    }
  return 0;
}

static int
like_columns (const char *path, uint64_t *columns)
{
  struct featfile *file = featfile_open (path);
  if (!file)
    return -1;
  *columns = featfile_info (file)->columns;
  featfile_close (file);
  return 0;
}

static int
describe (struct bench *bench)
{
  const struct storebench_options *options = bench->options;
  struct featinfo *info = &bench->info;
  *info =
    (struct featinfo){ .rows = options->rows,
                       .columns = options->columns,
                       .half = options->half,
                       .compress = options->compress,
                       .origin = { .images = options->rows, .parts = (options->rows + PART_ROWS - 1) / PART_ROWS } };
  if (options->like && like_columns (options->like, &info->columns))
    return -1;
  featinfo_choose_tile (info);
  return names_add (&info->classes, "0") || names_add (&info->classes, "1") ? -1 : 0;
}

static int
prepare (struct bench *bench)
{
  const struct featinfo *info = &bench->info;
  if (describe (bench))
    return -1;
  uint64_t slab = SLAB_ROWS * SLAB_TILES * info->chunk_columns, whole = READ_TILES * info->chunk_rows * info->columns;
  uint64_t batch = BATCH_ROWS * info->columns, most = slab > whole ? slab : whole;
  bench->path = parts_merged_path (bench->options->folder, split);
  bench->bands = memory_new (BANDS * info->chunk_rows, info->columns * sizeof (float));
  bench->values = memory_new (most > batch ? most : batch, sizeof (float));
  if (!bench->path || !bench->bands || !bench->values)
    return -1;
  return bench->options->like ? copy_bands (bench) : workers_run (bench->workers, BANDS, fill_band, bench);
}

static void
remove_files (const struct bench *bench, bool keep)
{
  char *directory = parts_directory (bench->options->folder, split);
  for (uint64_t i = 0; directory && i < bench->info.origin.parts; i++)
    {
      char *path = parts_path (bench->options->folder, split, i);
      if (path)
        unlink (path);
      free (path);
    }
  if (directory)
    rmdir (directory);
  free (directory);
  if (!keep && bench->path)
    unlink (bench->path);
}

static void
release (struct bench *bench, bool keep)
{
  remove_files (bench, keep);
  featinfo_free (&bench->info);
  memory_free (bench->bands);
  memory_free (bench->values);
  free (bench->path);
}

int
storebench_make (const struct storebench_options *options, struct workers *workers)
{
  struct bench bench = { .options = options, .workers = workers };
  int result = prepare (&bench) || write_parts (&bench) || merge (&bench) ? -1 : 0;
  release (&bench, result == 0);
  return result;
}

int
storebench_run (const struct storebench_options *options, struct workers *workers, struct storebench_report *report)
{
  struct bench bench = { .options = options, .workers = workers };
  struct stat status;
  *report = (struct storebench_report){ 0 };
  int result = prepare (&bench);
  report->columns = bench.info.columns;
  report->value_bytes = bench.info.rows * bench.info.columns * sizeof (float);
  for (int i = 0; i < options->repeats && result == 0; i++)
    result = measure (&bench, report);
  if (result == 0 && stat (bench.path, &status) == 0)
    report->file_bytes = (uint64_t) status.st_size;
  release (&bench, options->keep && result == 0);
  return result;
}

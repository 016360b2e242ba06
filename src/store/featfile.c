#include <config.h>

#include "featfile.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "dataset.h"
#include "labels.h"
#include "matrix.h"
#include "tilereader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
  CACHE_BYTES_LEAST = 1 << 20,
  CACHE_BYTES_MOST = 64 << 20, /* more only where a single chunk needs it */
  CACHE_SLOTS_MOST = 1000003,
};

struct featfile {
  char *path, *features_name, *labels_name;
  hid_t file, features, images;
  struct matrix matrix; /* /features, for HDF5 to read */
  struct labels labels;
  struct featinfo info;
  struct tilereader *reader; /* NULL: HDF5 reads */
};

static int
explain_open (const char *path)
{
  struct stat status;
  if (stat (path, &status)) /* another process took it away meanwhile */
    return error_system ("open", path);
  if (hdf_failed_as_locked ())
    return error_set (
      "cannot open '%s': its file system refuses locks; set HDF5_USE_FILE_LOCKING=FALSE in the environment", path);
  if (hdf_failed_as_foreign ())
    return error_set ("'%s' is not an HDF5 file; name a feature file, as 'slabfit extract' or h5py writes it", path);
  return hdf_read_failed ("open", path);
}

static int
open_file (struct featfile *file)
{
  struct stat status;
  if (stat (file->path, &status))
    return error_system ("open", file->path);
  if (S_ISDIR (status.st_mode))
    return error_set ("'%s' is a folder; name a feature file", file->path);
  if (status.st_size == 0)
    return error_set ("'%s' is empty; make it again", file->path);
  hid_t access = hdf_file_access (false);
  file->file = access < 0 ? -1 : H5Fopen (file->path, H5F_ACC_RDONLY, access);
  int result = file->file < 0 ? explain_open (file->path) : 0;
  if (access >= 0)
    H5Pclose (access);
  return result;
}

/* Room for one row of tiles, so that reading its rows few by few inflates each tile once.  -1 with no error set.  */
static hid_t
cached_access (const struct featinfo *info)
{
  hid_t access = H5Pcreate (H5P_DATASET_ACCESS);
  if (access < 0 || info->chunk_rows == 0)
    return access;
  uint64_t tile = info->chunk_rows * info->chunk_columns * sizeof (double), tiles = featinfo_tile_columns (info), bytes;
  if (__builtin_mul_overflow (tile, tiles, &bytes) || bytes > CACHE_BYTES_MOST)
    bytes = CACHE_BYTES_MOST;
  if (bytes < CACHE_BYTES_LEAST)
    bytes = CACHE_BYTES_LEAST;
  if (bytes < tile)
    bytes = tile;
  uint64_t slots = 100 * (bytes / tile) + 521; /* few collisions, as HDF5's guide advises */
  if (slots > CACHE_SLOTS_MOST)
    slots = CACHE_SLOTS_MOST;
  if (H5Pset_chunk_cache (access, slots, bytes, H5D_CHUNK_CACHE_W0_DEFAULT) >= 0)
    return access;
  H5Pclose (access);
  return -1;
}

static int
open_datasets (struct featfile *file)
{
  hid_t access = cached_access (&file->info);
  file->features = access < 0 ? -1 : featinfo_open_features (file->file, file->features_name, access, file->path);
  if (access < 0)
    error_set ("no memory left to open '%s'; give the job more memory", file->path);
  else
    H5Pclose (access);
  if (file->features < 0
      || matrix_open (&file->matrix, file->features, file->info.rows, file->features_name, file->path)
      || (!file->info.unlabelled
          && labels_open (&file->labels, file->file, file->labels_name, file->info.rows, &file->info.classes,
                          file->path)))
    return -1;
  if (file->info.path_bytes == 0)
    return 0;
  file->images = dataset_open (file->file, "/images", H5P_DEFAULT, file->path, "make the file again");
  return file->images < 0 ? -1 : 0;
}

/* NAME, or the USUAL one where it is NULL, from the root on.  */
static char *
absolute_name (const char *name, const char *usual)
{
  return name ? text_new ("/%s", name + strspn (name, "/")) : text_new ("%s", usual);
}

static int
open_named (struct featfile *file, const char *path, const struct featnames *names)
{
  file->path = text_new ("%s", path);
  file->features_name = absolute_name (names->features, "/features");
  file->labels_name = absolute_name (names->labels, "/labels");
  if (!file->path || !file->features_name || !file->labels_name || open_file (file))
    return -1;
  const struct featnames absolute = { file->features_name, file->labels_name };
  return featinfo_read (&file->info, file->file, &absolute, path) ? -1 : open_datasets (file);
}

struct featfile *
featfile_open_named (const char *path, const struct featnames *names)
{
  struct featfile *file = calloc (1, sizeof *file);
  if (!file)
    {
      error_set ("no memory left to open '%s'; give the job more memory", path);
      return NULL;
    }
  *file = (struct featfile){ .file = -1, .features = -1, .images = -1, .labels.dataset = -1 };
  if (open_named (file, path, names) == 0)
    return file;
  featfile_close (file);
  return NULL;
}

struct featfile *
featfile_open (const char *path)
{
  return featfile_open_named (path, &(struct featnames){ 0 });
}

void
featfile_close (struct featfile *file)
{
  if (!file)
    return;
  tilereader_free (file->reader);
  labels_close (&file->labels);
  if (file->images >= 0)
    H5Dclose (file->images);
  if (file->features >= 0)
    H5Dclose (file->features);
  if (file->file >= 0)
    H5Fclose (file->file);
  featinfo_free (&file->info);
  free (file->labels_name);
  free (file->features_name);
  free (file->path);
  free (file);
}

const struct featinfo *
featfile_info (const struct featfile *file)
{
  return &file->info;
}

const char *
featfile_path (const struct featfile *file)
{
  return file->path;
}

const char *
featfile_features_name (const struct featfile *file)
{
  return file->features_name;
}

const char *
featfile_labels_name (const struct featfile *file)
{
  return file->labels_name;
}

hid_t
featfile_dataset (const struct featfile *file)
{
  return file->features;
}

int
featfile_read_tile (struct featfile *file, uint64_t tile_row, uint64_t tile_column, struct chunk *chunk)
{
  return tilereader_read_chunk (&file->matrix, &file->info, tile_row, tile_column, chunk);
}

int
featfile_use_workers (struct featfile *file, struct workers *workers)
{
  if (!file->info.tiled || file->reader)
    return 0;
  file->reader = tilereader_new (&file->matrix, &file->info, workers);
  return file->reader ? 0 : -1;
}

static int
check_range (const struct featfile *file, uint64_t row, uint64_t rows)
{
  if (row > file->info.rows || rows > file->info.rows - row)
    return error_set ("rows %" PRIu64 " to %" PRIu64 " were asked of '%s', which has %" PRIu64 "; ask for fewer", row,
                      row + rows, file->path, file->info.rows);
  return 0;
}

int
featfile_read (struct featfile *file, uint64_t row, uint64_t rows, uint64_t column, uint64_t columns, float *values)
{
  if (check_range (file, row, rows))
    return -1;
  if (column > file->info.columns || columns > file->info.columns - column)
    return error_set ("columns %" PRIu64 " to %" PRIu64 " were asked of '%s', which has %" PRIu64 "; ask for fewer",
                      column, column + columns, file->path, file->info.columns);
  if (rows == 0 || columns == 0)
    return 0;
  const struct window range = { row, rows, column, columns };
  if (file->reader)
    return tilereader_read (file->reader, &range, values);
  return matrix_read (&file->matrix, &range, values) || matrix_check_finite (&file->matrix, &range, values, columns)
           ? -1
           : 0;
}

int
featfile_need_labels (const struct featfile *file)
{
  return file->info.unlabelled ? error_set (
           "'%s' has no labels, since its images had no classes; extract them from a folder for each class, "
           "or from a list that names the class of each",
           file->path)
                               : 0;
}

int
featfile_read_labels (struct featfile *file, uint64_t row, uint64_t rows, int32_t *labels)
{
  if (check_range (file, row, rows))
    return -1;
  for (uint64_t i = 0; i < rows && file->info.unlabelled; i++)
    labels[i] = -1;
  return file->info.unlabelled ? 0 : labels_read (&file->labels, row, rows, labels);
}

int
featfile_read_images (struct featfile *file, uint64_t row, uint64_t rows, char *paths)
{
  if (check_range (file, row, rows))
    return -1;
  if (rows == 0 || file->info.path_bytes == 0)
    return 0;
  const hsize_t start = row, count = rows;
  hid_t stored = dataset_select (file->images, &start, &count, "/images", file->path);
  if (stored < 0)
    return -1;
  hid_t memory = H5Screate_simple (1, &count, NULL);
  hid_t type = H5Tcopy (file->images); /* of the dataset, since HDF5 does not convert character sets */
  int result = 0;
  if (memory < 0 || type < 0 || H5Tset_size (type, file->info.path_bytes + 1) < 0
      || H5Tset_strpad (type, H5T_STR_NULLTERM) < 0
      || H5Dread (file->images, type, memory, stored, H5P_DEFAULT, paths) < 0)
    result = hdf_read_failed ("read '/images' of", file->path);
  if (type >= 0)
    H5Tclose (type);
  if (memory >= 0)
    H5Sclose (memory);
  H5Sclose (stored);
  return result;
}

int
featfile_read_digests (struct featfile *file, uint64_t row, uint64_t rows, uint64_t *digests)
{
  if (check_range (file, row, rows))
    return -1;
  memset (digests, 0, rows * sizeof *digests);
  if (rows == 0 || !file->info.digests)
    return 0;
  const hsize_t start = row, count = rows;
  hid_t dataset = dataset_open (file->file, "/digests", H5P_DEFAULT, file->path, "make the file again");
  if (dataset < 0)
    return -1;
  hid_t stored = dataset_select (dataset, &start, &count, "/digests", file->path);
  hid_t memory = stored < 0 ? -1 : H5Screate_simple (1, &count, NULL);
  int result = stored < 0 ? -1 : 0;
  if (result == 0 && (memory < 0 || H5Dread (dataset, H5T_NATIVE_UINT64, memory, stored, H5P_DEFAULT, digests) < 0))
    result = hdf_read_failed ("read '/digests' of", file->path);
  if (memory >= 0)
    H5Sclose (memory);
  if (stored >= 0)
    H5Sclose (stored);
  H5Dclose (dataset);
  return result;
}

int
featfile_read_failures (struct featfile *file, struct failure **failures, size_t *count)
{
  *count = file->info.failed;
  return failures_read (failures, *count, file->file, file->path);
}

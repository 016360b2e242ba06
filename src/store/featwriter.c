#include <config.h>

#include "featwriter.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "labels.h"
#include "tilewriter.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  LABEL_CHUNK_ROWS = 4096,
  IMAGE_CHUNK_BYTES = 64 << 10,
  DEFLATE_MOST = 9, /* of zlib, which is what the file's filter names */
  WRITEBACK_BYTES = 8 << 20,
};

struct featwriter {
  char *path, *temporary;
  hid_t file, features, labels, images, digests; /* the last three -1 where there are none */
  hid_t label_type, image_type;                  /* in memory */
  struct featinfo info;
  uint64_t feature_rows, rows; /* the extents so far: of /features; of labels and paths */
  uint64_t digest_rows;
  uint64_t tiles;                /* put so far */
  uint64_t waiting_bytes;        /* of tiles since the last start_writeback */
  struct tilewriter *tilewriter; /* made by the first featwriter_put_tile_row */
};

/* Creates a dataset of rank RANK in chunks CHUNK (RANK), without rows yet, that may grow to ROOM (2).  */
static hid_t
create_dataset (struct featwriter *writer, const char *name, hid_t type, int rank, const hsize_t *room,
                const hsize_t *chunk, bool shuffled)
{
  hsize_t size[2] = { 0, room[1] };
  unsigned level = (unsigned) (writer->info.compress > DEFLATE_MOST ? DEFLATE_MOST : writer->info.compress);
  hid_t dataset = -1, creation = H5Pcreate (H5P_DATASET_CREATE), space = H5Screate_simple (rank, size, room);
  if (type >= 0 && creation >= 0 && space >= 0 && H5Pset_chunk (creation, rank, chunk) >= 0
      && H5Pset_alloc_time (creation, H5D_ALLOC_TIME_INCR) >= 0 && H5Pset_fill_time (creation, H5D_FILL_TIME_NEVER) >= 0
      && H5Pset_obj_track_times (creation, false) >= 0 && (!shuffled || H5Pset_shuffle (creation) >= 0)
      && H5Pset_deflate (creation, level) >= 0)
    dataset = H5Dcreate2 (writer->file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  if (dataset < 0)
    hdf_write_failed ("write", writer->path);
  if (space >= 0)
    H5Sclose (space);
  if (creation >= 0)
    H5Pclose (creation);
  return dataset;
}

static int
create_features (struct featwriter *writer)
{
  const struct featinfo *info = &writer->info;
  uint64_t tile_rows = featinfo_tile_rows (info), rows;
  if (__builtin_mul_overflow (tile_rows ? tile_rows : 1, info->chunk_rows, &rows))
    return error_set ("'%s' would have too many rows (%" PRIu64 "); ask for fewer", writer->path, info->rows);
  const hsize_t room[2] = { rows, info->columns }; /* whole tiles: HDF5 takes no chunk longer than a fixed room */
  const hsize_t chunk[2] = { info->chunk_rows, info->chunk_columns };
  hid_t type = featinfo_value_type (info->half);
  writer->features = create_dataset (writer, "features", type, 2, room, chunk, true);
  if (type >= 0)
    H5Tclose (type);
  return writer->features < 0 ? -1 : 0;
}

static int
create_labels (struct featwriter *writer)
{
  const struct featinfo *info = &writer->info;
  const hsize_t room[2] = { info->rows ? info->rows : 1, 0 };
  const hsize_t chunk = room[0] < LABEL_CHUNK_ROWS ? room[0] : LABEL_CHUNK_ROWS;
  if (info->unlabelled)
    return 0;
  hid_t type = labels_type (&info->classes, H5T_STD_I32LE);
  writer->labels = create_dataset (writer, "labels", type, 1, room, &chunk, true);
  if (type >= 0)
    H5Tclose (type);
  writer->label_type = labels_type (&info->classes, H5T_NATIVE_INT32);
  return writer->labels < 0 || writer->label_type < 0 ? -1 : 0;
}

static int
create_images (struct featwriter *writer)
{
  const struct featinfo *info = &writer->info;
  if (info->path_bytes == 0)
    return 0;
  const hsize_t room[2] = { info->rows ? info->rows : 1, 0 };
  hsize_t rows = 1 + IMAGE_CHUNK_BYTES / info->path_bytes;
  const hsize_t chunk = room[0] < rows ? room[0] : rows;
  hid_t type = hdf_text_type (info->path_bytes, false);
  writer->images = create_dataset (writer, "images", type, 1, room, &chunk, false);
  if (type >= 0)
    H5Tclose (type);
  writer->image_type = hdf_text_type (info->path_bytes + 1, true);
  return writer->images < 0 || writer->image_type < 0 ? -1 : 0;
}

static int
create_digests (struct featwriter *writer)
{
  const struct featinfo *info = &writer->info;
  const hsize_t room[2] = { info->rows ? info->rows : 1, 0 };
  const hsize_t chunk = room[0] < LABEL_CHUNK_ROWS ? room[0] : LABEL_CHUNK_ROWS;
  if (info->digests)
    writer->digests = create_dataset (writer, "digests", H5T_STD_U64LE, 1, room, &chunk, true);
  return info->digests && writer->digests < 0 ? -1 : 0;
}

static int
write_attributes (struct featwriter *writer)
{
  const struct featinfo *info = &writer->info;
  if (hdf_write_integer (writer->file, "format_version", H5T_STD_I32LE, FEATFILE_VERSION, writer->path)
      || hdf_write_names (writer->file, "classes", &info->classes, writer->path)
      || provenance_write (&info->provenance, writer->file, writer->path)
      || origin_write (&info->origin, writer->file, writer->path))
    return -1;
  return 0;
}

static int
create_file (struct featwriter *writer)
{
  hid_t access = hdf_file_access (true), creation = H5Pcreate (H5P_FILE_CREATE);
  if (access >= 0 && creation >= 0 && H5Pset_obj_track_times (creation, false) >= 0)
    writer->file = H5Fcreate (writer->temporary, H5F_ACC_EXCL, creation, access);
  int result = writer->file < 0 ? hdf_write_failed ("create", writer->path) : 0;
  if (access >= 0)
    H5Pclose (access);
  if (creation >= 0)
    H5Pclose (creation);
  return result;
}

static int
check_info (const struct featinfo *info, const char *path)
{
  if (info->columns == 0 || info->chunk_rows == 0 || info->chunk_columns == 0 || info->chunk_columns > info->columns
      || info->compress < 0)
    return error_set ("'%s' cannot have %" PRIu64 " columns in tiles of %" PRIu64 " x %" PRIu64
                      " at compression level %d; ask for other sizes",
                      path, info->columns, info->chunk_rows, info->chunk_columns, info->compress);
  return 0;
}

struct featwriter *
featwriter_new (const char *path, const struct featinfo *info)
{
  if (check_info (info, path))
    return NULL;
  struct featwriter *writer = calloc (1, sizeof *writer);
  if (!writer)
    {
      error_set ("no memory left to write '%s'; give the job more memory", path);
      return NULL;
    }
  *writer = (struct featwriter){
    .file = -1, .features = -1, .labels = -1, .images = -1, .digests = -1, .label_type = -1, .image_type = -1
  };
  if (featinfo_copy (&writer->info, info) == 0 && (writer->path = text_new ("%s", path))
      && (writer->temporary = file_temporary (path)) && create_file (writer) == 0 && write_attributes (writer) == 0
      && create_features (writer) == 0 && create_labels (writer) == 0 && create_images (writer) == 0
      && create_digests (writer) == 0)
    return writer;
  featwriter_discard (writer);
  return NULL;
}

/* Extents only grow: HDF5 would recompress tiles that a shrinking one cuts.  */
static int
grow (hid_t dataset, uint64_t rows, uint64_t columns, uint64_t *extent)
{
  const hsize_t size[2] = { rows, columns };
  if (rows <= *extent)
    return 0;
  *extent = rows;
  return H5Dset_extent (dataset, size) < 0 ? -1 : 0;
}

/* Lets the system write to the disk what it has so far, beside the next tiles' making: else all would wait for the
   fsync at the end.  A failure is told by that one.  */
static void
start_writeback (struct featwriter *writer)
{
#ifdef SYNC_FILE_RANGE_WRITE
  void *descriptor;
  if (H5Fget_vfd_handle (writer->file, H5P_DEFAULT, &descriptor) >= 0)
    sync_file_range (*(int *) descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
  writer->waiting_bytes = 0;
}

int
featwriter_put_tile (struct featwriter *writer, uint64_t tile_row, uint64_t tile_column, const struct chunk *chunk)
{
  const struct featinfo *info = &writer->info;
  if (tile_row >= featinfo_tile_rows (info) || tile_column >= featinfo_tile_columns (info))
    return error_set ("'%s' has no room for the tile (%" PRIu64 ", %" PRIu64 "); ask for more rows", writer->path,
                      tile_row, tile_column);
  const hsize_t offset[2] = { tile_row * info->chunk_rows, tile_column * info->chunk_columns };
  if (grow (writer->features, offset[0] + 1, info->columns, &writer->feature_rows)
      || H5Dwrite_chunk (writer->features, H5P_DEFAULT, chunk->filter_mask, offset, chunk->length, chunk->data) < 0)
    return hdf_write_failed ("write", writer->path);
  writer->tiles++;
  writer->waiting_bytes += chunk->length;
  if (writer->waiting_bytes >= WRITEBACK_BYTES)
    start_writeback (writer);
  return 0;
}

static int
store_tile (void *context, uint64_t tile_row, uint64_t tile_column, const struct chunk *chunk)
{
  return featwriter_put_tile (context, tile_row, tile_column, chunk);
}

int
featwriter_put_tile_row (struct featwriter *writer, uint64_t tile_row, const float *values, uint64_t rows,
                         struct workers *workers)
{
  if (rows > writer->info.chunk_rows)
    return error_set ("'%s' has tiles of %" PRIu64 " rows, not of %" PRIu64 "; give fewer", writer->path,
                      writer->info.chunk_rows, rows);
  if (!writer->tilewriter && !(writer->tilewriter = tilewriter_new (&writer->info, workers, store_tile, writer)))
    return -1;
  return tilewriter_put_row (writer->tilewriter, tile_row, values, rows);
}

static int
put_rows_of (struct featwriter *writer, hid_t dataset, hid_t type, uint64_t row, uint64_t rows, const void *data)
{
  hsize_t start = row, count = rows;
  hid_t memory = H5Screate_simple (1, &count, NULL), stored = H5Dget_space (dataset);
  int result = 0;
  if (memory < 0 || stored < 0 || H5Sselect_hyperslab (stored, H5S_SELECT_SET, &start, NULL, &count, NULL) < 0
      || H5Dwrite (dataset, type, memory, stored, H5P_DEFAULT, data) < 0)
    result = hdf_write_failed ("write", writer->path);
  if (memory >= 0)
    H5Sclose (memory);
  if (stored >= 0)
    H5Sclose (stored);
  return result;
}

int
featwriter_put_rows (struct featwriter *writer, uint64_t row, uint64_t rows, const int32_t *labels, const char *paths)
{
  uint64_t end, before = writer->rows, image_rows = before;
  if (__builtin_add_overflow (row, rows, &end) || end > writer->info.rows)
    return error_set ("'%s' has room for %" PRIu64 " rows, not for %" PRIu64 " from %" PRIu64 " on; ask for more rows",
                      writer->path, writer->info.rows, rows, row);
  if (rows == 0)
    return 0;
  writer->rows = end > before ? end : before;
  if ((writer->labels >= 0 && grow (writer->labels, end, 0, &before))
      || (writer->images >= 0 && grow (writer->images, end, 0, &image_rows)))
    return hdf_write_failed ("write", writer->path);
  if (writer->labels >= 0 && put_rows_of (writer, writer->labels, writer->label_type, row, rows, labels))
    return -1;
  return writer->images < 0 ? 0 : put_rows_of (writer, writer->images, writer->image_type, row, rows, paths);
}

int
featwriter_put_digests (struct featwriter *writer, uint64_t row, uint64_t rows, const uint64_t *digests)
{
  if (rows == 0)
    return 0;
  if (grow (writer->digests, row + rows, 0, &writer->digest_rows))
    return hdf_write_failed ("write", writer->path);
  return put_rows_of (writer, writer->digests, H5T_NATIVE_UINT64, row, rows, digests);
}

/* All of PATH's tiles must be there, and the extents are set to ROWS.  */
static int
finish_rows (struct featwriter *writer, uint64_t rows)
{
  const struct featinfo *info = &writer->info;
  uint64_t tile_rows = rows / info->chunk_rows + (rows % info->chunk_rows != 0);
  if (rows > info->rows || writer->tiles != tile_rows * featinfo_tile_columns (info) || writer->rows != rows)
    return error_set ("'%s' was given %" PRIu64 " tiles and %" PRIu64 " labels for %" PRIu64
                      " rows; run the same command again",
                      writer->path, writer->tiles, writer->rows, rows);
  if (info->digests && writer->digest_rows != rows)
    return error_set ("'%s' was given %" PRIu64 " digests for %" PRIu64 " rows; run the same command again",
                      writer->path, writer->digest_rows, rows);
  if (grow (writer->features, rows, info->columns, &writer->feature_rows))
    return hdf_write_failed ("write", writer->path);
  return 0;
}

/* Closes everything of HDF5's; the first failure is told where RESULT is none yet.  */
static int
close_file (struct featwriter *writer, int result)
{
  hid_t *dataset[] = { &writer->features, &writer->labels, &writer->images, &writer->digests };
  for (size_t i = 0; i < sizeof dataset / sizeof *dataset; i++)
    {
      if (*dataset[i] >= 0 && H5Dclose (*dataset[i]) < 0 && result == 0)
        result = hdf_write_failed ("write", writer->path);
      *dataset[i] = -1;
    }
  if (writer->file >= 0 && H5Fclose (writer->file) < 0 && result == 0)
    result = hdf_write_failed ("write", writer->path);
  writer->file = -1;
  return result;
}

static void
free_writer (struct featwriter *writer)
{
  if (writer->label_type >= 0)
    H5Tclose (writer->label_type);
  if (writer->image_type >= 0)
    H5Tclose (writer->image_type);
  tilewriter_free (writer->tilewriter);
  featinfo_free (&writer->info);
  free (writer->temporary);
  free (writer->path);
  free (writer);
}

int
featwriter_commit (struct featwriter *writer, uint64_t rows, const struct failure *failures, size_t failure_count)
{
  int result = finish_rows (writer, rows);
  if (result == 0)
    result = failures_write (failures, failure_count, writer->file, writer->path);
  result = close_file (writer, result);
  if (result == 0)
    result = file_commit (writer->temporary, writer->path);
  else
    unlink (writer->temporary);
  free_writer (writer);
  return result;
}

void
featwriter_discard (struct featwriter *writer)
{
  if (!writer)
    return;
  close_file (writer, -1);
  if (writer->temporary)
    unlink (writer->temporary);
  free_writer (writer);
}

#include <config.h>

#include "featinfo.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "dataset.h"
#include "labels.h"
#include "matrix.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
  TILE_BYTES = 512 << 10, /* the most, as float32 */
  TILE_ROWS = 32,         /* a batch; more where rows are short */
  TILE_ROWS_MOST = 256,
  CHUNK_BYTES_MOST = 1 << 30,  /* of other programs */
  TILED_VALUES_MOST = 4 << 20, /* each thread has room for some tiles */
};

int
featinfo_copy (struct featinfo *to, const struct featinfo *from)
{
  *to = *from;
  to->classes = (struct names){ 0 };
  to->origin.command = NULL;
  if (names_copy (&to->classes, &from->classes))
    return -1;
  if (!from->origin.command || (to->origin.command = text_new ("%s", from->origin.command)))
    return 0;
  featinfo_free (to);
  return -1;
}

void
featinfo_free (struct featinfo *info)
{
  names_free (&info->classes);
  origin_free (&info->origin);
}

void
featinfo_choose_tile (struct featinfo *info)
{
  uint64_t rows = TILE_ROWS, values = TILE_BYTES / sizeof (float), columns = info->columns ? info->columns : 1;
  while (rows < TILE_ROWS_MOST && 2 * rows * columns <= values)
    rows *= 2;
  uint64_t most = values / rows;
  info->chunk_rows = rows;
  info->chunk_columns = columns < most ? columns : most;
  if (columns <= most)
    return;
  /* A width that divides the columns leaves no padding; else as many tiles as needed, all about as wide.  */
  for (uint64_t width = most; width > most / 2; width--)
    if (columns % width == 0)
      {
        info->chunk_columns = width;
        return;
      }
  uint64_t tiles = (columns + most - 1) / most;
  info->chunk_columns = (columns + tiles - 1) / tiles;
}

uint64_t
featinfo_block_rows (const struct featinfo *info, size_t bytes)
{
  uint64_t rows = bytes / sizeof (float) / info->columns;
  rows = rows < 1 ? 1 : rows;
  rows = info->chunk_rows && rows > info->chunk_rows ? rows - rows % info->chunk_rows : rows;
  return rows > info->rows ? info->rows : rows;
}

uint64_t
featinfo_tile_columns (const struct featinfo *info)
{
  return info->columns / info->chunk_columns + (info->columns % info->chunk_columns != 0);
}

uint64_t
featinfo_tile_rows (const struct featinfo *info)
{
  return info->rows / info->chunk_rows + (info->rows % info->chunk_rows != 0);
}

static int
compare_classes (const struct names *a, const char *file_a, const struct names *b, const char *name_b,
                 const char *remedy)
{
  if (a->count != b->count)
    return error_set ("'%s' has %zu classes and %s %zu; %s", file_a, a->count, name_b, b->count, remedy);
  for (size_t i = 0; i < a->count; i++)
    if (strcmp (a->name[i], b->name[i]))
      return error_set ("class %zu is '%s' in '%s' and '%s' in %s; %s", i, a->name[i], file_a, b->name[i], name_b,
                        remedy);
  return 0;
}

int
featinfo_compare (const struct featinfo *a, const char *file_a, const struct featinfo *b, const char *file_b,
                  const char *remedy)
{
  char name_b[PROVENANCE_NAME_BYTES];
  provenance_quote (file_b, name_b);
  if (provenance_compare (&a->provenance, file_a, &b->provenance, file_b, remedy))
    return -1;
  if (a->origin.seed != b->origin.seed)
    return error_set ("seed is %" PRIu64 " in '%s' and %" PRIu64 " in %s; %s", a->origin.seed, file_a, b->origin.seed,
                      name_b, remedy);
  if (compare_classes (&a->classes, file_a, &b->classes, name_b, remedy))
    return -1;
  if (strcmp (a->origin.manifest_sha256, b->origin.manifest_sha256))
    return error_set ("manifest_sha256 is '%s' in '%s' and '%s' in %s: the images differ; %s",
                      a->origin.manifest_sha256, file_a, b->origin.manifest_sha256, name_b, remedy);
  if (a->columns != b->columns)
    return error_set ("'%s' has %" PRIu64 " columns and %s %" PRIu64 "; %s", file_a, a->columns, name_b, b->columns,
                      remedy);
  if (a->half != b->half)
    return error_set ("'%s' is float%d and %s float%d; %s", file_a, a->half ? 16 : 32, name_b, b->half ? 16 : 32,
                      remedy);
  return 0;
}

hid_t
featinfo_value_type (bool half)
{
  hid_t type = H5Tcopy (H5T_IEEE_F32LE);
  if (type < 0 || !half)
    return type;
  /* sign at bit 15, 5 bits of exponent from bit 10, 10 of fraction from bit 0 */
  if (H5Tset_fields (type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size (type, 2) >= 0 && H5Tset_ebias (type, 15) >= 0)
    return type;
  H5Tclose (type);
  return -1;
}

int
featinfo_read_version (hid_t file, const char *path, int64_t *version)
{
  if (hdf_read_integer (file, "format_version", version, path))
    return -1;
  if (*version < 0 || *version > FEATFILE_VERSION)
    return error_set ("'%s' has format version %" PRId64 ", this slabfit reads up to %d; use a newer slabfit", path,
                      *version, FEATFILE_VERSION);
  return 0;
}

hid_t
featinfo_open_features (hid_t file, const char *name, hid_t access, const char *path)
{
  return dataset_open (file, name, access, path, "name a feature file, or its dataset with --features-dataset");
}

/* Whether CREATION's filters are those of tile.h: shuffle and deflate, or deflate alone.  Sets the deflate level where
   there is one.  */
static bool
read_filters (struct featinfo *info, hid_t creation)
{
  int count = H5Pget_nfilters (creation);
  H5Z_filter_t filter[2] = { 0, 0 };
  for (int i = 0; i < count; i++)
    {
      unsigned flags, values[8] = { 0 }, config;
      size_t value_count = 8;
      H5Z_filter_t id = H5Pget_filter2 (creation, (unsigned) i, &flags, &value_count, values, 0, NULL, &config);
      if (id == H5Z_FILTER_DEFLATE)
        info->compress = (int) values[0];
      if (i < 2)
        filter[i] = id;
    }
  info->plain = count == 1;
  return filter[0] == (info->plain ? H5Z_FILTER_DEFLATE : H5Z_FILTER_SHUFFLE)
         && (info->plain || (count == 2 && filter[1] == H5Z_FILTER_DEFLATE));
}

/* A row is read by way of whole chunks, so that these must fit in memory.  */
static int
take_chunks (struct featinfo *info, const struct matrix *matrix, const hsize_t *chunk, size_t value_bytes)
{
  hsize_t bytes = value_bytes;
  info->chunk_rows = chunk[matrix->row_axis];
  info->chunk_columns = 1;
  for (int i = 0; i < matrix->rank; i++)
    {
      bytes *= chunk[i]; /* HDF5 refuses chunks of 4 GB */
      if (i > matrix->row_axis)
        info->chunk_columns *= chunk[i];
    }
  if (bytes > CHUNK_BYTES_MOST)
    return error_set ("'%s' of '%s' has chunks of %.1f GB, more than 1, each to be read whole; make smaller ones: "
                      "h5repack -l %s:CHUNK=...",
                      matrix->name, matrix->path, (double) bytes / 1e9, matrix->name);
  return 0;
}

/* The size of the file that DATASET is in, which may be another one by way of a link.  */
static hsize_t
file_bytes (hid_t dataset)
{
  hsize_t bytes = 0;
  hid_t file = H5Iget_file_id (dataset);
  if (file >= 0)
    {
      H5Fget_filesize (file, &bytes);
      H5Fclose (file);
    }
  return bytes;
}

static int
read_layout (struct featinfo *info, const struct matrix *matrix, hid_t type)
{
  hsize_t chunk[H5S_MAX_RANK];
  hid_t creation = H5Dget_create_plist (matrix->dataset), own = featinfo_value_type (info->half);
  H5D_layout_t layout = creation < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout (creation);
  bool inside = layout == H5D_CHUNKED || (layout == H5D_CONTIGUOUS && H5Pget_external_count (creation) == 0);
  bool chunked = layout == H5D_CHUNKED && H5Pget_chunk (creation, matrix->rank, chunk) == matrix->rank;
  int result = 0;
  info->compress = -1;
  if (layout < 0 || (layout == H5D_CHUNKED && !chunked)
      || (inside && H5Dget_storage_size (matrix->dataset) > file_bytes (matrix->dataset)))
    result = hdf_read_failed ("read the layout of", matrix->path);
  else if (chunked)
    {
      result = take_chunks (info, matrix, chunk, H5Tget_size (type));
      info->tiled = read_filters (info, creation) && matrix->rank == 2 && own >= 0 && H5Tequal (type, own) > 0
                    && info->chunk_rows * info->chunk_columns <= TILED_VALUES_MOST;
    }
  if (own >= 0)
    H5Tclose (own);
  if (creation >= 0)
    H5Pclose (creation);
  return result;
}

static int
read_values (struct featinfo *info, hid_t dataset, hid_t type, uint64_t labels, const char *name, const char *path)
{
  struct matrix matrix;
  size_t size = type < 0 ? 0 : H5Tget_size (type);
  if (type < 0 || H5Tget_class (type) != H5T_FLOAT || (size != 2 && size != 4 && size != 8))
    return error_set ("'%s' of '%s' is not of floating-point numbers of 2, 4 or 8 bytes; convert it to float32", name,
                      path);
  if (matrix_open (&matrix, dataset, labels, name, path))
    return -1;
  info->half = size == 2;
  info->rows = matrix.rows;
  info->columns = matrix.columns;
  return read_layout (info, &matrix, type);
}

static int
read_features (struct featinfo *info, hid_t file, const struct featnames *names, const char *path)
{
  hid_t dataset = featinfo_open_features (file, names->features, H5P_DEFAULT, path);
  if (dataset < 0)
    return -1;
  hid_t type = H5Dget_type (dataset);
  int result = read_values (info, dataset, type, labels_count (file, names->labels), names->features, path);
  if (type >= 0)
    H5Tclose (type);
  H5Dclose (dataset);
  return result;
}

/* Other programs' /images of another kind are passed over.  */
static int
read_images (struct featinfo *info, hid_t file, int64_t version, const char *path)
{
  if (H5Lexists (file, "images", H5P_DEFAULT) <= 0)
    return 0;
  hid_t dataset = H5Dopen2 (file, "images", H5P_DEFAULT), type = dataset < 0 ? -1 : H5Dget_type (dataset);
  if (type >= 0 && H5Tget_class (type) == H5T_STRING && H5Tis_variable_str (type) == 0
      && dataset_length (dataset) == (int64_t) info->rows && H5Tget_size (type) < ERROR_MESSAGE_BYTES)
    info->path_bytes = H5Tget_size (type);
  if (type >= 0)
    H5Tclose (type);
  if (dataset >= 0)
    H5Dclose (dataset);
  if (version > 0 && info->path_bytes == 0)
    return error_set ("'/images' of '%s' is not one path of fixed length for each of the %" PRIu64
                      " rows; make the file again",
                      path, info->rows);
  return 0;
}

/* Another program's /digests of another kind are passed over.  */
static void
read_digests (struct featinfo *info, hid_t file)
{
  if (H5Lexists (file, "digests", H5P_DEFAULT) <= 0)
    return;
  hid_t dataset = H5Dopen2 (file, "digests", H5P_DEFAULT), type = dataset < 0 ? -1 : H5Dget_type (dataset);
  info->digests = type >= 0 && H5Tget_class (type) == H5T_INTEGER && H5Tget_size (type) == sizeof (uint64_t)
                  && dataset_length (dataset) == (int64_t) info->rows;
  if (type >= 0)
    H5Tclose (type);
  if (dataset >= 0)
    H5Dclose (dataset);
}

static bool
is_text_member (hid_t type, const char *name)
{
  int index = H5Tget_member_index (type, name);
  hid_t member = index < 0 ? -1 : H5Tget_member_type (type, (unsigned) index);
  bool text = member >= 0 && H5Tget_class (member) == H5T_STRING && H5Tis_variable_str (member) == 0
              && H5Tget_size (member) <= ERROR_MESSAGE_BYTES;
  if (member >= 0)
    H5Tclose (member);
  return text;
}

static void
read_failed (struct featinfo *info, hid_t file)
{
  if (H5Lexists (file, "failed", H5P_DEFAULT) <= 0)
    return;
  hid_t dataset = H5Dopen2 (file, "failed", H5P_DEFAULT), type = dataset < 0 ? -1 : H5Dget_type (dataset);
  if (type >= 0 && H5Tget_class (type) == H5T_COMPOUND && is_text_member (type, "image")
      && is_text_member (type, "reason") && dataset_length (dataset) > 0)
    info->failed = (uint64_t) dataset_length (dataset);
  if (type >= 0)
    H5Tclose (type);
  if (dataset >= 0)
    H5Dclose (dataset);
}

static int
check_feature_shape (const struct featinfo *info, const char *path)
{
  int64_t product = 1;
  bool overflow = false;
  for (int i = 0; i < info->provenance.rank; i++)
    overflow |= __builtin_mul_overflow (product, info->provenance.shape[i], &product);
  if (info->provenance.rank > 0 && (overflow || product != (int64_t) info->columns))
    return error_set ("the attribute 'feature_shape' of '%s' does not fit its %" PRIu64 " columns; make the file again",
                      path, info->columns);
  return 0;
}

int
featinfo_read (struct featinfo *info, hid_t file, const struct featnames *names, const char *path)
{
  int64_t version;
  *info = (struct featinfo){ 0 };
  if (featinfo_read_version (file, path, &version) || read_features (info, file, names, path)
      || read_images (info, file, version, path))
    return -1;
  read_digests (info, file);
  read_failed (info, file);
  if (provenance_read (&info->provenance, file, path) || origin_read (&info->origin, file, path)
      || check_feature_shape (info, path) || hdf_read_names (file, "classes", &info->classes, path))
    {
      featinfo_free (info);
      return -1;
    }
  info->unlabelled = version > 0 && info->classes.count == 0 && H5Lexists (file, names->labels, H5P_DEFAULT) == 0;
  return 0;
}

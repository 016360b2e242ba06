#include <config.h>

#include "kerasreader.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "element.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

int
kerasreader_failed (const struct kerasreader *reader, const char *what)
{
  char text[WEIGHTS_NAME_BYTES];
  snprintf (text, sizeof text, "read %s of", what);
  return hdf_read_failed (text, reader->weights->path);
}

static int
read_bfloat16 (hid_t dataset, hid_t type, struct weight *weight)
{
  size_t count = weight_values (weight);
  unsigned char *raw = memory_new (count, sizeof (uint16_t));
  if (!raw)
    return -1;
  int result = H5Dread (dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) < 0 ? 1 : 0;
  element_values (element_of_safetensors ("BF16", 4), raw, false, weight->value, count);
  memory_free (raw);
  return result;
}

/* Whether HDF5, which takes a chunk into memory as a whole, needs no more of it than the file allows beside the
   values.  */
static bool
has_small_chunks (const struct kerasreader *reader, hid_t dataset, hid_t type)
{
  hsize_t side[H5S_MAX_RANK] = { 0 };
  uint64_t bytes = H5Tget_size (type);
  hid_t create = H5Dget_create_plist (dataset);
  bool chunked = create >= 0 && H5Pget_layout (create) == H5D_CHUNKED;
  int rank = chunked ? H5Pget_chunk (create, H5S_MAX_RANK, side) : 0;
  bool overflow = false;
  for (int i = 0; i < rank; i++)
    overflow |= __builtin_mul_overflow (bytes, (uint64_t) side[i], &bytes);
  if (create >= 0)
    H5Pclose (create);
  return !chunked || (!overflow && bytes <= reader->weights->bytes_limit - reader->weights->bytes);
}

/* Its values lie in this file, not in another one to which it may point, and were written.  */
static bool
lies_here (const struct kerasreader *reader, hid_t dataset)
{
  char ours[PATH_BYTES], its[PATH_BYTES];
  hid_t create = H5Dget_create_plist (dataset);
  bool here = create >= 0 && H5Pget_layout (create) != H5D_VIRTUAL && H5Pget_external_count (create) == 0
              && H5Fget_name (reader->file, ours, sizeof ours) >= 0 && H5Fget_name (dataset, its, sizeof its) >= 0
              && !strcmp (ours, its) && H5Dget_storage_size (dataset) > 0;
  if (create >= 0)
    H5Pclose (create);
  return here;
}

/* Values of DATASET, of TYPE, as the weight NAME of the shape SIZE.  */
static int
read_values (struct kerasreader *reader, hid_t dataset, hid_t type, const char *name, int rank, const int64_t *size)
{
  H5T_class_t class = H5Tget_class (type);
  bool bfloat16 = class == H5T_OPAQUE && H5Tget_size (type) == sizeof (uint16_t); /* as Keras stores it */
  if (class != H5T_FLOAT && class != H5T_INTEGER && !bfloat16)
    return error_set ("'%s' in '%s' does not hold numbers; check that it is a file of weights", name,
                      reader->weights->path);
  struct weight *weight = weights_add (reader->weights, name, rank, size);
  if (!weight)
    return -1;
  if (weight_values (weight) == 0)
    return 0;
  if (!lies_here (reader, dataset))
    return weights_damaged (reader->weights, "the values of '%s' are not in it", name);
  if (!has_small_chunks (reader, dataset, type))
    return weights_damaged (reader->weights, "'%s' lies in chunks that are larger than such a file can hold", name);
  int result = bfloat16 ? read_bfloat16 (dataset, type, weight)
                        : H5Dread (dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, weight->value) < 0;
  return result > 0 ? kerasreader_failed (reader, name) : result;
}

static int
read_shaped (struct kerasreader *reader, hid_t dataset, const char *name)
{
  hsize_t dimension[H5S_MAX_RANK] = { 0 };
  int64_t size[H5S_MAX_RANK];
  hid_t space = H5Dget_space (dataset), type = H5Dget_type (dataset);
  int rank = space >= 0 ? H5Sget_simple_extent_dims (space, dimension, NULL) : -1;
  for (int i = 0; i < rank; i++)
    size[i] = dimension[i] > INT64_MAX ? -1 : (int64_t) dimension[i];
  int result =
    rank < 0 || type < 0 ? kerasreader_failed (reader, name) : read_values (reader, dataset, type, name, rank, size);
  if (type >= 0)
    H5Tclose (type);
  if (space >= 0)
    H5Sclose (space);
  return result;
}

int
kerasreader_array (struct kerasreader *reader, hid_t group, const char *place, const char *path, const char *layer,
                   const char *part)
{
  char *name = text_new ("%s/%s", layer, part);
  if (name && *path && weights_find (reader->weights, name))
    {
      free (name);
      name = text_new ("%s/%s/%s", path, layer, part);
    }
  if (!name)
    return -1;
  hid_t dataset = H5Dopen2 (group, place, H5P_DEFAULT);
  int result = dataset >= 0 ? read_shaped (reader, dataset, name) : kerasreader_failed (reader, name);
  if (dataset >= 0)
    H5Dclose (dataset);
  free (name);
  return result;
}

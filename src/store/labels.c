#include <config.h>

#include "labels.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "dataset.h"
#include "labeltext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  TYPE_BYTES_MOST = 60000, /* HDF5 keeps a datatype in one message of less than 64 KB */
  CLASSES_MOST = 1000000,  /* a larger number is no class but something else */
  BLOCK_ROWS = 65536,
};

static size_t
type_bytes (const struct names *classes)
{
  size_t bytes = 0;
  for (size_t i = 0; i < classes->count; i++)
    bytes += strlen (classes->name[i]) + 1 + sizeof (int32_t);
  return bytes;
}

hid_t
labels_type (const struct names *classes, hid_t base)
{
  if (classes->count == 0 || type_bytes (classes) > TYPE_BYTES_MOST)
    return H5Tcopy (base);
  hid_t type = H5Tenum_create (base);
  for (size_t i = 0; type >= 0 && i < classes->count; i++)
    {
      int32_t value = (int32_t) i; /* in the byte order of BASE, which H5Tconvert would need for a foreign one */
      if (H5Tconvert (H5T_NATIVE_INT32, base, 1, &value, NULL, H5P_DEFAULT) < 0
          || H5Tenum_insert (type, classes->name[i], &value) < 0)
        {
          H5Tclose (type);
          return H5Tcopy (base);
        }
    }
  return type;
}

static int
read_values (const struct labels *labels, uint64_t row, uint64_t rows, int64_t *values)
{
  const hsize_t start[2] = { row, 0 }, count[2] = { rows, 1 };
  hid_t stored = dataset_select (labels->dataset, start, count, labels->name, labels->path);
  if (stored < 0)
    return -1;
  hid_t memory = H5Screate_simple (1, count, NULL);
  int result = 0;
  if (memory < 0 || H5Dread (labels->dataset, H5T_NATIVE_INT64, memory, stored, H5P_DEFAULT, values) < 0)
    result = hdf_read_failed ("read the labels of", labels->path);
  if (memory >= 0)
    H5Sclose (memory);
  H5Sclose (stored);
  return result;
}

struct member {
  int64_t value;
  char *name; /* owned by HDF5 */
};

static int
compare_members (const void *a, const void *b)
{
  int64_t first = ((const struct member *) a)->value, second = ((const struct member *) b)->value;
  return (first > second) - (first < second);
}

/* The COUNT members of the enum TYPE by their values.  */
static int
read_members (struct member *member, size_t count, hid_t type, const char *path)
{
  hid_t base = H5Tget_super (type);
  int result = 0;
  for (size_t i = 0; i < count && result == 0; i++)
    {
      unsigned char value[16] = { 0 };
      bool fits = base >= 0 && H5Tget_size (base) <= sizeof (int64_t);
      member[i].name = H5Tget_member_name (type, (unsigned) i);
      if (!fits || !member[i].name || H5Tget_member_value (type, (unsigned) i, value) < 0
          || H5Tconvert (base, H5T_NATIVE_INT64, 1, value, NULL, H5P_DEFAULT) < 0)
        result = error_set ("the datatype of the labels of '%s' cannot be read; make the file again", path);
      memcpy (&member[i].value, value, sizeof member[i].value);
    }
  if (base >= 0)
    H5Tclose (base);
  qsort (member, count, sizeof *member, compare_members);
  return result;
}

static int
take_enum (struct labels *labels, hid_t type, struct names *classes)
{
  size_t count = (size_t) H5Tget_nmembers (type);
  struct member *member = memory_new (count, sizeof *member);
  labels->value = memory_new (count, sizeof *labels->value);
  int result = member && labels->value ? read_members (member, count, type, labels->path) : -1;
  for (size_t i = 0; i < count && result == 0; i++)
    {
      labels->value[i] = member[i].value;
      result = names_add (classes, member[i].name);
    }
  for (size_t i = 0; member && i < count; i++)
    H5free_memory (member[i].name);
  memory_free (member);
  return result;
}

static int
find_largest (const struct labels *labels, uint64_t rows, int64_t *largest)
{
  int64_t *values = memory_new (BLOCK_ROWS, sizeof *values);
  int result = values ? 0 : -1;
  *largest = -1;
  for (uint64_t row = 0; row < rows && result == 0; row += BLOCK_ROWS)
    {
      uint64_t count = rows - row < BLOCK_ROWS ? rows - row : BLOCK_ROWS;
      result = read_values (labels, row, count, values);
      for (uint64_t i = 0; i < count && result == 0; i++)
        if (values[i] < 0 || values[i] >= CLASSES_MOST)
          result =
            error_set ("'%s' of '%s' has %" PRId64 " at row %" PRIu64 "; number the classes from 0 to at most %d",
                       labels->name, labels->path, values[i], row + i, CLASSES_MOST - 1);
        else if (values[i] > *largest)
          *largest = values[i];
    }
  memory_free (values);
  return result;
}

static int
take_numbers (const struct labels *labels, uint64_t rows, struct names *classes)
{
  int64_t largest;
  if (find_largest (labels, rows, &largest))
    return -1;
  for (int64_t i = 0; i <= largest; i++)
    {
      char name[24];
      snprintf (name, sizeof name, "%" PRId64, i);
      if (names_add (classes, name))
        return -1;
    }
  return 0;
}

static int
take_texts (struct labels *labels, uint64_t rows, struct names *classes)
{
  labels->text = labeltext_new (labels->dataset, labels->name, labels->path);
  if (!labels->text || (classes->count == 0 && labeltext_classes (labels->text, rows, classes)))
    return -1;
  return labeltext_number (labels->text, classes);
}

/* (ROWS) or (ROWS, 1).  */
static int
check_shape (const struct labels *labels, uint64_t rows)
{
  hsize_t size[H5S_MAX_RANK] = { 0 };
  char shape[128];
  hid_t space = H5Dget_space (labels->dataset);
  int rank = space < 0 ? 0 : H5Sget_simple_extent_dims (space, size, NULL);
  if (space >= 0)
    H5Sclose (space);
  if (rank != 1 && !(rank == 2 && size[1] == 1))
    {
      dataset_describe_shape (labels->dataset, shape, sizeof shape);
      return error_set ("'%s' of '%s' has the shape %s, not one label for each row; take the numbers of the classes, "
                        "from one-hot rows by numpy.argmax",
                        labels->name, labels->path, shape);
    }
  if (size[0] != rows)
    return error_set ("'%s' of '%s' has %" PRIu64 " rows and the features have %" PRIu64 "; make the file again",
                      labels->name, labels->path, (uint64_t) size[0], rows);
  return 0;
}

static int
take_classes (struct labels *labels, hid_t type, uint64_t rows, struct names *classes)
{
  H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class (type);
  if (check_shape (labels, rows))
    return -1;
  if (class != H5T_INTEGER && class != H5T_ENUM && class != H5T_STRING)
    return error_set (
      "'%s' of '%s' is not of integers, of an enum or of text; convert it, numbering the classes from 0", labels->name,
      labels->path);
  if (class == H5T_STRING)
    return take_texts (labels, rows, classes);
  if (classes->count > 0)
    return 0;
  return class == H5T_ENUM ? take_enum (labels, type, classes) : take_numbers (labels, rows, classes);
}

uint64_t
labels_count (hid_t file, const char *name)
{
  hsize_t size[H5S_MAX_RANK] = { 0 };
  hid_t dataset = H5Dopen2 (file, name, H5P_DEFAULT), space = dataset < 0 ? -1 : H5Dget_space (dataset);
  if (space >= 0)
    {
      H5Sget_simple_extent_dims (space, size, NULL);
      H5Sclose (space);
    }
  if (dataset >= 0)
    H5Dclose (dataset);
  return size[0];
}

int
labels_open (struct labels *labels, hid_t file, const char *name, uint64_t rows, struct names *classes,
             const char *path)
{
  *labels = (struct labels){ .name = name, .path = path };
  labels->dataset =
    dataset_open (file, name, H5P_DEFAULT, path, "name the dataset of the labels with --labels-dataset");
  if (labels->dataset < 0)
    return -1;
  hid_t type = H5Dget_type (labels->dataset);
  int result = take_classes (labels, type, rows, classes);
  labels->classes = classes->count;
  if (type >= 0)
    H5Tclose (type);
  if (result)
    labels_close (labels);
  return result;
}

void
labels_close (struct labels *labels)
{
  if (labels->dataset >= 0)
    H5Dclose (labels->dataset);
  labels->dataset = -1;
  labeltext_free (labels->text);
  labels->text = NULL;
  memory_free (labels->value);
  labels->value = NULL;
}

/* The class of the label VALUE, or -1.  */
static int64_t
find_class (const struct labels *labels, int64_t value)
{
  if (!labels->value)
    return value >= 0 && (uint64_t) value < labels->classes ? value : -1;
  size_t low = 0, high = labels->classes;
  while (low < high)
    {
      size_t middle = low + (high - low) / 2;
      if (labels->value[middle] < value)
        low = middle + 1;
      else
        high = middle;
    }
  return low < labels->classes && labels->value[low] == value ? (int64_t) low : -1;
}

int
labels_read (const struct labels *labels, uint64_t row, uint64_t rows, int32_t *numbers)
{
  if (labels->text)
    return labeltext_read (labels->text, row, rows, numbers);
  int64_t *values = memory_new (rows, sizeof *values);
  int result = !values ? -1 : rows ? read_values (labels, row, rows, values) : 0;
  for (uint64_t i = 0; i < rows && result == 0; i++)
    {
      int64_t class = find_class (labels, values[i]);
      numbers[i] = (int32_t) class;
      if (class < 0)
        result = error_set ("'%s' of '%s' has %" PRId64 " at row %" PRIu64
                            ", which is none of its %zu classes; make the file again",
                            labels->name, labels->path, values[i], row + i, labels->classes);
    }
  memory_free (values);
  return result;
}

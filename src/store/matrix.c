#include <config.h>

#include "matrix.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/vectorised.h"
#include "dataset.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int
multiply_sizes (struct matrix *matrix)
{
  uint64_t bytes = sizeof (double);
  bool overflow = false;
  matrix->rows = matrix->size[matrix->row_axis];
  matrix->columns = 1;
  for (int i = 0; i < matrix->rank; i++)
    {
      overflow |= matrix->size[i] > 0 && __builtin_mul_overflow (bytes, matrix->size[i], &bytes);
      if (i > matrix->row_axis)
        overflow |= __builtin_mul_overflow (matrix->columns, matrix->size[i], &matrix->columns);
    }
  if (!overflow && matrix->columns > 0 && bytes <= INT64_MAX)
    return 0;
  char shape[256];
  dataset_describe_shape (matrix->dataset, shape, sizeof shape);
  return error_set ("'%s' of '%s' has the impossible shape %s; make the file again", matrix->name, matrix->path, shape);
}

int
matrix_open (struct matrix *matrix, hid_t dataset, uint64_t labels, const char *name, const char *path)
{
  *matrix = (struct matrix){ .dataset = dataset, .name = name, .path = path };
  hid_t space = H5Dget_space (dataset);
  matrix->rank = space < 0 ? 0 : H5Sget_simple_extent_dims (space, matrix->size, NULL);
  if (space >= 0)
    H5Sclose (space);
  if (matrix->rank < 2)
    return error_set (
      "'%s' of '%s' has %d dimension%s, not 2 (rows, columns) or more; reshape it, one row for each image", name, path,
      matrix->rank, matrix->rank == 1 ? "" : "s");
  if (matrix->rank == 3 && matrix->size[0] == 1 && labels != 1 && matrix->size[1] == labels)
    matrix->row_axis = 1;
  return multiply_sizes (matrix);
}

/* Rows and, of a matrix of rank 2, columns.  */
static int
read_block (const struct matrix *matrix, const struct window *range, float *values)
{
  hsize_t start[H5S_MAX_RANK] = { 0 }, count[H5S_MAX_RANK];
  memcpy (count, matrix->size, sizeof count);
  start[matrix->row_axis] = range->row;
  count[matrix->row_axis] = range->rows;
  if (matrix->rank == 2)
    {
      start[1] = range->column;
      count[1] = range->columns;
    }
  hid_t stored = dataset_select (matrix->dataset, start, count, matrix->name, matrix->path);
  if (stored < 0)
    return -1;
  hid_t memory = H5Screate_simple (matrix->rank, count, NULL); /* of the same shape, or HDF5 goes value by value */
  int result = 0;
  if (memory < 0 || H5Dread (matrix->dataset, H5T_NATIVE_FLOAT, memory, stored, H5P_DEFAULT, values) < 0)
    result = error_set ("rows %" PRIu64 " to %" PRIu64 " of '%s' of '%s' cannot be read: the file is damaged; "
                        "'slabfit verify' finds the place",
                        range->row, range->row + range->rows - 1, matrix->name, matrix->path);
  if (memory >= 0)
    H5Sclose (memory);
  H5Sclose (stored);
  return result;
}

int
matrix_read (const struct matrix *matrix, const struct window *range, float *values)
{
  if (matrix->rank == 2 || range->columns == matrix->columns)
    return read_block (matrix, range, values);
  struct window whole = { .row = range->row, .rows = 1, .columns = matrix->columns };
  float *row = memory_new (matrix->columns, sizeof *row);
  int result = row ? 0 : -1;
  for (uint64_t i = 0; i < range->rows && result == 0; i++, whole.row++)
    {
      result = read_block (matrix, &whole, row);
      memcpy (values + i * range->columns, row + range->column, range->columns * sizeof *values);
    }
  memory_free (row);
  return result;
}

/* Whether the exponent of one of VALUES (count) has all bits set: an infinity or no number.  */
VECTORISED static bool
any_not_finite (const float *values, size_t count)
{
  enum { EXPONENT = 0x7f800000 };
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++)
    {
      uint32_t bits;
      memcpy (&bits, values + i, sizeof bits);
      found |= (bits & EXPONENT) == EXPONENT;
    }
  return found;
}

int
matrix_check_finite (const struct matrix *matrix, const struct window *range, const float *values, uint64_t stride)
{
  for (uint64_t row = 0; row < range->rows; row++, values += stride)
    if (any_not_finite (values, range->columns))
      {
        uint64_t bad = 0;
        while (isfinite (values[bad]))
          bad++;
        return error_set ("'%s' of '%s' has the value %g at row %" PRIu64 ", column %" PRIu64
                          "; make the features again",
                          matrix->name, matrix->path, (double) values[bad], range->row + row, range->column + bad);
      }
  return 0;
}

/* What the tests of the engines share: made-up features in files of any layout.  */
#ifndef SLABFIT_TESTS_MATRICES_H
#define SLABFIT_TESTS_MATRICES_H

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "../src/store/featfile.h"
#include "support.h"

/* How the features lie in the file.  */
struct layout {
  hsize_t chunk_rows, chunk_columns; /* 0 for rows one after the other */
  bool half;                         /* float16 */
};

/* Values of which a share DENSITY is not zero: multiples of 1/8 below 4, exact in float16.  To be freed by
   memory_free.  */
static inline float *
sparse_values (uint64_t seed, size_t rows, size_t columns, float density)
{
  struct random generator = random_new (seed, 0);
  float *values = memory_new (rows * columns, sizeof *values);
  for (size_t i = 0; i < rows * columns; i++)
    values[i] = random_uniform (&generator) < density ? (float) (1 + random_below (&generator, 31)) / 8 : 0;
  return values;
}

/* Writes /features (rows, columns) and integer /labels as the file PATH, by plain HDF5 calls.  */
static inline void
write_matrix (const char *path, const float *values, const int32_t *label, hsize_t rows, hsize_t columns,
              struct layout layout)
{
  hsize_t size[2] = { rows, columns };
  hsize_t chunk[2] = { layout.chunk_rows < rows ? layout.chunk_rows : rows,
                       layout.chunk_columns < columns ? layout.chunk_columns : columns };
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), create = H5Pcreate (H5P_DATASET_CREATE);
  if (layout.chunk_rows)
    {
      H5Pset_chunk (create, 2, chunk);
      H5Pset_shuffle (create);
      H5Pset_deflate (create, 1);
    }
  hid_t matrix = H5Screate_simple (2, size, NULL), vector = H5Screate_simple (1, size, NULL);
  hid_t type = featinfo_value_type (layout.half);
  hid_t features = H5Dcreate2 (file, "features", type, matrix, H5P_DEFAULT, create, H5P_DEFAULT);
  hid_t labels = H5Dcreate2 (file, "labels", H5T_STD_I32LE, vector, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge (H5Dwrite (features, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  ck_assert_int_ge (H5Dwrite (labels, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, label), 0);
  H5Tclose (type);
  H5Dclose (labels);
  H5Dclose (features);
  H5Sclose (matrix);
  H5Sclose (vector);
  H5Pclose (create);
  ck_assert_int_ge (H5Fclose (file), 0);
}

static inline struct featfile *
open_matrix (const char *path)
{
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  return file;
}

/* Writes the file NAME of the scratch folder and opens it.  */
static inline struct featfile *
make_matrix (const char *name, const float *values, const int32_t *label, hsize_t rows, hsize_t columns,
             struct layout layout)
{
  char *path = scratch_path (name);
  write_matrix (path, values, label, rows, columns, layout);
  struct featfile *file = open_matrix (path);
  free (path);
  return file;
}

#endif

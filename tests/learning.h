/* What the tests of src/learn share: reference values in JSON, and small feature files.  */
#ifndef SLABFIT_TESTS_LEARNING_H
#define SLABFIT_TESTS_LEARNING_H

#include "support.h"

#include <jansson.h>
#include <stdint.h>

/* The contents of tests/reference/NAME.  */
static inline json_t *
reference_json (const char *name)
{
  json_error_t error;
  const char *path = reference_path (name);
  json_t *root = json_load_file (path, 0, &error);
  ck_assert_msg (root != NULL, "%s: %s", path, error.text);
  return root;
}

/* A feature file with /features (rows, columns) and integer /labels alone, by plain HDF5 calls; not chunked where
   CHUNK_ROWS is 0.  */
static inline void
write_features (const char *path, const float *values, const int32_t *labels, hsize_t rows, hsize_t columns,
                hsize_t chunk_rows)
{
  hsize_t size[2] = { rows, columns }, chunk[2] = { chunk_rows, columns < 64 ? columns : 64 };
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), create = H5Pcreate (H5P_DATASET_CREATE);
  if (chunk_rows)
    H5Pset_chunk (create, 2, chunk);
  hid_t matrix = H5Screate_simple (2, size, NULL), vector = H5Screate_simple (1, size, NULL);
  hid_t features = H5Dcreate2 (file, "features", H5T_IEEE_F32LE, matrix, H5P_DEFAULT, create, H5P_DEFAULT);
  hid_t label = H5Dcreate2 (file, "labels", H5T_STD_I32LE, vector, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge (H5Dwrite (features, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  ck_assert_int_ge (H5Dwrite (label, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels), 0);
  H5Dclose (label);
  H5Dclose (features);
  H5Sclose (matrix);
  H5Sclose (vector);
  H5Pclose (create);
  ck_assert_int_ge (H5Fclose (file), 0);
}

#endif

/* What the tests of src/learn share: reference files, scratch files, and small feature files.  */
#ifndef SLABFIT_TESTS_LEARNING_H
#define SLABFIT_TESTS_LEARNING_H

#include "../src/base/error.h"
#include "../src/base/text.h"

#include <check.h>
#include <hdf5.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The path of NAME in tests/reference; to be freed.  */
static inline char *
reference_path (const char *name)
{
  const char *source = getenv ("srcdir");
  char *path = text_new ("%s%stests/reference/%s", source ? source : "", source ? "/" : "", name);
  ck_assert_ptr_nonnull (path);
  return path;
}

static inline json_t *
reference_json (const char *name)
{
  json_error_t error;
  char *path = reference_path (name);
  json_t *root = json_load_file (path, 0, &error);
  ck_assert_msg (root != NULL, "%s: %s", path, error.text);
  free (path);
  return root;
}

/* A folder for scratch files, made for each test and removed after it.  */
static char scratch[] = "/tmp/slabfit-check-XXXXXX";

static inline void
scratch_make (void)
{
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  ck_assert_ptr_nonnull (mkdtemp (scratch));
}

static inline void
scratch_remove (void)
{
  char *command = text_new ("rm -rf '%s'", scratch);
  ck_assert_int_eq (system (command), 0);
  free (command);
}

static inline char *
scratch_path (const char *name)
{
  return text_new ("%s/%s", scratch, name);
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

/* Runs CASES, each test in a scratch folder; returns main's exit status.  */
static inline int
run_cases (TCase *cases, const char *name)
{
  Suite *suite = suite_create (name);
  tcase_add_checked_fixture (cases, scratch_make, scratch_remove);
  tcase_set_timeout (cases, 120);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

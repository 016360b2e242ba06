#include <config.h>

#include "../src/store/zeros.h"
#include "store_support.h"

static struct zeros
sample (const char *path)
{
  struct zeros zeros;
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  ck_assert_msg (zeros_sample (file, &zeros) == 0, "%s", error_message ());
  featfile_close (file);
  return zeros;
}

START_TEST (all_of_a_small_file)
{
  struct featinfo info = sample_info (9);
  char *path = scratch_path ("small.h5");
  int expected = 0;
  ck_assert_int_eq (sample_write (path, &info, 0, 9, NULL, 0), 0);
  for (uint64_t row = 0; row < 9; row++)
    for (uint64_t column = 0; column < 10; column++)
      expected += sample_value (row, column) == 0;
  struct zeros zeros = sample (path);
  ck_assert_uint_eq (zeros.values, 90);
  ck_assert_double_eq_tol (zeros.share, expected / 90.0, 1e-12);
  free (path);
  featinfo_free (&info);
}
END_TEST

/* Writes 200 x 10 tiles of 4 x 6 whose values are 0 above ROWS and left of COLUMNS, else 1.  */
static void
write_large (const char *path, uint64_t rows, uint64_t columns)
{
  struct featinfo info = sample_info (800);
  float values[4 * 60];
  int32_t labels[800] = { 0 };
  char paths[800][26] = { "" };
  info.columns = 60;
  info.provenance.shape[2] = 60;
  struct workers *workers = workers_new (1);
  struct featwriter *writer = featwriter_new (path, &info);
  for (uint64_t i = 0; i < 200; i++)
    {
      for (uint64_t j = 0; j < 4 * 60; j++)
        values[j] = 4 * i + j / 60 < rows || j % 60 < columns ? 0 : 1;
      ck_assert_int_eq (featwriter_put_tile_row (writer, i, values, 4, workers), 0);
    }
  ck_assert_int_eq (featwriter_put_rows (writer, 0, 800, labels, paths[0]), 0);
  ck_assert_msg (featwriter_commit (writer, 800, NULL, 0) == 0, "%s", error_message ());
  workers_free (workers);
  featinfo_free (&info);
}

/* 64 pieces of 24 values; half of the rows, and 3 of 10 columns of tiles (19 or 20 of 64 pieces).  */
START_TEST (a_sample_of_a_large_file)
{
  char *path = scratch_path ("large.h5");
  write_large (path, 400, 0);
  struct zeros zeros = sample (path);
  ck_assert_uint_eq (zeros.values, 64 * 24);
  ck_assert_double_eq (zeros.share, 0.5);
  write_large (path, 0, 18);
  zeros = sample (path);
  ck_assert_double_eq_tol (zeros.share, 0.3, 0.02);
  ck_assert_double_eq (zeros.share, sample (path).share);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("zeros");
  tcase_add_test (cases, all_of_a_small_file);
  tcase_add_test (cases, a_sample_of_a_large_file);
  return run_cases (cases, "zeros");
}

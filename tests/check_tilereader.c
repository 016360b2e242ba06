/* Reading by several threads gives what the samples are, in any window; damage is told by its chunk.  */
#include <config.h>

#include "../src/base/random.h"
#include "store_support.h"

#include <math.h>

enum { ROWS = 30 };

static void
check_windows (const char *path, int threads)
{
  struct workers *workers = workers_new (threads);
  struct featfile *file = featfile_open (path);
  struct random random = random_new (1, (uint64_t) threads);
  float values[ROWS * 10];
  ck_assert_int_eq (featfile_use_workers (file, workers), 0);
  for (int i = 0; i < 200; i++)
    {
      uint64_t row = random_below (&random, ROWS), column = random_below (&random, 10);
      uint64_t rows = 1 + random_below (&random, ROWS - row), columns = 1 + random_below (&random, 10 - column);
      ck_assert_int_eq (featfile_read (file, row, rows, column, columns, values), 0);
      for (uint64_t y = 0; y < rows; y++)
        for (uint64_t x = 0; x < columns; x++)
          ck_assert_float_eq (values[y * columns + x], sample_value (row + y, column + x));
    }
  featfile_close (file);
  workers_free (workers);
}

START_TEST (any_window)
{
  char *path = scratch_path ("x.h5");
  for (int half = 0; half < 2; half++)
    {
      struct featinfo info = sample_info (ROWS);
      info.half = half;
      ck_assert_int_eq (sample_write (path, &info, 0, ROWS, NULL, 0), 0);
      for (int threads = 1; threads <= 3; threads++)
        check_windows (path, threads);
      featinfo_free (&info);
    }
  free (path);
}
END_TEST

static void
check_refused (const char *path, const char *expected)
{
  struct workers *workers = workers_new (2);
  struct featfile *file = featfile_open (path);
  float values[ROWS * 10];
  char *message = text_new (expected, path);
  ck_assert_int_eq (featfile_use_workers (file, workers), 0);
  ck_assert_int_eq (featfile_read (file, 0, ROWS, 0, 10, values), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  featfile_close (file);
  workers_free (workers);
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
START_TEST (damage)
{
  char *path = scratch_path ("x.h5");
  sample_write_damaged (path, ROWS);
  check_refused (
    path, "chunk (3, 1) of '/features' of '%s', from row 12 and column 6 on, is damaged or inflates to more than "
          "the 96 bytes of a tile; make the file again");
  free (path);
}
END_TEST

START_TEST (not_finite)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (4);
  struct workers *workers = workers_new (2);
  float values[40] = { [3 * 10 + 8] = (float) NAN };
  const int32_t labels[4] = { 0 };
  const char paths[4 * 64] = "a";
  info.path_bytes = 0;
  struct featwriter *writer = featwriter_new (path, &info);
  ck_assert_int_eq (featwriter_put_tile_row (writer, 0, values, 4, workers), 0);
  ck_assert_int_eq (featwriter_put_rows (writer, 0, 4, labels, paths), 0);
  ck_assert_int_eq (featwriter_commit (writer, 4, NULL, 0), 0);
  struct featfile *file = featfile_open (path);
  char *message = text_new ("'/features' of '%s' has the value nan at row 3, column 8; make the features again", path);
  ck_assert_int_eq (featfile_use_workers (file, workers), 0);
  ck_assert_int_eq (featfile_read (file, 1, 3, 7, 3, values), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  featfile_close (file);
  workers_free (workers);
  featinfo_free (&info);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("tilereader");
  tcase_add_test (cases, any_window);
  tcase_add_test (cases, damage);
  tcase_add_test (cases, not_finite);
  return run_cases (cases, "tilereader");
}

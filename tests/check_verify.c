#include <config.h>

#include "../src/store/tile.h"
#include "../src/store/verify.h"
#include "store_support.h"

enum { ROWS = 30 };

static int
verify (const char *path, int threads, struct verify_report *report)
{
  struct workers *workers = workers_new (threads);
  int result = verify_file (path, workers, report);
  workers_free (workers);
  return result;
}

static void
assert_bad (const char *path, const char *message)
{
  char *expected = text_new (message, path);
  struct verify_report report;
  for (int threads = 1; threads <= 3; threads++)
    {
      ck_assert_int_eq (verify (path, threads, &report), -1);
      ck_assert_str_eq (error_message (), expected);
    }
  free (expected);
}

START_TEST (good)
{
  char *path = scratch_path ("x.h5");
  struct verify_report report;
  struct failure failure = { (char *) "a", (char *) "b" };
  for (int half = 0; half < 2; half++)
    {
      struct featinfo info = sample_info (ROWS);
      info.half = half;
      info.origin.images = ROWS + 1;
      ck_assert_int_eq (sample_write (path, &info, 0, ROWS, &failure, 1), 0);
      ck_assert_msg (verify (path, 2, &report) == 0, "%s", error_message ());
      ck_assert_uint_eq (report.rows, ROWS);
      ck_assert_uint_eq (report.failed, 1);
      ck_assert_uint_eq (report.chunks, 8 * 2);
      ck_assert_uint_eq (report.bytes, ROWS * 10 * 4);
      featinfo_free (&info);
    }
  free (path);
}
END_TEST

START_TEST (of_h5py)
{
  struct verify_report report;
  const char *files[] = { "store-gzip.h5", "store-shuffle.h5", "store-half.h5", "store-double.h5", "store-virtual.h5" };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    {
      ck_assert_msg (verify (reference_path (files[i]), 2, &report) == 0, "%s", error_message ());
      ck_assert_uint_eq (report.rows, 12);
      ck_assert_uint_eq (report.chunks, i < 2 ? 6 : 0); /* the first two are in tiles */
    }
  assert_bad (reference_path ("store-nan.h5"),
              "'/features' of '%s' has the value nan at row 3, column 2; make the features again");
}
END_TEST

START_TEST (damaged_tile)
{
  char *path = scratch_path ("x.h5");
  sample_write_damaged (path, ROWS);
  assert_bad (path, "chunk (3, 1) of '/features' of '%s', from row 12 and column 6 on, is damaged or inflates to more "
                    "than the 96 bytes "
                    "of a tile; make the file again");
  free (path);
}
END_TEST

START_TEST (not_finite)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (5);
  struct workers *workers = workers_new (1);
  struct featwriter *writer = featwriter_new (path, &info);
  float values[4 * 10] = { 0 };
  int32_t labels[5] = { 0 };
  char paths[5 * 26] = "";
  for (int i = 0; i < 5; i++)
    strcpy (paths + 26 * i, "a.jpg");
  values[8] = 1.0f / 0.0f;
  ck_assert_int_eq (featwriter_put_tile_row (writer, 1, values, 1, workers), 0);
  values[8] = 0.0f;
  ck_assert_int_eq (featwriter_put_tile_row (writer, 0, values, 4, workers), 0);
  ck_assert_int_eq (featwriter_put_rows (writer, 0, 5, labels, paths), 0);
  ck_assert_int_eq (featwriter_commit (writer, 5, NULL, 0), 0);
  assert_bad (path, "'/features' of '%s' has the value inf at row 4, column 8; make the features again");
  workers_free (workers);
  featinfo_free (&info);
  free (path);
}
END_TEST

/* A file of the same filters in which a chunk was never written, as a crash of another program leaves it.  */
START_TEST (missing_tile)
{
  char *path = scratch_path ("x.h5");
  const hsize_t shape[2] = { 4, 10 }, chunk[2] = { 2, 10 }, offset[2] = { 0, 0 };
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), creation = H5Pcreate (H5P_DATASET_CREATE);
  hid_t space = H5Screate_simple (2, shape, NULL), row = H5Screate_simple (1, shape, NULL);
  H5Pset_chunk (creation, 2, chunk);
  H5Pset_shuffle (creation);
  H5Pset_deflate (creation, 1);
  hid_t features = H5Dcreate2 (file, "features", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  hid_t labels = H5Dcreate2 (file, "labels", H5T_STD_I32LE, row, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const int32_t numbers[4] = { 0 };
  const float values[20] = { 0 };
  struct tile_codec *codec = tile_codec_new (2, 10, false, 1);
  unsigned char data[1024];
  struct chunk encoded = { .data = data, .room = sizeof data };
  ck_assert_int_eq (tile_encode (codec, values, 10, 2, 10, &encoded), 0);
  ck_assert_int_ge (H5Dwrite (labels, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers), 0);
  ck_assert_int_ge (H5Dwrite_chunk (features, H5P_DEFAULT, encoded.filter_mask, offset, encoded.length, data), 0);
  tile_codec_free (codec);
  H5Dclose (labels);
  H5Dclose (features);
  H5Sclose (row);
  H5Sclose (space);
  H5Pclose (creation);
  H5Fclose (file);
  assert_bad (path, "chunk (1, 0) of '/features' of '%s', from row 2 and column 0 on, is missing; make the file again");
  free (path);
}
END_TEST

START_TEST (sums)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (ROWS);
  info.origin.images = ROWS + 2;
  ck_assert_int_eq (sample_write (path, &info, 0, ROWS, NULL, 0), 0);
  assert_bad (path, "'%s' has 30 rows and 0 failures, but was made from 32 images; make the file again");
  featinfo_free (&info);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("verify");
  tcase_add_test (cases, good);
  tcase_add_test (cases, of_h5py);
  tcase_add_test (cases, damaged_tile);
  tcase_add_test (cases, not_finite);
  tcase_add_test (cases, missing_tile);
  tcase_add_test (cases, sums);
  return run_cases (cases, "verify");
}

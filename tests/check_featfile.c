#include <config.h>

#include "../src/base/hdf.h"
#include "store_support.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { ROWS = 12, COLUMNS = 10 };

/* What make_store.py writes.  */
static float
reference_value (uint64_t row, uint64_t column)
{
  return (float) ((row * 31 + column * 7) % 97) / 8.0f;
}

static void
check_window (struct featfile *file, uint64_t row, uint64_t rows, uint64_t column, uint64_t columns)
{
  float values[ROWS * COLUMNS];
  ck_assert_msg (featfile_read (file, row, rows, column, columns, values) == 0, "%s", error_message ());
  for (uint64_t i = 0; i < rows; i++)
    for (uint64_t j = 0; j < columns; j++)
      ck_assert_float_eq (values[i * columns + j], reference_value (row + i, column + j));
}

/* Opens the h5py-written NAME and checks its values, its labels (row % 3) and its CLASSES.  */
static void
check_foreign (const char *name, bool half, bool tiled, const char *classes)
{
  int32_t labels[ROWS];
  struct featfile *file = featfile_open (reference_path (name));
  ck_assert_msg (file != NULL, "%s", error_message ());
  const struct featinfo *info = featfile_info (file);
  ck_assert_uint_eq (info->rows, ROWS);
  ck_assert_uint_eq (info->columns, COLUMNS);
  ck_assert_int_eq (info->half, half);
  ck_assert_int_eq (info->tiled, tiled);
  ck_assert_uint_eq (info->path_bytes, 0);
  ck_assert_uint_eq (info->failed, 0);
  ck_assert_int_eq (info->provenance.rank, 0);
  char *joined = names_join (&info->classes);
  ck_assert_str_eq (joined, classes);
  free (joined);
  check_window (file, 0, ROWS, 0, COLUMNS);
  check_window (file, 4, 3, 5, 4);
  check_window (file, 11, 1, 9, 1);
  ck_assert_int_eq (featfile_read_labels (file, 1, ROWS - 1, labels), 0);
  for (int i = 0; i < ROWS - 1; i++)
    ck_assert_int_eq (labels[i], (i + 1) % 3);
  featfile_close (file);
}

START_TEST (of_h5py)
{
  check_foreign ("store-gzip.h5", false, true, "0, 1, 2");
  check_foreign ("store-shuffle.h5", false, true, "0, 1, 2");
  check_foreign ("store-half.h5", true, false, "0, 1, 2"); /* with a checksum filter of HDF5's */
  check_foreign ("store-bigendian.h5", false, false, "0, 1, 2");
  check_foreign ("store-double.h5", false, false, "cat, dog, zebra"); /* contiguous; an enum 30, 10, 20 */
  check_foreign ("store-virtual.h5", false, false, "0, 1, 2");
  check_foreign ("store-rank3.h5", false, false, "0, 1, 2"); /* (12, 2, 5) of double; some columns of it as well */
}
END_TEST

static void
assert_refused (const char *path, const char *message)
{
  char *expected = text_new (message, path);
  struct featfile *file = featfile_open (path);
  ck_assert_ptr_null (file);
  ck_assert_str_eq (error_message (), expected);
  ck_assert_int_eq (error_status (), ERROR_FAILED);
  free (expected);
}

START_TEST (refused)
{
  assert_refused (reference_path ("store-later.h5"),
                  "'%s' has format version 2, this slabfit reads up to 1; use a newer slabfit");
  assert_refused (reference_path ("store-integers.h5"),
                  "'/features' of '%s' is not of floating-point numbers of 2, 4 or 8 bytes; convert it to float32");
  assert_refused (reference_path ("store-nolabels.h5"),
                  "'%s' has no dataset '/labels' (it has '/features' (12, 10)); name the dataset of the labels with "
                  "--labels-dataset");
  assert_refused (reference_path ("store-nofeatures.h5"),
                  "'%s' has no dataset '/features' (it has '/labels' (12)); name a feature file, or its dataset with "
                  "--features-dataset");
  assert_refused (reference_path ("store-short.h5"),
                  "'/labels' of '%s' has 11 rows and the features have 12; make the file again");
  assert_refused (reference_path ("store-negative.h5"),
                  "'/labels' of '%s' has -1 at row 0; number the classes from 0 to at most 999999");
  assert_refused (reference_path ("store-floatlabels.h5"),
                  "'/labels' of '%s' is not of integers, of an enum or of text; convert it, numbering the classes from "
                  "0");
  assert_refused (reference_path ("store-none.h5"), "cannot open '%s': No such file or directory; check the path");
  assert_refused (reference_path ("store-float16.bin"),
                  "'%s' is not an HDF5 file; name a feature file, as 'slabfit extract' or h5py writes it");
  assert_refused (reference_path (""), "'%s' is a folder; name a feature file");
}
END_TEST

START_TEST (cut_short)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (30);
  ck_assert_int_eq (sample_write (path, &info, 0, 30, NULL, 0), 0);
  size_t length;
  free (file_read (path, 1 << 20, &length));
  for (size_t cut = 1; cut + 8 < length; cut += length / 5)
    {
      ck_assert_int_eq (truncate (path, (off_t) (length - cut)), 0);
      assert_refused (path, "cannot open '%s': it is cut short or damaged; copy it again or make it again");
    }
  ck_assert_int_eq (truncate (path, 0), 0);
  assert_refused (path, "'%s' is empty; make it again");
  featinfo_free (&info);
  free (path);
}
END_TEST

/* A byte wrong anywhere must never crash, and what opens must read or fail cleanly.  */
START_TEST (damaged_anywhere)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (9);
  ck_assert_int_eq (sample_write (path, &info, 0, 9, NULL, 0), 0);
  size_t length;
  unsigned char *data = file_read (path, 1 << 20, &length);
  for (size_t at = 0; at < length; at += 37)
    {
      data[at] ^= 0xff;
      ck_assert_int_eq (file_write (path, data, length), 0);
      struct featfile *file = featfile_open (path);
      if (file && featfile_info (file)->rows * featfile_info (file)->columns <= 90)
        {
          float values[90];
          const struct featinfo *found = featfile_info (file);
          featfile_read (file, 0, found->rows, 0, found->columns, values);
        }
      featfile_close (file);
      data[at] ^= 0xff;
    }
  free (data);
  featinfo_free (&info);
  free (path);
}
END_TEST

START_TEST (not_finite)
{
  float values[ROWS * COLUMNS];
  const char *path = reference_path ("store-nan.h5");
  char *message = text_new ("'/features' of '%s' has the value nan at row 3, column 2; make the features again", path);
  struct featfile *file = featfile_open (path);
  ck_assert_ptr_nonnull (file);
  ck_assert_int_eq (featfile_read (file, 0, 3, 0, COLUMNS, values), 0);
  ck_assert_int_eq (featfile_read (file, 2, 4, 1, 3, values), -1);
  ck_assert_str_eq (error_message (), message);
  featfile_close (file);
  free (message);
}
END_TEST

START_TEST (ranges)
{
  float values[ROWS * COLUMNS];
  struct featfile *file = featfile_open (reference_path ("store-gzip.h5"));
  ck_assert_int_eq (featfile_read (file, 11, 2, 0, 1, values), -1);
  ck_assert_int_eq (featfile_read (file, UINT64_MAX, 2, 0, 1, values), -1);
  ck_assert_int_eq (featfile_read (file, 0, 1, 9, 2, values), -1);
  ck_assert_int_eq (featfile_read (file, 0, 1, 2, UINT64_MAX, values), -1);
  ck_assert_int_eq (featfile_read (file, 12, 0, 0, 10, values), 0);
  featfile_close (file);
}
END_TEST

START_TEST (source_gone)
{
  char *path = scratch_path ("v.h5");
  size_t length;
  void *data = file_read (reference_path ("store-virtual.h5"), 1 << 20, &length);
  ck_assert_int_eq (file_write (path, data, length), 0);
  assert_refused (path, "'/features' of '%s' is virtual and its source 'store-gzip.h5' is not there; put it back");
  free (data);
  free (path);
}
END_TEST

/* A label that is none of the classes that the file names.  */
START_TEST (label_out_of_range)
{
  char *path = scratch_path ("x.h5");
  struct names classes = { 0 };
  int32_t labels[ROWS];
  names_add (&classes, "only");
  size_t length;
  void *data = file_read (reference_path ("store-gzip.h5"), 1 << 20, &length);
  ck_assert_int_eq (file_write (path, data, length), 0);
  hid_t raw = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert_int_eq (hdf_write_names (raw, "classes", &classes, path), 0);
  H5Fclose (raw);
  struct featfile *file = featfile_open (path);
  ck_assert_ptr_nonnull (file);
  ck_assert_int_eq (featfile_read_labels (file, 0, ROWS, labels), -1);
  char *message =
    text_new ("'/labels' of '%s' has 1 at row 1, which is none of its 1 classes; make the file again", path);
  ck_assert_str_eq (error_message (), message);
  free (message);
  featfile_close (file);
  names_free (&classes);
  free (data);
  free (path);
}
END_TEST

START_TEST (locked_and_read_only)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (9);
  ck_assert_int_eq (sample_write (path, &info, 0, 9, NULL, 0), 0);
  int descriptor = open (path, O_RDWR);
  ck_assert_int_eq (flock (descriptor, LOCK_EX), 0);
  ck_assert_int_eq (chmod (path, 0444), 0);
  ck_assert_int_eq (chmod (scratch, 0555), 0);
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  featfile_close (file);
  ck_assert_int_eq (chmod (scratch, 0755), 0);
  close (descriptor);
  featinfo_free (&info);
  free (path);
}
END_TEST

/* The cache holds a row of tiles, so that neighbouring rows do not inflate them again.  */
START_TEST (cache_holds_a_row_of_tiles)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (40);
  info.columns = 100352;
  info.provenance.shape[2] = 100352;
  featinfo_choose_tile (&info);
  ck_assert_uint_eq (info.chunk_rows, 32);
  ck_assert_uint_eq (info.chunk_columns, 3584); /* 28 tiles, no padding */
  ck_assert_int_eq (sample_write (path, &info, 0, 40, NULL, 0), 0);
  struct featfile *file = featfile_open (path);
  hid_t access = H5Dget_access_plist (featfile_dataset (file));
  size_t slots, bytes;
  double preemption;
  H5Pget_chunk_cache (access, &slots, &bytes, &preemption);
  ck_assert_uint_ge (bytes, (size_t) 32 * 100352 * 4);
  ck_assert_uint_le (bytes, 64 << 20);
  ck_assert_uint_ge (slots, 28 * 10);
  H5Pclose (access);
  featfile_close (file);
  featinfo_free (&info);
  free (path);
}
END_TEST

START_TEST (tiles)
{
  const uint64_t columns[] = { 1, 16, 1280, 2048, 4096, 4097, 100352, 999983, UINT64_C (1) << 40 };
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    {
      struct featinfo info = { .columns = columns[i] };
      featinfo_choose_tile (&info);
      ck_assert_uint_ge (info.chunk_rows, 32);
      ck_assert_uint_le (info.chunk_rows, 256);
      ck_assert_uint_ge (info.chunk_columns, 1);
      ck_assert_uint_le (info.chunk_columns, columns[i]);
      ck_assert_uint_le (info.chunk_rows * info.chunk_columns * 4, 512 << 10);
    }
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("featfile");
  tcase_add_test (cases, of_h5py);
  tcase_add_test (cases, refused);
  tcase_add_test (cases, cut_short);
  tcase_add_test (cases, damaged_anywhere);
  tcase_add_test (cases, not_finite);
  tcase_add_test (cases, ranges);
  tcase_add_test (cases, source_gone);
  tcase_add_test (cases, label_out_of_range);
  tcase_add_test (cases, locked_and_read_only);
  tcase_add_test (cases, cache_holds_a_row_of_tiles);
  tcase_add_test (cases, tiles);
  return run_cases (cases, "featfile");
}

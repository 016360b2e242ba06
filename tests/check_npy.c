#include <config.h>

#include "../src/store/npy.h"
#include "../src/store/npyheader.h"
#include "store_support.h"

#include <stdbool.h>

/* Writes NAME: magic, version MAJOR.0, the header TEXT with its length, and DATA.  */
static char *
write_npy (const char *name, int major, const char *text, const void *data, size_t bytes)
{
  char *path = scratch_path (name), *file = malloc (12 + strlen (text) + bytes);
  size_t length = strlen (text), start = major == 1 ? 10 : 12;
  memcpy (file, "\x93NUMPY", 6);
  memcpy (file + 6, (char[]){ (char) major, 0, (char) length, (char) (length >> 8), 0, 0 }, 6);
  memcpy (file + start, text, length);
  memcpy (file + start + length, data, bytes);
  ck_assert_int_eq (file_write (path, file, start + length + bytes), 0);
  free (file);
  return path;
}

static int
import_arrays (const char *npy, const char *labels, bool single)
{
  char *features = scratch_path ("x.h5");
  struct workers *workers = workers_new (2);
  struct importer_options options = { .compress = 1, .single = single, .command = "slabfit import x.npy" };
  uint64_t rows;
  int result = npy_import (npy, labels, features, &options, workers, &rows);
  workers_free (workers);
  free (features);
  return result;
}

#define LABELS_HEADER "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n"

/* The 2 x 2 features with the header TEXT import as EXPECTED; labels are 0 and 1.  */
static void
assert_features (int major, const char *text, const void *data, size_t bytes, const float expected[4], bool half)
{
  char *npy = write_npy ("x.npy", major, text, data, bytes), *path = scratch_path ("x.h5");
  char *labels = write_npy ("x.labels.npy", 1, LABELS_HEADER, "\0\1", 2);
  float values[4];
  int32_t numbers[2];
  ck_assert_msg (import_arrays (npy, labels, false) == 0, "%s", error_message ());
  struct featfile *file = featfile_open (path);
  ck_assert_uint_eq (featfile_info (file)->rows, 2);
  ck_assert_uint_eq (featfile_info (file)->columns, 2);
  ck_assert_int_eq (featfile_info (file)->half, half);
  ck_assert_str_eq (featfile_info (file)->origin.command, "slabfit import x.npy");
  ck_assert_int_eq (featfile_read (file, 0, 2, 0, 2, values), 0);
  ck_assert_int_eq (featfile_read_labels (file, 0, 2, numbers), 0);
  ck_assert_mem_eq (values, expected, sizeof values);
  ck_assert_int_eq (numbers[0], 0);
  ck_assert_int_eq (numbers[1], 1);
  featfile_close (file);
  free (labels);
  free (path);
  free (npy);
}

#define HEADER(TYPE) "{'descr': '" TYPE "', 'fortran_order': False, 'shape': (2, 2), }          \n"

/* The bytes by hand, from IEEE 754: 1.5, -0, 0.1 rounded, 1 + 2^-30.  */
START_TEST (types)
{
  static const float singles[4] = { 1.5f, -0.0f, 0x1.99999ap-4f, 1.0f };
  static const float halves[4] = { 1.5f, -0.0f, 0x1.998p-4f, 65504.0f };
  assert_features (1, HEADER ("<f4"), "\0\0\xc0\x3f\0\0\0\x80\xcd\xcc\xcc\x3d\0\0\x80\x3f", 16, singles, false);
  assert_features (1, HEADER (">f4"), "\x3f\xc0\0\0\x80\0\0\0\x3d\xcc\xcc\xcd\x3f\x80\0\0", 16, singles, false);
  assert_features (2, HEADER ("<f8"),
                   "\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\0\x80\x9a\x99\x99\x99\x99\x99\xb9\x3f\0\0\x40\0\0\0\xf0\x3f", 32,
                   singles, false);
  assert_features (3, HEADER (">f8"),
                   "\x3f\xf8\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\x3f\xb9\x99\x99\x99\x99\x99\x9a\x3f\xf0\0\0\0\x40\0\0", 32,
                   singles, false);
  assert_features (1, HEADER ("<f2"), "\0\x3e\0\x80\x66\x2e\xff\x7b", 8, halves, true);
  assert_features (1, HEADER (">f2"), "\x3e\0\x80\0\x2e\x66\x7b\xff", 8, halves, true);
}
END_TEST

/* Dictionaries that numpy.lib.format's reader takes as well.  */
START_TEST (dictionaries)
{
  static const float expected[4] = { 1.5f, -0.0f, 0x1.99999ap-4f, 1.0f };
  static const char data[] = "\0\0\xc0\x3f\0\0\0\x80\xcd\xcc\xcc\x3d\0\0\x80\x3f";
  static const char *const texts[] = {
    "{'descr':'<f4','fortran_order':False,'shape':(2,2)}",
    "{\"shape\": (2L, 2L), \"descr\": \"<f4\", \"fortran_order\": False}\n",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 9, 9), 'shape': (2, 2)}",
    " { 'shape' : ( 2 , 2 , ) , 'fortran_order' : False , 'descr' : '<f4' , } \n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_features (1, texts[i], data, 16, expected, false);
}
END_TEST

static void
assert_labels (const char *type, const void *data, size_t bytes, int first, int second)
{
  char *header = text_new ("{'descr': '%s', 'fortran_order': False, 'shape': (2,), }\n", type);
  char *npy = write_npy ("x.npy", 1, HEADER ("<f2"), "\0\0\0\0\0\0\0\0", 8), *path = scratch_path ("x.h5");
  char *labels = write_npy ("other.npy", 1, header, data, bytes);
  int32_t numbers[2];
  ck_assert_msg (import_arrays (npy, labels, true) == 0, "%s", error_message ());
  struct featfile *file = featfile_open (path);
  ck_assert_int_eq (featfile_info (file)->half, false);
  ck_assert_int_eq (featfile_read_labels (file, 0, 2, numbers), 0);
  ck_assert_int_eq (numbers[0], first);
  ck_assert_int_eq (numbers[1], second);
  ck_assert_uint_eq (featfile_info (file)->classes.count, (size_t) (first > second ? first : second) + 1);
  featfile_close (file);
  free (labels);
  free (path);
  free (npy);
  free (header);
}

START_TEST (label_types)
{
  assert_labels ("|i1", "\1\x7f", 2, 1, 127);
  assert_labels ("|u1", "\1\xff", 2, 1, 255);
  assert_labels ("|b1", "\1\0", 2, 1, 0);
  assert_labels ("<i2", "\x2c\1\2\0", 4, 300, 2);
  assert_labels (">u2", "\1\x2c\0\2", 4, 300, 2);
  assert_labels ("<u2", "\0\x80\0\0", 4, 32768, 0);
  assert_labels (">i4", "\0\0\1\x2c\0\0\0\2", 8, 300, 2);
  assert_labels ("<u4", "\x2c\1\0\0\2\0\0\0", 8, 300, 2);
  assert_labels ("<i8", "\x2c\1\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16, 300, 2);
  assert_labels (">u8", "\0\0\0\0\0\0\1\x2c\0\0\0\0\0\0\0\2", 16, 300, 2);
}
END_TEST

/* MESSAGE has the names of the features and the labels for its %s, none, one or two.  */
static void
assert_bad (const char *text, size_t bytes, const char *label_text, const char *label_data, size_t label_bytes,
            const char *message)
{
  static const char zeros[64];
  char *npy = write_npy ("x.npy", 1, text, zeros, bytes);
  char *labels = write_npy ("l.npy", 1, label_text, label_data, label_bytes);
  char *expected = text_new (message, npy, labels);
  ck_assert_int_eq (import_arrays (npy, labels, false), -1);
  ck_assert_str_eq (error_message (), expected);
  ck_assert_int_eq (count_entries (scratch), 2);
  free (expected);
  free (labels);
  free (npy);
}

START_TEST (refused)
{
  static const struct {
    const char *text;
    size_t bytes;
    const char *message;
  } cases[] = {
    { "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16,
      "'%s' is in Fortran order; save numpy.ascontiguousarray of the array" },
    { "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2), }", 32,
      "'%s' holds elements of the type '<i8', not floating-point numbers; save it with astype ('float32')" },
    { "{'descr': '<f16', 'fortran_order': False, 'shape': (2, 2), }", 64,
      "'%s' holds elements of the type '<f16', not floating-point numbers; save it with astype ('float32')" },
    { "{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }", 64,
      "'%s' holds elements of the type '|O', not floating-point numbers; save it with astype ('float32')" },
    { "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 2), }", 16,
      "'%s' holds elements of the type 'f4', not floating-point numbers; save it with astype ('float32')" },
    { "{'descr': '', 'fortran_order': False, 'shape': (2, 2), }", 16,
      "'%s' holds elements of the type '', not floating-point numbers; save it with astype ('float32')" },
    { "{'descr': '<f4<f4<f4<f4<f4<f4<f4<f4<f4', 'fortran_order': False, 'shape': (2, 2), }", 16,
      "'%s' holds elements of the type '<f4<f4<f4<f4<f4', not floating-point numbers; save it with astype "
      "('float32')" },
    { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2), }", 16,
      "'%s' holds records, not numbers; save one field alone" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", 16,
      "'%s' has 1 dimension, not 2 (rows, columns); reshape it" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4,
      "'%s' has 0 dimensions, not 2 (rows, columns); reshape it" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 1, 1), }", 16,
      "'%s' has 4 dimensions, not 2 (rows, columns); reshape it" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }", 0,
      "'%s' is an array without elements; save one with rows" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 15,
      "'%s' has 15 bytes of elements and its header tells of more; it is not whole: copy or save it again" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 17,
      "'%s' has 1 byte behind its array; save one array alone" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000), }", 16,
      "'%s' has 16 bytes of elements and its header tells of more; it is not whole: copy or save it again" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 0,
      "'%s' has 0 bytes of elements and its header tells of more; it is not whole: copy or save it again" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999, 1), }", 16,
      "'%s' has 16 bytes of elements and its header tells of more; it is not whole: copy or save it again" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_bad (cases[i].text, cases[i].bytes, LABELS_HEADER, "\0\1", 2, cases[i].message);
}
END_TEST

/* Headers that are no such dictionary.  */
START_TEST (malformed)
{
  static const char *const texts[] = {
    "",
    "x",
    "{",
    "{}",
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 4}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2 2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0, 2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 2, 2)}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 2)}",
    "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 2)}",
    "{'descr': <f4, 'fortran_order': False, 'shape': (2, 2)}",
    "{'descr' '<f4', 'fortran_order': False, 'shape': (2, 2)}",
    "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'other': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)} x",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_bad (texts[i], 16, LABELS_HEADER, "\0\1", 2,
                "the header of '%s' does not describe an array of numbers; save the array again");
}
END_TEST

/* Files that end in what comes before the dictionary, or are none.  */
START_TEST (beginnings)
{
  static const struct {
    const char *bytes;
    size_t count;
    const char *message;
  } cases[] = {
    { "", 0, "'%s' is not a NumPy array file; make it by numpy.save" },
    { "0,1,2\n1,3,4\n", 12, "'%s' is not a NumPy array file; make it by numpy.save" },
    { "\x93NUMPY\1\0\x40", 9, "'%s' is not a NumPy array file; make it by numpy.save" },
    { "\x93NUMPY\1\0\x40\0{'descr': '<f4'", 25, "'%s' ends in its header; save the array again" },
    { "\x93NUMPY\2\0\x40\0\0", 11, "'%s' ends in its header; save the array again" },
    { "\x93NUMPY\2\0\xff\xff\xff\xff{", 13,
      "the header of '%s' is longer than any of an array of numbers; save the array again" },
    { "\x93NUMPY\4\0\x40\0\0\0{", 13,
      "'%s' has version 4.0 of NumPy's format, this slabfit reads 1.0 to 3.0; save it by numpy.save" },
    { "\x93NUMPY\1\1\x40\0\0\0{", 13,
      "'%s' has version 1.1 of NumPy's format, this slabfit reads 1.0 to 3.0; save it by numpy.save" },
  };
  char *path = scratch_path ("x.npy");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      char *expected = text_new (cases[i].message, path);
      ck_assert_int_eq (file_write (path, cases[i].bytes, cases[i].count), 0);
      ck_assert_int_eq (import_arrays (path, path, false), -1);
      ck_assert_str_eq (error_message (), expected);
      free (expected);
    }
  free (path);
}
END_TEST

static void
assert_bad_labels (const char *text, const char *data, size_t bytes, const char *message)
{
  char *labels = scratch_path ("l.npy"), *expected = text_new (message, labels);
  assert_bad (HEADER ("<f4"), 16, text, data, bytes, expected);
  free (expected);
  free (labels);
}

START_TEST (bad_labels)
{
  assert_bad_labels ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "\0\0\0\0\0\0\0\0", 8,
                     "'%s' holds elements of the type '<f4', not whole numbers; save it with astype ('int32')");
  assert_bad_labels ("{'descr': '|i1', 'fortran_order': False, 'shape': (2, 1), }", "\0\0", 2,
                     "'%s' has 2 dimensions, not 1 (a label for each row); reshape it");
  assert_bad_labels ("{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", "\0\xff", 2,
                     "the label at row 1 of '%s' is -1, not a class from 0 to 999999; correct it");
  assert_bad_labels ("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", "\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0",
                     16, "the label at row 0 of '%s' is 4294967296, not a class from 0 to 999999; correct it");
  assert_bad (HEADER ("<f4"), 16, "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }", "\0\0\0", 3,
              "'%s' has 2 rows and '%s' 3 labels; give the labels of these rows");
}
END_TEST

static void
assert_bad_value (const char *type, const void *data, size_t bytes, const char *message)
{
  char *header = text_new ("{'descr': '%s', 'fortran_order': False, 'shape': (2, 2), }\n", type);
  char *npy = write_npy ("x.npy", 1, header, data, bytes), *expected = text_new (message, npy);
  char *labels = write_npy ("l.npy", 1, LABELS_HEADER, "\0\1", 2);
  ck_assert_int_eq (import_arrays (npy, labels, false), -1);
  ck_assert_str_eq (error_message (), expected);
  ck_assert_int_eq (count_entries (scratch), 2);
  free (labels);
  free (expected);
  free (npy);
  free (header);
}

START_TEST (not_finite)
{
  assert_bad_value ("<f4", "\0\0\0\0\0\0\x80\x7f\0\0\xc0\x7f\0\0\0\0", 16,
                    "'%s' has the value inf at row 0, column 1, not a finite float32; correct it");
  assert_bad_value ("<f2", "\0\0\0\0\0\0\0\x7e", 8,
                    "'%s' has the value nan at row 1, column 1, not a finite float32; correct it");
  assert_bad_value (">f8", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xc7\xf0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32,
                    "'%s' has the value -3.40282e+38 at row 1, column 0, not a finite float32; correct it");
}
END_TEST

/* The bytes as numpy.save writes arrays of these shapes (NumPy 2.2).  */
START_TEST (headers)
{
  struct npyheader header = { .kind = 'f', .bytes = 4, .rank = 2, .shape = { 3, 100352 } };
  struct npyheader labels = { .kind = 'i', .bytes = 4, .rank = 1, .shape = { 3 } };
  char text[NPYHEADER_BYTES_MOST + 1] = "", expected[NPYHEADER_BYTES_MOST];
  ck_assert_uint_eq (npyheader_format (&header, text), 128);
  snprintf (expected, sizeof expected, "%-117s\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 100352), }");
  ck_assert_mem_eq (text, "\x93NUMPY\1\0\x76\0", 10);
  ck_assert_mem_eq (text + 10, expected, 118);
  ck_assert_uint_eq (npyheader_format (&labels, text), 128);
  snprintf (expected, sizeof expected, "%-117s\n", "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }");
  ck_assert_mem_eq (text + 10, expected, 118);
  header.shape[0] = header.shape[1] = UINT64_MAX;
  header.rank = 4;
  header.shape[2] = header.shape[3] = UINT64_MAX;
  ck_assert_uint_eq (npyheader_format (&header, text), 192);
  ck_assert_uint_eq ((unsigned char) text[191], '\n');
}
END_TEST

static void
check_round_trip (bool half)
{
  enum { ROWS = 700, COLUMNS = 100 };
  char *first = scratch_path ("a.h5"), *npy = scratch_path ("a.npy"), *second = scratch_path ("x.h5");
  char *labels = npy_labels_path (npy);
  struct workers *workers = workers_new (2);
  struct featinfo info = sample_info (ROWS);
  float *values = memory_new (ROWS * COLUMNS, sizeof *values);
  int32_t numbers[ROWS];
  uint64_t rows;
  size_t bytes;
  info.columns = COLUMNS;
  info.half = half;
  info.provenance.rank = 0;
  featinfo_choose_tile (&info);
  ck_assert_int_eq (sample_write (first, &info, 0, ROWS, NULL, 0), 0);
  ck_assert_msg (npy_export (first, &(struct featnames){ 0 }, npy, labels, workers, &rows) == 0, "%s",
                 error_message ());
  ck_assert_uint_eq (rows, ROWS);
  void *data = file_read (npy, 1 << 24, &bytes);
  ck_assert_uint_eq (bytes, 128 + ROWS * COLUMNS * (half ? 2 : 4));
  ck_assert_msg (import_arrays (npy, labels, false) == 0, "%s", error_message ());
  struct featfile *file = featfile_open (second);
  ck_assert_int_eq (featfile_info (file)->half, half);
  ck_assert_int_eq (featfile_read (file, 0, ROWS, 0, COLUMNS, values), 0);
  ck_assert_int_eq (featfile_read_labels (file, 0, ROWS, numbers), 0);
  for (uint64_t row = 0; row < ROWS; row++)
    {
      ck_assert_int_eq (numbers[row], sample_label (row, 2));
      for (uint64_t column = 0; column < COLUMNS; column++)
        ck_assert_float_eq (values[row * COLUMNS + column], sample_value (row, column));
    }
  if (!half)
    ck_assert_mem_eq ((char *) data + 128, values, ROWS * COLUMNS * sizeof *values);
  featfile_close (file);
  free (data);
  memory_free (values);
  featinfo_free (&info);
  workers_free (workers);
  free (labels);
  free (second);
  free (npy);
  free (first);
}

START_TEST (there_and_back)
{
  check_round_trip (false);
  check_round_trip (true);
}
END_TEST

/* Neither file stands where one of them cannot be written.  */
START_TEST (both_or_none)
{
  char *features = scratch_path ("a.h5"), *npy = scratch_path ("a.npy"), *labels = scratch_path ("none/a.labels.npy");
  char *folder = scratch_path ("a.npy/");
  struct workers *workers = workers_new (1);
  struct featinfo info = sample_info (20);
  uint64_t rows;
  ck_assert_int_eq (sample_write (features, &info, 0, 20, NULL, 0), 0);
  ck_assert_int_eq (npy_export (features, &(struct featnames){ 0 }, npy, labels, workers, &rows), -1);
  ck_assert_int_eq (count_entries (scratch), 1);
  free (labels);
  labels = npy_labels_path (npy);
  ck_assert_int_eq (file_make_directories (folder), 0); /* the last step, renaming, fails */
  ck_assert_int_eq (npy_export (features, &(struct featnames){ 0 }, npy, labels, workers, &rows), -1);
  ck_assert_int_eq (count_entries (scratch), 2);
  workers_free (workers);
  featinfo_free (&info);
  free (folder);
  free (labels);
  free (npy);
  free (features);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("npy");
  tcase_add_test (cases, types);
  tcase_add_test (cases, dictionaries);
  tcase_add_test (cases, label_types);
  tcase_add_test (cases, refused);
  tcase_add_test (cases, malformed);
  tcase_add_test (cases, beginnings);
  tcase_add_test (cases, bad_labels);
  tcase_add_test (cases, not_finite);
  tcase_add_test (cases, headers);
  tcase_add_test (cases, there_and_back);
  tcase_add_test (cases, both_or_none);
  return run_cases (cases, "npy");
}

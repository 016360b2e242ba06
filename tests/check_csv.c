#include <config.h>

#include "../src/store/csv.h"
#include "../src/store/decimal.h"
#include "store_support.h"

#include <math.h>

static int
import_text (const char *text, const struct names *classes, uint64_t *rows)
{
  char *csv = scratch_path ("x.csv"), *features = scratch_path ("x.h5");
  struct workers *workers = workers_new (2);
  struct importer_options options = { .compress = 1, .command = "slabfit import x.csv" };
  if (classes)
    options.classes = *classes;
  ck_assert_int_eq (file_write (csv, text, strlen (text)), 0);
  int result = csv_import (csv, features, &options, workers, rows);
  workers_free (workers);
  free (features);
  free (csv);
  return result;
}

static void
assert_bad (const char *text, const char *message)
{
  char *csv = scratch_path ("x.csv"), *expected = text_new (message, csv);
  uint64_t rows;
  ck_assert_int_eq (import_text (text, NULL, &rows), -1);
  ck_assert_str_eq (error_message (), expected);
  ck_assert_int_eq (count_entries (scratch), 1); /* the CSV alone */
  free (expected);
  free (csv);
}

START_TEST (refused)
{
  assert_bad ("", "'%s' has no lines; a line is label,value,value,...");
  assert_bad ("1\n", "'%s' has no values; a line is label,value,value,...");
  assert_bad ("label,a,b\n0,1,2\n",
              "line 1, field 1 of '%s' is 'label', not a class from 0 to 999999; a line is label,value,value,...");
  assert_bad ("0,1,2\n-1,1,2\n",
              "line 2, field 1 of '%s' is '-1', not a class from 0 to 999999; a line is label,value,value,...");
  assert_bad ("0,1,2\n1,3\n", "line 2 of '%s' has 1 value and the first line 2; correct it");
  assert_bad ("0,1,2\n\n1,3,4,5\n", "line 3 of '%s' has 3 values and the first line 2; correct it");
  assert_bad ("0,1,2\n1,3,x4\n", "line 2, field 3 of '%s' is 'x4', not a finite number; correct it");
  assert_bad ("0,1,2\n1,nan,4\n", "line 2, field 2 of '%s' is 'nan', not a finite number; correct it");
  assert_bad ("0,1,2\n1,1e39,4\n", "line 2, field 2 of '%s' is '1e39', not a finite number; correct it");
  assert_bad ("0,1,2\n1,1.5.2,4", "line 2, field 2 of '%s' is '1.5.2', not a finite number; correct it");
  assert_bad ("0,1,2\n1,,4\n", "line 2, field 2 of '%s' is '', not a finite number; correct it");
  assert_bad ("0,1,2\n1,3,\n", "line 2, field 3 of '%s' is '', not a finite number; correct it");
  assert_bad ("0,0.0,0.0,0.0,0.0,0.0,\n", "line 1, field 7 of '%s' is '', not a finite number; correct it");
  assert_bad ("0,0.0,0.0\n1,0.0,0.0,0.0,0.0,0.0,0.0\n", "line 2 of '%s' has 6 values and the first line 2; correct it");
  assert_bad ("0,1,2\n1,\033[31m,2\n", "line 2, field 2 of '%s' is '?[31m', not a finite number; correct it");
  assert_bad ("\n\xef\xbb\xbf"
              "0,1\n",
              "line 2, field 1 of '%s' is '\xef\xbb\xbf"
              "0', not a class from 0 to 999999; a line is "
              "label,value,value,...");
}
END_TEST

START_TEST (imported)
{
  static const char text[] = "\xef\xbb\xbf"
                             "0,1.5,-2e3,0\r\n\n2, 0.1 ,3,.25\n1,1e-45,4.,-0";
  const float expected[9] = { 1.5f, -2000.0f, 0.0f, 0.1f, 3.0f, 0.25f, 1e-45f, 4.0f, -0.0f };
  char *path = scratch_path ("x.h5"), *joined;
  uint64_t rows;
  float values[9];
  int32_t labels[3];
  ck_assert_msg (import_text (text, NULL, &rows) == 0, "%s", error_message ());
  ck_assert_uint_eq (rows, 3);
  struct featfile *file = featfile_open (path);
  ck_assert_uint_eq (featfile_info (file)->rows, 3);
  ck_assert_uint_eq (featfile_info (file)->columns, 3);
  ck_assert_int_eq (featfile_info (file)->provenance.rank, 0);
  ck_assert_str_eq (featfile_info (file)->origin.command, "slabfit import x.csv");
  joined = names_join (&featfile_info (file)->classes);
  ck_assert_str_eq (joined, "0, 1, 2");
  ck_assert_int_eq (featfile_read (file, 0, 3, 0, 3, values), 0);
  ck_assert_int_eq (featfile_read_labels (file, 0, 3, labels), 0);
  ck_assert_mem_eq (values, expected, sizeof values);
  ck_assert_int_eq (labels[0], 0);
  ck_assert_int_eq (labels[1], 2);
  ck_assert_int_eq (labels[2], 1);
  featfile_close (file);
  free (joined);
  struct names classes = { 0 };
  names_add (&classes, "cat");
  names_add (&classes, "dog");
  ck_assert_int_eq (import_text (text, &classes, &rows), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "is '2', not a class from 0 to 1"));
  names_add (&classes, "emu");
  ck_assert_int_eq (import_text (text, &classes, &rows), 0);
  file = featfile_open (path);
  ck_assert_str_eq (featfile_info (file)->classes.name[2], "emu");
  featfile_close (file);
  names_free (&classes);
  free (path);
}
END_TEST

/* The text as C's %.9g gives it.  */
START_TEST (exported)
{
  char *csv = scratch_path ("x.csv");
  struct workers *workers = workers_new (2);
  uint64_t rows;
  size_t length;
  ck_assert_int_eq (import_text ("1,0.1,16777216,1e-30\n0,0,-0.5,3.4028235e38\n", NULL, &rows), 0);
  char *source = scratch_path ("x.h5");
  ck_assert_msg (csv_export (source, &(struct featnames){ 0 }, csv, workers, &rows) == 0, "%s", error_message ());
  ck_assert_uint_eq (rows, 2);
  char *text = file_read (csv, 1 << 20, &length);
  ck_assert_str_eq (text, "1,0.100000001,16777216,1e-30\n0,0,-0.5,3.40282347e+38\n");
  free (text);
  free (source);
  workers_free (workers);
  free (csv);
}
END_TEST

START_TEST (there_and_back)
{
  enum { ROWS = 700, COLUMNS = 100 };
  char *first = scratch_path ("a.h5"), *csv = scratch_path ("a.csv");
  char *second = scratch_path ("b.h5");
  struct workers *workers = workers_new (2);
  struct featinfo info = sample_info (ROWS);
  struct importer_options options = { .compress = 1, .classes = info.classes };
  uint64_t rows;
  info.columns = COLUMNS;
  info.provenance.rank = 0;
  featinfo_choose_tile (&info);
  ck_assert_int_eq (sample_write (first, &info, 0, ROWS, NULL, 0), 0);
  ck_assert_int_eq (csv_export (first, &(struct featnames){ 0 }, csv, workers, &rows), 0);
  ck_assert_uint_eq (rows, ROWS);
  ck_assert_msg (csv_import (csv, second, &options, workers, &rows) == 0, "%s", error_message ());
  ck_assert_uint_eq (rows, ROWS);
  struct featfile *file = featfile_open (second);
  float *values = memory_new (ROWS * COLUMNS, sizeof *values);
  int32_t labels[ROWS];
  ck_assert_int_eq (featfile_read (file, 0, ROWS, 0, COLUMNS, values), 0);
  ck_assert_int_eq (featfile_read_labels (file, 0, ROWS, labels), 0);
  for (uint64_t row = 0; row < ROWS; row++)
    {
      ck_assert_int_eq (labels[row], sample_label (row, 2));
      for (uint64_t column = 0; column < COLUMNS; column++)
        ck_assert_float_eq (values[row * COLUMNS + column], sample_value (row, column));
    }
  memory_free (values);
  featfile_close (file);
  featinfo_free (&info);
  workers_free (workers);
  free (first);
  free (second);
  free (csv);
}
END_TEST

enum { TEXT_BYTES = 1200 };

/* A copy of TEXT behind which may be read, as decimal.h asks for; valid until the next call.  */
static char *
padded (const char *text)
{
  static char copy[TEXT_BYTES + DECIMAL_LOOKAHEAD];
  ck_assert_uint_lt (strlen (text), TEXT_BYTES);
  return strcpy (copy, text);
}

/* Against strtod of the C library, which rounds correctly, and then to float, as NumPy does.  */
static void
check_decimal (const char *number)
{
  char *text = padded (number), *end;
  float expected = (float) strtod (text, &end), found;
  const char *after = decimal_parse (text, &found);
  ck_assert_msg (after == end, "'%s': stopped at '%s'", text, after ? after : "nothing");
  ck_assert_msg (memcmp (&expected, &found, sizeof found) == 0, "'%s': %a, strtod %a", text, (double) found,
                 (double) expected);
}

/* A float of any bits that is finite.  */
static float
random_float (void)
{
  float value;
  do
    {
      uint32_t bits = (uint32_t) random () << 1 ^ (uint32_t) random ();
      memcpy (&value, &bits, sizeof value);
    }
  while (!isfinite (value));
  return value;
}

START_TEST (decimals)
{
  static const char *const texts[] = {
    "0",
    "-0",
    "+1",
    "1.",
    ".5",
    "00012.500",
    "1e5",
    "1E-5",
    "1e+05",
    "16777217",
    "16777219",
    "33554434.99999999999",
    "3.4028235e38",
    "3.4028236e38",
    "1e400",
    "1e-400",
    "1.17549435e-38",
    "1.4e-45",
    "7e-46",
    "123456789012345678901234567890",
    "0.000000000000000000000000000000000000000000001",
    "9007199254740993",
    "8.5899345920000001e9",
    "1.0000000596046448",
    "0.5000000298023224", /* whose double is half way between floats, and it is not */
    "1.00000005960464477539062500000000001",
    "1.00000005960464477539062499999999999",
    "0.1,2",
    "5-3",
    "16777217.000000000000000000000000000000000001",
    "0000000000000000000000000000000000000001.5",
    "0.00000000000000000000000000000000000000001234567890123456789012345e41",
    "99999999999999999999",
    "18446744073709551616",
    "18446744073709551615e-19",
    "1234567890123456789e-19",
    "3.40282346638528859811704183484516925440e+38", /* the largest, and half a unit above it less and more a bit */
    "3.4028235677973366163753939545814e38",
    "3.4028235677973366e38",
    "1.1754943508222875e-38", /* the least normal float, and what is just below it */
    "1.17549428e-38",
    "7.006492321624085e-46", /* half the least float, which goes to 0, and a little more */
    "7.0064923216240862e-46",
    "1e44",
    "1e-44",
    "1e45",
    "0e99999999999",
    "1e-99999999999",
    "123e-2147483649",
  };
  char text[64];
  float value;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    check_decimal (texts[i]);
  ck_assert_ptr_null (decimal_parse (padded ("x"), &value));
  const char *bad[] = { "", "-", ".", "e5", "1e", "1e+", "nan", "inf", " 1" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    ck_assert_ptr_null (decimal_parse (padded (bad[i]), &value));
  srandom (3);
  for (int i = 0; i < 200000; i++)
    {
      value = random_float ();
      snprintf (text, sizeof text, i % 3 == 0 ? "%.9g" : i % 3 == 1 ? "%.17g" : "%.6f", (double) value);
      if (strlen (text) < 40)
        check_decimal (text);
    }
}
END_TEST

/* A number between two floats: the middle, and a bit to either side at every length of digits.  */
START_TEST (middles)
{
  char text[TEXT_BYTES];
  srandom (5);
  for (int i = 0; i < 20000; i++)
    {
      float low = fabsf (random_float ());
      double middle = ((double) low + (double) nextafterf (low, INFINITY)) / 2;
      int digits = i % 60 + 1;
      snprintf (text, sizeof text, "%.*e", digits, middle);
      check_decimal (text);
      snprintf (text, sizeof text, "%.*e", digits, nextafter (middle, i % 2 ? INFINITY : 0.0));
      check_decimal (text);
      snprintf (text, sizeof text, "%.*f", digits + 100, middle);
      check_decimal (text);
    }
}
END_TEST

/* Against printf; what is printed reads back as the same float.  */
static void
check_print (float value)
{
  char expected[64], found[DECIMAL_BYTES + DECIMAL_LOOKAHEAD] = "";
  float back;
  snprintf (expected, sizeof expected, "%.9g", (double) value);
  char *end = decimal_print (found, value);
  *end = '\0';
  ck_assert_str_eq (found, expected);
  ck_assert_ptr_eq (decimal_parse (found, &back), end);
  ck_assert_msg (memcmp (&back, &value, sizeof value) == 0, "'%s': %a, not %a", found, (double) back, (double) value);
}

START_TEST (printed)
{
  static const float values[] = { 0.0f,        -0.0f,       1.0f,           -1.0f,         0.5f,
                                  100.0f,      1e8f,        999999999.0f,   1e9f,          1e-4f,
                                  1e-5f,       99999.9999f, 9.99999999e-5f, 3.4028235e38f, 1.17549435e-38f,
                                  1.4e-45f,    16777216.0f, 1234567936.0f,  0.1f,          0.3f,
                                  123456.789f, 8388608.5f,  4194304.25f,    1048576.0625f };
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    check_print (values[i]);
  for (float power = 1e-45f; power < 1e38f; power *= 10.0f) /* and their neighbours */
    {
      check_print (power);
      check_print (nextafterf (power, 0.0f));
      check_print (nextafterf (power, INFINITY));
    }
  srandom (7);
  for (int i = 0; i < 200000; i++)
    {
      check_print (random_float ());
      check_print ((float) (random () % 2000000) / 1024.0f);
    }
}
END_TEST

START_TEST (zeros)
{
  static const struct {
    const char *text;
    uint64_t most, count;
    size_t length;
  } cases[] = {
    { "0.0,0.0,0.0,0.0,0.0,1", 9, 5, 20 },
    { "0.0,0.0,0.0,0.0,0.0,1", 4, 4, 16 },
    { "0.0,0.0,0.0,0.0,0.0,1", 3, 0, 0 }, /* a few are left to decimal_parse */
    { "0,0,0,0,0,0,0.5", 9, 6, 12 },
    { "0,0,0.0,1", 9, 2, 4 },
    { "0.0,0,0,2", 9, 3, 8 },
    { "0.00,0", 9, 0, 0 },
    { "-0.0,0", 9, 0, 0 },
    { "0.0", 9, 0, 0 },
    { "", 9, 0, 0 },
    { "0,", 0, 0, 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      char text[64] = "";
      uint64_t count;
      strcpy (text, cases[i].text);
      ck_assert_uint_eq ((size_t) (decimal_skip_zeros (text, cases[i].most, &count) - text), cases[i].length);
      ck_assert_uint_eq (count, cases[i].count);
    }
}
END_TEST

enum { BLOCK_COLUMNS = 40 };

static float
block_value (int row, int column)
{
  return column == row % BLOCK_COLUMNS ? (float) row : 0.0f;
}

/* Imports ROWS lines, the last without its end, and returns how many values are wrong.  */
static int
import_block (int rows, char *text, float *values)
{
  char *at = text, *path = scratch_path ("x.h5");
  uint64_t lines;
  int wrong = 0;
  for (int row = 0; row < rows; row++)
    {
      at += sprintf (at, row ? "\n%d" : "%d", row % 3);
      for (int i = 0; i < BLOCK_COLUMNS; i++)
        at += sprintf (at, i == row % BLOCK_COLUMNS ? ",%d" : i % 2 ? ",0.0" : ",0", row);
    }
  ck_assert_msg (import_text (text, NULL, &lines) == 0, "%s", error_message ());
  ck_assert_uint_eq (lines, (uint64_t) rows);
  struct featfile *file = featfile_open (path);
  ck_assert_int_eq (featfile_read (file, 0, (uint64_t) rows, 0, BLOCK_COLUMNS, values), 0);
  for (int row = 0; row < rows; row++)
    for (int i = 0; i < BLOCK_COLUMNS; i++)
      wrong += values[row * BLOCK_COLUMNS + i] != block_value (row, i);
  featfile_close (file);
  free (path);
  return wrong;
}

/* More text than the reader's first room, so that older text lies behind the last line.  */
START_TEST (blocks)
{
  enum { ROWS = 11000, TRIES = 8 };
  char *text = malloc (ROWS * BLOCK_COLUMNS * 8);
  float *values = memory_new (ROWS * BLOCK_COLUMNS, sizeof *values);
  for (int i = 0; i < TRIES; i++)
    ck_assert_int_eq (import_block (ROWS - 7 * i, text, values), 0);
  memory_free (values);
  free (text);
}
END_TEST

START_TEST (flat_memory)
{
  enum { FEW = 1000, MANY = 11000 };
  char *text = malloc (MANY * BLOCK_COLUMNS * 8);
  float *values = memory_new (MANY * BLOCK_COLUMNS, sizeof *values);
  memory_reset_peak ();
  ck_assert_int_eq (import_block (FEW, text, values), 0);
  uint64_t few = memory_peak_bytes ();
  memory_reset_peak ();
  ck_assert_int_eq (import_block (MANY, text, values), 0);
  ck_assert_uint_eq (memory_peak_bytes (), few);
  memory_free (values);
  free (text);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("csv");
  tcase_add_test (cases, refused);
  tcase_add_test (cases, imported);
  tcase_add_test (cases, exported);
  tcase_add_test (cases, there_and_back);
  tcase_add_test (cases, decimals);
  tcase_add_test (cases, middles);
  tcase_add_test (cases, printed);
  tcase_add_test (cases, zeros);
  tcase_add_test (cases, blocks);
  tcase_add_test (cases, flat_memory);
  return run_cases (cases, "csv");
}

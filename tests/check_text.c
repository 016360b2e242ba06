/* Text: numbers typed by hand, UTF-8, and lists of names.  */
#include <config.h>

#include "support.h"

START_TEST (integers)
{
  static const struct {
    const char *text;
    int64_t value;
  } good[] = { { "-5", -5 }, { "10", 10 }, { "0", 0 }, { "007", 7 }, { "-0", 0 } };
  static const char *const bad[] = {
    "", "-6", "11", "x", "1x", "1 ", "0x1", "1e1", "1.0", "--1", "99999999999999999999", "-99999999999999999999"
  };
  int64_t value;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    {
      ck_assert_int_eq (text_parse_integer (good[i].text, "--batch", -5, 10, &value), 0);
      ck_assert_int_eq (value, good[i].value);
    }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      char *message = text_new ("--batch takes a whole number from -5 to 10, not '%s'", bad[i]);
      ck_assert_int_eq (text_parse_integer (bad[i], "--batch", -5, 10, &value), -1);
      ck_assert_str_eq (error_message (), message);
      ck_assert_int_eq (error_status (), ERROR_USAGE);
      free (message);
    }
}
END_TEST

START_TEST (integers_of_all_64_bits)
{
  int64_t value;
  ck_assert_int_eq (text_parse_integer ("9223372036854775807", "x", INT64_MIN, INT64_MAX, &value), 0);
  ck_assert_int_eq (value, INT64_MAX);
  ck_assert_int_eq (text_parse_integer ("-9223372036854775808", "x", INT64_MIN, INT64_MAX, &value), 0);
  ck_assert_int_eq (value, INT64_MIN);
  ck_assert_int_eq (text_parse_integer ("9223372036854775808", "x", INT64_MIN, INT64_MAX, &value), -1);
  ck_assert_int_eq (text_parse_integer ("-9223372036854775809", "x", INT64_MIN, INT64_MAX, &value), -1);
}
END_TEST

START_TEST (numbers)
{
  static const char *const bad[] = { "", "x", "1x", "1,5", "1.5 ", "nan", "inf", "-inf", "1e999" };
  double value;
  ck_assert_int_eq (text_parse_number ("-2.5e-3", "--rate", &value), 0);
  ck_assert (value == -2.5e-3);
  ck_assert_int_eq (text_parse_number ("7", "--rate", &value), 0);
  ck_assert (value == 7);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      char *message = text_new ("--rate takes a number, not '%s'", bad[i]);
      ck_assert_int_eq (text_parse_number (bad[i], "--rate", &value), -1);
      ck_assert_str_eq (error_message (), message);
      ck_assert_int_eq (error_status (), ERROR_USAGE);
      free (message);
    }
}
END_TEST

START_TEST (bytes)
{
  static const struct {
    const char *text;
    uint64_t bytes;
  } good[] = { { "1", 1 },
               { "800M", UINT64_C (838860800) },
               { "16G", UINT64_C (17179869184) },
               { "3k", 3072 },
               { "2T", UINT64_C (2199023255552) },
               { "18446744073709551615", UINT64_MAX },
               { "16777215T", UINT64_C (16777215) << 40 } };
  static const char *const bad[] = { "",   "0",   "0G",  "-1",   "-1G", "G",  "1X",        "1 ",
                                     " 1", " -1", "1GB", "1.5G", "1 G", "1@", "16777216T", "18446744073709551616" };
  uint64_t value;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    {
      ck_assert_msg (text_parse_bytes (good[i].text, "--memory", &value) == 0, "%s", error_message ());
      ck_assert_uint_eq (value, good[i].bytes);
    }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      char *message = text_new ("--memory takes a number of bytes such as 800M or 16G, not '%s'", bad[i]);
      ck_assert_msg (text_parse_bytes (bad[i], "--memory", &value) == -1, "'%s' is taken", bad[i]);
      ck_assert_str_eq (error_message (), message);
      ck_assert_int_eq (error_status (), ERROR_USAGE);
      free (message);
    }
}
END_TEST

START_TEST (utf8)
{
  static const char *const good[] = {
    "",
    "training/food/1_7.jpg",
    "\x7f",
    "\xc2\x80",         /* U+0080 */
    "\xdf\xbf",         /* U+07FF */
    "\xe0\xa0\x80",     /* U+0800 */
    "\xed\x9f\xbf",     /* U+D7FF, before the surrogates */
    "\xee\x80\x80",     /* U+E000, after them */
    "\xef\xbf\xbf",     /* U+FFFF */
    "\xf0\x90\x80\x80", /* U+10000 */
    "\xf4\x8f\xbf\xbf", /* U+10FFFF */
    "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z",
  };
  static const char *const bad[] = {
    "\x80", /* nothing to continue */
    "\xbf",
    "\xc0\x80", /* overlong: U+0000, U+007F, U+07FF, U+FFFF */
    "\xc1\xbf",
    "\xe0\x9f\xbf",
    "\xf0\x8f\xbf\xbf",
    "\xed\xa0\x80", /* surrogates: U+D800, U+DFFF */
    "\xed\xbf\xbf",
    "\xf4\x90\x80\x80", /* U+110000 */
    "\xf5\x80\x80\x80",
    "\xf8\x88\x80\x80\x80", /* forms of five and six bytes */
    "\xfc\x84\x80\x80\x80\x80",
    "\xfe",
    "\xff",
    "\xc3", /* cut off */
    "\xe2\x82",
    "\xf0\x9f\x98",
    "\xc3z", /* cut off by another character */
    "\xe2\x82z",
    "\xf0\x9f\x98z",
    "caf\xe9.jpg", /* Latin-1 */
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    ck_assert_msg (text_is_utf8 (good[i]), "number %zu", i);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    ck_assert_msg (!text_is_utf8 (bad[i]), "number %zu", i);
}
END_TEST

/* How many texts of N bytes are UTF-8, of those that begin with TEXT, whose first AT bytes are set.  */
static unsigned long
count_utf8 (unsigned char *text, int at, int n)
{
  unsigned long count = 0;
  if (at == n)
    return text_is_utf8 ((const char *) text);
  for (int byte = 1; byte < 256; byte++)
    {
      text[at] = (unsigned char) byte;
      count += count_utf8 (text, at + 1, n);
    }
  return count;
}

/* 127 characters have one byte (0 ends a text), 1920 two, and 61440 three: 63488 but for 2048 surrogates.  1048576, or
   256 * 64 * 64, have four: of the first two bytes 256 pairs are right.  */
START_TEST (utf8_of_all_bytes)
{
  unsigned char text[5] = { 0 };
  unsigned long count = 0;
  ck_assert_uint_eq (count_utf8 (text, 0, 1), 127);
  ck_assert_uint_eq (count_utf8 (text, 0, 2), 127 * 127 + 1920);
  ck_assert_uint_eq (count_utf8 (text, 0, 3), 127 * 127 * 127 + 2 * 127 * 1920 + 61440);
  text[2] = text[3] = 0x80;
  for (int first = 0x80; first < 256; first++)
    for (int second = 1; second < 256; second++)
      {
        text[0] = (unsigned char) first;
        text[1] = (unsigned char) second;
        count += text_is_utf8 ((const char *) text);
      }
  ck_assert_uint_eq (count, 256);
}
END_TEST

static struct names
make_names (const char *joined)
{
  struct names names = { 0 };
  char *copy = text_new ("%s", joined), *rest = copy, *name;
  while ((name = strsep (&rest, " ")))
    ck_assert_int_eq (names_add (&names, name), 0);
  free (copy);
  return names;
}

START_TEST (lists_of_names)
{
  struct names names = make_names ("b a \xc3\xa9 B c"), sorted = { 0 };
  ck_assert_uint_eq (names.count, 5);
  ck_assert_int_eq (names_find (&names, "b"), 0);
  ck_assert_int_eq (names_find (&names, "c"), 4);
  ck_assert_int_eq (names_find (&names, "d"), -1);
  ck_assert_int_eq (names_copy (&sorted, &names), 0);
  ck_assert (names_equal (&names, &sorted));
  ck_assert_ptr_ne (names.name[0], sorted.name[0]);
  names_sort (&sorted);
  ck_assert (!names_equal (&names, &sorted));
  char *joined = names_join (&sorted);
  ck_assert_str_eq (joined, "B, a, b, c, \xc3\xa9"); /* by bytes */
  free (joined);
  names_free (&names);
  names_free (&sorted);
  ck_assert_uint_eq (names.count, 0);
}
END_TEST

START_TEST (names_of_other_lengths)
{
  struct names shorter = make_names ("a b"), longer = make_names ("a b c"), empty = { 0 };
  ck_assert (!names_equal (&shorter, &longer) && !names_equal (&longer, &shorter));
  ck_assert (names_equal (&empty, &empty) && !names_equal (&empty, &shorter));
  names_sort (&empty);
  char *joined = names_join (&empty);
  ck_assert_str_eq (joined, "");
  free (joined);
  names_free (&empty);
  names_free (&shorter);
  names_free (&longer);
}
END_TEST

START_TEST (many_names)
{
  enum { COUNT = 5000 };
  struct names names = { 0 };
  char name[16];
  for (int i = 0; i < COUNT; i++)
    {
      snprintf (name, sizeof name, "%05d", i * 7 % COUNT);
      ck_assert_int_eq (names_add (&names, name), 0);
    }
  memset (name, 0, sizeof name); /* the list owns copies */
  names_sort (&names);
  for (int i = 0; i < COUNT; i++)
    ck_assert_int_eq (atoi (names.name[i]), i);
  names_free (&names);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("text");
  tcase_add_test (cases, integers);
  tcase_add_test (cases, integers_of_all_64_bits);
  tcase_add_test (cases, numbers);
  tcase_add_test (cases, bytes);
  tcase_add_test (cases, utf8);
  tcase_add_test (cases, utf8_of_all_bytes);
  tcase_add_test (cases, lists_of_names);
  tcase_add_test (cases, names_of_other_lengths);
  tcase_add_test (cases, many_names);
  return run_cases (cases, "text");
}

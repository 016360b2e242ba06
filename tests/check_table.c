/* Rows and fields by RFC 4180.  What is expected is written out by hand from its rules and, where it leaves things open
   (blanks, the separator), from table.h.  */
#include <config.h>

#include "../src/image/table.h"
#include "support.h"

/* Writes TEXT (LENGTH) and reads it back: fields joined by "|", rows by "/", each with the number of its line.  */
static char *
read_all (const char *text, size_t length)
{
  char *path = scratch_path ("list.csv"), *all = text_new ("%s", "");
  ck_assert_int_eq (file_write (path, text, length), 0);
  struct table *table = table_open (path);
  int more = table ? 0 : -1;
  while (table && (more = table_next (table)) == 1)
    for (size_t i = 0; i < table_fields (table); i++)
      {
        char *longer =
          i == 0 ? text_new ("%s%s%ju:%s", all, *all ? "/" : "", (uintmax_t) table_line (table), table_field (table, i))
                 : text_new ("%s|%s", all, table_field (table, i));
        free (all);
        all = longer;
      }
  table_close (table);
  free (path);
  if (more == 0)
    return all;
  free (all);
  return NULL;
}

static void
assert_rows (const char *text, const char *expected)
{
  char *all = read_all (text, strlen (text));
  ck_assert_msg (all != NULL, "%s", error_message ());
  ck_assert_str_eq (all, expected);
  free (all);
}

START_TEST (rows)
{
  assert_rows ("", "");
  assert_rows ("\n\n", "");
  assert_rows ("a,b\nc,d\n", "1:a|b/2:c|d");
  assert_rows ("a,b\r\nc,d", "1:a|b/2:c|d");
  assert_rows ("a,\n,d\n", "1:a|/2:|d");
  assert_rows ("a,b\n\n\r\nc,d\n", "1:a|b/4:c|d");
  assert_rows ("one\ntwo\n", "1:one/2:two");
  assert_rows ("\xef\xbb\xbf"
               "a,b\n",
               "1:a|b");
  assert_rows ("a\rb,c\n", "1:a\rb|c");
}
END_TEST

START_TEST (quotes)
{
  assert_rows ("\"a,b\",c\n", "1:a,b|c");
  assert_rows ("\"a\"\"b\",\"\"\nc,d\n", "1:a\"b|/2:c|d");
  assert_rows ("\"a\nb\",c\r\nd,e\n", "1:a\nb|c/3:d|e");
  assert_rows ("\"a\r\nb\",c\n", "1:a\r\nb|c");
  assert_rows ("5\" floppy,c\n", "1:5\" floppy|c");
}
END_TEST

START_TEST (blanks)
{
  assert_rows ("a b , c\n", "1:a b|c");
  assert_rows (" \" a \" ,c\n", "1: a |c");
}
END_TEST

START_TEST (separators)
{
  assert_rows ("a;b\nc,d;e\n", "1:a|b/2:c,d|e");
  assert_rows ("a\tb c\n\td\n", "1:a|b c/2:|d");
  assert_rows ("\"a,b,c\";d\n", "1:a,b,c|d");
}
END_TEST

static void
assert_refused (const char *text, size_t length, const char *message)
{
  char *path = scratch_path ("list.csv"), *all = read_all (text, length);
  ck_assert_ptr_null (all);
  char *full = text_new ("%s%s%s", message, path, strchr (message, '\0') + 1);
  ck_assert_str_eq (error_message (), full);
  free (full);
  free (path);
}

/* The message stands before and behind the path.  */
START_TEST (refused)
{
  assert_refused ("a,b\nc,\"d\n", 8,
                  "the quote at line 2 of '\0' is not closed; close it, or put the field into quotes "
                  "with its own quotes doubled");
  assert_refused ("a,b\nc,\"d\"e\n", 11,
                  "line 2 of '\0' has text after a quote; double the quotes that belong to a "
                  "field");
  assert_refused ("a,b\nc\0,d\n", 9, "line 2 of '\0' has a byte 0; check that it is a text");
  assert_refused ("\xff\xfe"
                  "a\0",
                  4, "'\0' is UTF-16; save it as UTF-8");
}
END_TEST

START_TEST (a_row_that_does_not_end)
{
  enum { LENGTH = 2 << 20 };
  char *text = malloc (LENGTH), *path = scratch_path ("list.csv");
  memset (text, 'x', LENGTH);
  ck_assert_ptr_null (read_all (text, LENGTH));
  char *message = text_new ("the row at line 1 of '%s' is longer than 1048576 bytes; check its quotes", path);
  ck_assert_str_eq (error_message (), message);
  free (message);
  free (path);
  free (text);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("table");
  tcase_add_test (cases, rows);
  tcase_add_test (cases, quotes);
  tcase_add_test (cases, blanks);
  tcase_add_test (cases, separators);
  tcase_add_test (cases, refused);
  tcase_add_test (cases, a_row_that_does_not_end);
  return run_cases (cases, "table");
}

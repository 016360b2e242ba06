/* What a folder holds: sorted, without what is hidden, links followed.  */
#include <config.h>

#include "../src/base/folder.h"

#include "support.h"

#include <sys/stat.h>

static struct names folders, files;

/* Works in the scratch folder, which holds the folder "data".  */
static void
set_up (void)
{
  scratch_enter ();
  ck_assert_int_eq (mkdir ("data", 0777), 0);
}

static void
tear_down (void)
{
  scratch_leave ();
  names_free (&folders);
  names_free (&files);
}

static void
assert_listed (const char *expected_folders, const char *expected_files)
{
  ck_assert_msg (folder_list ("data", &folders, &files) == 0, "%s", error_message ());
  char *joined_folders = names_join (&folders), *joined_files = names_join (&files);
  ck_assert_str_eq (joined_folders, expected_folders);
  ck_assert_str_eq (joined_files, expected_files);
  free (joined_folders);
  free (joined_files);
}

START_TEST (empty)
{
  assert_listed ("", "");
}
END_TEST

START_TEST (sorted_by_bytes)
{
  static const char *const names[] = { "data/b", "data/a", "data/B", "data/a-b", "data/\xc3\xa9", "data/10", "data/9" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    ck_assert_int_eq (file_write (names[i], "", 0), 0);
  ck_assert_int_eq (mkdir ("data/z", 0777), 0);
  ck_assert_int_eq (mkdir ("data/c", 0777), 0);
  ck_assert_int_eq (file_write ("data/c/inside", "", 0), 0);
  assert_listed ("c, z", "10, 9, B, a, a-b, b, \xc3\xa9");
}
END_TEST

START_TEST (left_out)
{
  ck_assert_int_eq (file_write ("data/.hidden", "", 0), 0);
  ck_assert_int_eq (mkdir ("data/.cache", 0777), 0);
  ck_assert_int_eq (mkfifo ("data/pipe", 0600), 0);
  ck_assert_int_eq (symlink ("pipe", "data/link"), 0);
  ck_assert_int_eq (file_write ("data/seen", "", 0), 0);
  assert_listed ("", "seen");
}
END_TEST

START_TEST (links)
{
  ck_assert_int_eq (mkdir ("far", 0777), 0);
  ck_assert_int_eq (file_write ("far/file", "", 0), 0);
  ck_assert_int_eq (symlink ("../far", "data/folder"), 0);
  ck_assert_int_eq (symlink ("../far/file", "data/file"), 0);
  ck_assert_int_eq (symlink ("nowhere", "data/lost"), 0);
  assert_listed ("folder", "file, lost");
}
END_TEST

START_TEST (many_entries)
{
  enum { COUNT = 3000 };
  char name[32];
  for (int i = 0; i < COUNT; i++)
    {
      snprintf (name, sizeof name, "data/%05d", i * 7 % COUNT);
      ck_assert_int_eq (symlink ("nowhere", name), 0);
    }
  ck_assert_int_eq (folder_list ("data", &folders, &files), 0);
  ck_assert_uint_eq (files.count, COUNT);
  for (int i = 0; i < COUNT; i++)
    ck_assert_int_eq (atoi (files.name[i]), i);
}
END_TEST

START_TEST (no_folder)
{
  ck_assert_int_eq (folder_list ("none", &folders, &files), -1);
  ck_assert_str_eq (error_message (), "cannot open 'none': No such file or directory; check the path");
  ck_assert_uint_eq (folders.count + files.count, 0);
  ck_assert_int_eq (file_write ("file", "", 0), 0);
  ck_assert_int_eq (folder_list ("file", &folders, &files), -1);
  ck_assert_str_eq (error_message (), "cannot open 'file': Not a directory; check the path and the file system");
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("folder");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, empty);
  tcase_add_test (cases, sorted_by_bytes);
  tcase_add_test (cases, left_out);
  tcase_add_test (cases, links);
  tcase_add_test (cases, many_entries);
  tcase_add_test (cases, no_folder);
  return run_cases (cases, "folder");
}

#include <config.h>

#include "../src/base/draft.h"
#include "support.h"

START_TEST (committed)
{
  char *path = scratch_path ("x");
  write_text (path, "old");
  struct draft *draft = draft_new (path);
  ck_assert_int_eq (draft_write (draft, "new ", 4), 0);
  ck_assert_int_eq (draft_write (draft, "text", 4), 0);
  assert_contents (path, "old");
  ck_assert_int_eq (draft_commit (draft), 0);
  assert_contents (path, "new text");
  ck_assert_int_eq (count_entries (scratch), 1);
  free (path);
}
END_TEST

START_TEST (discarded)
{
  char *path = scratch_path ("x");
  write_text (path, "old");
  struct draft *draft = draft_new (path);
  ck_assert_int_eq (draft_write (draft, "new", 3), 0);
  draft_discard (draft);
  draft_discard (NULL);
  assert_contents (path, "old");
  ck_assert_int_eq (count_entries (scratch), 1);
  free (path);
}
END_TEST

/* Two at once of one name are two files until the end.  */
START_TEST (two)
{
  char *path = scratch_path ("x");
  struct draft *first = draft_new (path), *second = draft_new (path);
  ck_assert_int_eq (draft_write (first, "first", 5), 0);
  ck_assert_int_eq (draft_write (second, "second", 6), 0);
  ck_assert_int_eq (draft_commit (second), 0);
  assert_contents (path, "second");
  ck_assert_int_eq (draft_commit (first), 0);
  assert_contents (path, "first");
  ck_assert_int_eq (count_entries (scratch), 1);
  free (path);
}
END_TEST

START_TEST (failed)
{
  char *missing = scratch_path ("none/x"), *folder = scratch_path ("folder"), *inside = scratch_path ("folder/x");
  ck_assert_ptr_null (draft_new (missing));
  ck_assert_ptr_nonnull (strstr (error_message (), "cannot create '"));
  write_text (inside, "old"); /* a folder stands where the file is to be */
  struct draft *draft = draft_new (folder);
  ck_assert_int_eq (draft_write (draft, "new", 3), 0);
  ck_assert_int_eq (draft_commit (draft), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "cannot rename a finished file to '"));
  assert_contents (inside, "old");
  ck_assert_int_eq (count_entries (scratch), 1);
  free (inside);
  free (folder);
  free (missing);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("draft");
  tcase_add_test (cases, committed);
  tcase_add_test (cases, discarded);
  tcase_add_test (cases, two);
  tcase_add_test (cases, failed);
  return run_cases (cases, "draft");
}

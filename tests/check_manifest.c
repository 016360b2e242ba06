/* The manifest against an independent computation of its order and checksum (reference/make_images.py), and its
   refusals.  */
#include <config.h>

#include "../src/base/memory.h"
#include "../src/image/manifest.h"
#include "support.h"

#include <sys/stat.h>

static char *expected; /* manifest.txt */

static void
set_up (void)
{
  size_t length;
  expected = reference_read ("images/manifest.txt", &length); /* before srcdir, which may be relative, changes */
  scratch_enter ();
}

static void
tear_down (void)
{
  scratch_leave ();
  free (expected);
}

/* A file of LENGTH bytes in FOLDER, which is made.  */
static void
add_file (const char *folder, const char *name, size_t length)
{
  char *path = file_path (folder, name), *data = calloc (length + 1, 1);
  ck_assert_int_eq (file_make_directories (folder), 0);
  ck_assert_msg (file_write (path, data, length) == 0, "%s", error_message ());
  free (path);
  free (data);
}

/* The files that make_images.py's manifest describes, and much that is left out.  */
static void
add_dataset (void)
{
  static const char *const folders[] = { "data/training/a", "data/training/a-b", "data/training/z\u00e9bra" };
  for (size_t label = 0; label < 3; label++)
    for (size_t i = 0; i < 7 + label; i++)
      {
        char name[32];
        snprintf (name, sizeof name, "%zu_%zu.jpg", label, i);
        add_file (folders[label], name, label + i);
      }
  add_file ("data", "README", 1);
  add_file ("data/training", "list.csv", 1);
  add_file ("data/training/a", ".hidden.jpg", 1);
  add_file ("data/.cache/a", "1.jpg", 1);
  ck_assert_int_eq (mkfifo ("data/training/a/pipe", 0600), 0);
}

START_TEST (order_and_sha256)
{
  struct manifest manifest;
  char line[256], *rest = expected;
  add_dataset ();
  ck_assert_msg (manifest_read (&manifest, "data", "training", 42) == 0, "%s", error_message ());
  ck_assert_uint_eq (manifest.count, 7 + 8 + 9);
  ck_assert_str_eq (manifest.sha256, strsep (&rest, "\n"));
  for (size_t i = 0; i < manifest.count; i++)
    {
      snprintf (line, sizeof line, "%d %ju %s", manifest.label[i], (uintmax_t) manifest.bytes[i], manifest.path[i]);
      ck_assert_str_eq (line, strsep (&rest, "\n"));
    }
  ck_assert_uint_eq (manifest.classes.count, 3);
  ck_assert_str_eq (manifest.classes.name[1], "a-b");
  ck_assert_uint_eq (manifest.path_bytes, strlen ("training/z\u00e9bra/2_0.jpg"));
  ck_assert_uint_eq (manifest.seed, 42);
  manifest_free (&manifest);
  ck_assert_uint_eq (memory_bytes (), 0);
}
END_TEST

START_TEST (seed_and_contents_change_the_sha256)
{
  struct manifest first, second, third;
  add_dataset ();
  ck_assert_int_eq (manifest_read (&first, "data", "training", 1), 0);
  ck_assert_int_eq (manifest_read (&second, "data/", "training", 2), 0);
  add_file ("data/training/a", "0_0.jpg", 99);
  ck_assert_int_eq (manifest_read (&third, "data", "training", 1), 0);
  ck_assert_str_ne (first.sha256, second.sha256);
  ck_assert_str_ne (first.sha256, third.sha256);
  ck_assert_str_eq (first.path[0], third.path[0]);
  manifest_free (&first);
  manifest_free (&second);
  manifest_free (&third);
}
END_TEST

START_TEST (links)
{
  struct manifest manifest;
  add_file ("data/training/a", "1.jpg", 5);
  add_file ("elsewhere/b", "2.jpg", 6);
  ck_assert_int_eq (symlink ("../../elsewhere/b", "data/training/b"), 0);
  ck_assert_int_eq (symlink ("../../../elsewhere/b/2.jpg", "data/training/a/2.jpg"), 0);
  ck_assert_int_eq (symlink ("nowhere", "data/training/a/3.jpg"), 0);
  ck_assert_msg (manifest_read (&manifest, "data", "training", 0) == 0, "%s", error_message ());
  ck_assert_uint_eq (manifest.count, 4);
  for (size_t i = 0; i < 4; i++)
    {
      const char *path = manifest.path[i];
      uint64_t bytes = strstr (path, "a/1") ? 5 : strstr (path, "a/3") ? 0 : 6;
      ck_assert_uint_eq (manifest.bytes[i], bytes);
      ck_assert_int_eq (manifest.label[i], strstr (path, "b/") ? 1 : 0);
    }
  manifest_free (&manifest);
}
END_TEST

START_TEST (splits_in_order)
{
  struct names splits;
  static const char *const order[] = { "training", "validation", "evaluation", "A", "extra", "test" };
  for (size_t i = 0; i < 6; i++)
    {
      char folder[64];
      snprintf (folder, sizeof folder, "data/%s/cat", order[5 - i]);
      add_file (folder, "1.jpg", 1);
    }
  ck_assert_msg (manifest_splits ("data", &splits) == 0, "%s", error_message ());
  ck_assert_uint_eq (splits.count, 6);
  for (size_t i = 0; i < 6; i++)
    ck_assert_str_eq (splits.name[i], order[i]);
  names_free (&splits);
}
END_TEST

static void
assert_refused (const char *split, const char *message)
{
  struct manifest manifest;
  ck_assert_int_eq (manifest_read (&manifest, "data", split, 42), -1);
  ck_assert_str_eq (error_message (), message);
  ck_assert_int_eq (error_status (), ERROR_FAILED);
  ck_assert_uint_eq (manifest.count, 0);
  ck_assert_uint_eq (memory_bytes (), 0);
}

START_TEST (no_dataset)
{
  assert_refused ("training", "cannot open 'data': No such file or directory; check the path");
  ck_assert_int_eq (file_make_directories ("data"), 0);
  assert_refused ("training", "'data' has no folders of splits; put images into 'data/training/CLASS/' and so on, or "
                              "make a dataset with slabfit organize");
}
END_TEST

START_TEST (no_such_split)
{
  add_dataset ();
  add_file ("data/extra/a", "1", 1);
  assert_refused ("validation", "'data' has no split 'validation'; it has training, extra");
}
END_TEST

START_TEST (empty_split)
{
  static const char message[] = "'data/validation' holds no images; put some into 'data/validation/CLASS/' (slabfit "
                                "organize does it), or remove the folder";
  add_dataset ();
  ck_assert_int_eq (file_make_directories ("data/validation"), 0);
  assert_refused ("validation", message);
  assert_refused ("training", message);
  ck_assert_int_eq (file_make_directories ("data/validation/a"), 0);
  ck_assert_int_eq (file_make_directories ("data/validation/a-b"), 0);
  ck_assert_int_eq (file_make_directories ("data/validation/z\u00e9bra"), 0);
  assert_refused ("validation", message);
}
END_TEST

START_TEST (class_in_one_split)
{
  struct names splits;
  add_file ("data/training/cat", "1.jpg", 1);
  add_file ("data/training/rare", "1.jpg", 1);
  add_file ("data/evaluation/cat", "1.jpg", 1);
  static const char message[] = "class 'rare' is in 'data/training' but not in 'data/evaluation'; add the folder "
                                "'data/evaluation/rare' (empty, if there are no such images) or remove the class";
  assert_refused ("training", message);
  assert_refused ("evaluation", message);
  ck_assert_int_eq (manifest_splits ("data", &splits), -1);
  ck_assert_str_eq (error_message (), message);
  add_file ("data/evaluation/rare", "1.jpg", 1);
  add_file ("data/evaluation/aardvark", "1.jpg", 1);
  assert_refused ("training", "class 'aardvark' is in 'data/evaluation' but not in 'data/training'; add the folder "
                              "'data/training/aardvark' (empty, if there are no such images) or remove the class");
}
END_TEST

START_TEST (folder_in_class)
{
  add_dataset ();
  ck_assert_int_eq (file_make_directories ("data/training/a-b/more"), 0);
  assert_refused ("training", "'data/training/a-b/more' is a folder inside a class's folder, which may hold images "
                              "only; move its images up, or move it away");
}
END_TEST

START_TEST (not_utf8)
{
  add_dataset ();
  add_file ("data/training/a", "caf\xe9.jpg", 1);
  assert_refused ("training", "the name 'training/a/caf\\xe9.jpg' is not UTF-8; rename it (convmv converts whole "
                              "folders)");
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("manifest");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, order_and_sha256);
  tcase_add_test (cases, seed_and_contents_change_the_sha256);
  tcase_add_test (cases, links);
  tcase_add_test (cases, splits_in_order);
  tcase_add_test (cases, no_dataset);
  tcase_add_test (cases, no_such_split);
  tcase_add_test (cases, empty_split);
  tcase_add_test (cases, class_in_one_split);
  tcase_add_test (cases, folder_in_class);
  tcase_add_test (cases, not_utf8);
  return run_cases (cases, "manifest");
}

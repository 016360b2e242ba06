/* Organizing photographs: both forms of a source, running it again, copies, and the refusals.  The division is compared
   with an independent computation (reference/make_images.py).  */
#include <config.h>

#include "../src/base/memory.h"
#include "../src/base/progress.h"
#include "../src/image/organize.h"
#include "support.h"

#include <sys/stat.h>

static char *division; /* division.txt */
static struct organize_options options;
static struct organize_report report;

static void
set_up (void)
{
  size_t length;
  progress_be_quiet ();
  division = reference_read ("images/division.txt", &length); /* before srcdir, which may be relative, changes */
  options = (struct organize_options){ .seed = 42 };
  scratch_enter ();
}

static void
tear_down (void)
{
  scratch_leave ();
  names_free (&options.classes);
  organize_report_free (&report);
  free (division);
}

static void
add_named_source (void)
{
  write_text ("source/training/0_1.jpg", "t01");
  write_text ("source/training/1_1.JPEG", "t11");
  write_text ("source/training/1_x y.z.jpg", "t1x");
  write_text ("source/training/.hidden", "");
  write_text ("source/evaluation/1_1.jpg", "e11");
  write_text ("source/others/7.jpg", "");
  ck_assert_int_eq (names_add (&options.classes, "non_food"), 0);
  ck_assert_int_eq (names_add (&options.classes, "food"), 0);
}

/* cat0.jpg to cat9.jpg and dog0.jpg to dog6.jpg, to be divided by 70, 15, 15.  */
static void
add_class_source (void)
{
  char path[64];
  for (int i = 0; i < 17; i++)
    {
      snprintf (path, sizeof path, i < 10 ? "source/cat/cat%d.jpg" : "source/dog/dog%d.jpg", i % 10);
      write_text (path, path);
    }
  memcpy (options.share, (double[]){ 70, 15, 15 }, sizeof options.share);
}

static void
assert_organized (const char *dataset)
{
  organize_report_free (&report);
  ck_assert_msg (organize ("source", dataset, &options, &report) == 0, "%s", error_message ());
}

static void
assert_entry (size_t index, const char *split, const char *class_name, uint64_t images)
{
  ck_assert_str_eq (report.entry[index].split, split);
  ck_assert_str_eq (report.entry[index].class_name, class_name);
  ck_assert_uint_eq (report.entry[index].images, images);
}

START_TEST (named_source)
{
  struct stat a, b;
  add_named_source ();
  assert_organized ("a/data");
  ck_assert_uint_eq (report.count, 4);
  assert_entry (0, "training", "non_food", 1);
  assert_entry (1, "training", "food", 2);
  assert_entry (2, "evaluation", "non_food", 0);
  assert_entry (3, "evaluation", "food", 1);
  ck_assert (report.linked == 4 && report.copied == 0 && report.kept == 0);
  assert_contents ("a/data/training/non_food/0_1.jpg", "t01");
  assert_contents ("a/data/training/food/1_1.JPEG", "t11");
  assert_contents ("a/data/training/food/1_x y.z.jpg", "t1x");
  assert_contents ("a/data/evaluation/food/1_1.jpg", "e11");
  ck_assert (file_is_directory ("a/data/evaluation/non_food")); /* every split has every class */
  ck_assert (!file_exists ("a/data/validation") && !file_exists ("a/data/others"));
  ck_assert (stat ("a/data/evaluation/food/1_1.jpg", &a) == 0 && stat ("source/evaluation/1_1.jpg", &b) == 0);
  ck_assert_uint_eq (a.st_ino, b.st_ino);
}
END_TEST

START_TEST (again_changes_nothing)
{
  struct stat before, after;
  add_named_source ();
  assert_organized ("data");
  ck_assert_int_eq (unlink ("data/training/food/1_1.JPEG"), 0);
  write_text ("data/training/food/1_1.JPEG", "t11"); /* no link, but the same contents */
  ck_assert_int_eq (unlink ("data/evaluation/food/1_1.jpg"), 0);
  ck_assert_int_eq (stat ("data/training/food/1_1.JPEG", &before), 0);
  assert_organized ("data");
  ck_assert (report.linked == 1 && report.copied == 0 && report.kept == 3);
  ck_assert_int_eq (stat ("data/training/food/1_1.JPEG", &after), 0);
  ck_assert_uint_eq (before.st_ino, after.st_ino);
  assert_contents ("data/evaluation/food/1_1.jpg", "e11");
}
END_TEST

START_TEST (links_are_followed)
{
  add_named_source ();
  write_text ("elsewhere/photo", "far");
  ck_assert_int_eq (symlink ("../../elsewhere/photo", "source/training/0_2.jpg"), 0);
  assert_organized ("data");
  assert_contents ("data/training/non_food/0_2.jpg", "far");
}
END_TEST

/* A dataset on another file system, where a link is impossible.  */
START_TEST (copies)
{
  struct stat here, there;
  char far[] = "/dev/shm/slabfit-check-XXXXXX";
  if (!mkdtemp (far))
    return;
  ck_assert (stat (".", &here) == 0 && stat (far, &there) == 0);
  if (here.st_dev != there.st_dev)
    {
      char *dataset = file_path (far, "data"), *copy = file_path (dataset, "training/food/1_1.JPEG");
      add_named_source ();
      assert_organized (dataset);
      ck_assert (report.linked == 0 && report.copied == 4 && report.kept == 0);
      assert_contents (copy, "t11");
      assert_organized (dataset);
      ck_assert (report.linked == 0 && report.copied == 0 && report.kept == 4);
      free (copy);
      free (dataset);
    }
  nftw (far, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
END_TEST

START_TEST (division_like_reference)
{
  add_class_source ();
  assert_organized ("data");
  ck_assert_uint_eq (report.count, 6);
  assert_entry (0, "training", "cat", 7);
  assert_entry (1, "training", "dog", 5);
  assert_entry (2, "validation", "cat", 2);
  assert_entry (3, "validation", "dog", 1);
  assert_entry (4, "evaluation", "cat", 1);
  assert_entry (5, "evaluation", "dog", 1);
  ck_assert_uint_eq (report.linked, 17);
  int files = 0;
  for (char *rest = division, *line; (line = strsep (&rest, "\n")) && *line; files++)
    {
      char *path = file_path ("data", line);
      ck_assert_msg (file_exists (path), "no %s", path);
      free (path);
    }
  ck_assert_int_eq (files, 17);
  assert_organized ("data");
  ck_assert_uint_eq (report.kept, 17);
}
END_TEST

/* 10 by 2, 1, 0: exactly 6.67 and 3.33, so 7 and 3; 7: 4.67 and 2.33, so 5 and 2.  */
START_TEST (share_of_nothing)
{
  add_class_source ();
  memcpy (options.share, (double[]){ 2, 1, 0 }, sizeof options.share);
  assert_organized ("data");
  ck_assert_uint_eq (report.count, 4);
  assert_entry (0, "training", "cat", 7);
  assert_entry (1, "training", "dog", 5);
  assert_entry (2, "validation", "cat", 3);
  assert_entry (3, "validation", "dog", 2);
  ck_assert (!file_exists ("data/evaluation"));
}
END_TEST

static void
assert_refused (const char *source, const char *dataset, int status, const char *message)
{
  struct organize_report empty;
  ck_assert_int_eq (organize (source, dataset, &options, &empty), -1);
  ck_assert_str_eq (error_message (), message);
  ck_assert_int_eq (error_status (), status);
  ck_assert_uint_eq (empty.count, 0);
  ck_assert_uint_eq (memory_bytes (), 0);
}

START_TEST (bad_names)
{
  static const char *const names[] = {
    "cat.jpg", "_1.jpg", "0-1.jpg", "0_.jpg", "0_1", "0_1.", "x0_1.jpg", "-1_1.jpg"
  };
  add_named_source ();
  char *path = text_new ("source/training/%s", names[_i]);
  char *message = text_new ("'%s' does not fit {class}_{id}.EXT, such as 0_12.jpg; rename or remove it", path);
  write_text (path, "");
  assert_refused ("source", "data", ERROR_FAILED, message);
  ck_assert (!file_exists ("data"));
  free (path);
  free (message);
}
END_TEST

START_TEST (unknown_class)
{
  add_named_source ();
  write_text ("source/validation/2_1.jpg", "");
  assert_refused ("source", "data", ERROR_FAILED,
                  "'source/validation/2_1.jpg' is of class 2, but only the classes 0 to 1 have a name; name it too "
                  "(--classes), or remove the file");
  ck_assert (!file_exists ("data"));
}
END_TEST

START_TEST (folder_among_images)
{
  add_named_source ();
  write_text ("source/training/more/0_7.jpg", "");
  assert_refused ("source", "data", ERROR_FAILED,
                  "'source/training/more' is a folder among images; move its images up, or move it away");
}
END_TEST

START_TEST (clash)
{
  add_named_source ();
  write_text ("data/training/food/1_1.JPEG", "own");
  assert_refused (
    "source", "data", ERROR_FAILED,
    "'data/training/food/1_1.JPEG' exists and is not the same as 'source/training/1_1.JPEG'; remove it or "
    "choose another folder for the dataset");
  assert_contents ("data/training/food/1_1.JPEG", "own");
  ck_assert (!file_exists ("data/training/non_food"));
}
END_TEST

/* Divided again by another seed, images of the training would be evaluated.  */
START_TEST (other_division)
{
  add_class_source ();
  assert_organized ("data");
  options.seed = 43;
  struct organize_report empty;
  ck_assert_int_eq (organize ("source", "data", &options, &empty), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "exists, but this division puts it into "));
}
END_TEST

START_TEST (options_that_do_not_fit)
{
  add_named_source ();
  options.share[0] = 1;
  assert_refused ("source", "data", ERROR_USAGE, "'source' is divided into splits already; leave out --splits");
  options.share[0] = 0;
  names_free (&options.classes);
  assert_refused ("source", "data", ERROR_USAGE,
                  "'source' numbers its classes; name them in order, such as --classes non_food,food");
  ck_assert (names_add (&options.classes, "a") == 0 && names_add (&options.classes, "a") == 0);
  assert_refused ("source", "data", ERROR_USAGE, "the class 'a' is named twice; give each number a name of its own");
  names_free (&options.classes);
  ck_assert_int_eq (names_add (&options.classes, "../a"), 0);
  assert_refused ("source", "data", ERROR_USAGE,
                  "'../a' cannot be a class's name: it becomes a folder's name, in UTF-8, without '/' and without a "
                  "leading '.'");
}
END_TEST

START_TEST (shares_that_do_not_fit)
{
  static const double bad[][ORGANIZE_SPLITS] = {
    { 0, 0, 0 }, { 50, 60, -10 }, { 0.0 / 0.0, 1, 1 }, { 1.0 / 0.0, 1, 1 }
  };
  add_class_source ();
  memcpy (options.share, bad[_i], sizeof options.share);
  assert_refused ("source", "data", ERROR_USAGE,
                  "'source' is not divided into splits; give each a share, such as --splits 70,15,15");
  ck_assert_int_eq (names_add (&options.classes, "a"), 0);
  assert_refused ("source", "data", ERROR_USAGE,
                  "'source' has a folder for each class, which names it; leave out "
                  "--classes");
}
END_TEST

START_TEST (dataset_in_source)
{
  static const char *const datasets[] = { "source",    "source/", "source/new/data", "./source/../source/data",
                                          "link/data", "." };
  add_named_source ();
  ck_assert_int_eq (symlink ("source", "link"), 0);
  char *message =
    text_new ("'source' and '%s' lie in each other; choose a dataset's folder apart from the source", datasets[_i]);
  assert_refused ("source", datasets[_i], ERROR_FAILED, message);
  free (message);
}
END_TEST

START_TEST (sources_that_do_not_fit)
{
  assert_refused ("source", "data", ERROR_FAILED, "cannot open 'source': No such file or directory; check the path");
  ck_assert_int_eq (file_make_directories ("source"), 0);
  options.share[0] = 1;
  assert_refused ("source", "data", ERROR_FAILED,
                  "'source' holds no images in SPLIT/{class}_{id}.EXT or CLASS/FILE; check the path");
  write_text ("source/training/cat/1.jpg", "");
  assert_refused ("source", "data", ERROR_FAILED,
                  "'source' has its images in SPLIT/CLASS/ folders already; take it as it is: slabfit run --dataset "
                  "source, or slabfit extract source");
  write_text ("photos.tar", "");
  assert_refused ("photos.tar", "data", ERROR_FAILED,
                  "'photos.tar' is a file, and organize takes folders; take it as it is: slabfit run --dataset "
                  "photos.tar, or slabfit extract photos.tar");
  assert_refused ("source", "", ERROR_USAGE, "the dataset's folder has an empty name; give it one");
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("organize");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, named_source);
  tcase_add_test (cases, again_changes_nothing);
  tcase_add_test (cases, links_are_followed);
  tcase_add_test (cases, copies);
  tcase_add_test (cases, division_like_reference);
  tcase_add_test (cases, share_of_nothing);
  tcase_add_loop_test (cases, bad_names, 0, 8);
  tcase_add_test (cases, unknown_class);
  tcase_add_test (cases, folder_among_images);
  tcase_add_test (cases, clash);
  tcase_add_test (cases, other_division);
  tcase_add_test (cases, options_that_do_not_fit);
  tcase_add_loop_test (cases, shares_that_do_not_fit, 0, 4);
  tcase_add_loop_test (cases, dataset_in_source, 0, 6);
  tcase_add_test (cases, sources_that_do_not_fit);
  return run_cases (cases, "organize");
}

#include <config.h>

#include "../src/store/parts.h"
#include "store_support.h"

#include <sys/stat.h>
#include <sys/wait.h>

enum { PARTS = 3, IMAGES = 33, PER_PART = 11 }; /* no multiple of a tile's 4 rows */

static struct failure failure = { (char *) "training/food/broken.jpg", (char *) "not a JPEG file" };

/* Part NUMBER of images [11 NUMBER, 11 NUMBER + 11), of which the last FAILED could not be read.  */
static void
write_part (const char *features, uint64_t number, uint64_t failed, uint64_t seed)
{
  struct featinfo info = sample_info (PER_PART);
  struct failure failures[PER_PART];
  for (int i = 0; i < PER_PART; i++)
    failures[i] = failure;
  info.origin.seed = seed;
  info.origin.images = IMAGES;
  info.origin.part = number;
  info.origin.parts = PARTS;
  char *directory = parts_directory (features, "training"), *path = parts_path (features, "training", number);
  ck_assert_int_eq (file_make_directories (directory), 0);
  ck_assert_msg (sample_write (path, &info, number * PER_PART, PER_PART - failed, failures, failed) == 0, "%s",
                 error_message ());
  free (path);
  free (directory);
  featinfo_free (&info);
}

static void
write_parts (const char *features)
{
  write_part (features, 0, 0, 42);
  write_part (features, 1, 2, 42);
  write_part (features, 2, 1, 42);
}

/* The images in the order of the merged file: whole tiles part by part, then what is left, part by part.  Worked out by
   hand: parts have 11, 9 and 10 rows, so 8 of each are in whole tiles.  */
static const int order[] = { 0,  1,  2,  3,  4,  5,  6,  7,  11, 12, 13, 14, 15, 16, 17,
                             18, 22, 23, 24, 25, 26, 27, 28, 29, 8,  9,  10, 19, 30, 31 };
enum { MERGED = sizeof order / sizeof *order };

static void
check_merged (const char *features)
{
  char *path = parts_merged_path (features, "training"), paths[MERGED][32], expected[32];
  float values[MERGED * 10];
  int32_t labels[MERGED];
  struct failure *failures;
  size_t count;
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  const struct featinfo *info = featfile_info (file);
  ck_assert_uint_eq (info->rows, MERGED);
  ck_assert_uint_eq (info->origin.parts, 0);
  ck_assert_uint_eq (info->origin.images, IMAGES);
  ck_assert_str_eq (info->origin.command, "slabfit extract data");
  ck_assert_uint_eq (info->path_bytes, 25);
  ck_assert_int_eq (featfile_read (file, 0, MERGED, 0, 10, values), 0);
  ck_assert_int_eq (featfile_read_labels (file, 0, MERGED, labels), 0);
  char packed[MERGED * 26];
  ck_assert_int_eq (featfile_read_images (file, 0, MERGED, packed), 0);
  for (int i = 0; i < MERGED; i++)
    {
      memcpy (paths[i], packed + i * 26, 26);
      snprintf (expected, sizeof expected, "training/food/1_%05d.jpg", order[i]);
      ck_assert_str_eq (paths[i], expected);
      ck_assert_int_eq (labels[i], sample_label ((uint64_t) order[i], 2));
      for (uint64_t j = 0; j < 10; j++)
        ck_assert_float_eq (values[(uint64_t) i * 10 + j], sample_value ((uint64_t) order[i], j));
    }
  ck_assert_int_eq (featfile_read_failures (file, &failures, &count), 0);
  ck_assert_uint_eq (count, 3);
  ck_assert_str_eq (failures[2].image, failure.image);
  ck_assert_str_eq (failures[2].reason, failure.reason);
  failures_free (failures, count);
  featfile_close (file);
  free (path);
}

static int
merge (const char *features, bool force, struct merge_report *report)
{
  struct workers *workers = workers_new (2);
  int result = parts_merge (features, "training", force, workers, report);
  workers_free (workers);
  return result;
}

START_TEST (names)
{
  char *path = parts_path ("features", "training", 7), *directory = parts_directory ("features/", "training");
  char *merged = parts_merged_path ("features", "training"), *far = parts_path ("f", "s", 1234567);
  ck_assert_str_eq (path, "features/training.parts/00007.h5");
  ck_assert_str_eq (far, "f/s.parts/1234567.h5");
  ck_assert_str_eq (directory, "features/training.parts");
  ck_assert_str_eq (merged, "features/training.h5");
  free (path);
  free (far);
  free (directory);
  free (merged);
}
END_TEST

/* The bytes of the first tile, which are copied as they are.  */
static void
read_first_tile (const char *path, unsigned char data[4096], size_t *length)
{
  struct featfile *file = featfile_open (path);
  ck_assert_int_eq (featfile_read_tile (file, 0, 0, data, 4096, length), 0);
  featfile_close (file);
}

START_TEST (merged_in_order)
{
  char *features = scratch_new (), *path = parts_path (features, "training", 0);
  char *merged = parts_merged_path (features, "training");
  struct merge_report report;
  unsigned char before[4096], after[4096];
  size_t length, length_after;
  write_parts (features);
  read_first_tile (path, before, &length);
  ck_assert_msg (merge (features, false, &report) == 0, "%s", error_message ());
  ck_assert_uint_eq (report.rows, MERGED);
  ck_assert_uint_eq (report.failed, 3);
  ck_assert_uint_eq (report.parts, PARTS);
  ck_assert_uint_eq (report.missing, 0);
  ck_assert (!report.kept);
  check_merged (features);
  ck_assert_int_eq (scratch_entries (features), 1); /* the parts are gone */
  read_first_tile (merged, after, &length_after);
  ck_assert_uint_eq (length, length_after);
  ck_assert_mem_eq (before, after, length);
  ck_assert_int_eq (merge (features, false, &report), 0); /* again */
  ck_assert (report.kept);
  ck_assert_uint_eq (report.rows, MERGED);
  free (path);
  free (merged);
  scratch_remove (features);
}
END_TEST

START_TEST (missing)
{
  char *features = scratch_new (), *path = parts_path (features, "training", 1);
  struct merge_report report;
  write_parts (features);
  ck_assert_int_eq (unlink (path), 0);
  ck_assert_int_eq (merge (features, false, &report), 0);
  ck_assert_uint_eq (report.missing, 1);
  ck_assert_uint_eq (report.parts, PARTS);
  ck_assert_int_eq (scratch_entries (features), 1); /* the parts' folder alone */
  write_part (features, 1, 2, 42);
  ck_assert_int_eq (merge (features, false, &report), 0);
  check_merged (features);
  free (path);
  scratch_remove (features);
}
END_TEST

START_TEST (refused)
{
  char *features = scratch_new (), *path = parts_path (features, "training", 1);
  char *first = parts_path (features, "training", 0), *merged = parts_merged_path (features, "training");
  struct merge_report report;
  char *message = text_new ("there are no parts in '%s/training.parts'; run 'slabfit extract' first", features);
  ck_assert_int_eq (merge (features, false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  write_parts (features);
  write_part (features, 1, 0, 43);
  message = text_new ("seed is 42 in '%s' and 43 in '%s'; remove the parts of the other run", first, path);
  ck_assert_int_eq (merge (features, false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  ck_assert_int_eq (rename (first, path), 0);
  write_part (features, 0, 0, 42);
  message = text_new ("'%s' says that it is part 0; it was renamed, remove it", path);
  ck_assert_int_eq (merge (features, false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  for (uint64_t i = 0; i < PARTS; i++)
    write_part (features, i, PER_PART, 42);
  message = text_new ("'%s' would have no rows: all 33 images failed, the first, 'training/food/broken.jpg', for this "
                      "reason: not a JPEG file; check the images",
                      merged);
  ck_assert_int_eq (merge (features, false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  ck_assert_int_eq (scratch_entries (features), 1);
  free (path);
  free (first);
  free (merged);
  scratch_remove (features);
}
END_TEST

START_TEST (merged_stands)
{
  char *features = scratch_new (), *merged = parts_merged_path (features, "training");
  struct merge_report report;
  write_parts (features);
  ck_assert_int_eq (merge (features, false, &report), 0);
  write_part (features, 1, 2, 42); /* the others were removed: a merge was cut off after its rename */
  ck_assert_int_eq (merge (features, false, &report), 0);
  ck_assert (report.kept);
  check_merged (features);
  ck_assert_int_eq (scratch_entries (features), 1);
  for (uint64_t i = 0; i < PARTS; i++)
    write_part (features, i, 0, 7);
  char *message = text_new (
    "seed is 42 in '%s' and 7 in '%s/training.parts'; move one of them elsewhere, or use --force", merged, features);
  ck_assert_int_eq (merge (features, false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  ck_assert_int_eq (merge (features, true, &report), 0);
  ck_assert_uint_eq (report.rows, IMAGES);
  free (message);
  free (merged);
  scratch_remove (features);
}
END_TEST

START_TEST (merged_at_once)
{
  char *features = scratch_new ();
  for (int round = 0; round < 10; round++)
    {
      pid_t child[3];
      write_parts (features);
      for (int i = 0; i < 3; i++)
        if ((child[i] = fork ()) == 0)
          {
            struct merge_report report;
            int result = merge (features, false, &report);
            if (result || report.missing || report.rows != MERGED)
              fprintf (stderr, "merge: %s, %d missing\n", error_message (), (int) report.missing);
            _exit (result || report.missing || report.rows != MERGED);
          }
      for (int i = 0; i < 3; i++)
        {
          int status;
          ck_assert_int_eq (waitpid (child[i], &status, 0), child[i]);
          ck_assert_int_eq (status, 0);
        }
      check_merged (features);
      char *merged = parts_merged_path (features, "training");
      ck_assert_int_eq (scratch_entries (features), 1);
      unlink (merged);
      free (merged);
    }
  scratch_remove (features);
}
END_TEST

static void
touch (const char *directory, const char *name)
{
  char *path = file_path (directory, name);
  ck_assert_int_eq (file_write (path, "x", 1), 0);
  free (path);
}

START_TEST (stale_files)
{
  char *features = scratch_new (), *directory = parts_directory (features, "training"), host[256] = "";
  struct merge_report report;
  gethostname (host, sizeof host - 1);
  pid_t gone = fork ();
  if (gone == 0)
    _exit (0);
  waitpid (gone, NULL, 0);
  write_parts (features);
  char *dead = text_new ("00001.h5.%s.%ld.0.tmp", host, (long) gone);
  char *alive = text_new ("00001.h5.%s.%ld.0.tmp", host, (long) getppid ());
  touch (directory, dead);
  touch (directory, alive);
  touch (directory, "00001.h5.elsewhere.77.0.tmp");
  ck_assert_int_eq (merge (features, false, &report), 0);
  ck_assert_int_eq (scratch_entries (directory), 2); /* the living one's and the other host's recent one */
  free (dead);
  free (alive);
  free (directory);
  scratch_remove (features);
}
END_TEST

START_TEST (checked)
{
  char *features = scratch_new (), *path = parts_path (features, "training", 1);
  struct featinfo wanted = sample_info (PER_PART);
  bool reusable = true;
  uint64_t rows = 0, failed = 0;
  wanted.origin.part = 1;
  wanted.origin.parts = PARTS;
  ck_assert_int_eq (parts_check (path, &wanted, false, &reusable, &rows, &failed), 0);
  ck_assert (!reusable);
  write_parts (features);
  ck_assert_int_eq (parts_check (path, &wanted, false, &reusable, &rows, &failed), 0);
  ck_assert (reusable);
  ck_assert_uint_eq (rows, 9);
  ck_assert_uint_eq (failed, 2);
  strcpy (wanted.provenance.preprocess, "torchvision");
  char *message =
    text_new ("preprocess is 'keras' in '%s' and 'torchvision' in 'this command'; repeat the command that "
              "made it, choose another folder, or use --force",
              path);
  ck_assert_int_eq (parts_check (path, &wanted, false, &reusable, &rows, &failed), -1);
  ck_assert_str_eq (error_message (), message);
  ck_assert (!reusable);
  ck_assert_int_eq (parts_check (path, &wanted, true, &reusable, &rows, &failed), 0);
  ck_assert (!reusable);
  free (message);
  strcpy (wanted.provenance.preprocess, "keras");
  wanted.rows = 12;
  ck_assert_int_eq (parts_check (path, &wanted, false, &reusable, &rows, &failed), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "has 9 rows and 2 failures, and 12 images are asked for"));
  wanted.rows = PER_PART;
  ck_assert_int_eq (truncate (path, 2000), 0);
  ck_assert_int_eq (parts_check (path, &wanted, false, &reusable, &rows, &failed), 0);
  ck_assert (!reusable);
  ck_assert_int_eq (parts_check (reference_path ("store-later.h5"), &wanted, false, &reusable, &rows, &failed), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "use a newer slabfit"));
  featinfo_free (&wanted);
  free (path);
  scratch_remove (features);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("parts");
  TCase *tests = tcase_create ("parts");
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, names);
  tcase_add_test (tests, merged_in_order);
  tcase_add_test (tests, missing);
  tcase_add_test (tests, refused);
  tcase_add_test (tests, merged_stands);
  tcase_add_test (tests, merged_at_once);
  tcase_add_test (tests, stale_files);
  tcase_add_test (tests, checked);
  suite_add_tcase (suite, tests);
  return run_suite (suite);
}

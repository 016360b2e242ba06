#include <config.h>

#include "../src/store/merge.h"
#include "../src/store/parts.h"
#include "store_support.h"

#include <sys/stat.h>
#include <sys/wait.h>

enum { PARTS = 3, IMAGES = 33, PER_PART = 11 }; /* no multiple of a tile's 4 rows */

static struct failure failure = { (char *) "training/food/broken.jpg", (char *) "not a JPEG file" };

/* Part NUMBER of images [11 NUMBER, 11 NUMBER + 11), of which the last FAILED could not be read.  */
static void
write_part (uint64_t number, uint64_t failed, uint64_t seed)
{
  struct featinfo info = sample_info (PER_PART);
  struct failure failures[PER_PART];
  for (int i = 0; i < PER_PART; i++)
    failures[i] = failure;
  info.origin.seed = seed;
  info.origin.images = IMAGES;
  info.origin.part = number;
  info.origin.parts = PARTS;
  char *directory = parts_directory (scratch, "training"), *path = parts_path (scratch, "training", number);
  ck_assert_int_eq (file_make_directories (directory), 0);
  ck_assert_msg (sample_write (path, &info, number * PER_PART, PER_PART - failed, failures, failed) == 0, "%s",
                 error_message ());
  free (path);
  free (directory);
  featinfo_free (&info);
}

static void
write_parts (void)
{
  write_part (0, 0, 42);
  write_part (1, 2, 42);
  write_part (2, 1, 42);
}

/* The images in the order of the merged file: whole tiles part by part, then what is left, part by part.  Worked out by
   hand: parts have 11, 9 and 10 rows, so 8 of each are in whole tiles.  */
static const int order[] = { 0,  1,  2,  3,  4,  5,  6,  7,  11, 12, 13, 14, 15, 16, 17,
                             18, 22, 23, 24, 25, 26, 27, 28, 29, 8,  9,  10, 19, 30, 31 };
enum { MERGED = sizeof order / sizeof *order };

static void
check_merged (void)
{
  char *path = parts_merged_path (scratch, "training"), paths[MERGED][32], expected[32];
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
merge (bool force, struct merge_report *report)
{
  struct workers *workers = workers_new (2);
  int result = merge_split (scratch, "training", force, workers, report);
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
  struct chunk chunk = { .data = data, .room = 4096 };
  ck_assert_int_eq (featfile_read_tile (file, 0, 0, &chunk), 0);
  *length = chunk.length;
  featfile_close (file);
}

START_TEST (merged_in_order)
{
  char *path = parts_path (scratch, "training", 0);
  char *merged = parts_merged_path (scratch, "training");
  struct merge_report report;
  unsigned char before[4096], after[4096];
  size_t length, length_after;
  write_parts ();
  read_first_tile (path, before, &length);
  ck_assert_msg (merge (false, &report) == 0, "%s", error_message ());
  ck_assert_uint_eq (report.rows, MERGED);
  ck_assert_uint_eq (report.failed, 3);
  ck_assert_uint_eq (report.parts, PARTS);
  ck_assert_uint_eq (report.missing, 0);
  ck_assert (!report.kept);
  check_merged ();
  ck_assert_int_eq (count_entries (scratch), 1); /* the parts are gone */
  read_first_tile (merged, after, &length_after);
  ck_assert_uint_eq (length, length_after);
  ck_assert_mem_eq (before, after, length);
  ck_assert_int_eq (merge (false, &report), 0); /* again */
  ck_assert (report.kept);
  ck_assert_uint_eq (report.rows, MERGED);
  free (path);
  free (merged);
}
END_TEST

START_TEST (missing)
{
  char *path = parts_path (scratch, "training", 1);
  struct merge_report report;
  write_parts ();
  ck_assert_int_eq (unlink (path), 0);
  ck_assert_int_eq (merge (false, &report), 0);
  ck_assert_uint_eq (report.missing, 1);
  ck_assert_uint_eq (report.parts, PARTS);
  ck_assert_int_eq (count_entries (scratch), 1); /* the parts' folder alone */
  write_part (1, 2, 42);
  ck_assert_int_eq (merge (false, &report), 0);
  check_merged ();
  free (path);
}
END_TEST

START_TEST (refused)
{
  char *path = parts_path (scratch, "training", 1);
  char *first = parts_path (scratch, "training", 0), *merged = parts_merged_path (scratch, "training");
  struct merge_report report;
  char *message = text_new ("there are no parts in '%s/training.parts'; run 'slabfit extract' first", scratch);
  ck_assert_int_eq (merge (false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  write_parts ();
  write_part (1, 0, 43);
  message = text_new ("seed is 42 in '%s' and 43 in '%s'; remove the parts of the other run", first, path);
  ck_assert_int_eq (merge (false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  ck_assert_int_eq (rename (first, path), 0);
  write_part (0, 0, 42);
  message = text_new ("'%s' says that it is part 0; it was renamed, remove it", path);
  ck_assert_int_eq (merge (false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  for (uint64_t i = 0; i < PARTS; i++)
    write_part (i, PER_PART, 42);
  message = text_new ("'%s' would have no rows: all 33 images failed, the first, 'training/food/broken.jpg', for this "
                      "reason: not a JPEG file; check the images",
                      merged);
  ck_assert_int_eq (merge (false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
  ck_assert_int_eq (count_entries (scratch), 1);
  free (path);
  free (first);
  free (merged);
}
END_TEST

START_TEST (merged_stands)
{
  char *merged = parts_merged_path (scratch, "training");
  struct merge_report report;
  write_parts ();
  ck_assert_int_eq (merge (false, &report), 0);
  write_part (1, 2, 42); /* the others were removed: a merge was cut off after its rename */
  ck_assert_int_eq (merge (false, &report), 0);
  ck_assert (report.kept);
  check_merged ();
  ck_assert_int_eq (count_entries (scratch), 1);
  for (uint64_t i = 0; i < PARTS; i++)
    write_part (i, 0, 7);
  char *message = text_new (
    "seed is 42 in '%s' and 7 in '%s/training.parts'; move one of them elsewhere, or use --force", merged, scratch);
  ck_assert_int_eq (merge (false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  ck_assert_int_eq (merge (true, &report), 0);
  ck_assert_uint_eq (report.rows, IMAGES);
  free (message);
  free (merged);
}
END_TEST

/* Part 0 of a run that differs from that of write_parts in one thing, DIFFERENCE.  */
static void
write_other_part (int difference)
{
  struct featinfo info = sample_info (PER_PART);
  struct provenance *provenance = &info.provenance;
  info.origin.images = IMAGES;
  info.origin.parts = PARTS;
  switch (difference)
    {
    case 0:
      provenance->backbone_sha256[0] = 'a';
      break;
    case 1:
      strcpy (provenance->layer, "pool5");
      break;
    case 2:
      strcpy (provenance->pool, "max");
      break;
    case 3:
      strcpy (provenance->preprocess, "torchvision");
      break;
    case 4:
      provenance->exif = true;
      break;
    case 5:
      strcpy (provenance->precision, "bf16");
      break;
    case 6:
      info.columns = 12;
      provenance->shape[2] = 12;
      break;
    case 7:
      info.origin.seed = 7;
      break;
    case 8:
      info.classes.name[0][0] = 'w';
      break;
    case 9:
      info.origin.manifest_sha256[0] = 'd';
      break;
    default:
      info.half = true;
      break;
    }
  char *directory = parts_directory (scratch, "training"), *path = parts_path (scratch, "training", 0);
  ck_assert_int_eq (file_make_directories (directory), 0);
  ck_assert_msg (sample_write (path, &info, 0, PER_PART, NULL, 0) == 0, "%s", error_message ());
  free (path);
  free (directory);
  featinfo_free (&info);
}

/* A merged file stays, and so do the parts, where they were made otherwise in any way.  */
START_TEST (merged_otherwise)
{
  static const char *const expected[] = {
    "backbone_sha256 is 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' in M and "
    "'abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' in P",
    "layer is 'output' in M and 'pool5' in P",
    "pool is 'avg' in M and 'max' in P",
    "preprocess is 'keras' in M and 'torchvision' in P",
    "exif is 'ignored' in M and 'honoured' in P",
    "precision is 'f32' in M and 'bf16' in P",
    "feature_shape is '1x1x10' in M and '1x1x12' in P",
    "seed is 42 in M and 7 in P",
    "class 0 is 'food' in M and 'wood' in P",
    "manifest_sha256 is 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc' in M and "
    "'dccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc' in P: the images differ",
    "M is float32 and P float16",
  };
  struct merge_report report;
  char *merged = parts_merged_path (scratch, "training"), *directory = parts_directory (scratch, "training");
  write_parts ();
  ck_assert_int_eq (merge (false, &report), 0);
  char message[512], *end = message;
  write_other_part (_i);
  for (const char *c = expected[_i]; *c; c++)
    if (strchr ("MP", *c))
      end += sprintf (end, "'%s'", *c == 'M' ? merged : directory);
    else
      *end++ = *c;
  strcpy (end, "; move one of them elsewhere, or use --force");
  ck_assert_int_eq (merge (false, &report), -1);
  ck_assert_str_eq (error_message (), message);
  check_merged ();
  ck_assert_int_eq (count_entries (directory), 1);
  free (merged);
  free (directory);
}
END_TEST

START_TEST (merged_at_once)
{
  for (int round = 0; round < 10; round++)
    {
      pid_t child[3];
      write_parts ();
      for (int i = 0; i < 3; i++)
        if ((child[i] = fork ()) == 0)
          {
            struct merge_report report;
            int result = merge (false, &report);
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
      check_merged ();
      char *merged = parts_merged_path (scratch, "training");
      ck_assert_int_eq (count_entries (scratch), 1);
      unlink (merged);
      free (merged);
    }
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
  char *directory = parts_directory (scratch, "training"), host[256] = "";
  struct merge_report report;
  gethostname (host, sizeof host - 1);
  pid_t gone = fork ();
  if (gone == 0)
    _exit (0);
  waitpid (gone, NULL, 0);
  write_parts ();
  char *dead = text_new ("00001.h5.%s.%ld.0.tmp", host, (long) gone);
  char *alive = text_new ("00001.h5.%s.%ld.0.tmp", host, (long) getppid ());
  touch (directory, dead);
  touch (directory, alive);
  touch (directory, "00001.h5.elsewhere.77.0.tmp");
  ck_assert_int_eq (merge (false, &report), 0);
  ck_assert_int_eq (count_entries (directory), 2); /* the living one's and the other host's recent one */
  free (dead);
  free (alive);
  free (directory);
}
END_TEST

START_TEST (checked)
{
  char *path = parts_path (scratch, "training", 1);
  struct featinfo wanted = sample_info (PER_PART);
  bool reusable = true;
  uint64_t rows = 0, failed = 0;
  wanted.origin.part = 1;
  wanted.origin.parts = PARTS;
  ck_assert_int_eq (parts_check (path, &wanted, false, &reusable, &rows, &failed), 0);
  ck_assert (!reusable);
  write_parts ();
  ck_assert_int_eq (parts_check (path, &wanted, false, &reusable, &rows, &failed), 0);
  ck_assert (reusable);
  ck_assert_uint_eq (rows, 9);
  ck_assert_uint_eq (failed, 2);
  strcpy (wanted.provenance.preprocess, "torchvision");
  char *message = text_new ("preprocess is 'keras' in '%s' and 'torchvision' in this command; repeat the command that "
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
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("parts");
  tcase_add_test (cases, names);
  tcase_add_test (cases, merged_in_order);
  tcase_add_test (cases, missing);
  tcase_add_test (cases, refused);
  tcase_add_test (cases, merged_stands);
  tcase_add_loop_test (cases, merged_otherwise, 0, 11);
  tcase_add_test (cases, merged_at_once);
  tcase_add_test (cases, stale_files);
  tcase_add_test (cases, checked);
  return run_cases (cases, "parts");
}

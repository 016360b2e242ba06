/* Extraction end to end on small images and networks whose features are known by hand.  libtorch is touched only in
   Check's forked children.  */
#include <config.h>

#include "../shim/network.h"
#include "../src/base/memory.h"
#include "../src/extract/extract.h"
#include "../src/store/parts.h"
#include "gray_jpeg.h"
#include "support.h"

#include <sys/stat.h>

static char *dataset, *features, *backbone;
static struct names all_splits;

/* The mean of each plane: of an image that is gray all over, its gray minus caffe's means in the order B, G, R.  */
static const char mean_source[] = "def forward(self, x: Tensor):\n    return x.mean([2, 3])\n";
static const float caffe_means[] = { 103.939f, 116.779f, 123.68f };

static void
build_network (const char *path, const char *source)
{
  char error[NETWORK_ERROR_BYTES];
  int result = network_build (path, source, NULL, 0, "{}", error);
  ck_assert_msg (result == 0, "%s", error);
}

static void
set_up (void)
{
  dataset = scratch_path ("dataset");
  features = scratch_path ("features");
  backbone = scratch_path ("mean.ts");
  build_network (backbone, mean_source);
}

static void
tear_down (void)
{
  free (dataset);
  free (features);
  free (backbone);
}

/* training/dark and training/light with COUNT images of HEIGHT x WIDTH in all, named after their gray: 007-12.jpg.  */
static void
make_images (int count, int height, int width)
{
  static const char *const classes[] = { "dark", "light" };
  for (int i = 0; i < 2; i++)
    {
      char *path = text_new ("%s/training/%s", dataset, classes[i]);
      ck_assert_int_eq (file_make_directories (path), 0);
      free (path);
    }
  for (int i = 0; i < count; i++)
    {
      int gray = i * 37 % 256;
      char *path = text_new ("%s/training/%s/%03d-%d.jpg", dataset, classes[gray >= 128], gray, i);
      write_gray_jpeg (path, height, width, gray);
      free (path);
    }
}

static void
make_file (const char *name, const char *contents)
{
  char *path = file_path (dataset, name);
  write_text (path, contents);
  free (path);
}

static struct extract_options
default_options (void)
{
  return (struct extract_options){ .dataset = dataset,
                                   .features = features,
                                   .extractor = { .backbone = backbone, .network.device = "cpu" },
                                   .splits = &all_splits,
                                   .compress = 1,
                                   .batch = 8,
                                   .threads = 2,
                                   .rows_per_part = 512,
                                   .max_failures = { 1, true },
                                   .seed = 42,
                                   .memory_bytes = (uint64_t) 1 << 30,
                                   .tasks = 1,
                                   .command = "test" };
}

static struct extract_split
run (const struct extract_options *options)
{
  struct extract_report report;
  int result = extract (options, &report);
  ck_assert_msg (result == 0, "%s", error_message ());
  ck_assert_uint_eq (report.count, 1);
  struct extract_split split = report.split[0];
  split.name = NULL;
  extract_report_free (&report);
  return split;
}

static void
run_fails (const struct extract_options *options, const char *expected)
{
  struct extract_report report;
  ck_assert_int_eq (extract (options, &report), -1);
  ck_assert_msg (strstr (error_message (), expected), "'%s' is not in '%s'", expected, error_message ());
  extract_report_free (&report);
}

static struct featfile *
open_merged (void)
{
  char *path = parts_merged_path (features, "training");
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  free (path);
  return file;
}

/* Each row is that of its image: the gray in the file's name minus the means, and the class of its folder.  */
static void
check_rows (uint64_t rows)
{
  struct featfile *file = open_merged ();
  const struct featinfo *info = featfile_info (file);
  ck_assert_uint_eq (info->rows, rows);
  ck_assert_uint_eq (info->columns, 3);
  size_t path_bytes = info->path_bytes + 1;
  float *values = malloc (rows * 3 * sizeof *values);
  int32_t *label = malloc (rows * sizeof *label);
  char *paths = malloc (rows * path_bytes);
  ck_assert_int_eq (featfile_read (file, 0, rows, 0, 3, values), 0);
  ck_assert_int_eq (featfile_read_labels (file, 0, rows, label), 0);
  ck_assert_int_eq (featfile_read_images (file, 0, rows, paths), 0);
  for (uint64_t i = 0; i < rows; i++)
    {
      int gray;
      char class_name[8];
      ck_assert_int_eq (sscanf (paths + i * path_bytes, "training/%7[a-z]/%d", class_name, &gray), 2);
      ck_assert_str_eq (info->classes.name[label[i]], class_name);
      for (int c = 0; c < 3; c++)
        ck_assert_float_eq_tol (values[i * 3 + (uint64_t) c], (float) gray - caffe_means[c], 1e-3f);
    }
  free (values);
  free (label);
  free (paths);
  featfile_close (file);
}

START_TEST (rows_are_those_of_their_images)
{
  make_images (70, 9, 13);
  struct extract_options options = default_options ();
  struct extract_split split = run (&options);
  ck_assert_uint_eq (split.rows, 70);
  ck_assert_uint_eq (split.failed, 0);
  ck_assert_uint_eq (split.reused_rows, 0);
  check_rows (70);
}
END_TEST

/* All of FEATURES/training.h5, bytes of the file, to be freed.  */
static void *
read_merged (size_t *length)
{
  char *path = parts_merged_path (features, "training");
  void *data = file_read (path, 1 << 24, length);
  ck_assert_msg (data != NULL, "%s", error_message ());
  free (path);
  return data;
}

START_TEST (bytes_do_not_depend_on_threads_or_tasks)
{
  make_images (600, 8, 8);
  make_file ("training/dark/000-broken.jpg", "no image");
  struct extract_options options = default_options ();
  options.rows_per_part = 256; /* three parts */
  options.threads = 1;
  size_t length, other_length;
  run (&options);
  void *data = read_merged (&length);
  for (int threads = 2; threads <= 3; threads++)
    {
      char *merged = parts_merged_path (features, "training");
      ck_assert_int_eq (unlink (merged), 0);
      free (merged);
      options.threads = threads;
      options.tasks = threads; /* one task after the other */
      for (options.task = threads - 1; options.task >= 0; options.task--)
        {
          uint64_t missing = run (&options).missing;
          ck_assert_int_eq (missing == 0, options.task == 0); /* the last one merges */
        }
      void *other = read_merged (&other_length);
      ck_assert_uint_eq (length, other_length);
      ck_assert_mem_eq (data, other, length);
      free (other);
    }
  free (data);
}
END_TEST

START_TEST (failures_are_recorded)
{
  make_images (40, 8, 8);
  make_file ("training/dark/000-text.jpg", "this is text");
  make_file ("training/dark/000-empty.jpg", "");
  struct extract_options options = default_options ();
  options.max_failures = (struct extract_limit){ 2, false };
  struct extract_split split = run (&options);
  ck_assert_uint_eq (split.rows, 40);
  ck_assert_uint_eq (split.failed, 2);
  check_rows (40);
  struct failure *failures;
  size_t count;
  struct featfile *file = open_merged ();
  ck_assert_int_eq (featfile_read_failures (file, &failures, &count), 0);
  ck_assert_uint_eq (count, 2);
  for (size_t i = 0; i < count; i++)
    {
      bool text = !strcmp (failures[i].image, "training/dark/000-text.jpg");
      ck_assert_str_eq (failures[i].image, text ? "training/dark/000-text.jpg" : "training/dark/000-empty.jpg");
      ck_assert_str_eq (failures[i].reason, text ? "not a JPEG or PNG file" : "an empty file");
    }
  failures_free (failures, count);
  featfile_close (file);
}
END_TEST

START_TEST (too_many_failures_keep_the_parts)
{
  make_images (40, 8, 8);
  make_file ("training/dark/000-text.jpg", "this is text");
  make_file ("training/dark/000-empty.jpg", "");
  struct extract_options options = default_options (); /* 1 % of 42, rounded up: one image */
  run_fails (&options, "2 of the 42 images of 'training' could not be read, more than the 1 allowed, the first "
                       "'training/dark/000-");
  char *part = parts_path (features, "training", 0);
  ck_assert (file_exists (part));
  free (part);
  options.max_failures = (struct extract_limit){ 5, true };
  struct extract_split split = run (&options);
  ck_assert_uint_eq (split.rows, 40);
  ck_assert_uint_eq (split.reused_rows, 40);
  check_rows (40);
}
END_TEST

START_TEST (whole_part_of_failures)
{
  make_images (0, 8, 8);
  make_file ("training/dark/000-text.jpg", "this is text");
  make_file ("training/light/000-text.jpg", "this is text");
  struct extract_options options = default_options ();
  options.max_failures = (struct extract_limit){ 100, true };
  run_fails (&options, "no row");
}
END_TEST

START_TEST (finished_parts_are_kept)
{
  make_images (150, 8, 8);
  struct extract_options options = default_options ();
  options.rows_per_part = 1; /* whole tiles: three columns have tiles of 256 rows at the most */
  options.tasks = 2;
  options.task = 1;
  run (&options);
  options.tasks = 1;
  options.task = 0;
  struct extract_split split = run (&options);
  ck_assert_uint_eq (split.rows, 150);
  check_rows (150);
  split = run (&options);
  ck_assert_uint_eq (split.reused_rows, 150);
}
END_TEST

START_TEST (another_backbone_is_refused)
{
  make_images (10, 8, 8);
  struct extract_options options = default_options ();
  run (&options);
  build_network (backbone, "def forward(self, x: Tensor):\n    return x.mean([2, 3]) + 1.0\n");
  run_fails (&options, "backbone_sha256");
  options.force = true;
  ck_assert_uint_eq (run (&options).reused_rows, 0);
}
END_TEST

START_TEST (another_manifest_is_refused)
{
  make_images (10, 8, 8);
  struct extract_options options = default_options ();
  run (&options);
  make_images (11, 8, 8);
  run_fails (&options, "manifest");
  options.seed = 43;
  run_fails (&options, "seed");
}
END_TEST

START_TEST (values_that_are_not_finite_are_refused)
{
  make_images (10, 8, 8);
  build_network (backbone, "def forward(self, x: Tensor):\n    return torch.log(x.mean([2, 3]) * 0.0 - 1.0)\n");
  struct extract_options options = default_options ();
  run_fails (&options, "not finite");
  char *part = parts_path (features, "training", 0);
  ck_assert (!file_exists (part));
  free (part);
}
END_TEST

/* Nothing that is counted may grow with the number of images; a list of them would be at 40 bytes each.  The labels and
   paths of a part, 16 KB, may or may not be there when the peak is.  */
START_TEST (memory_does_not_grow_with_images)
{
  static const int images[] = { 1600, 6400 }; /* more than the parts that are made at once */
  uint64_t peak[2];
  struct extract_options options = default_options ();
  options.extractor.preprocess = "resize=64x64";
  build_network (backbone, "def forward(self, x: Tensor):\n"
                           "    return torch.avg_pool2d(x, [8, 8]).repeat([1, 32, 1, 1])\n"); /* 6144 values */
  for (int i = 0; i < 2; i++)
    {
      make_images (images[i], 8, 8);
      options.force = true;
      memory_reset_peak ();
      run (&options);
      peak[i] = memory_peak_bytes ();
    }
  ck_assert_uint_gt (peak[0], 1 << 20);
  ck_assert_uint_lt (peak[1], peak[0] + (24 << 10));
}
END_TEST

START_TEST (limits_are_parsed)
{
  struct extract_limit limit;
  ck_assert_int_eq (extract_parse_limit ("1%", &limit), 0);
  ck_assert (limit.percent && limit.value == 1);
  ck_assert_int_eq (extract_parse_limit ("7", &limit), 0);
  ck_assert (!limit.percent && limit.value == 7);
  static const char *const bad[] = { "", "%", "-1", "101%", "1%%", "many", "nan" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      ck_assert_int_eq (extract_parse_limit (bad[i], &limit), -1);
      ck_assert_int_eq (error_status (), ERROR_USAGE);
    }
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("extract");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, rows_are_those_of_their_images);
  tcase_add_test (cases, bytes_do_not_depend_on_threads_or_tasks);
  tcase_add_test (cases, failures_are_recorded);
  tcase_add_test (cases, too_many_failures_keep_the_parts);
  tcase_add_test (cases, whole_part_of_failures);
  tcase_add_test (cases, finished_parts_are_kept);
  tcase_add_test (cases, another_backbone_is_refused);
  tcase_add_test (cases, another_manifest_is_refused);
  tcase_add_test (cases, values_that_are_not_finite_are_refused);
  tcase_add_test (cases, memory_does_not_grow_with_images);
  tcase_add_test (cases, limits_are_parsed);
  return run_cases (cases, "extract");
}

/* How a network is run: by the stub network, whose times are known by hand, and the file in which it is remembered.  */
#include <config.h>

#include "../src/extract/concurrency.h"

#include "support.h"

static char *backbone, *cache, *file, *log_file;
static struct extractor extractor;
static struct concurrency found;

/* Each run takes MILLISECONDS, but longer where it has more than BATCH images.  */
static void
set_times (const char *milliseconds, const char *batch)
{
  setenv ("SLABFIT_STUB_MILLISECONDS", milliseconds, 1);
  setenv ("SLABFIT_STUB_BATCH", batch, 1);
}

static void
open_backbone (const char *preprocess)
{
  const struct extractor_options options = { .backbone = backbone, .preprocess = preprocess, .network.device = "cpu" };
  ck_assert_msg (extractor_open (&extractor, &options, 1, 1) == 0, "%s", error_message ());
}

static void
set_up (void)
{
  const char *build = getenv ("abs_top_builddir");
  char *module = text_new ("%s/tests/stub_network.so", build ? build : ".");
  setenv ("SLABFIT_NETWORK", module, 1);
  free (module);
  backbone = scratch_path ("network.ts");
  cache = scratch_path ("cache");
  file = scratch_path ("cache/slabfit/network.json");
  log_file = scratch_path ("log");
  setenv ("XDG_CACHE_HOME", cache, 1);
  setenv ("SLABFIT_STUB_LOG", log_file, 1);
  ck_assert_int_eq (file_write (backbone, "network", 7), 0);
  set_times ("10", "8");
  open_backbone ("resize=4x4");
}

static void
tear_down (void)
{
  extractor_close (&extractor);
  free (log_file);
  free (file);
  free (cache);
  free (backbone);
}

static void
choose (int threads, uint64_t images, int batch)
{
  int result = concurrency_choose (&extractor, threads, images, batch, &found);
  ck_assert_msg (result == 0, "%s", error_message ());
  ck_assert_int_eq (error_status (), 0);
}

static void
assert_found (int callers, int threads, int batch, enum concurrency_origin origin)
{
  ck_assert_int_eq (found.callers, callers);
  ck_assert_int_eq (found.threads, threads);
  ck_assert_int_eq (found.batch, batch);
  ck_assert_int_eq (found.origin, origin);
}

static size_t
images_run (void)
{
  size_t length = 0;
  free (file_read (log_file, 1 << 20, &length));
  return length;
}

static const uint64_t many = 1000000;

START_TEST (larger_batches_where_they_are_faster)
{
  set_times ("10", "16");
  choose (2, many, 0);
  assert_found (2, 1, 16, CONCURRENCY_MEASURED);
  ck_assert (found.image_seconds > 0.010 / 32 * 0.98); /* two callers, 16 images in 10 ms or a little more */
  ck_assert (found.image_seconds < 0.010 / 32 * 3);
}
END_TEST

START_TEST (smaller_batches_where_they_are_faster)
{
  set_times ("10", "2");
  choose (2, many, 0);
  assert_found (2, 1, 2, CONCURRENCY_MEASURED);
}
END_TEST

START_TEST (threads_where_callers_wait_for_each_other)
{
  setenv ("SLABFIT_STUB_ALONE", "1", 1);
  set_times ("20", "8");
  choose (2, many, 0);
  unsetenv ("SLABFIT_STUB_ALONE");
  assert_found (1, 2, 8, CONCURRENCY_MEASURED);
}
END_TEST

START_TEST (the_batch_that_is_asked_for)
{
  choose (2, many, 4);
  assert_found (2, 1, 4, CONCURRENCY_MEASURED);
  choose (2, 1, 3);
  assert_found (2, 1, 3, CONCURRENCY_FIXED);
}
END_TEST

/* 300 images of 10 ms for 16 take 0.19 s; a tenth of that is less than one more trial.  */
START_TEST (measuring_costs_less_than_the_job)
{
  set_times ("10", "16");
  choose (1, 300, 0);
  assert_found (1, 1, 8, CONCURRENCY_MEASURED);
}
END_TEST

START_TEST (few_images_are_not_worth_it)
{
  choose (3, CONCURRENCY_FEW - 1, 0);
  assert_found (3, 1, 8, CONCURRENCY_FIXED);
  ck_assert (found.image_seconds == 0);
  ck_assert_uint_eq (images_run (), 0);
  ck_assert (!file_exists (file));
}
END_TEST

START_TEST (what_was_found_is_remembered)
{
  choose (1, many, 0);
  struct concurrency first = found;
  size_t run = images_run ();
  ck_assert_uint_gt (run, 0);
  choose (1, many, 0);
  assert_found (first.callers, first.threads, first.batch, CONCURRENCY_REMEMBERED);
  ck_assert_double_eq_tol (found.image_seconds, first.image_seconds, 1e-12);
  ck_assert_uint_eq (images_run (), run);
}
END_TEST

/* Entries of other runs: they stay, and are not taken.  */
START_TEST (only_for_the_same)
{
  choose (1, many, 0);
  choose (1, 1, 0);
  ck_assert_int_eq (found.origin, CONCURRENCY_REMEMBERED);
  choose (2, 1, 0);
  ck_assert_int_eq (found.origin, CONCURRENCY_FIXED);
  choose (1, 1, 8);
  ck_assert_int_eq (found.origin, CONCURRENCY_FIXED);
  snprintf (extractor.provenance.precision, sizeof extractor.provenance.precision, "bf16");
  choose (1, 1, 0);
  ck_assert_int_eq (found.origin, CONCURRENCY_FIXED);
  extractor_close (&extractor);
  open_backbone ("resize=6x4");
  choose (1, 1, 0);
  ck_assert_int_eq (found.origin, CONCURRENCY_FIXED);
  extractor_close (&extractor);
  ck_assert_int_eq (file_write (backbone, "another", 7), 0);
  open_backbone ("resize=4x4");
  choose (1, 1, 0);
  ck_assert_int_eq (found.origin, CONCURRENCY_FIXED);
  choose (1, many, 0);
  extractor_close (&extractor);
  ck_assert_int_eq (file_write (backbone, "network", 7), 0);
  open_backbone ("resize=4x4");
  choose (1, 1, 0);
  ck_assert_int_eq (found.origin, CONCURRENCY_REMEMBERED);
}
END_TEST

/* Puts TO in the place of FROM in the file.  */
static void
replace (const char *from, const char *to)
{
  size_t length;
  char *text = file_read (file, 1 << 20, &length), *at = text ? strstr (text, from) : NULL;
  ck_assert_msg (at != NULL, "no '%s' in '%s'", from, text);
  char *edited = text_new ("%.*s%s%s", (int) (at - text), text, to, at + strlen (from));
  ck_assert_int_eq (file_write (file, edited, strlen (edited)), 0);
  free (edited);
  free (text);
}

START_TEST (damaged_files_are_as_none)
{
  static const char *const damage[][2] = { { "\"callers\": 1", "\"callers\": 0" },
                                           { "\"batch\": 8", "\"batch\": \"8\"" },
                                           { "\"threads\": 1", "\"thread\": 1" },
                                           { "{", "[" } };
  for (size_t i = 0; i < sizeof damage / sizeof *damage; i++)
    {
      choose (1, many, 8);
      ck_assert_int_eq (found.origin, CONCURRENCY_MEASURED);
      replace (damage[i][0], damage[i][1]);
      choose (1, 1, 8);
      ck_assert_int_eq (found.origin, CONCURRENCY_FIXED);
    }
  choose (1, many, 8);
  choose (1, 1, 8);
  ck_assert_int_eq (found.origin, CONCURRENCY_REMEMBERED);
}
END_TEST

START_TEST (where_nothing_can_be_written)
{
  setenv ("XDG_CACHE_HOME", "/proc/version/cache", 1);
  choose (1, many, 8);
  assert_found (1, 1, 8, CONCURRENCY_MEASURED);
  choose (1, 1, 8);
  assert_found (1, 1, 8, CONCURRENCY_FIXED);
}
END_TEST

START_TEST (at_home_where_no_other_place_is_named)
{
  unsetenv ("XDG_CACHE_HOME");
  setenv ("HOME", scratch, 1);
  choose (1, many, 8);
  char *there = scratch_path (".cache/slabfit/network.json");
  ck_assert (file_exists (there));
  free (there);
}
END_TEST

static void
count (void *context, const struct concurrency *measured)
{
  (void) measured;
  ++*(int *) context;
}

/* 8, 16 and 32 images, which is the most; two threads for one caller.  */
START_TEST (all_ways_are_told_of)
{
  int tried = 0;
  set_times ("10", "32");
  ck_assert_int_eq (concurrency_measure (&extractor, 2, 0, 60, count, &tried, &found), 0);
  ck_assert_int_eq (tried, 4);
  assert_found (2, 1, 32, CONCURRENCY_MEASURED);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("concurrency");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_set_timeout (cases, 60);
  tcase_add_test (cases, larger_batches_where_they_are_faster);
  tcase_add_test (cases, smaller_batches_where_they_are_faster);
  tcase_add_test (cases, threads_where_callers_wait_for_each_other);
  tcase_add_test (cases, the_batch_that_is_asked_for);
  tcase_add_test (cases, measuring_costs_less_than_the_job);
  tcase_add_test (cases, few_images_are_not_worth_it);
  tcase_add_test (cases, what_was_found_is_remembered);
  tcase_add_test (cases, only_for_the_same);
  tcase_add_test (cases, damaged_files_are_as_none);
  tcase_add_test (cases, where_nothing_can_be_written);
  tcase_add_test (cases, at_home_where_no_other_place_is_named);
  tcase_add_test (cases, all_ways_are_told_of);
  return run_cases (cases, "concurrency");
}

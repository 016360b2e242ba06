/* The advice at the end of an extraction, by figures made by hand: a run of 100 s, of which 4 threads on a processor
   have 400 s, and 2 threads beside a GPU 200 s.  */
#include <config.h>

#include "../src/extract/stalls.h"
#include "support.h"

static const struct stalls processor = { .wall = 100, .threads = 4, .network_threads = 4, .compress = 1 };
static const struct stalls gpu = {
  .wall = 100, .threads = 4, .network_threads = 2, .compress = 1, .gpu = true, .busy = 95
};

static void
assert_advice (const struct stalls *machine, struct pipeline_seconds seconds, enum stalls_advice expected)
{
  struct stalls stalls = *machine;
  stalls.seconds = seconds;
  ck_assert_str_eq (stalls_sentence (stalls_advise (&stalls)), stalls_sentence (expected));
}

/* 340 of 400 s are 85 %, and 170 of 200 s.  */
START_TEST (network_that_works_is_the_limit)
{
  struct pipeline_seconds seconds = { .read = 90, .decode = 30, .network = 340, .write = 90, .images = 59 };
  struct stalls bfloat16 = processor, half = gpu;
  bfloat16.shorter = half.shorter = true;
  assert_advice (&processor, seconds, STALLS_GPU);
  assert_advice (&bfloat16, seconds, STALLS_BFLOAT16);
  seconds.network = 339;
  assert_advice (&processor, seconds, STALLS_READING);
  seconds.network = 170;
  seconds.images = 29;
  assert_advice (&gpu, seconds, STALLS_LIMIT);
  assert_advice (&half, seconds, STALLS_HALF);
  seconds.network = 169;
  assert_advice (&gpu, seconds, STALLS_READING);
}
END_TEST

/* Of 300 s in which the network did nothing it waited for 151 s and more for images.  */
START_TEST (waiting_for_images_is_for_the_disk_or_the_decoders)
{
  struct pipeline_seconds seconds = { .decode = 60, .network = 100, .compress = 50, .write = 90, .images = 151 };
  seconds.read = 61;
  assert_advice (&processor, seconds, STALLS_READING);
  seconds.read = 59;
  assert_advice (&processor, seconds, STALLS_DECODING);
  seconds.network = 20; /* of 200 s */
  assert_advice (&gpu, seconds, STALLS_DECODING);
  seconds.read = 61;
  assert_advice (&gpu, seconds, STALLS_READING);
}
END_TEST

/* The cores of a processor decode while the network waits: 80 of 400 s, and the network is most of the work all the
   same.  */
START_TEST (decoding_on_the_same_cores_is_no_stall)
{
  struct pipeline_seconds seconds = { .read = 2, .decode = 50, .network = 320, .compress = 30, .images = 80 };
  assert_advice (&processor, seconds, STALLS_GPU);
  seconds.network = 79;
  assert_advice (&processor, seconds, STALLS_DECODING);
}
END_TEST

/* Of 310 s in which the network did nothing it waited for 154 s for images.  */
START_TEST (waiting_for_room_is_for_the_disk_or_the_compressors)
{
  struct pipeline_seconds seconds = { .read = 99, .decode = 20, .network = 90, .compress = 100, .images = 154 };
  struct stalls deflating = processor;
  deflating.compress = 2;
  seconds.write = 51; /* of 100 s */
  assert_advice (&processor, seconds, STALLS_WRITING);
  seconds.write = 49;
  assert_advice (&processor, seconds, STALLS_COMPRESSING);
  assert_advice (&deflating, seconds, STALLS_LEVEL);
}
END_TEST

START_TEST (short_runs_tell_nothing)
{
  struct stalls shorter = processor;
  shorter.wall = 0.99;
  assert_advice (&shorter, (struct pipeline_seconds){ .network = 3, .read = 4, .images = 3 }, STALLS_SHORT);
  shorter.wall = 0;
  assert_advice (&shorter, (struct pipeline_seconds){ 0 }, STALLS_SHORT);
  ck_assert_double_eq (stalls_share (&shorter, 1), 0);
}
END_TEST

START_TEST (shares_are_of_the_callers_time)
{
  ck_assert_double_eq (stalls_share (&processor, 20), 0.05);
  ck_assert_double_eq (stalls_share (&gpu, 20), 0.1);
}
END_TEST

/* Each advice has its sentence, and names its remedy.  */
START_TEST (sentences_name_remedies)
{
  static const char *const remedies[] = {
    [STALLS_SHORT] = "too short",    [STALLS_LIMIT] = "at its limit", [STALLS_GPU] = "a GPU",
    [STALLS_BFLOAT16] = "bf16",      [STALLS_HALF] = "f16 or tf32",   [STALLS_DECODING] = "more cores",
    [STALLS_COMPRESSING] = "cores",  [STALLS_LEVEL] = "--compress 1", [STALLS_READING] = "submit.sh --stage",
    [STALLS_WRITING] = "faster disk"
  };
  ck_assert_ptr_nonnull (strstr (stalls_sentence ((enum stalls_advice) _i), remedies[_i]));
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("stalls");
  tcase_add_test (cases, network_that_works_is_the_limit);
  tcase_add_test (cases, waiting_for_images_is_for_the_disk_or_the_decoders);
  tcase_add_test (cases, decoding_on_the_same_cores_is_no_stall);
  tcase_add_test (cases, waiting_for_room_is_for_the_disk_or_the_compressors);
  tcase_add_test (cases, short_runs_tell_nothing);
  tcase_add_test (cases, shares_are_of_the_callers_time);
  tcase_add_loop_test (cases, sentences_name_remedies, 0, STALLS_WRITING + 1);
  return run_cases (cases, "stalls");
}

/* Decoding ahead: the order of the images, those that fail, and stopping.  No network is needed.  */
#include <config.h>

#include "../src/extract/imagestream.h"

#include "../src/base/memory.h"
#include "gray_jpeg.h"
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

enum { SIDE = 4, VALUES = SIDE * SIDE * 3, IMAGES = 200 };

static struct extractor extractor;
static char *path[IMAGES];
static struct source *source;

/* 000.jpg to 199.jpg: each is gray all over, by its number.  */
static void
set_up (void)
{
  ck_assert_int_eq (preprocess_parse (&extractor.preprocess, "resize=4x4"), 0);
  extractor.image_bytes = VALUES;
  ck_assert_ptr_nonnull (source = source_open (scratch));
  for (int i = 0; i < IMAGES; i++)
    {
      path[i] = text_new ("%03d.jpg", i);
      char *full = scratch_path (path[i]);
      write_gray_jpeg (full, 8, 9, i);
      free (full);
    }
}

static void
tear_down (void)
{
  for (int i = 0; i < IMAGES; i++)
    free (path[i]);
  source_close (source);
  ck_assert_uint_eq (memory_bytes (), 0);
}

static struct image
get_image (const void *context, uint64_t number)
{
  (void) context;
  return (struct image){ .path = path[number] };
}

/* Batches end where ten images do, as at the end of a part.  */
static uint64_t
get_end (const void *context, uint64_t number)
{
  (void) context;
  return number / 10 * 10 + 10;
}

static struct imagestream *
new_stream (int threads, int batch, size_t batches, bool divided)
{
  const struct imagelist images = { .count = IMAGES, .get = get_image, .end = divided ? get_end : NULL };
  struct imagestream *stream = imagestream_new (&extractor, source, &images, threads, batch, batches);
  ck_assert_msg (stream != NULL, "%s", error_message ());
  return stream;
}

static void
assert_gray (const unsigned char *pixels, uint64_t gray)
{
  for (int i = 0; i < VALUES; i++)
    ck_assert_uint_eq (pixels[i], gray);
}

static void
assert_end (struct imagestream *stream)
{
  struct imagebatch *batch;
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq (imagestream_take (stream, &batch), 0);
}

static const struct {
  int threads, batch;
  size_t batches;
  bool divided;
} teams[] = { { 1, 1, 1, false },  { 4, 1, 1, true },    { 1, 7, 1, false },         { 4, 3, 2, true },
              { 4, 16, 3, false }, { 4, 4, 1000, true }, { 3, IMAGES + 1, 2, false } };

/* The batches of TEAM, one after the other, up to the end: each image that FAILS says nothing of gives its gray.  */
static void
assert_batches (struct imagestream *stream, int team, const char *(*fails) (uint64_t number))
{
  struct imagebatch *batch;
  uint64_t number = 0, taken = 0, most = (uint64_t) teams[team].batch;
  for (; number < IMAGES; taken++)
    {
      uint64_t end = teams[team].divided ? get_end (NULL, number) : IMAGES;
      ck_assert_int_eq (imagestream_take (stream, &batch), 1);
      ck_assert_uint_eq (batch->number, taken);
      ck_assert_uint_eq (batch->first, number);
      ck_assert_uint_eq ((uint64_t) batch->images, end - number < most ? end - number : most);
      int count = 0;
      for (int i = 0; i < batch->images; i++, number++)
        if (fails (number))
          ck_assert_str_eq (batch->reason[i], fails (number));
        else
          {
            ck_assert_ptr_null (batch->reason[i]);
            assert_gray (batch->pixels + VALUES * count++, number);
          }
      ck_assert_int_eq (batch->count, count);
      imagestream_release (stream, batch);
    }
  assert_end (stream);
}

static const char *
never (uint64_t number)
{
  (void) number;
  return NULL;
}

START_TEST (images_come_in_order)
{
  struct imagestream *stream = new_stream (teams[_i].threads, teams[_i].batch, teams[_i].batches, teams[_i].divided);
  assert_batches (stream, _i, never);
  struct imagestream_seconds seconds = imagestream_seconds (stream);
  ck_assert_double_gt (seconds.read, 0);
  ck_assert_double_gt (seconds.decode, 0);
  imagestream_free (stream);
}
END_TEST

static const char *
some (uint64_t number)
{
  return number == 3            ? "cannot be read: No such file or directory"
         : number == 4          ? "not a JPEG or PNG file"
         : number == IMAGES - 1 ? "an empty file"
                                : NULL;
}

START_TEST (failures_come_in_their_place)
{
  char *gone = scratch_path (path[3]), *text = scratch_path (path[4]), *last = scratch_path (path[IMAGES - 1]);
  ck_assert_int_eq (unlink (gone), 0);
  ck_assert_int_eq (file_write (text, "text", 4), 0);
  ck_assert_int_eq (file_write (last, "", 0), 0);
  struct imagestream *stream = new_stream (teams[_i].threads, teams[_i].batch, teams[_i].batches, teams[_i].divided);
  assert_batches (stream, _i, some);
  imagestream_free (stream);
  free (gone);
  free (text);
  free (last);
}
END_TEST

/* Memory is that of the batches, however far the decoders could run ahead.  */
START_TEST (the_window_is_kept)
{
  struct imagebatch *batch;
  memory_reset_peak ();
  struct imagestream *stream = new_stream (2, 2, 3, false);
  ck_assert_int_eq (imagestream_take (stream, &batch), 1);
  usleep (50000);
  ck_assert_uint_lt (memory_peak_bytes (), 6 * VALUES + 2 * (8 * 9 * 3) + 8192);
  assert_gray (batch->pixels, 0); /* no other image takes its place */
  assert_gray (batch->pixels + VALUES, 1);
  imagestream_free (stream); /* long before the end, with a batch taken and others waiting */
}
END_TEST

/* Several threads take each batch once.  */
static void *
take_all (void *stream)
{
  uint64_t *taken = calloc (IMAGES, sizeof *taken);
  struct imagebatch *batch;
  while (imagestream_take (stream, &batch) == 1)
    {
      taken[batch->number] = 1;
      imagestream_release (stream, batch);
    }
  return taken;
}

START_TEST (takers_share_the_batches)
{
  struct imagestream *stream = new_stream (2, 1, 5, false);
  pthread_t thread[3];
  uint64_t sum[IMAGES] = { 0 };
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq (pthread_create (&thread[i], NULL, take_all, stream), 0);
  for (int i = 0; i < 3; i++)
    {
      void *taken;
      ck_assert_int_eq (pthread_join (thread[i], &taken), 0);
      for (int j = 0; j < IMAGES; j++)
        sum[j] += ((uint64_t *) taken)[j];
      free (taken);
    }
  for (int i = 0; i < IMAGES; i++)
    ck_assert_uint_eq (sum[i], 1);
  imagestream_free (stream);
}
END_TEST

/* A pipe that nobody writes to, in the place of the first image, keeps its decoder until it is opened.  */
static char *
make_pipe (void)
{
  char *pipe = scratch_path (path[0]);
  ck_assert_int_eq (unlink (pipe), 0);
  ck_assert_int_eq (mkfifo (pipe, 0600), 0);
  return pipe;
}

static void *
stop_later (void *stream)
{
  usleep (50000);
  error_set ("the disk is full");
  imagestream_stop (stream);
  return NULL;
}

START_TEST (stopping_wakes_who_waits)
{
  struct imagebatch *batch;
  char *pipe = make_pipe ();
  pthread_t thread;
  struct imagestream *stream = new_stream (2, 1, 3, false);
  ck_assert_int_eq (pthread_create (&thread, NULL, stop_later, stream), 0);
  for (int i = 0; i < 2; i++)
    {
      error_clear ();
      ck_assert_int_eq (imagestream_take (stream, &batch), -1);
      ck_assert_str_eq (error_message (), "the disk is full"); /* of the thread that stopped */
    }
  ck_assert_double_gt (imagestream_seconds (stream).wait, 0);
  ck_assert_int_eq (pthread_join (thread, NULL), 0);
  int writer = open (pipe, O_RDWR | O_NONBLOCK); /* lets the decoder go */
  ck_assert_int_ge (writer, 0);
  imagestream_free (stream);
  close (writer);
  free (pipe);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("imagestream");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_loop_test (cases, images_come_in_order, 0, sizeof teams / sizeof *teams);
  tcase_add_loop_test (cases, failures_come_in_their_place, 0, sizeof teams / sizeof *teams);
  tcase_add_test (cases, the_window_is_kept);
  tcase_add_test (cases, takers_share_the_batches);
  tcase_add_test (cases, stopping_wakes_who_waits);
  return run_cases (cases, "imagestream");
}

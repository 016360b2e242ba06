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

static struct imagestream *
new_stream (int threads, size_t slots)
{
  const struct imagelist images = { .count = IMAGES, .get = get_image };
  struct imagestream *stream = imagestream_new (&extractor, source, &images, threads, slots);
  ck_assert_msg (stream != NULL, "%s", error_message ());
  return stream;
}

static void
assert_next (struct imagestream *stream, int gray)
{
  unsigned char pixels[VALUES];
  char *reason = (char *) "not set";
  ck_assert_int_eq (imagestream_next (stream, pixels, &reason), 1);
  ck_assert_msg (reason == NULL, "%s", reason);
  for (int i = 0; i < VALUES; i++)
    ck_assert_int_eq (pixels[i], gray);
}

static void
assert_end (struct imagestream *stream)
{
  unsigned char pixels[VALUES];
  char *reason;
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq (imagestream_next (stream, pixels, &reason), 0);
}

static const struct {
  int threads;
  size_t slots;
} teams[] = { { 1, 1 }, { 4, 1 }, { 1, 7 }, { 4, 3 }, { 4, 1000 } };

START_TEST (images_come_in_order)
{
  struct imagestream *stream = new_stream (teams[_i].threads, teams[_i].slots);
  for (int i = 0; i < IMAGES; i++)
    assert_next (stream, i);
  assert_end (stream);
  ck_assert_double_gt (imagestream_seconds (stream), 0);
  imagestream_free (stream);
}
END_TEST

static void
assert_fails (struct imagestream *stream, const char *expected)
{
  unsigned char pixels[VALUES];
  char *reason = NULL;
  ck_assert_int_eq (imagestream_next (stream, pixels, &reason), 1);
  ck_assert_ptr_nonnull (reason);
  ck_assert_str_eq (reason, expected);
  free (reason);
}

START_TEST (failures_come_in_their_place)
{
  char *gone = scratch_path (path[3]), *text = scratch_path (path[4]), *last = scratch_path (path[IMAGES - 1]);
  ck_assert_int_eq (unlink (gone), 0);
  ck_assert_int_eq (file_write (text, "text", 4), 0);
  ck_assert_int_eq (file_write (last, "", 0), 0);
  struct imagestream *stream = new_stream (teams[_i].threads, teams[_i].slots);
  for (int i = 0; i < IMAGES; i++)
    if (i == 3)
      assert_fails (stream, "cannot be read: No such file or directory");
    else if (i == 4)
      assert_fails (stream, "not a JPEG file");
    else if (i == IMAGES - 1)
      assert_fails (stream, "an empty file");
    else
      assert_next (stream, i);
  assert_end (stream);
  imagestream_free (stream);
  free (gone);
  free (text);
  free (last);
}
END_TEST

/* Memory is that of the window, however far the decoders could run ahead.  */
START_TEST (the_window_is_kept)
{
  memory_reset_peak ();
  struct imagestream *stream = new_stream (2, 3);
  assert_next (stream, 0);
  usleep (50000);
  ck_assert_uint_lt (memory_peak_bytes (), 3 * VALUES + 4 * (8 * 9 * 3) + 4096);
  imagestream_free (stream); /* long before the end, with images in the window */
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
  unsigned char pixels[VALUES];
  char *reason, *pipe = make_pipe ();
  pthread_t thread;
  struct imagestream *stream = new_stream (2, 3);
  ck_assert_int_eq (pthread_create (&thread, NULL, stop_later, stream), 0);
  for (int i = 0; i < 2; i++)
    {
      error_clear ();
      ck_assert_int_eq (imagestream_next (stream, pixels, &reason), -1);
      ck_assert_str_eq (error_message (), "the disk is full"); /* of the thread that stopped */
    }
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
  tcase_add_test (cases, stopping_wakes_who_waits);
  return run_cases (cases, "imagestream");
}

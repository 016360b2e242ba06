/* Decoding against Pillow's pixels (reference/make_images.py), and its refusals.  */
#include <config.h>

#include "../src/base/memory.h"
#include "../src/image/decode.h"
#include "support.h"

static void
assert_like_pillow (const char *name, bool exif)
{
  size_t length, expected_length;
  char *jpeg = text_new ("images/%s.jpg", name), *rgb = text_new ("images/%s.rgb", name);
  unsigned char *data = reference_read (jpeg, &length), *expected = reference_read (rgb, &expected_length);
  struct pixels pixels;
  ck_assert_msg (decode_jpeg (data, length, exif, &pixels) == 0, "%s: %s", name, error_message ());
  ck_assert_uint_eq ((size_t) pixels.height * (size_t) pixels.width * 3, expected_length);
  ck_assert_msg (!memcmp (pixels.rgb, expected, expected_length), "%s: pixels differ from Pillow's", name);
  pixels_free (&pixels);
  ck_assert_ptr_null (pixels.rgb);
  free (data);
  free (expected);
  free (jpeg);
  free (rgb);
}

static const char *const kinds[] = { "gray", "colour-444", "colour-422", "colour-420", "progressive",
                                     "rgb",  "cmyk",       "ycck",       "one",        "photo" };

START_TEST (kinds_like_pillow)
{
  assert_like_pillow (kinds[_i], false);
  assert_like_pillow (kinds[_i], true); /* none has an orientation */
}
END_TEST

START_TEST (sizes)
{
  size_t length;
  unsigned char *data = reference_read ("images/colour-420.jpg", &length);
  struct pixels pixels;
  ck_assert_int_eq (decode_jpeg (data, length, false, &pixels), 0);
  ck_assert_int_eq (pixels.height, 21);
  ck_assert_int_eq (pixels.width, 33);
  pixels_free (&pixels);
  free (data);
}
END_TEST

START_TEST (orientations_like_pillow)
{
  char name[] = "orientation-N";
  name[sizeof name - 2] = (char) ('0' + _i);
  assert_like_pillow (name, true);
}
END_TEST

START_TEST (orientation_is_ignored_unless_asked)
{
  size_t length;
  unsigned char *data = reference_read ("images/orientation-6.jpg", &length);
  struct pixels stored, turned;
  ck_assert_int_eq (decode_jpeg (data, length, false, &stored), 0);
  ck_assert_int_eq (decode_jpeg (data, length, true, &turned), 0);
  ck_assert_int_eq (stored.height, 5);
  ck_assert_int_eq (stored.width, 9);
  ck_assert_int_eq (turned.height, 9);
  ck_assert_int_eq (turned.width, 5);
  ck_assert_mem_eq (stored.rgb, turned.rgb + 4 * 3, 3); /* 6: the first stored pixel is shown at the upper right */
  pixels_free (&stored);
  pixels_free (&turned);
  free (data);
}
END_TEST

/* Whatever stands in the Exif block, the image decodes and nothing outside the block is read (valgrind sees that).  */
START_TEST (damaged_exif)
{
  size_t length;
  unsigned char *data = reference_read ("images/orientation-6.jpg", &length);
  unsigned char *exif = memmem (data, length, "Exif", 4);
  ck_assert_ptr_nonnull (exif);
  for (size_t at = 4; at < 6 + 8 + 2 + 24 + 4; at++)
    for (int value = 0; value < 256; value += 15)
      {
        unsigned char kept = exif[at];
        struct pixels pixels;
        exif[at] = (unsigned char) value;
        ck_assert_msg (decode_jpeg (data, length, true, &pixels) == 0, "byte %zu: %s", at, error_message ());
        exif[at] = kept;
        pixels_free (&pixels);
      }
  free (data);
}
END_TEST

static void
assert_refused (const void *data, size_t length, const char *reason)
{
  struct pixels pixels;
  ck_assert_int_eq (decode_jpeg (data, length, true, &pixels), -1);
  ck_assert_str_eq (error_message (), reason);
  ck_assert_ptr_null (pixels.rgb);
  ck_assert_uint_eq (memory_bytes (), 0);
}

static const struct {
  const char *file, *reason;
} bad_files[] = {
  { "images/truncated.jpg", "truncated: the data end before the image does" },
  { "images/truncated-progressive.jpg", "truncated: the data end before the image does" },
  { "images/enormous.jpg", "60000 x 60000 pixels, more than the 178956970 allowed" },
  { "images/image.png", "a PNG file, not a JPEG" },
  { "images/keras.f32", "not a JPEG file" },
};

START_TEST (bad_files_are_refused)
{
  size_t length;
  unsigned char *data = reference_read (bad_files[_i].file, &length);
  assert_refused (data, length, bad_files[_i].reason);
  free (data);
}
END_TEST

START_TEST (bad_data_are_refused)
{
  assert_refused ("", 0, "an empty file");
  assert_refused (NULL, 0, "an empty file");
  assert_refused ("\xff", 1, "not a JPEG file");
  assert_refused ("GIF89a", 6, "a GIF file, not a JPEG");
  assert_refused ("RIFF....WEBP", 12, "a WebP file, not a JPEG");
  assert_refused ("<!DOCTYPE html>", 15, "an HTML page, not a JPEG");
  assert_refused ("\xff\xd8\xff", 3, "truncated: the data end before the image does");
}
END_TEST

/* A cut anywhere before the last rows is noticed, as in Pillow; only the end marker may be missing.  */
START_TEST (every_cut_is_refused)
{
  size_t length;
  unsigned char *data = reference_read ("images/colour-420.jpg", &length);
  for (size_t cut = 3; cut < length - 8; cut++)
    {
      unsigned char *part = malloc (cut); /* exact, so that valgrind sees a read behind it */
      memcpy (part, data, cut);
      assert_refused (part, cut, "truncated: the data end before the image does");
      free (part);
    }
  free (data);
}
END_TEST

/* libjpeg's own words, on a frame of 12 bits a sample.  */
START_TEST (twelve_bits)
{
  size_t length;
  unsigned char *data = reference_read ("images/photo.jpg", &length);
  unsigned char *frame = memmem (data, length, "\xff\xc0", 2);
  ck_assert_ptr_nonnull (frame);
  frame[4] = 12;
  struct pixels pixels;
  ck_assert_int_eq (decode_jpeg (data, length, false, &pixels), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "precision 12"));
  free (data);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("decode");
  tcase_add_loop_test (cases, kinds_like_pillow, 0, sizeof kinds / sizeof *kinds);
  tcase_add_test (cases, sizes);
  tcase_add_loop_test (cases, orientations_like_pillow, 1, 9);
  tcase_add_test (cases, orientation_is_ignored_unless_asked);
  tcase_add_test (cases, damaged_exif);
  tcase_add_loop_test (cases, bad_files_are_refused, 0, sizeof bad_files / sizeof *bad_files);
  tcase_add_test (cases, bad_data_are_refused);
  tcase_add_test (cases, every_cut_is_refused);
  tcase_add_test (cases, twelve_bits);
  return run_cases (cases, "decode");
}

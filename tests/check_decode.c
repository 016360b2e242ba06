/* Decoding against Pillow's pixels (reference/make_images.py), and its refusals.  */
#include <config.h>

#include "../src/base/memory.h"
#include "../src/image/decode.h"
#include "support.h"

static void
assert_like_pillow (const char *name, const char *kind, bool exif)
{
  size_t length, expected_length;
  char *file = text_new ("images/%s.%s", name, kind), *rgb = text_new ("images/%s.rgb", name);
  unsigned char *data = reference_read (file, &length), *expected = reference_read (rgb, &expected_length);
  struct pixels pixels;
  ck_assert_msg (decode_image (data, length, exif, &pixels) == 0, "%s: %s", name, error_message ());
  ck_assert_uint_eq ((size_t) pixels.height * (size_t) pixels.width * 3, expected_length);
  ck_assert_msg (!memcmp (pixels.rgb, expected, expected_length), "%s: pixels differ from Pillow's", name);
  pixels_free (&pixels);
  ck_assert_ptr_null (pixels.rgb);
  ck_assert_uint_eq (memory_bytes (), 0);
  free (data);
  free (expected);
  free (file);
  free (rgb);
}

static const char *const jpegs[] = { "gray", "colour-444", "colour-422", "colour-420", "progressive",
                                     "rgb",  "cmyk",       "ycck",       "one",        "photo" };

START_TEST (jpegs_like_pillow)
{
  assert_like_pillow (jpegs[_i], "jpg", false);
  assert_like_pillow (jpegs[_i], "jpg", true); /* none has an orientation */
}
END_TEST

static const char *const pngs[] = { "png-gray-1",
                                    "png-gray-2",
                                    "png-gray-4",
                                    "png-gray-8",
                                    "png-gray-16",
                                    "png-palette-1",
                                    "png-palette-2",
                                    "png-palette-4",
                                    "png-palette-8",
                                    "png-rgb-8",
                                    "png-rgb-16",
                                    "png-graya-8",
                                    "png-graya-16",
                                    "png-rgba-8",
                                    "png-rgba-16",
                                    "png-gray-1-interlaced",
                                    "png-gray-16-interlaced",
                                    "png-palette-4-interlaced",
                                    "png-rgb-8-interlaced",
                                    "png-rgba-16-interlaced" };

START_TEST (pngs_like_pillow)
{
  assert_like_pillow (pngs[_i], "png", false);
  assert_like_pillow (pngs[_i], "png", true);
}
END_TEST

/* The eXIf chunk behind the pixels goes before the XMP packet in front of them.  */
START_TEST (png_orientations_like_pillow)
{
  assert_like_pillow ("png-rgb-8-exif", "png", true);
  assert_like_pillow ("png-gray-4-xmp", "png", true);
}
END_TEST

START_TEST (sizes)
{
  size_t length;
  unsigned char *data = reference_read ("images/colour-420.jpg", &length);
  struct pixels pixels;
  ck_assert_int_eq (decode_image (data, length, false, &pixels), 0);
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
  assert_like_pillow (name, "jpg", true);
}
END_TEST

START_TEST (orientation_is_ignored_unless_asked)
{
  size_t length;
  unsigned char *data = reference_read ("images/orientation-6.jpg", &length);
  struct pixels stored, turned;
  ck_assert_int_eq (decode_image (data, length, false, &stored), 0);
  ck_assert_int_eq (decode_image (data, length, true, &turned), 0);
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

/* DATA (LENGTH), stored as 5 x 9 pixels, have the height HEIGHT.  */
static void
assert_height (const void *data, size_t length, int height)
{
  struct pixels pixels;
  ck_assert_msg (decode_image (data, length, true, &pixels) == 0, "%s", error_message ());
  ck_assert_int_eq (pixels.height, height);
  pixels_free (&pixels);
}

/* FILE with "Exif" said COPIES times has the height HEIGHT, with the number 42 in the other order of bytes as well.  */
static void
assert_exif_marks (const char *file, size_t copies, int height)
{
  enum { MARK = 6 };
  size_t length, more = (copies - 1) * MARK;
  unsigned char *data = reference_read (file, &length), *exif = memmem (data, length, "Exif\0", MARK);
  ck_assert_ptr_nonnull (exif);
  size_t place = (size_t) (exif - data);
  unsigned char *longer = malloc (length + more), *number = longer + place + copies * MARK + 2;
  exif[-1] = (unsigned char) (exif[-1] + more); /* the length of the segment */
  memcpy (longer, data, place);
  for (size_t i = 0; i < copies; i++)
    memcpy (longer + place + i * MARK, "Exif\0", MARK);
  memcpy (number - 2, exif + MARK, length - place - MARK);
  assert_height (longer, length + more, height);
  memcpy (number, (unsigned char[]){ number[1], number[0] }, 2);
  assert_height (longer, length + more, height);
  free (longer);
  free (data);
}

/* As by Pillow 13's ImageOps.exif_transpose of the same bytes, in both orders of bytes.  */
START_TEST (exif_marks_like_pillow)
{
  for (size_t copies = 1; copies <= 3; copies++)
    {
      assert_exif_marks ("images/orientation-5.jpg", copies, copies < 3 ? 9 : 5);
      assert_exif_marks ("images/orientation-6.jpg", copies, copies < 3 ? 9 : 5);
    }
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
        ck_assert_msg (decode_image (data, length, true, &pixels) == 0, "byte %zu: %s", at, error_message ());
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
  ck_assert_int_eq (decode_image (data, length, true, &pixels), -1);
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
  { "images/keras.f32", "not a JPEG or PNG file" },
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
  assert_refused ("\xff", 1, "not a JPEG or PNG file");
  assert_refused ("GIF89a", 6, "a GIF file, not a JPEG or PNG");
  assert_refused ("RIFF....WEBP", 12, "a WebP file, not a JPEG or PNG");
  assert_refused ("<!DOCTYPE html>", 15, "an HTML page, not a JPEG or PNG");
  assert_refused ("\xff\xd8\xff", 3, "truncated: the data end before the image does");
}
END_TEST

/* A cut anywhere is noticed, but for that of the checksum at the end.  */
static void
assert_every_cut_is_refused (const char *file, size_t first, size_t end_bytes)
{
  size_t length;
  unsigned char *data = reference_read (file, &length);
  for (size_t cut = first; cut < length - end_bytes; cut++)
    {
      unsigned char *part = malloc (cut); /* exact, so that valgrind sees a read behind it */
      memcpy (part, data, cut);
      assert_refused (part, cut, "truncated: the data end before the image does");
      free (part);
    }
  free (data);
}

START_TEST (every_cut_is_refused)
{
  assert_every_cut_is_refused ("images/colour-420.jpg", 3, 0);
  assert_every_cut_is_refused ("images/progressive.jpg", 3, 0);
  assert_every_cut_is_refused ("images/png-rgb-8.png", 8, 4);
  assert_every_cut_is_refused ("images/png-rgba-16-interlaced.png", 8, 4);
}
END_TEST

/* Which bits of a file's last bytes, by their distance from the end, Pillow 13 ("broken data stream") does not take
   inverted: Image.open (io.BytesIO (data)).load () of each of the last 40 bytes but the mark of the end.  */
static const struct {
  const char *file;
  struct {
    size_t back;
    int bit;
  } bad[10];
} bits_of_jpeg[] = {
  { "images/colour-420.jpg", { { 40, 3 }, { 18, 3 }, { 16, 0 }, { 7, 7 } } },
  { "images/photo.jpg", { { 27, 4 } } },
  { "images/progressive.jpg", { { 0 } } },
  { "images/gray.jpg",
    { { 40, 1 }, { 40, 2 }, { 40, 3 }, { 40, 4 }, { 40, 5 }, { 40, 6 }, { 40, 7 }, { 25, 3 }, { 13, 5 }, { 9, 5 } } },
};

static bool
is_bad_bit (int file, size_t back, int bit)
{
  for (size_t i = 0; i < sizeof bits_of_jpeg->bad / sizeof *bits_of_jpeg->bad; i++)
    if (bits_of_jpeg[file].bad[i].back == back && bits_of_jpeg[file].bad[i].bit == bit)
      return true;
  return false;
}

START_TEST (damaged_jpeg_like_pillow)
{
  size_t length;
  unsigned char *data = reference_read (bits_of_jpeg[_i].file, &length);
  for (size_t back = 40; back > 2; back--)
    for (int bit = 0; bit < 8; bit++)
      {
        struct pixels pixels;
        data[length - back] ^= (unsigned char) (1 << bit);
        bool good = decode_image (data, length, true, &pixels) == 0;
        ck_assert_msg (good != is_bad_bit (_i, back, bit), "bit %d, %zu bytes before the end", bit, back);
        data[length - back] ^= (unsigned char) (1 << bit);
        pixels_free (&pixels);
      }
  free (data);
}
END_TEST

/* Nothing behind the end matters.  The mark of the end may be missing where libjpeg, which reads ahead, does not ask
   for it before the last row; of a progressive file it always does.  So it is with Pillow 13 and the same bytes.  */
START_TEST (end_of_jpeg)
{
  static const char *const files[] = { "images/colour-420.jpg", "images/gray.jpg", "images/progressive.jpg" };
  for (int i = 0; i < 3; i++)
    {
      size_t length;
      unsigned char *data = reference_read (files[i], &length), *longer = calloc (length + 100, 1);
      struct pixels pixels;
      memcpy (longer, data, length);
      ck_assert_int_eq (decode_image (longer, length + 100, true, &pixels), 0);
      pixels_free (&pixels);
      longer[length - 2] = longer[length - 1] = 0; /* the mark */
      if (i == 2)
        assert_refused (longer, length + 100, "truncated: the data end before the image does");
      else
        ck_assert_msg (decode_image (longer, length + 100, true, &pixels) == 0, "%s", error_message ());
      pixels_free (&pixels);
      free (longer);
      free (data);
    }
}
END_TEST

/* Damage anywhere in a PNG file's chunks is found by their checksums.  Those beside header, palette and pixels do not
   matter.  */
START_TEST (damaged_png)
{
  size_t length;
  unsigned char *data = reference_read ("images/png-palette-4.png", &length);
  unsigned char *header = memmem (data, length, "IHDR", 4), *clear = memmem (data, length, "tRNS", 4);
  unsigned char *image = memmem (data, length, "IDAT", 4);
  struct pixels pixels;
  clear[4] ^= 1;
  ck_assert_int_eq (decode_image (data, length, true, &pixels), 0);
  pixels_free (&pixels);
  image[20] ^= 1; /* of the stream, whose own errors may come first */
  ck_assert_int_eq (decode_image (data, length, true, &pixels), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "damaged: "));
  header[5] ^= 1;
  assert_refused (data, length, "damaged: invalid chunk checksum");
}
END_TEST

/* The checksums of the last pixels and of the end; nothing behind the end matters, as in Pillow.  */
static void
assert_end_is_read (const char *file)
{
  size_t length;
  unsigned char *data = reference_read (file, &length), *longer = calloc (length + 100, 1);
  unsigned char *end = data + length - 12;
  struct pixels pixels;
  memcpy (longer, data, length);
  ck_assert_int_eq (decode_image (longer, length + 100, true, &pixels), 0);
  pixels_free (&pixels);
  end[-1] ^= 1;
  assert_refused (data, length, "damaged: invalid chunk checksum");
  end[-1] ^= 1;
  end[8] ^= 1;
  assert_refused (data, length, "damaged: invalid chunk checksum");
  free (longer);
  free (data);
}

START_TEST (end_of_png)
{
  assert_end_is_read ("images/png-gray-16.png");
  assert_end_is_read ("images/png-rgb-8.png");
  assert_end_is_read ("images/png-rgba-16-interlaced.png");
}
END_TEST

/* 4096 x 4096 pixels by IHDR, interlaced, which no file of this size can hold: no memory is taken for them.  */
START_TEST (short_png)
{
  static const unsigned char start[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x10\0\0\0\x10\0\10\2\0\0\1\012\306\203\326";
  memory_reset_peak ();
  assert_refused (start, sizeof start - 1, "truncated: the data end before the image does");
  ck_assert_uint_lt (memory_peak_bytes (), (uint64_t) 4096 * 4096 * 3 + (1 << 16)); /* that of the whole image alone */
}
END_TEST

/* 13300 x 13300 pixels of the orientation 6 in 106 bytes: an image that is turned is held as a whole, but none of it is
   there.  */
START_TEST (short_png_to_be_turned)
{
  static const unsigned char file[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x33\xf4\0\0\x33\xf4\10\2\0\0\0\x0bN\x0e{\0\0\0\x1a"
    "eXIfMM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0\xd6gKi\0\0\0\x0bIDAT"
    "\x78\x9c\x63\x60\x80\1\0\0\n\0\1\x7f\x80t^\0\0\0\0IEND\xae\x42\x60\x82";
  memory_reset_peak ();
  assert_refused (file, sizeof file - 1, "truncated: the data end before the image does");
  ck_assert_uint_lt (memory_peak_bytes (), 1 << 16);
}
END_TEST

/* 60000 x 60000 pixels, by IHDR.  */
START_TEST (enormous_png)
{
  static const unsigned char start[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\10\2\0\0\0\x0f\xb0\xe2\x15";
  assert_refused (start, sizeof start - 1, "60000 x 60000 pixels, more than the 178956970 allowed");
}
END_TEST

/* Rows as they are asked for, of which some are left out; what follows them is looked at all the same.  */
static void
assert_rows (const char *file, const char *rgb, bool exif, int step)
{
  size_t length, expected_length;
  unsigned char *data = reference_read (file, &length), *expected = reference_read (rgb, &expected_length);
  struct raster raster;
  struct decode *decode = decode_open (data, length, exif, &raster);
  ck_assert_ptr_nonnull (decode);
  ck_assert_uint_eq ((size_t) raster.height * (size_t) raster.width * 3, expected_length);
  unsigned char *row = malloc ((size_t) raster.width * 4);
  for (int y = step / 2; y < raster.height; y += step)
    {
      ck_assert_int_eq (raster.read (raster.context, y, row), 0);
      for (int x = 0; x < raster.width; x++)
        ck_assert_mem_eq (row + 4 * x, expected + 3 * (y * raster.width + x), 3);
    }
  ck_assert_int_eq (decode_finish (decode), 0);
  decode_close (decode);
  free (row);
  free (data);
  free (expected);
}

START_TEST (rows_left_out)
{
  for (int step = 1; step < 9; step++)
    {
      assert_rows ("images/colour-420.jpg", "images/colour-420.rgb", false, step);
      assert_rows ("images/progressive.jpg", "images/progressive.rgb", false, step);
      assert_rows ("images/orientation-7.jpg", "images/orientation-7.rgb", true, step);
      assert_rows ("images/png-gray-16.png", "images/png-gray-16.rgb", false, step);
      assert_rows ("images/png-rgb-8-interlaced.png", "images/png-rgb-8-interlaced.rgb", false, step);
    }
}
END_TEST

START_TEST (damage_behind_the_rows)
{
  size_t length;
  struct raster raster;
  unsigned char row[33 * 4], *data = reference_read ("images/colour-420.jpg", &length);
  struct decode *decode = decode_open (data, length - 40, false, &raster);
  ck_assert_int_eq (raster.read (raster.context, 2, row), 0);
  ck_assert_int_eq (decode_finish (decode), -1);
  ck_assert_str_eq (error_message (), "truncated: the data end before the image does");
  decode_close (decode);
  ck_assert_uint_eq (memory_bytes (), 0);
  free (data);
}
END_TEST

static const char *const damaged[] = { "images/colour-420.jpg",    "images/progressive.jpg",
                                       "images/ycck.jpg",          "images/orientation-6.jpg",
                                       "images/png-palette-4.png", "images/png-rgba-16-interlaced.png" };

/* Damage that no checksum may have found: the image decodes or is refused, and no memory is left.  */
START_TEST (damaged_anywhere)
{
  size_t length;
  unsigned char *row = malloc (4 * 65536), *data = reference_read (damaged[_i], &length);
  uint64_t state = 88172645463325252; /* of Marsaglia's xorshift */
  for (int i = 0; i < 1500; i++)
    {
      struct raster raster;
      unsigned char *copy = malloc (length); /* exact, so that tools see a read behind it */
      memcpy (copy, data, length);
      for (int k = 0; k <= i % 3; k++)
        {
          state ^= state << 13;
          state ^= state >> 7;
          state ^= state << 17;
          copy[state % length] = (unsigned char) (state >> 32);
        }
      struct decode *decode = decode_open (copy, length, false, &raster);
      for (int y = 0; decode && y < raster.height && raster.width <= 65536; y++)
        if (raster.read (raster.context, y, row) || (y == raster.height - 1 && decode_finish (decode)))
          break;
      decode_close (decode);
      ck_assert_uint_eq (memory_bytes (), 0);
      free (copy);
    }
  free (data);
  free (row);
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
  ck_assert_int_eq (decode_image (data, length, false, &pixels), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "precision 12"));
  free (data);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("decode");
  tcase_add_loop_test (cases, jpegs_like_pillow, 0, sizeof jpegs / sizeof *jpegs);
  tcase_add_loop_test (cases, pngs_like_pillow, 0, sizeof pngs / sizeof *pngs);
  tcase_add_test (cases, png_orientations_like_pillow);
  tcase_add_test (cases, sizes);
  tcase_add_loop_test (cases, orientations_like_pillow, 1, 9);
  tcase_add_test (cases, orientation_is_ignored_unless_asked);
  tcase_add_test (cases, exif_marks_like_pillow);
  tcase_add_test (cases, damaged_exif);
  tcase_add_loop_test (cases, bad_files_are_refused, 0, sizeof bad_files / sizeof *bad_files);
  tcase_add_test (cases, bad_data_are_refused);
  tcase_add_test (cases, every_cut_is_refused);
  tcase_add_loop_test (cases, damaged_jpeg_like_pillow, 0, sizeof bits_of_jpeg / sizeof *bits_of_jpeg);
  tcase_add_test (cases, end_of_jpeg);
  tcase_add_test (cases, damaged_png);
  tcase_add_test (cases, end_of_png);
  tcase_add_test (cases, short_png);
  tcase_add_test (cases, short_png_to_be_turned);
  tcase_add_test (cases, enormous_png);
  tcase_add_loop_test (cases, damaged_anywhere, 0, sizeof damaged / sizeof *damaged);
  tcase_add_test (cases, rows_left_out);
  tcase_add_test (cases, damage_behind_the_rows);
  tcase_add_test (cases, twelve_bits);
  return run_cases (cases, "decode");
}

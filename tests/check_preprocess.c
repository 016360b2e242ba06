/* Preprocessing against Pillow's, Keras's and NumPy's values (reference/make_images.py), and its refusals.  */
#include <config.h>

#include "../src/base/memory.h"
#include "../src/image/preprocess.h"
#include "support.h"

static void
assert_resized (const char *spec, const struct pixels *image, int height, int width, const unsigned char *expected)
{
  struct preprocess preprocess;
  ck_assert_msg (preprocess_parse (&preprocess, spec) == 0, "%s", error_message ());
  ck_assert_int_eq (preprocess.height, height);
  ck_assert_int_eq (preprocess.width, width);
  size_t bytes = (size_t) height * (size_t) width * 3;
  unsigned char *pixels = malloc (bytes);
  memset (pixels, 77, bytes);
  const struct raster raster = pixels_raster (image);
  ck_assert_int_eq (preprocess_resize (&preprocess, &raster, pixels), 0);
  ck_assert_msg (!memcmp (pixels, expected, bytes), "%s: pixels differ from Pillow's", spec);
  free (pixels);
}

START_TEST (resized_like_pillow)
{
  size_t length, expected_length, used = 0;
  struct pixels photo = { .height = 23, .width = 31 };
  photo.rgb = reference_read ("images/photo.rgb", &length);
  ck_assert_uint_eq (length, 23 * 31 * 3);
  char *list = reference_read ("images/resized.txt", &length), *rest = list, *line;
  unsigned char *expected = reference_read ("images/resized.rgb", &expected_length);
  while ((line = strsep (&rest, "\n")) && *line)
    {
      char spec[100];
      int height, width;
      ck_assert_int_eq (sscanf (line, "%99s %d %d", spec, &height, &width), 3);
      ck_assert_uint_le (used + (size_t) height * (size_t) width * 3, expected_length);
      assert_resized (spec, &photo, height, width, expected + used);
      used += (size_t) height * (size_t) width * 3;
    }
  ck_assert_uint_eq (used, expected_length);
  ck_assert_uint_eq (memory_bytes (), 0);
  free (list);
  free (expected);
  free (photo.rgb);
}
END_TEST

/* Rows whose pixels are their own numbers, at sizes where the way of rounding shows.  */
START_TEST (positions_like_pillow)
{
  static const int widths[] = { 64, 640, 1152 };
  size_t length;
  unsigned char *expected = reference_read ("images/positions.rgb", &length);
  ck_assert_uint_eq (length, 3 * 224 * 3);
  for (size_t i = 0; i < 3; i++)
    {
      struct pixels row = { .height = 1, .width = widths[i], .rgb = calloc ((size_t) widths[i], 3) };
      for (int x = 0; x < row.width; x++)
        {
          row.rgb[3 * x] = (unsigned char) (x % 256);
          row.rgb[3 * x + 1] = (unsigned char) (x / 256);
        }
      assert_resized ("resize=1x224,interp=nearest", &row, 1, 224, expected + i * 224 * 3);
      free (row.rgb);
    }
  free (expected);
}
END_TEST

/* A line of 3 x 40000 pixels whose shorter side becomes 500 has 6,666,666 columns; the crop needs 500 of them.  */
START_TEST (only_the_crop_is_computed)
{
  struct preprocess preprocess;
  struct pixels line = { .height = 3, .width = 40000 };
  line.rgb = memory_new (3 * 40000, 3);
  unsigned char *pixels = malloc (500 * 500 * 3);
  ck_assert_int_eq (preprocess_parse (&preprocess, "resize=500,crop=500,interp=bilinear"), 0);
  memset (line.rgb, 200, 3 * 40000 * 3);
  memory_reset_peak ();
  const struct raster raster = pixels_raster (&line);
  ck_assert_int_eq (preprocess_resize (&preprocess, &raster, pixels), 0);
  ck_assert_uint_lt (memory_peak_bytes (), 2000000);
  for (size_t i = 0; i < 500 * 500 * 3; i++)
    ck_assert_uint_eq (pixels[i], 200);
  memory_free (line.rgb);
  free (pixels);
}
END_TEST

static const struct {
  const char *spec, *file;
} planes[] = {
  { "resize=16x16,order=bgr,mean=123.68:116.779:103.939", "images/keras.f32" },
  { "crop=16,order=rgb,scale=1/255,mean=0.485:0.456:0.406,std=0.229:0.224:0.225", "images/torchvision.f32" },
};

/* Every value of a pixel, in bits.  */
START_TEST (planes_like_keras_and_torchvision)
{
  size_t length, pixels_length;
  struct preprocess preprocess;
  int colour[3];
  float table[3][256];
  unsigned char *pixels = reference_read ("images/all.rgb", &pixels_length);
  float *expected = reference_read (planes[_i].file, &length);
  ck_assert_uint_eq (pixels_length, 16 * 16 * 3);
  ck_assert_uint_eq (length, 3 * 16 * 16 * sizeof *expected);
  ck_assert_int_eq (preprocess_parse (&preprocess, planes[_i].spec), 0);
  preprocess_tabulate (&preprocess, colour, table);
  for (int plane = 0; plane < 3; plane++)
    for (int i = 0; i < 16 * 16; i++)
      {
        float value = table[plane][pixels[3 * i + colour[plane]]], wanted = expected[plane * 16 * 16 + i];
        ck_assert_msg (value == wanted, "%s: pixel %d of plane %d is %.9g, not %.9g", planes[_i].file, i, plane,
                       (double) value, (double) wanted);
      }
  free (pixels);
  free (expected);
}
END_TEST

/* By hand: (100 * 0.5 - 10) / 4 = 10 in R, (100 * 0.5 - 20) / 5 = 6 in G, (100 * 0.5 - 30) / 8 = 2.5 in B.  */
START_TEST (normalised_by_hand)
{
  struct preprocess preprocess;
  int colour[3];
  float table[3][256];
  ck_assert_int_eq (preprocess_parse (&preprocess, "crop=1,order=bgr,scale=0.5,mean=10:20:30,std=4:5:8"), 0);
  preprocess_tabulate (&preprocess, colour, table);
  ck_assert (table[0][100] == 2.5F && table[1][100] == 6.0F && table[2][100] == 10.0F);
  ck_assert (colour[0] == 2 && colour[1] == 1 && colour[2] == 0);
}
END_TEST

START_TEST (names)
{
  struct preprocess keras, torchvision;
  ck_assert_int_eq (preprocess_parse (&keras, "keras"), 0);
  ck_assert (keras.resize_height == 224 && keras.resize_width == 224 && keras.crop_height == 0);
  ck_assert (keras.interpolation == INTERPOLATION_NEAREST && keras.bgr && keras.scale == 1);
  ck_assert (keras.mean[0] == 123.68 && keras.mean[1] == 116.779 && keras.mean[2] == 103.939);
  ck_assert (keras.deviation[0] == 1 && keras.height == 224 && keras.width == 224);
  ck_assert_int_eq (preprocess_parse (&torchvision, "torchvision"), 0);
  ck_assert (torchvision.resize_shorter == 256 && torchvision.crop_height == 224 && torchvision.crop_width == 224);
  ck_assert (torchvision.interpolation == INTERPOLATION_BILINEAR && !torchvision.bgr && torchvision.scale == 1.0 / 255);
  ck_assert (torchvision.mean[2] == 0.406 && torchvision.deviation[1] == 0.224 && torchvision.height == 224);
  const char *lite = "resize=256,crop=224,interp=bilinear,order=rgb,mean=127:127:127,std=128:128:128";
  ck_assert_int_eq (preprocess_parse (&torchvision, lite), 0);
  ck_assert (torchvision.scale == 1 && torchvision.mean[0] == 127 && torchvision.deviation[2] == 128);
}
END_TEST

#define SIZES "each from 1 to 16384, not "
#define TWO_SIZES "the shorter side or HEIGHTxWIDTH, " SIZES
#define MEANS "three numbers R:G:B, such as 123.68:116.779:103.939, not "
#define KEYS                                                                                                           \
  "it takes keras, torchvision, or key=value with the keys decode, resize, crop, interp, centre, order, scale, mean "  \
  "and std, separated by commas"

static const struct {
  const char *spec, *message;
} bad_specs[] = {
  { "", "unknown key ''; " KEYS },
  { "imagenet", "unknown key 'imagenet'; " KEYS },
  { "size=224", "unknown key 'size'; " KEYS },
  { "crop=224,", "unknown key ''; " KEYS },
  { "crop=224,keras", "unknown key 'keras'; " KEYS },
  { "resize", "resize takes " TWO_SIZES "''" },
  { "resize=0", "resize takes " TWO_SIZES "'0'" },
  { "resize=-5", "resize takes " TWO_SIZES "'-5'" },
  { "resize=16385", "resize takes " TWO_SIZES "'16385'" },
  { "resize=99999999999999999999", "resize takes " TWO_SIZES "'99999999999999999999'" },
  { "resize=224x", "resize takes " TWO_SIZES "'224x'" },
  { "resize=224x224x3", "resize takes " TWO_SIZES "'224x224x3'" },
  { "resize= 224", "resize takes " TWO_SIZES "' 224'" },
  { "crop=224px", "crop takes a size or HEIGHTxWIDTH, " SIZES "'224px'" },
  { "crop=8,interp=cubic", "interp takes nearest, bilinear or bicubic, not 'cubic'" },
  { "crop=8,centre=ceil", "centre takes round or floor, not 'ceil'" },
  { "crop=8,order=RGB", "order takes rgb or bgr, not 'RGB'" },
  { "crop=8,scale=0", "scale takes a positive number or fraction, such as 1/255, not '0'" },
  { "crop=8,scale=1/0", "scale takes a positive number or fraction, such as 1/255, not '1/0'" },
  { "crop=8,scale=1/255/2", "scale takes a positive number or fraction, such as 1/255, not '1/255/2'" },
  { "crop=8,mean=1:2", "mean takes " MEANS "'1:2'" },
  { "crop=8,mean=1:2:3:4", "mean takes " MEANS "'1:2:3:4'" },
  { "crop=8,mean=1:nan:3", "mean takes " MEANS "'1:nan:3'" },
  { "crop=8,std=1:0:1", "std takes three positive numbers R:G:B, such as 0.229:0.224:0.225, not '1:0:1'" },
  { "crop=8,crop=9", "crop is there twice; leave one" },
  { "crop=8,interp=nearest,interp=nearest", "interp is there twice; leave one" },
  { "decode=fast,crop=8", "decode takes exact or scaled, not 'fast'" },
  { "crop=8,decode=scaled", "decode is applied before crop; write it before" },
  { "crop=8,resize=9", "resize is applied before crop; write it before" },
  { "crop=8,mean=1:2:3,scale=2", "scale is applied before mean; write it before" },
  { "resize=256", "gives images of different sizes; add crop=HEIGHTxWIDTH, or write resize=HEIGHTxWIDTH" },
  { "order=rgb", "gives images of different sizes; add crop=HEIGHTxWIDTH, or write resize=HEIGHTxWIDTH" },
};

START_TEST (decode_in_specs)
{
  struct preprocess preprocess;
  ck_assert_int_eq (preprocess_parse (&preprocess, "decode=scaled,torchvision"), 0);
  ck_assert (preprocess.scaled && preprocess.resize_shorter == 256);
  ck_assert_int_eq (preprocess.interpolation, INTERPOLATION_BILINEAR);
  ck_assert_int_eq (preprocess_parse (&preprocess, "decode=scaled,crop=8"), 0);
  ck_assert (preprocess.scaled && preprocess.crop_height == 8);
  ck_assert_int_eq (preprocess_parse (&preprocess, "decode=exact,crop=8"), 0);
  ck_assert (!preprocess.scaled);
  ck_assert_int_eq (preprocess_parse (&preprocess, "decode=scaled,imagenet"), -1);
}
END_TEST

/* Pillow's Image.draft has libjpeg make the half size, djpeg 5/8 of it; Pillow's resize makes of that what is asked
   for.  */
START_TEST (scaled_like_pillow)
{
  static const struct {
    const char *spec, *expected;
  } scaled[] = { { "decode=scaled,resize=13x17", "images/scaled-nearest.rgb" },
                 { "decode=scaled,resize=13x17,interp=bilinear", "images/scaled-bilinear.rgb" },
                 { "decode=scaled,resize=15x17", "images/scaled-eighths.rgb" } }; /* half of 27 is too little */
  size_t length, expected_length;
  unsigned char *data = reference_read ("images/progressive.jpg", &length);
  for (size_t i = 0; i < sizeof scaled / sizeof *scaled; i++)
    {
      struct preprocess preprocess;
      unsigned char pixels[15 * 17 * 3], *expected = reference_read (scaled[i].expected, &expected_length);
      ck_assert_int_eq (preprocess_parse (&preprocess, scaled[i].spec), 0);
      ck_assert_uint_eq (expected_length, (size_t) preprocess.height * (size_t) preprocess.width * 3);
      ck_assert_int_eq (preprocess_image (&preprocess, data, length, false, pixels), 0);
      ck_assert_msg (!memcmp (pixels, expected, expected_length), "%s", scaled[i].spec);
      free (expected);
    }
  free (data);
}
END_TEST

START_TEST (bad_specs_are_refused)
{
  struct preprocess preprocess;
  const char *separator = strstr (bad_specs[_i].message, "gives") ? " " : ": ";
  char *expected = text_new ("preprocessing '%s'%s%s", bad_specs[_i].spec, separator, bad_specs[_i].message);
  ck_assert_int_eq (preprocess_parse (&preprocess, bad_specs[_i].spec), -1);
  ck_assert_str_eq (error_message (), expected);
  ck_assert_int_eq (error_status (), ERROR_USAGE);
  free (expected);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("preprocess");
  tcase_add_test (cases, resized_like_pillow);
  tcase_add_test (cases, positions_like_pillow);
  tcase_add_test (cases, only_the_crop_is_computed);
  tcase_add_test (cases, decode_in_specs);
  tcase_add_test (cases, scaled_like_pillow);
  tcase_add_loop_test (cases, planes_like_keras_and_torchvision, 0, sizeof planes / sizeof *planes);
  tcase_add_test (cases, normalised_by_hand);
  tcase_add_test (cases, names);
  tcase_add_loop_test (cases, bad_specs_are_refused, 0, sizeof bad_specs / sizeof *bad_specs);
  return run_cases (cases, "preprocess");
}

#include <config.h>

#include "preprocess.h"

#include "../base/error.h"
#include "../base/text.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 16384 };

static const char keras_spec[] = "resize=224x224,interp=nearest,order=bgr,mean=123.68:116.779:103.939";
static const char torchvision_spec[] = "resize=256,crop=224,interp=bilinear,order=rgb,scale=1/255,"
                                       "mean=0.485:0.456:0.406,std=0.229:0.224:0.225";

/* Reads a size from the start of *TEXT and moves *TEXT behind it.  */
static bool
read_size (const char **text, int *size)
{
  long value = 0;
  const char *digit = *text;
  for (; isdigit ((unsigned char) *digit) && value <= MAX_SIZE; digit++)
    value = 10 * value + (*digit - '0');
  bool good = digit > *text && value >= 1 && value <= MAX_SIZE;
  *text = digit;
  *size = (int) value;
  return good;
}

static bool
read_number (const char **text, double *value)
{
  char *end;
  if (isspace ((unsigned char) **text))
    return false;
  *value = strtod (*text, &end);
  bool good = end > *text && isfinite (*value);
  *text = end;
  return good;
}

/* "N" sets both sizes to N; "HxW" one each, and *TWO.  */
static bool
read_sizes (const char *text, int *height, int *width, bool *two)
{
  if (!read_size (&text, height))
    return false;
  *width = *height;
  *two = *text == 'x';
  if (*two)
    {
      text++;
      if (!read_size (&text, width))
        return false;
    }
  return *text == '\0';
}

static bool
read_triple (const char *text, double triple[3])
{
  for (int colour = 0; colour < 3; colour++)
    {
      if (!read_number (&text, &triple[colour]) || *text != (colour < 2 ? ':' : '\0'))
        return false;
      text++;
    }
  return true;
}

static bool
parse_decode (struct preprocess *preprocess, const char *text)
{
  preprocess->scaled = !strcmp (text, "scaled");
  return preprocess->scaled || !strcmp (text, "exact");
}

static bool
parse_resize (struct preprocess *preprocess, const char *text)
{
  bool two;
  int height, width;
  if (!read_sizes (text, &height, &width, &two))
    return false;
  preprocess->resize_shorter = two ? 0 : height;
  preprocess->resize_height = two ? height : 0;
  preprocess->resize_width = two ? width : 0;
  return true;
}

static bool
parse_crop (struct preprocess *preprocess, const char *text)
{
  bool two;
  return read_sizes (text, &preprocess->crop_height, &preprocess->crop_width, &two);
}

static bool
parse_interp (struct preprocess *preprocess, const char *text)
{
  static const char *const names[] = {
    [INTERPOLATION_NEAREST] = "nearest", [INTERPOLATION_BILINEAR] = "bilinear", [INTERPOLATION_BICUBIC] = "bicubic"
  };
  enum { COUNT = sizeof names / sizeof *names };
  int i = 0;
  while (i < COUNT && strcmp (text, names[i]))
    i++;
  preprocess->interpolation = i;
  return i < COUNT;
}

static bool
parse_centre (struct preprocess *preprocess, const char *text)
{
  preprocess->floored = !strcmp (text, "floor");
  return preprocess->floored || !strcmp (text, "round");
}

static bool
parse_order (struct preprocess *preprocess, const char *text)
{
  preprocess->bgr = !strcmp (text, "bgr");
  return preprocess->bgr || !strcmp (text, "rgb");
}

static bool
parse_scale (struct preprocess *preprocess, const char *text)
{
  double divisor = 1;
  if (!read_number (&text, &preprocess->scale))
    return false;
  if (*text == '/')
    {
      text++;
      if (!read_number (&text, &divisor))
        return false;
    }
  preprocess->scale /= divisor;
  return *text == '\0' && isfinite (preprocess->scale) && preprocess->scale > 0;
}

static bool
parse_mean (struct preprocess *preprocess, const char *text)
{
  return read_triple (text, preprocess->mean);
}

static bool
parse_std (struct preprocess *preprocess, const char *text)
{
  const double *deviation = preprocess->deviation;
  return read_triple (text, preprocess->deviation) && deviation[0] > 0 && deviation[1] > 0 && deviation[2] > 0;
}

/* In the order in which they are applied.  */
static const struct key {
  const char *name;
  bool (*parse) (struct preprocess *preprocess, const char *text); /* false where TEXT does not fit */
  const char *takes;
  bool anywhere; /* is not applied by itself, and may stand where it likes */
} keys[] = {
  { "decode", parse_decode, "exact or scaled", false },
  { "resize", parse_resize, "the shorter side or HEIGHTxWIDTH, each from 1 to 16384", false },
  { "crop", parse_crop, "a size or HEIGHTxWIDTH, each from 1 to 16384", false },
  { "interp", parse_interp, "nearest, bilinear or bicubic", true },
  { "centre", parse_centre, "round or floor", true },
  { "order", parse_order, "rgb or bgr", false },
  { "scale", parse_scale, "a positive number or fraction, such as 1/255", false },
  { "mean", parse_mean, "three numbers R:G:B, such as 123.68:116.779:103.939", false },
  { "std", parse_std, "three positive numbers R:G:B, such as 0.229:0.224:0.225", false },
};

enum { KEYS = sizeof keys / sizeof *keys };

static int
find_key (const char *name, const char *spec)
{
  for (int i = 0; i < KEYS; i++)
    if (!strcmp (name, keys[i].name))
      return i;
  error_usage ("preprocessing '%s': unknown key '%s'; it takes keras, torchvision, or key=value with the keys decode, "
               "resize, crop, interp, centre, order, scale, mean and std, separated by commas",
               spec, name);
  return -1;
}

/* One key=value of SPEC.  SEEN has a bit for each key before it.  */
static int
parse_item (struct preprocess *preprocess, char *item, const char *spec, unsigned *seen)
{
  char *value = strchr (item, '=');
  if (value)
    *value++ = '\0';
  int key = find_key (item, spec);
  if (key < 0)
    return -1;
  if (*seen & 1U << key)
    return error_usage ("preprocessing '%s': %s is there twice; leave one", spec, item);
  if (!value || !keys[key].parse (preprocess, value))
    return error_usage ("preprocessing '%s': %s takes %s, not '%s'", spec, item, keys[key].takes, value ? value : "");
  for (int later = key + 1; later < KEYS && !keys[key].anywhere; later++)
    if (!keys[later].anywhere && *seen & 1U << later)
      return error_usage ("preprocessing '%s': %s is applied before %s; write it before", spec, item, keys[later].name);
  *seen |= 1U << key;
  return 0;
}

static int
parse_items (struct preprocess *preprocess, const char *spec)
{
  char *copy = text_new ("%s", spec), *rest = copy, *item;
  if (!copy)
    return -1;
  int result = 0;
  unsigned seen = 0;
  while (result == 0 && (item = strsep (&rest, ",")))
    result = parse_item (preprocess, item, spec, &seen);
  free (copy);
  return result;
}

int
preprocess_parse (struct preprocess *preprocess, const char *spec)
{
  static const char scaled[] = "decode=scaled,";
  bool prefixed = !strncmp (spec, scaled, sizeof scaled - 1);
  const char *name = prefixed ? spec + sizeof scaled - 1 : spec;
  const char *named = !strcmp (name, "keras") ? keras_spec : !strcmp (name, "torchvision") ? torchvision_spec : NULL;
  *preprocess = (struct preprocess){ .scale = 1, .deviation = { 1, 1, 1 } };
  if (parse_items (preprocess, named ? named : spec))
    return -1;
  preprocess->scaled |= prefixed;
  preprocess->height = preprocess->crop_height ? preprocess->crop_height : preprocess->resize_height;
  preprocess->width = preprocess->crop_width ? preprocess->crop_width : preprocess->resize_width;
  if (preprocess->height == 0)
    return error_usage ("preprocessing '%s' gives images of different sizes; add crop=HEIGHTxWIDTH, or write "
                        "resize=HEIGHTxWIDTH",
                        spec);
  return 0;
}

/* torchvision.transforms.functional.center_crop: zeros on both sides, the smaller half first; or round (difference / 2)
   pixels cut off at the start, halves rounded to even.  Transformers' and Keras's round halves down: FLOORED.  */
static struct resize_axis
plan_axis (int input, int resized, int result, bool floored)
{
  struct resize_axis axis = { .input = input, .resized = resized, .kept = resized < result ? resized : result };
  axis.padding = (result - axis.kept) / 2;
  int half = (resized - axis.kept) / 2, odd = (resized - axis.kept) % 2;
  axis.skipped = half + (odd && half % 2 && !floored);
  return axis;
}

static int
plan_axes (const struct preprocess *preprocess, const struct raster *image, struct resize_axis *rows,
           struct resize_axis *columns)
{
  int64_t height = image->height, width = image->width;
  int64_t shorter = height < width ? height : width, wanted = preprocess->resize_shorter;
  if (wanted)
    {
      height = height == shorter ? wanted : wanted * height / shorter;
      width = image->width == shorter ? wanted : wanted * width / shorter;
    }
  else if (preprocess->resize_height)
    {
      height = preprocess->resize_height;
      width = preprocess->resize_width;
    }
  if (height > INT_MAX || width > INT_MAX)
    return error_set ("%d x %d pixels are too oblong to resize the shorter side to %d", image->width, image->height,
                      preprocess->resize_shorter);
  *rows = plan_axis (image->height, (int) height, preprocess->height, preprocess->floored);
  *columns = plan_axis (image->width, (int) width, preprocess->width, preprocess->floored);
  return 0;
}

static int
resize (const struct preprocess *preprocess, const struct raster *image, const struct resize_axis *rows,
        const struct resize_axis *columns, unsigned char *pixels)
{
  size_t stride = (size_t) preprocess->width * 3;
  if (rows->kept < preprocess->height || columns->kept < preprocess->width)
    memset (pixels, 0, (size_t) preprocess->height * stride);
  unsigned char *to = pixels + (size_t) rows->padding * stride + (size_t) columns->padding * 3;
  return resize_image (image, preprocess->interpolation, rows, columns, to, stride);
}

int
preprocess_resize (const struct preprocess *preprocess, const struct raster *image, unsigned char *pixels)
{
  struct resize_axis rows, columns;
  return plan_axes (preprocess, image, &rows, &columns) ? -1 : resize (preprocess, image, &rows, &columns, pixels);
}

/* A scaled image is resized to the same size as the whole one would be.  */
int
preprocess_image (const struct preprocess *preprocess, const void *data, size_t length, bool honour_exif,
                  unsigned char *pixels)
{
  struct raster image;
  struct resize_axis rows, columns;
  struct decode *decode = decode_open (data, length, honour_exif, &image);
  int result = decode ? plan_axes (preprocess, &image, &rows, &columns) : -1;
  if (result == 0 && preprocess->scaled)
    {
      decode_shrink (decode, rows.resized, columns.resized, &image);
      rows.input = image.height;
      columns.input = image.width;
    }
  if (result == 0)
    result = resize (preprocess, &image, &rows, &columns, pixels) || decode_finish (decode) ? -1 : 0;
  decode_close (decode);
  return result;
}

/* The 256 values of a plane.  Each step is rounded to float32, as Keras and torchvision do it.  */
static void
tabulate (const struct preprocess *preprocess, int colour, float table[256])
{
  float mean = (float) preprocess->mean[colour], deviation = (float) preprocess->deviation[colour];
  for (int pixel = 0; pixel < 256; pixel++)
    {
      float scaled = (float) (pixel * preprocess->scale);
      table[pixel] = (scaled - mean) / deviation;
    }
}

void
preprocess_tabulate (const struct preprocess *preprocess, int colour[3], float table[3][256])
{
  for (int plane = 0; plane < 3; plane++)
    {
      colour[plane] = preprocess->bgr ? 2 - plane : plane;
      tabulate (preprocess, colour[plane], table[plane]);
    }
}

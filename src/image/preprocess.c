#include <config.h>

#include "preprocess.h"

#include "../base/error.h"
#include "../base/memory.h"
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
  preprocess->bilinear = !strcmp (text, "bilinear");
  return preprocess->bilinear || !strcmp (text, "nearest");
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
} keys[] = {
  { "resize", parse_resize, "the shorter side or HEIGHTxWIDTH, each from 1 to 16384" },
  { "crop", parse_crop, "a size or HEIGHTxWIDTH, each from 1 to 16384" },
  { "interp", parse_interp, "nearest or bilinear" },
  { "order", parse_order, "rgb or bgr" },
  { "scale", parse_scale, "a positive number or fraction, such as 1/255" },
  { "mean", parse_mean, "three numbers R:G:B, such as 123.68:116.779:103.939" },
  { "std", parse_std, "three positive numbers R:G:B, such as 0.229:0.224:0.225" },
};

enum { KEYS = sizeof keys / sizeof *keys, INTERP = 2 };

static int
find_key (const char *name, const char *spec)
{
  for (int i = 0; i < KEYS; i++)
    if (!strcmp (name, keys[i].name))
      return i;
  error_usage ("preprocessing '%s': unknown key '%s'; it takes keras, torchvision, or key=value with the keys resize, "
               "crop, interp, order, scale, mean and std, separated by commas",
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
  for (int later = key + 1; later < KEYS && key != INTERP; later++)
    if (later != INTERP && *seen & 1U << later)
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
  const char *written = !strcmp (spec, "keras") ? keras_spec : !strcmp (spec, "torchvision") ? torchvision_spec : spec;
  *preprocess = (struct preprocess){ .scale = 1, .deviation = { 1, 1, 1 } };
  if (parse_items (preprocess, written))
    return -1;
  preprocess->height = preprocess->crop_height ? preprocess->crop_height : preprocess->resize_height;
  preprocess->width = preprocess->crop_width ? preprocess->crop_width : preprocess->resize_width;
  if (preprocess->height == 0)
    return error_usage ("preprocessing '%s' gives images of different sizes; add crop=HEIGHTxWIDTH, or write "
                        "resize=HEIGHTxWIDTH",
                        spec);
  return 0;
}

/* How one axis of an image becomes one of the result.  Only the pixels that the crop keeps are ever computed, so that
   neither time nor memory grow with what it throws away.  */
struct axis {
  int input, resized; /* lengths before and after the resize */
  int skipped;        /* resized pixels before the first that is kept */
  int kept;           /* resized pixels in the result */
  int padding;        /* zeros before them in the result */
};

/* torchvision.transforms.functional.center_crop: zeros on both sides, the smaller half first; or round (difference / 2)
   pixels cut off at the start, halves rounded to even.  */
static struct axis
plan_axis (int input, int resized, int result)
{
  struct axis axis = { .input = input, .resized = resized, .kept = resized < result ? resized : result };
  axis.padding = (result - axis.kept) / 2;
  int half = (resized - axis.kept) / 2, odd = (resized - axis.kept) % 2;
  axis.skipped = half + (odd && half % 2);
  return axis;
}

static int
plan_axes (const struct preprocess *preprocess, const struct pixels *image, struct axis *rows, struct axis *columns)
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
  *rows = plan_axis (image->height, (int) height, preprocess->height);
  *columns = plan_axis (image->width, (int) width, preprocess->width);
  return 0;
}

/* The input pixel of each kept one.  Pillow's nearest resize adds the step up in double precision; multiplying instead
   would pick other pixels where rounding meets a pixel's edge.  */
static int *
nearest_positions (const struct axis *axis)
{
  int *position = memory_new ((size_t) axis->kept, sizeof *position);
  if (!position)
    return NULL;
  double step = (double) axis->input / axis->resized, place = step * 0.5;
  for (int i = 0; i < axis->skipped; i++)
    place += step;
  for (int i = 0; i < axis->kept; i++, place += step)
    position[i] = place < axis->input ? (int) place : axis->input - 1;
  return position;
}

/* Row y of the kept pixels goes to TO + y * STRIDE.  */
static int
resize_nearest (const struct pixels *image, const struct axis *rows, const struct axis *columns, unsigned char *to,
                size_t stride)
{
  int result = -1;
  int *row = nearest_positions (rows), *column = nearest_positions (columns);
  if (row && column)
    {
      result = 0;
      for (int y = 0; y < rows->kept; y++)
        {
          const unsigned char *from = image->rgb + (size_t) row[y] * (size_t) image->width * 3;
          unsigned char *pixel = to + (size_t) y * stride;
          for (int x = 0; x < columns->kept; x++, pixel += 3)
            memcpy (pixel, from + (size_t) column[x] * 3, 3);
        }
    }
  memory_free (row);
  memory_free (column);
  return result;
}

/* Pillow's fixed point: 8 bits for the pixel and 2 to spare of 32.  */
enum { PRECISION_BITS = 32 - 8 - 2 };

/* For each kept pixel of an axis, the input pixels that it is the weighted mean of.  */
struct filter {
  int taps;        /* the most input pixels that one takes */
  int *first;      /* (kept) the first of them */
  int *used;       /* (kept) their number, at most taps */
  int32_t *weight; /* (kept, taps) with sum 2^PRECISION_BITS but for rounding */
};

static void
filter_free (struct filter *filter)
{
  memory_free (filter->first);
  memory_free (filter->used);
  memory_free (filter->weight);
}

/* A triangle as wide as two pixels of the larger grid, cut off at the image's edge, with sum 1.  SCRATCH (taps).  */
static void
filter_fill (struct filter *filter, const struct axis *axis, int i, double *scratch)
{
  double scale = (double) axis->input / axis->resized, support = scale < 1 ? 1 : scale, inverse = 1 / support;
  double center = (axis->skipped + i + 0.5) * scale, sum = 0;
  int first = center - support + 0.5 < 0 ? 0 : (int) (center - support + 0.5);
  int end = center + support + 0.5 > axis->input ? axis->input : (int) (center + support + 0.5);
  for (int tap = 0; tap < end - first; tap++)
    {
      double distance = fabs ((tap + first - center + 0.5) * inverse);
      scratch[tap] = distance < 1 ? 1 - distance : 0;
      sum += scratch[tap];
    }
  filter->first[i] = first;
  filter->used[i] = end - first;
  int32_t *weight = filter->weight + (size_t) i * (size_t) filter->taps;
  for (int tap = 0; tap < end - first; tap++)
    weight[tap] = (int32_t) (0.5 + scratch[tap] / sum * (1 << PRECISION_BITS));
}

/* FILTER is to be freed on failure too.  */
static int
filter_make (struct filter *filter, const struct axis *axis)
{
  double scale = (double) axis->input / axis->resized;
  filter->taps = (int) ceil (scale < 1 ? 1 : scale) * 2 + 1;
  size_t kept = (size_t) axis->kept, taps = (size_t) filter->taps;
  filter->first = memory_new (kept, sizeof *filter->first);
  filter->used = memory_new (kept, sizeof *filter->used);
  filter->weight = memory_new (kept * taps, sizeof *filter->weight);
  double *scratch = memory_new (taps, sizeof *scratch);
  bool good = filter->first && filter->used && filter->weight && scratch;
  for (int i = 0; i < axis->kept && good; i++)
    filter_fill (filter, axis, i, scratch);
  memory_free (scratch);
  return good ? 0 : -1;
}

static unsigned char
round_sum (int32_t sum)
{
  int32_t value = sum >> PRECISION_BITS;
  return (unsigned char) (value > 255 ? 255 : value);
}

/* One row of the image, FROM, into one of the kept width, TO.  */
static void
filter_row (const struct filter *filter, int kept, const unsigned char *from, unsigned char *to)
{
  for (int x = 0; x < kept; x++, to += 3)
    {
      int32_t red = 1 << (PRECISION_BITS - 1), green = red, blue = red;
      const int32_t *weight = filter->weight + (size_t) x * (size_t) filter->taps;
      const unsigned char *pixel = from + (size_t) filter->first[x] * 3;
      for (int tap = 0; tap < filter->used[x]; tap++, pixel += 3)
        {
          red += pixel[0] * weight[tap];
          green += pixel[1] * weight[tap];
          blue += pixel[2] * weight[tap];
        }
      to[0] = round_sum (red);
      to[1] = round_sum (green);
      to[2] = round_sum (blue);
    }
}

/* Adds up the rows of kept row Y into TO (bytes); row r lies at ROWS + (r modulo HELD) * BYTES.  SUM (bytes).  */
static void
filter_rows (const struct filter *filter, int y, const unsigned char *rows, int held, size_t bytes, int32_t *sum,
             unsigned char *to)
{
  for (size_t i = 0; i < bytes; i++)
    sum[i] = 1 << (PRECISION_BITS - 1);
  for (int tap = 0; tap < filter->used[y]; tap++)
    {
      int32_t weight = filter->weight[(size_t) y * (size_t) filter->taps + (size_t) tap];
      const unsigned char *row = rows + (size_t) ((filter->first[y] + tap) % held) * bytes;
      for (size_t i = 0; i < bytes; i++)
        sum[i] += row[i] * weight;
    }
  for (size_t i = 0; i < bytes; i++)
    to[i] = round_sum (sum[i]);
}

/* What both orders of the two passes work on.  */
struct resize {
  const struct pixels *image;
  struct filter across, down;
  int height, width; /* kept */
  unsigned char *to; /* its rows STRIDE bytes apart */
  size_t stride;
};

/* Each row is made narrower once, and held while a row of the result needs it.  */
static int
resize_across_first (const struct resize *resize)
{
  const struct filter *down = &resize->down;
  size_t bytes = (size_t) resize->width * 3, image_bytes = (size_t) resize->image->width * 3;
  unsigned char *held = memory_new ((size_t) down->taps, bytes), *to = resize->to;
  int32_t *sum = memory_new (bytes, sizeof *sum);
  int result = held && sum ? 0 : -1;
  for (int y = 0, next = 0; y < resize->height && result == 0; y++, to += resize->stride)
    {
      next = next < down->first[y] ? down->first[y] : next;
      for (; next < down->first[y] + down->used[y]; next++)
        filter_row (&resize->across, resize->width, resize->image->rgb + (size_t) next * image_bytes,
                    held + (size_t) (next % down->taps) * bytes);
      filter_rows (down, y, held, down->taps, bytes, sum, to);
    }
  memory_free (held);
  memory_free (sum);
  return result;
}

static int
resize_down_first (const struct resize *resize)
{
  size_t bytes = (size_t) resize->image->width * 3;
  unsigned char *row = memory_new (bytes, 1), *to = resize->to;
  int32_t *sum = memory_new (bytes, sizeof *sum);
  int result = row && sum ? 0 : -1;
  for (int y = 0; y < resize->height && result == 0; y++, to += resize->stride)
    {
      filter_rows (&resize->down, y, resize->image->rgb, resize->image->height, bytes, sum, row);
      filter_row (&resize->across, resize->width, row, to);
    }
  memory_free (row);
  memory_free (sum);
  return result;
}

/* The values between the passes are rounded to bytes, so that their order shows.  Pillow 13 begins with the columns
   where the height shrinks by more than twice the pixels that the width shrinks by; before 13 it never did, which
   differs by one level in some pixels of tall images.  */
static int
resize_bilinear (const struct pixels *image, const struct axis *rows, const struct axis *columns, unsigned char *to,
                 size_t stride)
{
  struct resize resize = { .image = image, .height = rows->kept, .width = columns->kept, .to = to, .stride = stride };
  int64_t lower = (int64_t) rows->input - rows->resized, narrower = (int64_t) columns->input - columns->resized;
  int result = -1;
  if (filter_make (&resize.across, columns) == 0 && filter_make (&resize.down, rows) == 0)
    result = lower > 0 && lower > 2 * narrower ? resize_down_first (&resize) : resize_across_first (&resize);
  filter_free (&resize.across);
  filter_free (&resize.down);
  return result;
}

int
preprocess_resize (const struct preprocess *preprocess, const struct pixels *image, unsigned char *pixels)
{
  struct axis rows, columns;
  if (plan_axes (preprocess, image, &rows, &columns))
    return -1;
  size_t stride = (size_t) preprocess->width * 3;
  if (rows.kept < preprocess->height || columns.kept < preprocess->width)
    memset (pixels, 0, (size_t) preprocess->height * stride);
  unsigned char *to = pixels + (size_t) rows.padding * stride + (size_t) columns.padding * 3;
  return (preprocess->bilinear ? resize_bilinear : resize_nearest) (image, &rows, &columns, to, stride);
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
preprocess_normalise (const struct preprocess *preprocess, const unsigned char *pixels, float *planes)
{
  size_t area = (size_t) preprocess->height * (size_t) preprocess->width;
  for (int plane = 0; plane < 3; plane++)
    {
      int colour = preprocess->bgr ? 2 - plane : plane;
      float table[256];
      tabulate (preprocess, colour, table);
      for (size_t i = 0; i < area; i++)
        planes[(size_t) plane * area + i] = table[pixels[3 * i + (size_t) colour]];
    }
}

#include <config.h>

#include "resize.h"

#include "../base/memory.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The input pixel of each kept one.  Pillow's nearest resize adds the step up in double precision; multiplying instead
   would pick other pixels where rounding meets a pixel's edge.  */
static int *
nearest_positions (const struct resize_axis *axis)
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

int
resize_nearest (const struct pixels *image, const struct resize_axis *rows, const struct resize_axis *columns,
                unsigned char *to, size_t stride)
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
filter_fill (struct filter *filter, const struct resize_axis *axis, int i, double *scratch)
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
filter_make (struct filter *filter, const struct resize_axis *axis)
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
struct passes {
  const struct pixels *image;
  struct filter across, down;
  int height, width; /* kept */
  unsigned char *to; /* its rows STRIDE bytes apart */
  size_t stride;
};

/* Each row is made narrower once, and held while a row of the result needs it.  */
static int
resize_across_first (const struct passes *passes)
{
  const struct filter *down = &passes->down;
  size_t bytes = (size_t) passes->width * 3, image_bytes = (size_t) passes->image->width * 3;
  unsigned char *held = memory_new ((size_t) down->taps, bytes), *to = passes->to;
  int32_t *sum = memory_new (bytes, sizeof *sum);
  int result = held && sum ? 0 : -1;
  for (int y = 0, next = 0; y < passes->height && result == 0; y++, to += passes->stride)
    {
      next = next < down->first[y] ? down->first[y] : next;
      for (; next < down->first[y] + down->used[y]; next++)
        filter_row (&passes->across, passes->width, passes->image->rgb + (size_t) next * image_bytes,
                    held + (size_t) (next % down->taps) * bytes);
      filter_rows (down, y, held, down->taps, bytes, sum, to);
    }
  memory_free (held);
  memory_free (sum);
  return result;
}

static int
resize_down_first (const struct passes *passes)
{
  size_t bytes = (size_t) passes->image->width * 3;
  unsigned char *row = memory_new (bytes, 1), *to = passes->to;
  int32_t *sum = memory_new (bytes, sizeof *sum);
  int result = row && sum ? 0 : -1;
  for (int y = 0; y < passes->height && result == 0; y++, to += passes->stride)
    {
      filter_rows (&passes->down, y, passes->image->rgb, passes->image->height, bytes, sum, row);
      filter_row (&passes->across, passes->width, row, to);
    }
  memory_free (row);
  memory_free (sum);
  return result;
}

/* The values between the passes are rounded to bytes, so that their order shows.  Pillow 13 begins with the columns
   where the height shrinks by more than twice the pixels that the width shrinks by; before 13 it never did, which
   differs by one level in some pixels of tall images.  */
int
resize_bilinear (const struct pixels *image, const struct resize_axis *rows, const struct resize_axis *columns,
                 unsigned char *to, size_t stride)
{
  struct passes passes = { .image = image, .height = rows->kept, .width = columns->kept, .to = to, .stride = stride };
  int64_t lower = (int64_t) rows->input - rows->resized, narrower = (int64_t) columns->input - columns->resized;
  int result = -1;
  if (filter_make (&passes.across, columns) == 0 && filter_make (&passes.down, rows) == 0)
    result = lower > 0 && lower > 2 * narrower ? resize_down_first (&passes) : resize_across_first (&passes);
  filter_free (&passes.across);
  filter_free (&passes.down);
  return result;
}

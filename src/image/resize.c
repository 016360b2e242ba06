#include <config.h>

#include "resize.h"

#include "../base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined __x86_64__ && defined __GNUC__
#include <immintrin.h>
#endif

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

/* Where rows of the image begin in their buffers, which are aligned: libjpeg-turbo would write to an aligned row past
   the cache, from which it is to be read at once.  */
enum { ROW_START = 4 };

/* RGBX (width, 4) makes room for one row of the image.  */
static int
pick_pixels (const struct raster *image, const struct resize_axis *rows, const struct resize_axis *columns,
             const int *row, const int *column, unsigned char *rgbx, unsigned char *to, size_t stride)
{
  for (int y = 0, held = -1; y < rows->kept; y++, to += stride)
    {
      if (row[y] != held && image->read (image->context, row[y], rgbx))
        return -1;
      held = row[y];
      for (int x = 0; x < columns->kept; x++)
        memcpy (to + 3 * (size_t) x, rgbx + 4 * (size_t) column[x], 3);
    }
  return 0;
}

static int
resize_nearest (const struct raster *image, const struct resize_axis *rows, const struct resize_axis *columns,
                unsigned char *to, size_t stride)
{
  int *row = nearest_positions (rows), *column = nearest_positions (columns);
  unsigned char *buffer = memory_new (ROW_START + 4 * (size_t) image->width, 1);
  int result = -1;
  if (row && column && buffer)
    result = pick_pixels (image, rows, columns, row, column, buffer + ROW_START, to, stride);
  memory_free (row);
  memory_free (column);
  memory_free (buffer);
  return result;
}

/* Pillow's fixed point: 8 bits for the pixel and 2 to spare of 32.  */
enum { PRECISION_BITS = 32 - 8 - 2, HALF = 1 << (PRECISION_BITS - 1) };

/* Loaded at a time, beyond a row's end too: so many taps across, so many bytes down.  */
enum { TAPS = 2, BLOCK = 32 };

/* For each kept pixel of an axis, the input pixels that it is the weighted mean of.  */
struct filter {
  int taps;        /* the most input pixels that one takes, rounded up to whole TAPS: the rest weighs nothing */
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

/* What a pixel weighs whose centre is DISTANCE away, in pixels of the larger grid.  */
static double
triangle (double distance)
{
  return distance < 1 ? 1 - distance : 0;
}

/* Keys 1981 (10.1109/TASSP.1981.1163711), equations 4 and 15, with a = -1/2; in Pillow's order of operations.  */
static double
cubic (double distance)
{
  if (distance < 1)
    return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * -0.5 : 0;
}

static const struct kernel {
  double radius; /* beyond which a pixel weighs nothing */
  double (*weigh) (double distance);
} kernels[] = { [INTERPOLATION_BILINEAR] = { 1, triangle }, [INTERPOLATION_BICUBIC] = { 2, cubic } };

/* How many input pixels a pixel of the larger grid covers.  */
static double
filter_stretch (const struct resize_axis *axis)
{
  return axis->input > axis->resized ? (double) axis->input / axis->resized : 1;
}

/* The kernel, cut off at the image's edge, with sum 1.  SCRATCH (taps).  */
static void
filter_fill (struct filter *filter, const struct kernel *kernel, const struct resize_axis *axis, int i, double *scratch)
{
  double scale = (double) axis->input / axis->resized, stretch = filter_stretch (axis), inverse = 1 / stretch;
  double support = kernel->radius * stretch, center = (axis->skipped + i + 0.5) * scale, sum = 0;
  int first = center - support + 0.5 < 0 ? 0 : (int) (center - support + 0.5);
  int end = center + support + 0.5 > axis->input ? axis->input : (int) (center + support + 0.5);
  for (int tap = 0; tap < end - first; tap++)
    {
      scratch[tap] = kernel->weigh (fabs ((tap + first - center + 0.5) * inverse));
      sum += scratch[tap];
    }
  filter->first[i] = first;
  filter->used[i] = end - first;
  int32_t *weight = filter->weight + (size_t) i * (size_t) filter->taps;
  for (int tap = 0; tap < end - first; tap++)
    weight[tap] = (int32_t) (copysign (0.5, scratch[tap]) + scratch[tap] / sum * (1 << PRECISION_BITS));
}

/* FILTER is to be freed on failure too.  */
static int
filter_make (struct filter *filter, const struct kernel *kernel, const struct resize_axis *axis)
{
  filter->taps = ((int) ceil (kernel->radius * filter_stretch (axis)) * 2 + TAPS) / TAPS * TAPS;
  size_t kept = (size_t) axis->kept, taps = (size_t) filter->taps;
  filter->first = memory_new (kept, sizeof *filter->first);
  filter->used = memory_new (kept, sizeof *filter->used);
  filter->weight = memory_new (kept * taps, sizeof *filter->weight);
  double *scratch = memory_new (taps, sizeof *scratch);
  bool good = filter->first && filter->used && filter->weight && scratch;
  for (int i = 0; i < axis->kept && good; i++)
    filter_fill (filter, kernel, axis, i, scratch);
  memory_free (scratch);
  return good ? 0 : -1;
}

static unsigned char
round_sum (int32_t sum)
{
  int32_t value = sum >> PRECISION_BITS;
  return (unsigned char) (value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row of the image, FROM (width, 4), into one of the kept width, TO (kept, 3).  */
static void
filter_row_portable (const struct filter *filter, int kept, const unsigned char *from, unsigned char *to)
{
  for (int x = 0; x < kept; x++, to += 3)
    {
      int32_t red = HALF, green = HALF, blue = HALF;
      const int32_t *weight = filter->weight + (size_t) x * (size_t) filter->taps;
      const unsigned char *pixel = from + (size_t) filter->first[x] * 4;
      for (int tap = 0; tap < filter->used[x]; tap++, pixel += 4)
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

/* Rows of which as many are held as one of the result takes: row r at ROWS + (r modulo COUNT) * STRIDE.  */
struct held {
  unsigned char *buffer, *rows; /* in it */
  int count;
  size_t stride; /* bytes, with room for a BLOCK behind the row */
};

/* Adds up the rows of kept row Y into TO (bytes).  */
static void
filter_rows_portable (const struct filter *filter, int y, const struct held *held, size_t bytes, unsigned char *to)
{
  const int32_t *weight = filter->weight + (size_t) y * (size_t) filter->taps;
  for (size_t i = 0; i < bytes; i += BLOCK)
    {
      int32_t sum[BLOCK];
      size_t end = bytes - i < BLOCK ? bytes - i : BLOCK;
      for (size_t k = 0; k < BLOCK; k++)
        sum[k] = HALF;
      for (int tap = 0, row = filter->first[y] % held->count; tap < filter->used[y]; tap++)
        {
          const unsigned char *from = held->rows + (size_t) row * held->stride + i;
          for (size_t k = 0; k < BLOCK; k++)
            sum[k] += from[k] * weight[tap];
          row = row + 1 == held->count ? 0 : row + 1;
        }
      for (size_t k = 0; k < end; k++)
        to[i + k] = round_sum (sum[k]);
    }
}

#if defined __x86_64__ && defined __GNUC__
#define HAVE_AVX2 __builtin_cpu_supports ("avx2")
#define AVX2 __attribute__ ((target ("avx2")))

/* Four bytes from four sums, as round_sum.  */
AVX2 static inline __m128i
round_sums (__m128i sums)
{
  __m128i words = _mm_packs_epi32 (_mm_srai_epi32 (sums, PRECISION_BITS), _mm_setzero_si128 ());
  return _mm_packus_epi16 (words, words);
}

/* Two pixels of four bytes at a time.  */
AVX2 static void
filter_row_avx2 (const struct filter *filter, int kept, const unsigned char *from, unsigned char *to)
{
  const __m256i spread = _mm256_setr_epi32 (0, 0, 0, 0, 1, 1, 1, 1);
  for (int x = 0; x < kept; x++, to += 3)
    {
      __m256i sum = _mm256_setzero_si256 ();
      const int32_t *weight = filter->weight + (size_t) x * (size_t) filter->taps;
      const unsigned char *pixel = from + (size_t) filter->first[x] * 4;
      for (int tap = 0; tap < filter->used[x]; tap += TAPS, pixel += 4 * TAPS)
        {
          __m256i two = _mm256_castsi128_si256 (_mm_loadl_epi64 ((const __m128i *) (weight + tap)));
          __m256i pixels = _mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *) pixel));
          sum = _mm256_add_epi32 (sum, _mm256_mullo_epi32 (pixels, _mm256_permutevar8x32_epi32 (two, spread)));
        }
      __m128i both = _mm_add_epi32 (_mm256_castsi256_si128 (sum), _mm256_extracti128_si256 (sum, 1));
      int32_t rgbx = _mm_cvtsi128_si32 (round_sums (_mm_add_epi32 (both, _mm_set1_epi32 (HALF))));
      memcpy (to, &rgbx, 3);
    }
}

/* PART (BLOCK) of the result's row from the bytes at FROM of each held row.  */
AVX2 static inline void
filter_block (const struct filter *filter, int y, const struct held *held, const unsigned char *from,
              unsigned char *part)
{
  const int32_t *weight = filter->weight + (size_t) y * (size_t) filter->taps;
  __m256i a = _mm256_set1_epi32 (HALF), b = a, c = a, d = a;
  for (int tap = 0, row = filter->first[y] % held->count; tap < filter->used[y]; tap++)
    {
      const __m128i *bytes = (const __m128i *) (from + (size_t) row * held->stride);
      __m256i times = _mm256_set1_epi32 (weight[tap]);
      __m128i first = _mm_loadu_si128 (bytes), second = _mm_loadu_si128 (bytes + 1);
      a = _mm256_add_epi32 (a, _mm256_mullo_epi32 (times, _mm256_cvtepu8_epi32 (first)));
      b = _mm256_add_epi32 (b, _mm256_mullo_epi32 (times, _mm256_cvtepu8_epi32 (_mm_srli_si128 (first, 8))));
      c = _mm256_add_epi32 (c, _mm256_mullo_epi32 (times, _mm256_cvtepu8_epi32 (second)));
      d = _mm256_add_epi32 (d, _mm256_mullo_epi32 (times, _mm256_cvtepu8_epi32 (_mm_srli_si128 (second, 8))));
      row = row + 1 == held->count ? 0 : row + 1;
    }
  /* The packs go by halves of 16 bytes, so that the words' order is mended at the end.  */
  __m256i ab = _mm256_packs_epi32 (_mm256_srai_epi32 (a, PRECISION_BITS), _mm256_srai_epi32 (b, PRECISION_BITS));
  __m256i cd = _mm256_packs_epi32 (_mm256_srai_epi32 (c, PRECISION_BITS), _mm256_srai_epi32 (d, PRECISION_BITS));
  const __m256i order = _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256 ((__m256i *) part, _mm256_permutevar8x32_epi32 (_mm256_packus_epi16 (ab, cd), order));
}

AVX2 static void
filter_rows_avx2 (const struct filter *filter, int y, const struct held *held, size_t bytes, unsigned char *to)
{
  unsigned char rest[BLOCK];
  size_t i = 0;
  for (; bytes - i >= BLOCK; i += BLOCK)
    filter_block (filter, y, held, held->rows + i, to + i);
  filter_block (filter, y, held, held->rows + i, rest);
  memcpy (to + i, rest, bytes - i);
}
#else
#define HAVE_AVX2 false
#define filter_row_avx2 filter_row_portable
#define filter_rows_avx2 filter_rows_portable
#endif

/* What both orders of the two passes work on.  */
struct passes {
  const struct raster *image;
  struct filter across, down;
  int height, width; /* kept */
  unsigned char *to; /* its rows STRIDE bytes apart */
  size_t stride;
  void (*filter_row) (const struct filter *filter, int kept, const unsigned char *from, unsigned char *to);
  void (*filter_rows) (const struct filter *filter, int y, const struct held *held, size_t bytes, unsigned char *to);
  struct held held;
  unsigned char *row; /* (width, 4) of the image, with room for a BLOCK behind it */
};

/* Makes room for as many rows of BYTES as one of the result takes.  */
static int
hold_rows (struct passes *passes, size_t bytes)
{
  struct held *held = &passes->held;
  held->count = passes->down.taps;
  held->stride = bytes + BLOCK;
  held->buffer = memory_new (ROW_START + (size_t) held->count * held->stride, 1);
  if (!held->buffer)
    return -1;
  held->rows = held->buffer + ROW_START;
  return 0;
}

static unsigned char *
held_row (const struct held *held, int row)
{
  return held->rows + (size_t) (row % held->count) * held->stride;
}

/* Each row is made narrower once, and held while a row of the result needs it.  */
static int
resize_across_first (struct passes *passes)
{
  const struct filter *down = &passes->down;
  const struct raster *image = passes->image;
  size_t bytes = (size_t) passes->width * 3;
  unsigned char *to = passes->to;
  if (hold_rows (passes, bytes))
    return -1;
  for (int y = 0, next = 0; y < passes->height; y++, to += passes->stride)
    {
      for (next = next < down->first[y] ? down->first[y] : next; next < down->first[y] + down->used[y]; next++)
        {
          if (image->read (image->context, next, passes->row))
            return -1;
          passes->filter_row (&passes->across, passes->width, passes->row, held_row (&passes->held, next));
        }
      passes->filter_rows (down, y, &passes->held, bytes, to);
    }
  return 0;
}

static int
resize_down_first (struct passes *passes)
{
  const struct filter *down = &passes->down;
  const struct raster *image = passes->image;
  size_t bytes = (size_t) image->width * 4;
  unsigned char *to = passes->to;
  if (hold_rows (passes, bytes))
    return -1;
  for (int y = 0, next = 0; y < passes->height; y++, to += passes->stride)
    {
      for (next = next < down->first[y] ? down->first[y] : next; next < down->first[y] + down->used[y]; next++)
        if (image->read (image->context, next, held_row (&passes->held, next)))
          return -1;
      passes->filter_rows (down, y, &passes->held, bytes, passes->row);
      passes->filter_row (&passes->across, passes->width, passes->row, to);
    }
  return 0;
}

/* The values between the passes are rounded to bytes, so that their order shows.  Pillow 13 begins with the columns
   where the height shrinks by more than twice the pixels that the width shrinks by; before 13 it never did, which
   differs by one level in some pixels of tall images.  */
static int
resize_filtered (const struct raster *image, const struct kernel *kernel, const struct resize_axis *rows,
                 const struct resize_axis *columns, unsigned char *to, size_t stride)
{
  bool avx2 = HAVE_AVX2;
  struct passes passes = { .image = image,
                           .height = rows->kept,
                           .width = columns->kept,
                           .to = to,
                           .stride = stride,
                           .filter_row = avx2 ? filter_row_avx2 : filter_row_portable,
                           .filter_rows = avx2 ? filter_rows_avx2 : filter_rows_portable };
  int64_t lower = (int64_t) rows->input - rows->resized, narrower = (int64_t) columns->input - columns->resized;
  int result = -1;
  unsigned char *buffer = memory_new (ROW_START + 4 * (size_t) image->width + BLOCK, 1);
  passes.row = buffer + ROW_START;
  if (buffer && filter_make (&passes.across, kernel, columns) == 0 && filter_make (&passes.down, kernel, rows) == 0)
    result = lower > 0 && lower > 2 * narrower ? resize_down_first (&passes) : resize_across_first (&passes);
  filter_free (&passes.across);
  filter_free (&passes.down);
  memory_free (passes.held.buffer);
  memory_free (buffer);
  return result;
}

int
resize_image (const struct raster *image, enum interpolation interpolation, const struct resize_axis *rows,
              const struct resize_axis *columns, unsigned char *to, size_t stride)
{
  return interpolation == INTERPOLATION_NEAREST
           ? resize_nearest (image, rows, columns, to, stride)
           : resize_filtered (image, &kernels[interpolation], rows, columns, to, stride);
}

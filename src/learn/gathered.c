#include <config.h>

#include "gathered.h"

#include "../base/memory.h"

#include <string.h>

#if defined __x86_64__ && defined __GNUC__
#define HAVE_X86 1
#include <immintrin.h>
#endif

/* The loops of fixed length must go, or the sums would live in memory.  */
#if defined __GNUC__ && !defined __clang__
#define UNROLLED __attribute__ ((optimize ("O3")))
#else
#define UNROLLED
#endif
#define INLINE static inline __attribute__ ((always_inline))

enum { STRIP_LANES = 8, TILE_ROWS = 4, NARROW = 4 /* units of a portable lane */ };
enum { LINE = 16 };  /* floats of a line of the cache */
enum { SLACK = 16 }; /* floats that gather_avx512 may write past what it gathered */

typedef float lane4 __attribute__ ((vector_size (16), aligned (4), may_alias));
typedef float lane8 __attribute__ ((vector_size (32), aligned (4), may_alias));
typedef float lane16 __attribute__ ((vector_size (64), aligned (4), may_alias));

/* Asks for WIDTH floats of what is wanted next, by lines.  Returns what remains to be asked for.  */
INLINE const float *
fetch (const float *ahead, const float *end, size_t width)
{
  for (size_t i = 0; i < width && ahead < end; i += LINE, ahead += LINE)
    __builtin_prefetch (ahead, 1, 2);
  return ahead;
}

/* A's row ROW times one column of B.  */
INLINE float
sum_one (const struct gathered *a, size_t row, const float *b, size_t units)
{
  float sum = 0;
  const uint32_t *column = a->column + row * a->columns;
  const float *value = a->value + row * a->columns;
  for (size_t k = 0; k < a->count[row]; k++)
    sum += value[k] * b[column[k] * units];
  return sum;
}

#define UNIT(name) name##_portable
#define TARGET UNROLLED
#define LANE lane4
#define TILE_LANES 2
#include "strip.h"

#ifdef HAVE_X86
#define UNIT(name) name##_avx2
#define TARGET UNROLLED __attribute__ ((target ("avx2,fma")))
#define LANE lane8
#define TILE_LANES 2
#include "strip.h"

#define UNIT(name) name##_avx512
#define TARGET UNROLLED __attribute__ ((target ("avx512f")))
#define LANE lane16
#define TILE_LANES 4
#include "strip.h"
#endif

static enum gathered_unit
best_unit (void)
{
#ifdef HAVE_X86
  if (__builtin_cpu_supports ("avx512f"))
    return GATHERED_AVX512;
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    return GATHERED_AVX2;
#endif
  return GATHERED_PORTABLE;
}

void
gathered_multiply (const struct product *product)
{
#ifdef HAVE_X86
  if (product->a->unit == GATHERED_AVX512)
    multiply_avx512 (product);
  else if (product->a->unit == GATHERED_AVX2)
    multiply_avx2 (product);
  else
#endif
    multiply_portable (product);
}

int
gathered_new (struct gathered *a, size_t rows, size_t columns)
{
  size_t longer = rows > columns ? rows : columns;
  *a = (struct gathered){ .unit = best_unit () };
  a->count = memory_new (longer, sizeof *a->count);
  a->column = memory_new (rows * columns + longer + 2 * SLACK, sizeof *a->column);
  a->value = memory_new (rows * columns + longer + 2 * SLACK, sizeof *a->value);
  if (!a->count || !a->column || !a->value)
    {
      gathered_free (a);
      return -1;
    }
  a->column_list = a->column + rows * columns + SLACK;
  a->value_list = a->value + rows * columns + SLACK;
  return 0;
}

void
gathered_free (struct gathered *a)
{
  memory_free (a->count);
  memory_free (a->column);
  memory_free (a->value);
  *a = (struct gathered){ 0 };
}

/* Puts the values of FROM (length) that are not zero at VALUE and their places at PLACE.  Returns how many.  Which ones
   they are cannot be foreseen, so that a branch would often be mispredicted.  */
static size_t
gather_portable (const float *from, size_t length, uint32_t *place, float *value)
{
  size_t count = 0;
  for (size_t i = 0; i < length; i++)
    {
      uint32_t bits;
      memcpy (&bits, from + i, sizeof bits);
      place[count] = (uint32_t) i;
      memcpy (value + count, &bits, sizeof bits);
      count += (bits << 1) != 0; /* but for the sign */
    }
  return count;
}

#ifdef HAVE_X86
__attribute__ ((target ("avx512f"))) static size_t
gather_avx512 (const float *from, size_t length, uint32_t *place, float *value)
{
  size_t count = 0;
  __m512i places = _mm512_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (size_t i = 0; i < length; i += 16)
    {
      __mmask16 there = length - i < 16 ? (__mmask16) ((1u << (length - i)) - 1) : 0xffff;
      __m512 values = _mm512_maskz_loadu_ps (there, from + i);
      __mmask16 taken = _mm512_cmp_ps_mask (values, _mm512_setzero_ps (), _CMP_NEQ_UQ);
      _mm512_storeu_si512 (place + count, _mm512_maskz_compress_epi32 (taken, places));
      _mm512_storeu_ps (value + count, _mm512_maskz_compress_ps (taken, values));
      count += (size_t) __builtin_popcount (taken);
      places = _mm512_add_epi32 (places, _mm512_set1_epi32 (16));
    }
  return count;
}
#endif

static size_t
gather (const struct gathered *a, const float *from, size_t length, uint32_t *place, float *value)
{
  for (size_t i = 0; i < length; i += LINE)
    __builtin_prefetch (from + length + i);
#ifdef HAVE_X86
  if (a->unit == GATHERED_AVX512)
    return gather_avx512 (from, length, place, value);
#endif
  return gather_portable (from, length, place, value);
}

static void
shape (struct gathered *a, const float *source, size_t rows, size_t columns)
{
  a->source = source;
  a->rows = rows;
  a->columns = columns;
}

/* From a third of values that are not zero on, taking all is faster.  */
static bool
is_dense (const struct gathered *a)
{
  size_t total = 0;
  for (size_t row = 0; row < a->rows; row++)
    total += a->count[row];
  return 3 * total > a->rows * a->columns;
}

void
gathered_take (struct gathered *a, const float *source, size_t stride, size_t rows, size_t columns)
{
  shape (a, source, rows, columns);
  a->row_stride = stride;
  a->column_stride = 1;
  for (size_t row = 0; row < rows; row++)
    a->count[row] = gather (a, source + row * stride, columns, a->column + row * columns, a->value + row * columns);
  a->dense = is_dense (a);
}

void
gathered_take_transposed (struct gathered *a, const float *source, size_t stride, size_t rows, size_t columns)
{
  shape (a, source, rows, columns);
  a->row_stride = 1;
  a->column_stride = stride;
  memset (a->count, 0, rows * sizeof *a->count);
  for (size_t column = 0; column < columns; column++)
    {
      size_t count = gather (a, source + column * stride, rows, a->column_list, a->value_list);
      for (size_t i = 0; i < count; i++)
        {
          size_t row = a->column_list[i], place = row * columns + a->count[row]++;
          a->column[place] = (uint32_t) column;
          a->value[place] = a->value_list[i];
        }
    }
  a->dense = is_dense (a);
}

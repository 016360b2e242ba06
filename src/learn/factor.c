#include <config.h>

#include "factor.h"

#include "../base/memory.h"
#include "../base/vectorised.h"

#include <stdbool.h>
#include <string.h>

static size_t
divide_up (size_t a, size_t b)
{
  return (a + b - 1) / b;
}

static size_t
larger (size_t a, size_t b)
{
  return a > b ? a : b;
}

static enum factor_unit best_unit (void);

int
factor_new (struct factor *factor, size_t rows, size_t columns)
{
  size_t cells; /* only to see whether their number overflows */
  *factor = (struct factor){ .unit = best_unit () };
  if (memory_multiply (rows + FACTOR_DEPTH, columns + FACTOR_DEPTH, "a slab's size", &cells))
    return -1;
  size_t blocks = larger (divide_up (rows, FACTOR_GROUP) * divide_up (columns, FACTOR_DEPTH),
                          divide_up (columns, FACTOR_GROUP) * divide_up (rows, FACTOR_DEPTH));
  factor->count = memory_new (blocks, sizeof *factor->count);
  factor->index = memory_new (blocks * FACTOR_DEPTH, sizeof *factor->index);
  factor->values = memory_new (blocks * FACTOR_DEPTH, FACTOR_GROUP * sizeof *factor->values);
  if (factor->count && factor->index && factor->values)
    return 0;
  factor_free (factor);
  return -1;
}

void
factor_free (struct factor *factor)
{
  memory_free (factor->count);
  memory_free (factor->index);
  memory_free (factor->values);
  *factor = (struct factor){ 0 };
}

double
factor_bytes (double rows, double columns)
{
  double by_rows = (rows + FACTOR_GROUP) * (columns + FACTOR_DEPTH),
         by_columns = (columns + FACTOR_GROUP) * (rows + FACTOR_DEPTH);
  double blocks = (by_rows > by_columns ? by_rows : by_columns) / (FACTOR_GROUP * FACTOR_DEPTH);
  return blocks * (sizeof (uint16_t) + FACTOR_DEPTH * (FACTOR_GROUP * sizeof (float) + 1));
}

void
factor_shape (struct factor *factor, size_t rows, size_t columns)
{
  factor->rows = rows;
  factor->columns = columns;
  factor->groups = divide_up (rows, FACTOR_GROUP);
  factor->blocks = divide_up (columns, FACTOR_DEPTH);
}

/* Where block BLOCK of group GROUP begins among the packed columns.  */
static size_t
block_start (const struct factor *factor, size_t group, size_t block)
{
  return (block * factor->groups + group) * FACTOR_DEPTH;
}

static size_t
block_depth (const struct factor *factor, size_t block)
{
  size_t left = factor->columns - block * FACTOR_DEPTH;
  return left < FACTOR_DEPTH ? left : FACTOR_DEPTH;
}

/* Puts four values at PACKED.  Returns whether one of them is not zero, by their bits but for the sign.  */
static inline size_t
pack_values (float *packed, const float *a, const float *b, const float *c, const float *d)
{
  uint32_t bits[FACTOR_GROUP];
  memcpy (&bits[0], a, sizeof *bits);
  memcpy (&bits[1], b, sizeof *bits);
  memcpy (&bits[2], c, sizeof *bits);
  memcpy (&bits[3], d, sizeof *bits);
  memcpy (packed, bits, sizeof bits);
  return ((bits[0] | bits[1] | bits[2] | bits[3]) << 1) != 0;
}

/* Packs one block, whose four rows (or columns) begin at X and go on STRIDE floats apart.  */
static void
pack_block (struct factor *factor, size_t group, size_t block, const float *const x[FACTOR_GROUP], const size_t *stride)
{
  size_t depth = block_depth (factor, block), start = block_start (factor, group, block), count = 0;
  uint8_t *index = factor->index + start;
  float *values = factor->values + start * FACTOR_GROUP;
  for (size_t k = 0; k < depth; k++)
    {
      __builtin_prefetch (x[0] + (k + 16) * stride[0]); /* where columns are packed, each step is in another line */
      index[count] = (uint8_t) k;
      count += pack_values (values + count * FACTOR_GROUP, x[0] + k * stride[0], x[1] + k * stride[1],
                            x[2] + k * stride[2], x[3] + k * stride[3]);
    }
  factor->count[group * factor->blocks + block] = (uint16_t) count;
}

void
factor_pack_rows (struct factor *factor, size_t group, const float *const row[FACTOR_GROUP])
{
  static const float zero;
  for (size_t block = 0; block < factor->blocks; block++)
    {
      const float *x[FACTOR_GROUP];
      size_t stride[FACTOR_GROUP];
      for (size_t i = 0; i < FACTOR_GROUP; i++)
        {
          x[i] = row[i] ? row[i] + block * FACTOR_DEPTH : &zero;
          stride[i] = row[i] != NULL;
        }
      pack_block (factor, group, block, x, stride);
    }
}

void
factor_pack_columns (struct factor *factor, size_t group, const float *values, size_t stride)
{
  static const float zero;
  size_t width = factor->rows - group * FACTOR_GROUP;
  for (size_t block = 0; block < factor->blocks; block++)
    {
      const float *x[FACTOR_GROUP];
      size_t strides[FACTOR_GROUP];
      for (size_t i = 0; i < FACTOR_GROUP; i++)
        {
          x[i] = i < width ? values + block * FACTOR_DEPTH * stride + group * FACTOR_GROUP + i : &zero;
          strides[i] = i < width ? stride : 0;
        }
      pack_block (factor, group, block, x, strides);
    }
}

/* The sums of four rows and LANES lanes of the panel stay in registers while the block's columns pass by.  Each block's
   begin at zero: a sum of sums loses far fewer bits to rounding than one sum of 100,000 terms, and small differences
   of the inner products grow over hundreds of steps.  */
#define DEFINE_MULTIPLY(NAME, LANE, LANES)                                                                             \
  static void NAME (const struct factor *factor, size_t first, size_t end, size_t block, const float *panel,           \
                    float *out, size_t stride)                                                                         \
  {                                                                                                                    \
    enum { PANEL_LANES = PANEL_WIDTH * sizeof (float) / sizeof (LANE) };                                               \
    for (size_t group = first; group < end; group++, out += FACTOR_GROUP * stride)                                     \
      {                                                                                                                \
        size_t start = block_start (factor, group, block), count = factor->count[group * factor->blocks + block];      \
        const uint8_t *index = factor->index + start;                                                                  \
        for (size_t part = 0; part < PANEL_LANES; part += LANES)                                                       \
          {                                                                                                            \
            const float *x = factor->values + start * FACTOR_GROUP;                                                    \
            LANE sum[FACTOR_GROUP][LANES];                                                                             \
            for (size_t i = 0; i < FACTOR_GROUP; i++)                                                                  \
              for (size_t j = 0; j < LANES; j++)                                                                       \
                sum[i][j] = (LANE){ 0 };                                                                               \
            for (size_t k = 0; k < count; k++, x += FACTOR_GROUP)                                                      \
              {                                                                                                        \
                const LANE *row = (const LANE *) panel + index[k] * PANEL_LANES + part;                                \
                __builtin_prefetch (x + FACTOR_DEPTH * FACTOR_GROUP); /* of the next group */                          \
                for (size_t i = 0; i < FACTOR_GROUP; i++)                                                              \
                  for (size_t j = 0; j < LANES; j++)                                                                   \
                    sum[i][j] += x[i] * row[j];                                                                        \
              }                                                                                                        \
            for (size_t i = 0; i < FACTOR_GROUP; i++)                                                                  \
              for (size_t j = 0; j < LANES; j++)                                                                       \
                ((LANE *) (out + i * stride))[part + j] += sum[i][j];                                                  \
          }                                                                                                            \
      }                                                                                                                \
  }

/* The loops of fixed length must go, or the sums would live in memory.  */
#if defined __GNUC__ && !defined __clang__
#define UNROLLED __attribute__ ((optimize ("O3")))
#else
#define UNROLLED
#endif

typedef float lane4 __attribute__ ((vector_size (16), may_alias));
UNROLLED DEFINE_MULTIPLY (multiply_portable, lane4, 2)

#if defined __x86_64__ && defined __GNUC__
  typedef float lane8 __attribute__ ((vector_size (32), may_alias));
typedef float lane16 __attribute__ ((vector_size (64), may_alias));
UNROLLED __attribute__ ((target ("avx2,fma"))) DEFINE_MULTIPLY (multiply_avx2, lane8, 2) UNROLLED
  __attribute__ ((target ("avx512f"))) DEFINE_MULTIPLY (multiply_avx512, lane16, 4)

    static enum factor_unit best_unit (void)
{
  if (__builtin_cpu_supports ("avx512f"))
    return FACTOR_AVX512;
  return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma") ? FACTOR_AVX2 : FACTOR_PORTABLE;
}
#else
#define multiply_avx2 multiply_portable
#define multiply_avx512 multiply_portable

static enum factor_unit
best_unit (void)
{
  return FACTOR_PORTABLE;
}
#endif

void
factor_multiply (const struct factor *factor, size_t first, size_t end, size_t block, const float *panel, float *out,
                 size_t stride)
{
  if (factor->unit == FACTOR_AVX512)
    multiply_avx512 (factor, first, end, block, panel, out, stride);
  else if (factor->unit == FACTOR_AVX2)
    multiply_avx2 (factor, first, end, block, panel, out, stride);
  else
    multiply_portable (factor, first, end, block, panel, out, stride);
}

void
panel_pack (float *panel, const float *values, size_t stride, size_t depth, size_t width)
{
  for (size_t k = 0; k < depth; k++, panel += PANEL_WIDTH)
    {
      memcpy (panel, values + k * stride, width * sizeof *panel);
      memset (panel + width, 0, (PANEL_WIDTH - width) * sizeof *panel);
    }
}

VECTORISED static void
transpose_whole (float *restrict panel, const float *restrict values, size_t stride, size_t depth)
{
  for (size_t k = 0; k < depth; k++)
    for (size_t i = 0; i < PANEL_WIDTH; i++)
      panel[k * PANEL_WIDTH + i] = values[i * stride + k];
}

void
panel_pack_transposed (float *panel, const float *values, size_t stride, size_t depth, size_t width)
{
  if (width == PANEL_WIDTH)
    {
      transpose_whole (panel, values, stride, depth);
      return;
    }
  memset (panel, 0, depth * PANEL_WIDTH * sizeof *panel);
  for (size_t i = 0; i < width; i++)
    for (size_t k = 0; k < depth; k++)
      panel[k * PANEL_WIDTH + i] = values[i * stride + k];
}

/* C = A B, or C += A B, where A is small and most of its values may be zeros: the inner loops of the sweep engine.

   A's values that are not zero are gathered first.  A number of C, or what is added to it, is one sum in the order of
   A's columns and only passes over zeros, which would not change it.  So its bits are the same whichever other rows A
   has, and whether the zeros are left out or not.  A long sum is made of several calls: sums of sums lose fewer
   bits.  */
#ifndef SLABFIT_GATHERED_H
#define SLABFIT_GATHERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gathered_unit { GATHERED_PORTABLE, GATHERED_AVX2, GATHERED_AVX512 }; /* the vector unit to compute with */

/* A (rows, columns).  Row i has count[i] values that are not zero, at i * columns of `column' and `value'.  */
struct gathered {
  enum gathered_unit unit; /* the processor's best, chosen by gathered_new; a test may take a lesser one */
  size_t rows, columns;
  bool dense;          /* few values are zeros: they are taken as well, which needs less bookkeeping */
  const float *source; /* A itself, borrowed: element (i, j) is source[i * row_stride + j * column_stride] */
  size_t row_stride, column_stride;
  size_t *count;                  /* (rows) */
  uint32_t *column, *column_list; /* (rows, columns), and scratch of one row */
  float *value, *value_list;
};

/* Room for up to ROWS x COLUMNS values, or COLUMNS x ROWS.  -1 with the error set; gathered_free leaves it empty.  */
int gathered_new (struct gathered *a, size_t rows, size_t columns);
void gathered_free (struct gathered *a);

/* A becomes SOURCE (rows, columns), borrowed, whose rows are STRIDE floats apart.  What follows in each row by as many
   columns again is brought into the processor's cache, for the next call.  */
void gathered_take (struct gathered *a, const float *source, size_t stride, size_t rows, size_t columns);

/* The same for the transpose of SOURCE (columns, rows).  */
void gathered_take_transposed (struct gathered *a, const float *source, size_t stride, size_t rows, size_t columns);

/* Rows FIRST to FIRST + ROWS of the product: C (ROWS, units) = A B, or where ADD, C += A B, with B (A's columns,
   units).  Meanwhile the floats from AHEAD to END are brought into the second level cache; nothing else is done with
   them.  */
struct product {
  const struct gathered *a;
  size_t first, rows, units;
  const float *b;
  bool add;
  float *c;
  const float *ahead, *end;
};
void gathered_multiply (const struct product *product);

#endif

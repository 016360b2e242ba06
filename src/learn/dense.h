/* Products of small matrices in double, as the head needs them: a few thousand numbers, or a few hundred thousand.

   They stay in the vector registers and the first level cache, and a row of the product has the same bits in any batch
   and on any thread.  OpenBLAS is little faster at this size where it knows the processor's model, and two to four
   times slower where it does not.  */
#ifndef SLABFIT_DENSE_H
#define SLABFIT_DENSE_H

#include <stddef.h>

/* A matrix: the number in row i and column j is values[i * row_stride + j * column_stride].  So it may lie in memory by
   rows, or by columns, which is its transpose by rows.  */
struct operand {
  const double *values; /* borrowed */
  size_t row_stride, column_stride;
};

enum { DENSE_PANEL = 16 }; /* columns of the product that are computed together */

/* PRODUCT (rows, columns), by rows and overlapping neither operand, = LEFT (rows, depth) RIGHT (depth, columns).  Each
   of its numbers is summed in the order of DEPTH.  PANEL (depth, DENSE_PANEL) is scratch.  */
void dense_multiply (double *product, size_t rows, size_t columns, size_t depth, struct operand left,
                     struct operand right, double *panel);

#endif

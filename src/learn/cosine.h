/* The cosine of the angle between two rows of features, in double: 1 for rows that are the same, or a positive number
   times the same.  */
#ifndef SLABFIT_COSINE_H
#define SLABFIT_COSINE_H

#include <stddef.h>

/* *SUM += the inner product of A and B (columns), which begin at a multiple of SLAB_COLUMNS of their rows: the bits do
   not depend on the pieces in which rows are taken.  */
void cosine_add (double *sum, const float *a, const float *b, size_t columns);

/* The cosine of two rows with the inner product PRODUCT, whose inner products with themselves are SQUARE_A and
   SQUARE_B, larger than 0; exactly 1 where all three are the same.  */
double cosine_of (double product, double square_a, double square_b);

#endif

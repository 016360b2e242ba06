/* OpenBLAS: one thread for each call (our own workers share out the work), and a check that it computes rightly.  */
#ifndef SLABFIT_BLAS_H
#define SLABFIT_BLAS_H

#include <stdbool.h>

/* C (m, n) = A B, with A (m, k), or with A transposed: A (k, m).  All row-major and dense.  */
typedef void blas_product (bool transposed, int m, int n, int k, const float *a, const float *b, float *c);

/* To be called once before training or evaluating, from one thread: sets the number of threads and checks cblas_sgemm.
   An OpenBLAS older than the processor may pick kernels that give wrong results; the error then names the remedy.  */
int blas_prepare (void);

/* Compares PRODUCT with plain loops in a few shapes.  */
int blas_check (blas_product *product);

#endif

/* Products of the feature matrix X (N, d), computed slab by slab, so that the features are never all in memory:

     inner products   K = X X' (N, n)          of all rows with the first n
     projections      P = X W  (N, h)          of all rows through a kernel W (d, h)
     a combination    W = scale W + X' A       of the first n rows with coefficients A (n, h)

   Under MPI each rank walks over its share of the features, and the first two are summed over the ranks.  */
#ifndef SLABFIT_PRODUCTS_H
#define SLABFIT_PRODUCTS_H

#include "../base/workers.h"
#include "slab.h"

/* A matrix whose rows are STRIDE floats apart, a multiple of 64, and whose number of rows is filled up to whole groups
   of a factor; what is filled up is zero.  */
struct table {
  size_t rows, columns, stride;
  float *values;
};

/* -1 with the error set.  */
int table_new (struct table *table, size_t rows, size_t columns);
void table_free (struct table *table); /* leaves it empty */
double table_bytes (double rows, double columns);

/* A projection to be computed.  */
struct projection {
  const float *kernel; /* (columns of the walk, units), borrowed */
  struct table table;  /* (N, units), made by table_new */
};

/* One walk over SLABS.  INNER (N, n), with n <= N, and PROJECTION (projections) are set; INNER is NULL where it is not
   wanted.  Of INNER only the half below the diagonal is computed, and then mirrored.  */
int products_compute (const struct slabs *slabs, struct table *inner, struct projection *projection, size_t projections,
                      struct workers *workers, double *waited);

/* KERNEL (columns of the walk, units) = SCALE times itself, plus the combination of the rows of SLABS (all n of them)
   with COEFFICIENTS, which are in strips of 64 units: (strips, n, 64).  */
int products_combine (const struct slabs *slabs, const float *coefficients, double scale, float *kernel, size_t units,
                      struct workers *workers, double *waited);

/* Bytes that either allocates: slabs, their packed form, panels.  */
double products_bytes (const struct slabs *slabs, int threads);

#endif

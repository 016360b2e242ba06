/* A dataset of any rank from 2 on as the matrix (n, d) of a feature file, read through HDF5 whatever its layout and
   filters are.  */
#ifndef SLABFIT_MATRIX_H
#define SLABFIT_MATRIX_H

#include "tile.h"

#include <hdf5.h>

struct matrix {
  hid_t dataset;           /* borrowed */
  const char *name, *path; /* of the dataset and its file, for messages; borrowed */
  int rank, row_axis;
  hsize_t size[H5S_MAX_RANK];
  uint64_t rows, columns; /* n, d */
};

/* (n, d); or (n, ...), whose further axes are flattened, the last one varying fastest; or, where there are LABELS = n
   of them, (1, n, d).  Fails for fewer axes and impossible sizes.  */
int matrix_open (struct matrix *matrix, hid_t dataset, uint64_t labels, const char *name, const char *path);

/* VALUES (rows, columns) of RANGE, which lies inside and is not empty, as float32.  Some columns of flattened axes cost
   as much as whole rows.  */
int matrix_read (const struct matrix *matrix, const struct window *range, float *values);

/* Fails naming the first of VALUES (rows, columns), rows STRIDE floats apart and read from RANGE, that is not
   finite.  */
int matrix_check_finite (const struct matrix *matrix, const struct window *range, const float *values, uint64_t stride);

#endif

/* Near-duplicate rows: pairs whose cosine is at least a threshold, and the groups that such pairs join.  */
#ifndef SLABFIT_SIMILARITY_H
#define SLABFIT_SIMILARITY_H

#include "neighbours.h"

#include <stdbool.h>

/* Rows each of which is a near-duplicate of another one of them.  */
struct group {
  const uint32_t *row; /* (rows), ascending, borrowed from the groups */
  size_t rows, pairs;
  double least, most; /* the cosines of its pairs */
  size_t leaks;       /* its pairs whose rows are of two files */
  bool mixed;         /* whether their labels differ */
};

struct groups {
  struct group *group; /* (count) leaks first, then those of differing labels, then by their largest cosine */
  size_t count;
  uint32_t *row;       /* (rows) */
  size_t rows;         /* in groups */
  size_t pairs, leaks; /* sums over the groups */
};

/* How far the float inner products of rows of COLUMNS values may be from the true ones, as a share of the rows'
   lengths: each of the sums of d products errs by at most d 2^-24 (Higham, Accuracy and Stability of Numerical
   Algorithms, 2002, section 3.1).  */
double similarity_margin (uint64_t columns);

/* Sets the cosines of PAIRS in double, in one walk over SLABS; SQUARES (N) as columns.h has them.  *WAITED as in
   slabs_walk.  */
int similarity_refine (struct pairs *pairs, const struct slabs *slabs, const double *squares, struct workers *workers,
                       double *waited);

/* The groups that those of PAIRS with at least THRESHOLD join, of ROWS rows, with their LABEL (N) and FILE (N), the
   number of each row's file.  -1 with the error set; groups_free is to be called in any case.  */
int similarity_group (const struct pairs *pairs, double threshold, size_t rows, const int32_t *label,
                      const uint8_t *file, struct groups *groups);
void groups_free (struct groups *groups);

#endif

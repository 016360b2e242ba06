/* A look at every column and row of the features X (N, d), in one walk over them: what carries no information.  */
#ifndef SLABFIT_COLUMNS_H
#define SLABFIT_COLUMNS_H

#include "../base/workers.h"
#include "slab.h"

struct columns {
  uint64_t zero;     /* columns that are 0 in all rows */
  uint64_t constant; /* others that have one value in all rows */
  uint64_t repeated; /* others that are the same as an earlier one in all rows */
  double *squares;   /* (N) the sum of the squares of each row; 0 for a row of zeros alone */
};

/* Sets COLUMNS for what SLABS walks over.  That columns are the same is told by 64-bit hashes of their values.
   *WAITED as in slabs_walk.  -1 with the error set; columns_free is to be called in any case.  */
int columns_look (const struct slabs *slabs, struct columns *columns, struct workers *workers, double *waited);
void columns_free (struct columns *columns);
double columns_bytes (double rows, double columns); /* that it allocates, without slabs */

#endif

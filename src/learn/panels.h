/* The inner products K = X X' (N, N) of all rows where they do not fit in memory: in panels of some columns, each of
   them one walk over the features.  The bits are those of products.h.  */
#ifndef SLABFIT_PANELS_H
#define SLABFIT_PANELS_H

#include "products.h"

struct panels {
  const struct slabs *slabs; /* borrowed: over whole rows */
  size_t width;              /* columns of a panel, a multiple of 64; the last one may have fewer */
  size_t count;
};

/* The widest panels that take up to BYTES in all; COUNT is 0 where none does.  */
struct panels panels_of (const struct slabs *slabs, double bytes, int threads);
double panels_bytes (const struct slabs *slabs, double width, int threads);

/* Sees PANEL (N, some), the columns of K from FIRST on.  -1 with the error set ends the walk.  */
typedef int panels_visit (void *context, const struct table *panel, size_t first);

/* Calls VISIT for each panel in their order.  *WAITED as in slabs_walk.  */
int panels_walk (const struct panels *panels, panels_visit *visit, void *context, struct workers *workers,
                 double *waited);

#endif

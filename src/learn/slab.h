/* Column slabs: all rows of one or more feature files, some columns at a time.  What must see every feature, but never
   needs them all at once, walks over them.  */
#ifndef SLABFIT_SLAB_H
#define SLABFIT_SLAB_H

#include "../store/featfile.h"

#include <stdbool.h>

enum { SLAB_FILES = 16 }; /* the most files of one walk */

/* Slabs begin at multiples of this many columns: a sum over all columns is made of blocks of so many, so that its bits
   do not depend on how wide the slabs are.  */
enum { SLAB_COLUMNS = 256 };

/* What is walked over.  */
struct slabs {
  struct featfile *file[SLAB_FILES]; /* borrowed; their rows follow each other */
  size_t files;
  size_t rows;             /* N, of all files */
  uint64_t first, columns; /* the share of the features that the walk is over */
  size_t width;            /* columns of a slab; the last one may have fewer */
  bool ahead;              /* whether the next slab is read while one is in use */
};

struct slab {
  uint64_t first; /* column */
  size_t rows, columns;
  float *values; /* (rows, columns) */
};

/* Describes a walk over COLUMNS columns from FIRST on of FILE (files) whose slabs take up to BYTES: as many whole
   columns of chunks as fit, and the next slab read ahead where two fit.  */
struct slabs slabs_of (struct featfile *const *file, size_t files, uint64_t first, uint64_t columns, double bytes);

/* Bytes that a walk allocates.  */
double slabs_bytes (const struct slabs *slabs);

/* Sees SLAB, borrowed.  -1 with the error set ends the walk.  VISIT must not call HDF5, as in rows_walk.  */
typedef int slab_visit (void *context, const struct slab *slab);

/* Calls VISIT for each slab, in their order.  *WAITED += the seconds of waiting for them.  Fails with ERROR_STOPPED
   where it is asked to stop.  */
int slabs_walk (const struct slabs *slabs, slab_visit *visit, void *context, double *waited);

#endif

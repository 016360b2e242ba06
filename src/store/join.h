/* Copying the parts of a split into one feature file.  */
#ifndef SLABFIT_JOIN_H
#define SLABFIT_JOIN_H

#include "featinfo.h"

struct workers;

/* Writes MERGED from all FIRST->origin.parts parts of FEATURES/SPLIT.parts, each of which must agree with FIRST;
   the order of rows is that of merge_split.  Sets *ROWS and *FAILED, the merged file's.  Nothing is removed.  */
int join_parts (const char *features, const char *split, const char *merged, const struct featinfo *first,
                struct workers *workers, uint64_t *rows, uint64_t *failed);

#endif

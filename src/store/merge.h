/* Copying the parts of a split into one feature file.  */
#ifndef SLABFIT_MERGE_H
#define SLABFIT_MERGE_H

#include "parts.h"

/* Writes MERGED from all FIRST->origin.parts parts of FEATURES/SPLIT.parts, each of which must agree with FIRST;
   the order of rows is that of parts_merge.  Fills REPORT's rows and failed.  Nothing is removed.  */
int merge_parts (const char *features, const char *split, const char *merged, const struct featinfo *first,
                 struct workers *workers, struct merge_report *report);

#endif

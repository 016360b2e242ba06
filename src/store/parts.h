/* FEATURES/SPLIT.parts/NNNNN.h5: the finished pieces of a split.  */
#ifndef SLABFIT_PARTS_H
#define SLABFIT_PARTS_H

#include "featfile.h"

/* "FEATURES/SPLIT.parts/00007.h5", to be freed by the caller.  */
char *parts_path (const char *features, const char *split, uint64_t part);
char *parts_directory (const char *features, const char *split);   /* "FEATURES/SPLIT.parts" */
char *parts_merged_path (const char *features, const char *split); /* "FEATURES/SPLIT.h5" */

/* "FEATURES/images.catalogue": what was listed of the dataset, kept while parts are being made.  */
char *parts_catalogue_path (const char *features);

/* The names of the splits that FEATURES has, as parts or merged, sorted.  Fails where it has none.  */
int parts_splits (const char *features, struct names *splits);

/* Whether the file PATH is what WANTED asks for: *REUSABLE is set where it is there and was made so; it is left
   false where there is none or it is not whole (with a word on standard error).  A whole one made otherwise is an
   error that names what differs, unless FORCE, which lets it be made again.  WANTED's provenance, seed and manifest
   hash, columns, half, classes and number of parts are compared; and the rows and failures must add up to
   WANTED->rows.  *FOUND_ROWS and *FOUND_FAILED are set where reusable.  */
int parts_check (const char *path, const struct featinfo *wanted, bool force, bool *reusable, uint64_t *found_rows,
                 uint64_t *found_failed);

/* The number in NAME, "NNNNN.h5", or -1.  */
int64_t parts_number (const char *name);

/* The lowest number of a part in DIRECTORY; -1 where there is none.  */
int64_t parts_first (const char *directory);

/* How many of the parts 0 to PARTS - 1 are not there.  */
int parts_count_missing (const char *features, const char *split, uint64_t parts, uint64_t *missing);

#endif

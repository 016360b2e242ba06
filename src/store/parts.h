/* FEATURES/SPLIT.parts/NNNNN.h5: the finished pieces of a split, and putting them together.  */
#ifndef SLABFIT_PARTS_H
#define SLABFIT_PARTS_H

#include "featfile.h"

struct workers;

/* "FEATURES/SPLIT.parts/00007.h5", to be freed by the caller.  */
char *parts_path (const char *features, const char *split, uint64_t part);
char *parts_directory (const char *features, const char *split);   /* "FEATURES/SPLIT.parts" */
char *parts_merged_path (const char *features, const char *split); /* "FEATURES/SPLIT.h5" */

/* The names of the splits that FEATURES has, as parts or merged, sorted.  Fails where it has none.  */
int parts_splits (const char *features, struct names *splits);

/* Whether the file PATH is what WANTED asks for: *REUSABLE is set where it is there and was made so; it is left
   false where there is none or it is not whole (with a word on standard error).  A whole one made otherwise is an
   error that names what differs, unless FORCE, which lets it be made again.  WANTED's provenance, seed and manifest
   hash, columns, half, classes and number of parts are compared; and the rows and failures must add up to
   WANTED->rows.  *FOUND_ROWS and *FOUND_FAILED are set where reusable.  */
int parts_check (const char *path, const struct featinfo *wanted, bool force, bool *reusable, uint64_t *found_rows,
                 uint64_t *found_failed);

struct merge_report {
  uint64_t rows, failed, parts, missing;
  bool kept; /* SPLIT.h5 was there already, made from the same manifest */
};

/* Puts FEATURES/SPLIT.parts together into FEATURES/SPLIT.h5 and removes the parts once it stands.  Whole tiles are
   copied as they are, part by part; the rows that do not fill a tile (after failures in a part) follow at the end,
   in order.  Where parts are missing nothing is done and REPORT->missing says how many (the parts carry their number
   and count).  A SPLIT.h5 made otherwise is refused, naming what differs, unless FORCE.  Memory holds one row of
   tiles, whatever the number of rows.  */
int parts_merge (const char *features, const char *split, bool force, struct workers *workers,
                 struct merge_report *report);

/* Removes the temporary files of SPLIT's parts and of its merged file that no living process of this host, and none of
   the last day on others, is writing.  Says nothing where it cannot.  */
void parts_remove_stale (const char *features, const char *split);

#endif

/* Putting the parts of a split together.  */
#ifndef SLABFIT_MERGE_H
#define SLABFIT_MERGE_H

#include <stdbool.h>
#include <stdint.h>

struct workers;

struct merge_report {
  uint64_t rows, failed, parts, missing;
  bool kept; /* SPLIT.h5 was there already, made from the same manifest */
};

/* Puts FEATURES/SPLIT.parts together into FEATURES/SPLIT.h5 and removes the parts once it stands.  Whole tiles are
   copied as they are, part by part; the rows that do not fill a tile (after failures in a part) follow at the end,
   in order.  Where parts are missing nothing is done and REPORT->missing says how many (the parts carry their number
   and count).  A SPLIT.h5 made otherwise is refused, naming what differs, unless FORCE.  Memory holds one row of
   tiles, whatever the number of rows.  */
int merge_split (const char *features, const char *split, bool force, struct workers *workers,
                 struct merge_report *report);

#endif

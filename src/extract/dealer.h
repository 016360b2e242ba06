/* The dealer hands out the images of all parts in their order: as batches, each with its place in the tiles.  */
#ifndef SLABFIT_DEALER_H
#define SLABFIT_DEALER_H

#include "stages.h"

/* Consecutive rows of one part, and where they go.  */
struct batch {
  struct work *work;
  uint64_t row; /* in the part */
  int count;
  struct imagebatch *images; /* its rows' and those that failed; to be released */
  struct work_tile **tile;   /* (pipeline->batch_tiles) of its rows, from the first's on */
  float *features;           /* (batch, d) */
};

/* Takes the next batch; its images that could not be read become the part's failures.  1 where there is one (of no row,
   where all its images failed), 0 where there are no images left, -1 where all stop.  */
int dealer_take (struct pipeline *pipeline, struct batch *batch);

/* Counts ROWS more in TILE, and hands it on once it is complete.  */
void dealer_fill (struct pipeline *pipeline, struct work_tile *tile, uint64_t rows);

#endif

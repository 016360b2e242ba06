/* The dealer hands out the images of all parts in their order: as batches, each with its place in the tiles.  */
#ifndef SLABFIT_DEALER_H
#define SLABFIT_DEALER_H

#include "stages.h"

/* Consecutive rows of one part, and where they go.  */
struct batch {
  struct work *work;
  uint64_t row; /* in the part */
  int count;
  struct work_tile *first, *last; /* tiles of the first and the last row; no batch meets a third */
  unsigned char *pixels;          /* (batch, height, width, 3) */
  float *features;                /* (batch, d) */
};

/* Takes the next batch: up to options->batch images of one part that could be read; those that could not become the
   part's failures.  1 where there is one (of no image, where a part's last ones all failed), 0 where there are no
   images left, -1 where all stop.  */
int dealer_take (struct pipeline *pipeline, struct batch *batch);

/* Counts ROWS more in TILE, and hands it on once it is complete.  */
void dealer_fill (struct pipeline *pipeline, struct work_tile *tile, uint64_t rows);

#endif

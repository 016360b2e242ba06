/* A feed: the batches that training or validation takes, with their features where the engine needs them.  */
#ifndef SLABFIT_FEED_H
#define SLABFIT_FEED_H

#include "rows.h"

struct feed {
  struct rows *rows;    /* brings the features; NULL for an engine that needs none: borrowed, as all here */
  const int32_t *label; /* by row number */
  const char *path;     /* of the features, for messages */
  struct order order;   /* of the next pass; rows by the numbers that the engine knows them by */
  uint64_t count;       /* of rows */
  size_t batch;         /* rows of a batch */
};

/* Calls VISIT for each batch, as rows_walk does; without features the batches' VALUES are NULL.  */
int feed_walk (const struct feed *feed, uint64_t position, rows_visit *visit, void *context);

#endif

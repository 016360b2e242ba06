/* The gram engine: SGD moves the first layer's weights only along the training rows, W = scale W0 + X' A, and the
   velocity along them too, V = scale' W0 + X' U.  So it keeps A and U (n, h) and works with K = X X' (N, n) and P0 = X
   W0 (N, h) alone; the features are not needed again until the end.  (Kernel SGD keeps linear models in the span of
   their rows in the same way; that several steps are prepared by one large product is the idea of s-step SGD,
   Devarakonda and Demmel 2020.)

   Steps go in groups of about 256 rows.  When one begins, K A and K U of all its rows are computed at once; a step then
   adds what the group's own steps have changed, through the inner products among its rows; A and U themselves move
   only when the group ends, so that no step passes over them.  The numbers of that are in recurrence.h.  */
#ifndef SLABFIT_GRAM_H
#define SLABFIT_GRAM_H

#include "first_layer.h"
#include "products.h"

struct gram_setup {
  const struct table *inner;     /* K (N, n), borrowed, as all here */
  const struct table *projected; /* P0 (N, h) */
  const uint64_t *training;      /* (m) the rows to train on, all of them below n; NULL for all n */
  size_t rows;                   /* m */
  size_t batch;                  /* most rows of a batch */
  const struct slabs *slabs;     /* of the n training rows, for `finish'; NULL where that is never asked for */
  float *kernel;                 /* W0 (columns of the slabs, h); NULL without slabs */
  double squares;                /* the sum of the squares of all of W0, where there is an L2 term */
  bool keeping;                  /* whether `keep' will be called */
  bool shared;                   /* whether all ranks of MPI train together, and share the products out */
  double *waited;                /* seconds of waiting for slabs are added to it */
};

/* Batches name rows of K: of the first n where they are trained on, any where they are only looked at.  NULL with the
   error set.  To be freed by its own `free'.  */
struct first_layer *gram_new (const struct gram_setup *setup, struct workers *workers);

/* Bytes that such an engine for ROWS rows allocates; with room for kept weights where KEEPING.  */
double gram_bytes (double rows, double units, size_t batch, bool keeping);

#endif

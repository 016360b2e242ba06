/* The first layer holds nearly all weights: a kernel W (d, h), d features by h units, without its bias (the head has
   it).  An engine gives the pre-activations P = X W (b, h) of a batch's features X (b, d) and takes their gradient.

   An engine is a structure that begins with a struct first_layer.  It borrows the kernel, which holds the initial
   weights when the engine is made and the trained ones after `finish'; in between its contents are the engine's own
   affair.  Under MPI each rank's engine has the kernel's rows of that rank's share of the features, and all ranks get
   the same pre-activations.  */
#ifndef SLABFIT_FIRST_LAYER_H
#define SLABFIT_FIRST_LAYER_H

#include "batch.h"
#include "sgd.h"
#include "state.h"

/* The rows that a pass will take, in their order; all borrowed until the pass is over.  */
struct pass_rows {
  const uint64_t *row; /* (count) by number, as the batches name them */
  uint64_t count;
  uint64_t position; /* where the pass begins: past 0 where a stopped one goes on */
  size_t batch;      /* rows of a batch, but for the last one */
  bool training;     /* whether each batch will be followed by its update */
};

struct first_layer {
  /* Begins a pass over ROWS.  NULL where the engine needs to know nothing ahead.  */
  int (*begin) (struct first_layer *layer, const struct pass_rows *rows);

  /* Updates the weights by the gradient DELTA (b, h) at the pre-activations of BATCH, then sets PRE (next b, h) to the
     pre-activations of NEXT.  BATCH is NULL where there is nothing to update (a pass's first step, validation); NEXT
     is NULL where nothing follows.  *SQUARES becomes the sum of the squares of the weights that PRE was computed with,
     or would be; it may be NULL.  */
  int (*step) (struct first_layer *layer, const struct batch *batch, const float *delta, const struct sgd *sgd,
               const struct batch *next, float *pre, double *squares);

  /* Remembers the weights of now as the kept ones.  */
  int (*keep) (struct first_layer *layer);

  /* Makes the kernel hold the weights of now, or the KEPT ones.  No step may follow.  */
  int (*finish) (struct first_layer *layer, bool kept);

  /* Lists what a checkpoint must hold for the steps to go on to the same bits: PART (STATE_PARTS), which points into
     the engine; returns how many.  To be asked for between two steps, or before the first one to be restored.  */
  size_t (*state) (struct first_layer *layer, struct state_part *part);

  void (*free) (struct first_layer *layer);
};

#endif

/* The first layer holds nearly all weights: a kernel W (d, h), d features by h units, without its bias (the head has
   it).  An engine gives the pre-activations P = X W (b, h) of a batch's features X (b, d) and takes their gradient.

   An engine is a structure that begins with a struct first_layer.  It borrows the kernel, which holds the initial
   weights when the engine is made and the trained ones after `finish'; in between its contents are the engine's own
   affair.  */
#ifndef SLABFIT_FIRST_LAYER_H
#define SLABFIT_FIRST_LAYER_H

#include "batch.h"
#include "sgd.h"

struct first_layer {
  /* Updates the weights by the gradient DELTA (b, h) at the pre-activations of BATCH, then sets PRE (next b, h) to the
     pre-activations of NEXT.  BATCH is NULL where there is nothing to update (an epoch's first step, validation); NEXT
     is NULL where nothing follows.  *SQUARES becomes the sum of the squares of the weights that PRE was computed with;
     it may be NULL.  */
  int (*step) (struct first_layer *layer, const struct batch *batch, const float *delta, const struct sgd *sgd,
               const struct batch *next, float *pre, double *squares);

  /* Makes the kernel hold the weights of now.  More steps may follow.  */
  int (*finish) (struct first_layer *layer);

  void (*free) (struct first_layer *layer);
};

#endif

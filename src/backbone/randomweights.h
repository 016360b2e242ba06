/* Random weights of a residual network, for trying things out, as a weights file of Keras's would hold them.  */
#ifndef SLABFIT_RANDOMWEIGHTS_H
#define SLABFIT_RANDOMWEIGHTS_H

#include "resnet.h"
#include "weights.h"

/* Draws WEIGHTS of RESNET from SEED, the same for the same seed.  Kernels are uniform and centred filter by filter;
   batch normalisation is as it would stand after seeing photographs, so that features are of the size of trained
   ones.  To be freed by weights_free; empty on failure.  */
int randomweights_draw (struct weights *weights, const struct resnet *resnet, uint64_t seed);

#endif

/* A batch normalisation folded into the convolution before it: one kernel and one bias that give the same numbers.

     scale = gamma / sqrt (variance + epsilon),  kernel' = kernel * scale,  bias' = beta + (bias - mean) * scale
   (Ioffe and Szegedy 2015, arXiv:1502.03167, at inference), in double, rounded once.  */
#ifndef SLABFIT_FOLDING_H
#define SLABFIT_FOLDING_H

#include "matching.h"

/* KERNEL (outputs, inputs, kernel, kernel) and BIAS (outputs) of UNIT, whose arrays are PART.  Fails where a variance
   is negative; PATH is for the message.  */
int folding_fold (const struct resnet_unit *unit, const struct naming *naming,
                  const struct weight *const part[NAMING_PARTS], double epsilon, float *kernel, float *bias,
                  const char *path);

#endif

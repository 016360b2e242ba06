/* Building a backbone: a TorchScript file of a residual network without its classifier.

   The structure is keras.applications' ResNet (version 1, He et al. 2015, arXiv:1512.03385): the stride in the first
   1 x 1 convolution of a stage, biases in all convolutions, batch normalisation with epsilon 1.001e-5.  */
#ifndef SLABFIT_BACKBONE_H
#define SLABFIT_BACKBONE_H

#include "../base/file.h"

#include <stdbool.h>
#include <stdint.h>

struct backbone_report {
  char sha256[FILE_SHA256_BYTES]; /* of the file */
  int64_t feature_shape[3];       /* height, width, channels of the map */
  const char *preprocess;         /* static */
};

/* The names of the architectures, separated by ", ".  Static.  */
const char *backbone_architectures (void);

/* Writes PATH: ARCHITECTURE with random weights drawn from SEED, the same bytes for the same seed.  Kernels are uniform
   and centred filter by filter; batch normalisation is as it would stand after seeing photographs, so that features are
   of the size of trained ones.  An existing file is refused unless FORCE.  Unknown architectures are a usage error.  */
int backbone_build_random (const char *path, const char *architecture, uint64_t seed, bool force,
                           struct backbone_report *report);

#endif

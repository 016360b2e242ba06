/* The rows of one training step.  */
#ifndef SLABFIT_BATCH_H
#define SLABFIT_BATCH_H

#include <stddef.h>
#include <stdint.h>

struct batch {
  size_t rows;          /* b; 0 where an epoch is over */
  const uint64_t *row;  /* (b) their numbers in the feature file */
  const int32_t *label; /* (b) */
  const float *values;  /* (b, d) */
};

#endif

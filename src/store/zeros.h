/* How many features are zero: a network that ends in ReLU gives mostly zeros, and files and training live on that.  */
#ifndef SLABFIT_ZEROS_H
#define SLABFIT_ZEROS_H

#include "featfile.h"

struct zeros {
  uint64_t values; /* that were looked at */
  double share;    /* of them that are 0, of either sign */
};

/* Looks at FILE: at all of it where it is small, else at a sample of 64 pieces, spread evenly over rows and columns,
   the same ones each time.  */
int zeros_sample (struct featfile *file, struct zeros *zeros);

#endif

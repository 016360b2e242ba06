/* The sweep engine: the weights stay in memory and each step goes over them once.

   While a block of rows of the kernel is in cache, the update of this step (gradient, velocity, weight) is applied and
   the block's share of the next step's pre-activations is added; meanwhile the next block is brought there.  The blocks
   are shared out to the workers in a fixed number of slabs whose shares are summed in order, so that the bits do not
   depend on the number of threads.  A row's pre-activations do not depend on the other rows of its batch either.  */
#ifndef SLABFIT_SWEEP_H
#define SLABFIT_SWEEP_H

#include "../base/workers.h"
#include "first_layer.h"

/* An engine for KERNEL (columns, units), borrowed, and batches of at most BATCH rows.  Without TRAINING it has no
   velocity and only computes pre-activations; only with KEEPING may weights be kept.  NULL with the error set.  To be
   freed by its own `free'.  */
struct first_layer *sweep_new (float *kernel, uint64_t columns, uint64_t units, size_t batch, bool training,
                               bool keeping, struct workers *workers);

/* Bytes that such an engine allocates, without the kernel; in double, so that nothing overflows.  */
double sweep_bytes (uint64_t columns, uint64_t units, size_t batch, bool training, bool keeping);

#endif

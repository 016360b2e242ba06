/* Rows of features in the order of their images, made by several callers of the network at once: for who stores
   none.  */
#ifndef SLABFIT_ROWSTREAM_H
#define SLABFIT_ROWSTREAM_H

#include "concurrency.h"
#include "imagestream.h"

/* Takes the FEATURES (images->count, d) of IMAGES, both borrowed for the call.  -1 with the error set to end the
   run.  */
typedef int rowstream_take (void *context, const struct imagebatch *images, const float *features);

/* Runs IMAGES of SOURCE through EXTRACTOR, which is prepared for CONCURRENCY, and calls TAKE for one batch after the
   other in their order, from one thread at a time.  THREADS threads decode.  */
int rowstream_run (const struct extractor *extractor, const struct source *source, const struct imagelist *images,
                   const struct concurrency *concurrency, int threads, rowstream_take *take, void *context);

#endif

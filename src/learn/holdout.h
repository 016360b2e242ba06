/* One training of cross-validation: with the rows of one fold held out.  */
#ifndef SLABFIT_HOLDOUT_H
#define SLABFIT_HOLDOUT_H

#include "crossval.h"

/* Trains with OPTIONS on all rows but those of FOLD, by THREADS, and validates the weights after the last epoch on
   these.  The steps are those of train on a file that has only the rows that are left, in their order.  The loss that
   is reported is the cross-entropy without the L2 term, so that penalties can be compared.  May be called by several
   threads at once.  A loss that is no number is no failure:  OUTCOME says so.  -1 with the error set, ERROR_STOPPED
   among others.  */
int holdout_train (const struct crossval *crossval, const struct train_options *options, size_t fold, int threads,
                   struct outcome *outcome);

/* Bytes that it allocates.  */
double holdout_bytes (const struct crossval *crossval, const struct train_options *options);

#endif

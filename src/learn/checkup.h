/* A checkup of features before they are trained on: near-duplicates and leaks, classes that look alike, columns and
   rows without information, and whether more rows would help.  doc/checking.md says what is computed.  */
#ifndef SLABFIT_CHECKUP_H
#define SLABFIT_CHECKUP_H

#include "collection.h"
#include "columns.h"
#include "curve.h"
#include "separability.h"
#include "similarity.h"

struct checkup_options {
  double similarity;          /* rows with at least this cosine are near-duplicates; in (0, 1] */
  double alike;               /* classes with at least this error of the nearest neighbour are alike */
  bool curve;                 /* whether the learning curve is wanted */
  const char *training;       /* what the collection calls the split that it is of; borrowed */
  const char *validation;     /* and the one that it is validated on, where that is there; borrowed */
  struct train_options train; /* for it; its memory_bytes are those of the whole */
};

/* The defaults, with those of train; the splits are "training" and "validation".  */
struct checkup_options checkup_defaults (void);

struct checkup {
  struct columns columns;
  struct groups groups;
  struct separability separability;
  struct curve curve;
  bool held_out;        /* whether the curve was validated on a fifth of the training rows */
  size_t panels, walks; /* 1 where all inner products were in memory; how often the features were read */
  double waited;        /* seconds that features were waited for */
};

/* Checks the rows of COLLECTION.  The curve is of the training split, and validated on the validation split
   where there is one, else on a fifth of the former.  The features are read while WORKERS compute, as in train.  -1
   with the error set: too little memory, a curve that cannot be drawn, or ERROR_STOPPED.  To be freed in any case.  */
int checkup_run (struct checkup *checkup, const struct collection *collection, const struct checkup_options *options,
                 struct workers *workers);
void checkup_free (struct checkup *checkup);

#endif

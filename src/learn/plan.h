/* What training holds in memory, and in which pieces it reads.  */
#ifndef SLABFIT_PLAN_H
#define SLABFIT_PLAN_H

#include "shuffle.h"
#include "train.h"

struct plan {
  size_t batch; /* most rows at once */
  struct shuffle training;
  struct shuffle validation;             /* rows is 0 where there is none */
  bool training_ahead, validation_ahead; /* whether there is room to read their next window while one is in use */
};

/* Chooses the windows for OPTIONS and a first layer of UNITS.  SHUFFLE_FULL keeps all rows in memory where they fit,
   and otherwise reads each row for itself, with a word on standard error.  Memory decides what is read ahead, never the
   order.  Fails where OPTIONS->memory_bytes is too little, saying what would fit.  VALIDATION may be NULL.  */
int plan_training (struct plan *plan, const struct train_options *options, uint64_t units,
                   const struct featfile *training, const struct featfile *validation);

#endif

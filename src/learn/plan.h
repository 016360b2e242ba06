/* What training holds in memory, and in which pieces it reads.  */
#ifndef SLABFIT_PLAN_H
#define SLABFIT_PLAN_H

#include "../base/ranks.h"
#include "shuffle.h"
#include "slab.h"
#include "train.h"

struct plan {
  enum engine_kind engine;  /* sweep or gram */
  size_t batch;             /* most rows at once */
  struct ranks_share share; /* of the features: this rank's */
  struct shuffle training;
  struct shuffle validation;             /* rows is 0 where there is none */
  bool training_ahead, validation_ahead; /* whether there is room to read their next window while one is in use */
  bool row_by_row;                       /* whether a full shuffle must read each row for itself */
  struct slabs slabs;                    /* of the gram engine: over training and validation rows */
  double bytes;                          /* that it takes */
};

/* Plans the windows of ENGINE's sweep, or the slabs of its gram engine, for OPTIONS, a first layer of UNITS and
   THREADS.  SHUFFLE_FULL keeps all rows of a sweep in memory where they fit, and otherwise reads each row for itself.
   Memory decides what is read ahead, never the order.  Fails where OPTIONS->memory_bytes is too little, saying what
   would fit.  VALIDATION may be NULL.  */
int plan_training (struct plan *plan, enum engine_kind engine, const struct train_options *options, uint64_t units,
                   struct featfile *training, struct featfile *validation, int threads);

#endif

/* Cross-validation from one K: every training on every choice of rows works with inner products of all rows and, for
   each size of the first layer, the projection of all rows through its initial kernel; the features are read once.  */
#ifndef SLABFIT_CROSSVAL_H
#define SLABFIT_CROSSVAL_H

#include "products.h"
#include "trial.h"

/* The first layers of one size.  */
struct first_size {
  uint64_t units;
  struct table projected; /* (N, units) X W0 */
  double step_seconds;    /* of the sweep engine on rows in memory, by all threads: what training from the features
                             takes at the least; NaN where it was not measured */
};

struct crossval {
  const char *path;    /* of the training features, for messages; borrowed */
  uint64_t columns;    /* d */
  size_t rows;         /* n, of the training features; all rows below may have those of validation behind them */
  size_t classes;      /* C */
  uint64_t chunk_rows; /* of the file, as the order of rows has them */
  size_t folds;
  int32_t *label;     /* (n) */
  uint32_t *fold;     /* (n) in which fold each row is held out */
  struct table inner; /* K (N, n) */
  struct first_size *size;
  size_t sizes;
};

/* What cross-validation is to be made of.  */
struct crossval_setup {
  struct featfile *training;
  struct featfile *validation; /* its rows join K, for the cache; may be NULL */
  const char *cache;           /* as in struct train_options */
  const uint64_t *units;       /* (sizes) of the first layers, all different */
  size_t sizes, folds;
  size_t batch;          /* rows, to measure steps with; 0 where that is not asked for */
  uint64_t seed;         /* of the folds and the initial weights */
  uint64_t memory_bytes; /* 0 for no limit */
};

/* -1 with the error set.  crossval_close is to be called in any case.  */
int crossval_open (struct crossval *crossval, const struct crossval_setup *setup, struct workers *workers);
void crossval_close (struct crossval *crossval);

/* The rows that are trained on where FOLD is held out.  */
size_t crossval_rows (const struct crossval *crossval, size_t fold);

/* The first layers of UNITS.  */
const struct first_size *crossval_size (const struct crossval *crossval, uint64_t units);

#endif

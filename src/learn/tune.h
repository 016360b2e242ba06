/* A search of hyperparameters by stratified cross-validation, from one K.  */
#ifndef SLABFIT_TUNE_H
#define SLABFIT_TUNE_H

#include "trial.h"

struct tune_options {
  struct searchspace space; /* its base also has seed, memory and cache; borrowed */
  size_t trials;            /* draws; 0 as searchspace_points */
  size_t folds;             /* at least 2 */
  enum objective objective;
  bool whole;         /* no trial is given up but for divergence */
  const char *output; /* the file of tunefile.h that keeps what is finished; NULL for none */
  bool anew;          /* whether to begin anew although that file is there */
};

struct tune_report {
  struct trial *trial; /* (trials) best first; owned */
  size_t trials, folds;
  uint64_t rows;    /* n */
  size_t trainings; /* on a fold each, in all; of them RESUMED were kept from before */
  size_t resumed;
  double products_seconds;             /* for K and the projections, with reading */
  double trials_seconds, wall_seconds; /* all but that; all */
  double retraining_seconds; /* an estimate for the same search by training from the features; tuning.md says of what.
                                NaN where memory is too short to measure a step */
};

/* Runs the search on TRAINING.  VALIDATION joins its inner products where they are to be cached, so that train can use
   them, and may be NULL.  REPORT is to be freed by tune_report_free in any case; after a failure it holds what was
   found until then.  -1 with the error set, ERROR_STOPPED among others, and where no trial is left.  The same bits but
   for the seconds, whatever the number of threads.  */
int tune (const struct tune_options *options, struct featfile *training, struct featfile *validation,
          struct workers *workers, struct tune_report *report);
void tune_report_free (struct tune_report *report);

#endif

/* A trial of a search: one choice of hyperparameters, what cross-validation found of it, and which trials go on.

   The rule is successive halving (Karnin, Koren and Somekh 2013; Jamieson and Talwalkar 2016) with folds as the budget
   and 3 as the factor, as in Hyperband (Li and others 2018) and scikit-learn's HalvingGridSearchCV: all trials are
   trained on the first fold, the best third of them on the second, the best third of those on the third, and so on.
   Each training runs all its epochs, so a trial that learns slowly is judged by where it ends.  */
#ifndef SLABFIT_TRIAL_H
#define SLABFIT_TRIAL_H

#include "searchspace.h"

enum objective { OBJECTIVE_LOSS, OBJECTIVE_ACCURACY, OBJECTIVE_AUC };

enum trial_status {
  TRIAL_RUNNING,
  TRIAL_FINISHED,  /* on all folds */
  TRIAL_ABANDONED, /* among the worse ones after some fold */
  TRIAL_DIVERGED,  /* its loss was no number */
};

/* On the rows of a fold, with the weights after the last epoch; or means over folds.  */
struct outcome {
  double loss, accuracy, auc; /* LOSS is without the L2 term; AUC is NaN where there are not two classes */
  double seconds;
  bool diverged; /* then the scores say nothing */
};

struct trial {
  size_t number; /* from 0, in the order of the grid or the draws */
  struct train_options options;
  enum trial_status status;
  size_t folds;                   /* that count so far */
  size_t known;                   /* those whose outcomes are there: more than FOLDS where a search goes on */
  struct outcome *fold;           /* (folds of the search), owned */
  struct outcome mean, deviation; /* over those folds: mean, with the sum of the seconds, and population standard
                                     deviation, as in scikit-learn's cv_results_ */
};

/* Sets MEAN and DEVIATION from the folds so far; a fold without an AUC does not count in its mean.  */
void trial_summarise (struct trial *trial);

/* Sorts TRIAL (count), best first: those trained on more folds, without divergence, and of these the better mean by
   OBJECTIVE; then by loss, and by number.  */
void trials_sort (struct trial *trial, size_t count, enum objective objective);

/* How many of COUNT trials go on to the next fold: a third, rounded up, but not fewer than TRIALS_LEAST of them.  */
enum { TRIALS_FACTOR = 3, TRIALS_LEAST = 5 };
size_t trials_to_keep (size_t count);

/* After a fold: gives up those of TRIAL (count) that diverged and, of the others that are still running, all but the
   best KEPT.  Sorts them.  */
void trials_abandon (struct trial *trial, size_t count, size_t kept, enum objective objective);

#endif

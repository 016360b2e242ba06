#include <config.h>

#include "trial.h"

#include <math.h>
#include <stdlib.h>

/* The mean and the population standard deviation of those of the COUNT values, STRIDE bytes apart, that are numbers.
   */
static void
describe (const double *value, size_t stride, size_t count, double *mean, double *deviation)
{
  double sum = 0, squares = 0;
  size_t numbers = 0;
  for (size_t i = 0; i < count; i++)
    {
      double found = *(const double *) ((const char *) value + i * stride);
      numbers += isnan (found) ? 0 : 1;
      sum += isnan (found) ? 0 : found;
    }
  *mean = numbers ? sum / (double) numbers : NAN;
  for (size_t i = 0; i < count; i++)
    {
      double distance = *(const double *) ((const char *) value + i * stride) - *mean;
      squares += isnan (distance) ? 0 : distance * distance;
    }
  *deviation = numbers ? sqrt (squares / (double) numbers) : NAN;
}

void
trial_summarise (struct trial *trial)
{
  const struct outcome *fold = trial->fold;
  struct outcome *mean = &trial->mean, *deviation = &trial->deviation;
  *mean = *deviation = (struct outcome){ 0 };
  describe (&fold->loss, sizeof *fold, trial->folds, &mean->loss, &deviation->loss);
  describe (&fold->accuracy, sizeof *fold, trial->folds, &mean->accuracy, &deviation->accuracy);
  describe (&fold->auc, sizeof *fold, trial->folds, &mean->auc, &deviation->auc);
  for (size_t i = 0; i < trial->folds; i++)
    {
      mean->seconds += fold[i].seconds;
      mean->diverged |= fold[i].diverged;
    }
}

/* What is to be small.  */
static double
badness (const struct trial *trial, enum objective objective)
{
  double found = objective == OBJECTIVE_LOSS       ? trial->mean.loss
                 : objective == OBJECTIVE_ACCURACY ? -trial->mean.accuracy
                                                   : -trial->mean.auc;
  return isnan (found) ? INFINITY : found;
}

static int
compare_numbers (double a, double b)
{
  return (a > b) - (a < b);
}

static int
compare (const struct trial *a, const struct trial *b, enum objective objective)
{
  int by_end = (a->status == TRIAL_DIVERGED) - (b->status == TRIAL_DIVERGED);
  int by_folds = (a->folds < b->folds) - (a->folds > b->folds);
  int by_objective = compare_numbers (badness (a, objective), badness (b, objective));
  int by_loss = compare_numbers (badness (a, OBJECTIVE_LOSS), badness (b, OBJECTIVE_LOSS));
  int by_number = a->number < b->number ? -1 : 1;
  return by_end ? by_end : by_folds ? by_folds : by_objective ? by_objective : by_loss ? by_loss : by_number;
}

static int
compare_by_loss (const void *a, const void *b)
{
  return compare (a, b, OBJECTIVE_LOSS);
}

static int
compare_by_accuracy (const void *a, const void *b)
{
  return compare (a, b, OBJECTIVE_ACCURACY);
}

static int
compare_by_auc (const void *a, const void *b)
{
  return compare (a, b, OBJECTIVE_AUC);
}

void
trials_sort (struct trial *trial, size_t count, enum objective objective)
{
  static int (*const by[]) (const void *, const void *) = { compare_by_loss, compare_by_accuracy, compare_by_auc };
  qsort (trial, count, sizeof *trial, by[objective]);
}

size_t
trials_to_keep (size_t count)
{
  size_t share = (count + TRIALS_FACTOR - 1) / TRIALS_FACTOR, least = count < TRIALS_LEAST ? count : TRIALS_LEAST;
  return share > least ? share : least;
}

void
trials_abandon (struct trial *trial, size_t count, size_t kept, enum objective objective)
{
  size_t running = 0;
  for (size_t i = 0; i < count; i++)
    if (trial[i].status == TRIAL_RUNNING && trial[i].mean.diverged)
      trial[i].status = TRIAL_DIVERGED;
  trials_sort (trial, count, objective);
  for (size_t i = 0; i < count; i++)
    if (trial[i].status == TRIAL_RUNNING && running++ >= kept)
      trial[i].status = TRIAL_ABANDONED;
}

#include <config.h>

#include "../src/learn/trial.h"

#include "support.h"

#include <math.h>

enum { TRIALS = 9, FOLDS = 4 };

/* Trials that are running, with LOSS and ACCURACY on one fold; their numbers are their places.  */
static void
make_trials (struct trial *trial, struct outcome (*fold)[FOLDS], const double *loss, const double *accuracy)
{
  for (size_t i = 0; i < TRIALS; i++)
    {
      fold[i][0] = (struct outcome){ loss[i], accuracy[i], NAN, 1, isnan (loss[i]) };
      trial[i] = (struct trial){ .number = i, .folds = 1, .known = 1, .fold = fold[i] };
      trial_summarise (&trial[i]);
    }
}

static void
check_order (const struct trial *trial, const size_t *number, size_t running, size_t diverged)
{
  for (size_t i = 0; i < TRIALS; i++)
    {
      enum trial_status status = i < running ? TRIAL_RUNNING : i < TRIALS - diverged ? TRIAL_ABANDONED : TRIAL_DIVERGED;
      ck_assert_uint_eq (trial[i].number, number[i]);
      ck_assert_int_eq (trial[i].status, status);
    }
}

/* By hand: of nine with these losses the best five go on; equal ones by their number; what is no number goes last.  */
START_TEST (the_worse_trials_are_given_up)
{
  static const double loss[TRIALS] = { 0.5, 0.2, NAN, 0.9, 0.1, 0.2, 7, NAN, 0.4 };
  static const double accuracy[TRIALS] = { 0.9, 0.8, NAN, 0.9, 0.7, 0.9, 0.6, NAN, 0.8 };
  static const size_t by_loss[] = { 4, 1, 5, 8, 0, 3, 6, 2, 7 }, by_accuracy[] = { 5, 0, 3, 1, 8, 4, 6, 2, 7 };
  struct outcome fold[TRIALS][FOLDS] = { 0 };
  struct trial trial[TRIALS];
  make_trials (trial, fold, loss, accuracy);
  trials_abandon (trial, TRIALS, 5, OBJECTIVE_LOSS);
  check_order (trial, by_loss, 5, 2);
  make_trials (trial, fold, loss, accuracy);
  trials_abandon (trial, TRIALS, 3, OBJECTIVE_ACCURACY);
  check_order (trial, by_accuracy, 3, 2);
}
END_TEST

/* Those that were trained on more folds come first, whatever the losses of the others.  */
START_TEST (more_folds_come_first)
{
  static const double loss[TRIALS] = { 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9 };
  static const size_t expected[] = { 8, 7, 0, 1, 2, 3, 4, 5, 6 };
  struct outcome fold[TRIALS][FOLDS] = { 0 };
  struct trial trial[TRIALS];
  make_trials (trial, fold, loss, loss);
  trial[7].folds = trial[8].folds = 2;
  fold[7][1] = fold[8][1] = (struct outcome){ .loss = 0.9 };
  fold[8][1].loss = 0.1;
  trial_summarise (&trial[7]);
  trial_summarise (&trial[8]);
  trials_sort (trial, TRIALS, OBJECTIVE_LOSS);
  for (size_t i = 0; i < TRIALS; i++)
    ck_assert_uint_eq (trial[i].number, expected[i]);
}
END_TEST

/* By hand: ceil (n / 3), as scikit-learn's HalvingGridSearchCV (factor=3) counts, but at least 5.  */
START_TEST (a_third_goes_on)
{
  static const size_t cases[][2] = { { 100, 34 }, { 34, 12 }, { 16, 6 }, { 15, 5 }, { 12, 5 },
                                     { 6, 5 },    { 5, 5 },   { 3, 3 },  { 1, 1 },  { 0, 0 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ck_assert_uint_eq (trials_to_keep (cases[i][0]), cases[i][1]);
}
END_TEST

/* By hand: 1, 2, 4, 9 have the mean 4 and the deviation sqrt (38 / 4), NumPy's default; an AUC that is none is left
   out.  */
START_TEST (means_and_deviations)
{
  struct outcome fold[FOLDS] = {
    { 1, 0.5, 0.5, 1, false }, { 2, 0.5, NAN, 2, false }, { 4, 0.5, 0.75, 3, false }, { 9, 0.5, 1, 4, false }
  };
  struct trial trial = { .folds = FOLDS, .fold = fold };
  trial_summarise (&trial);
  ck_assert_double_eq_tol (trial.mean.loss, 4, 1e-12);
  ck_assert_double_eq_tol (trial.deviation.loss, sqrt (9.5), 1e-12);
  ck_assert_double_eq_tol (trial.deviation.accuracy, 0, 1e-12);
  ck_assert_double_eq_tol (trial.mean.auc, 0.75, 1e-12);
  ck_assert_double_eq_tol (trial.deviation.auc, sqrt (0.125 / 3), 1e-12);
  ck_assert_double_eq_tol (trial.mean.seconds, 10, 1e-12);
  ck_assert (!trial.mean.diverged);
  fold[3].diverged = true;
  trial_summarise (&trial);
  ck_assert (trial.mean.diverged);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("trial");
  tcase_add_test (cases, the_worse_trials_are_given_up);
  tcase_add_test (cases, more_folds_come_first);
  tcase_add_test (cases, a_third_goes_on);
  tcase_add_test (cases, means_and_deviations);
  return run_cases (cases, "trial");
}

#include <config.h>

#include "../src/learn/holdout.h"

#include "../src/base/memory.h"
#include "../src/base/progress.h"
#include "../src/base/random.h"
#include "../src/base/stop.h"
#include "../src/learn/evaluate.h"
#include "learning.h"

#include <math.h>
#include <signal.h>

enum { ROWS = 140, COLUMNS = 700, CLASSES = 3, FOLDS = 4, CHUNK_ROWS = 8 };

static float values[ROWS * COLUMNS];
static int32_t label[ROWS];

/* Rows of three classes that overlap.  */
static void
make_rows (void)
{
  struct random generator = random_new (11, 0);
  for (int i = 0; i < ROWS; i++)
    {
      label[i] = (int32_t) random_below (&generator, CLASSES);
      for (int j = 0; j < COLUMNS; j++)
        values[i * COLUMNS + j] =
          random_uniform (&generator) < 0.2f + 0.05f * (float) label[i] ? random_normal (&generator) : 0;
    }
}

static struct featfile *
open_file (const char *name)
{
  char *path = scratch_path (name);
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  free (path);
  return file;
}

/* The file NAME of the rows of FOLD, or of all others.  */
static struct featfile *
write_part (const char *name, const uint32_t *fold, size_t index, bool held_out)
{
  static float part[ROWS * COLUMNS];
  int32_t labels[ROWS];
  size_t rows = 0;
  for (size_t i = 0; i < ROWS; i++)
    if ((fold[i] == index) == held_out)
      {
        memcpy (part + rows * COLUMNS, values + i * COLUMNS, COLUMNS * sizeof *part);
        labels[rows++] = label[i];
      }
  char *path = scratch_path (name);
  write_features (path, part, labels, rows, COLUMNS, CHUNK_ROWS);
  free (path);
  return open_file (name);
}

static struct featfile *
write_all (void)
{
  char *path = scratch_path ("all.h5");
  make_rows ();
  write_features (path, values, label, ROWS, COLUMNS, CHUNK_ROWS);
  free (path);
  return open_file ("all.h5");
}

static const uint64_t units[] = { 20, 70 };

static void
open_crossval (struct crossval *crossval, struct featfile *file, struct workers *workers)
{
  const struct crossval_setup setup = {
    .training = file, .units = units, .sizes = 2, .folds = FOLDS, .batch = 16, .seed = 42
  };
  ck_assert_msg (crossval_open (crossval, &setup, workers) == 0, "%s", error_message ());
}

static struct train_options
options_of (int index)
{
  struct train_options options = train_defaults ();
  options.hidden[0] = units[index & 1];
  options.hidden_count = index == 2 ? 1 : 2;
  options.hidden[1] = 6;
  options.epochs = 3;
  options.batch = (size_t[]){ 16, 7, 32, 200 }[index & 3];
  options.schedule.rate = 0.01;
  options.momentum = index == 1 ? 0 : 0.9;
  options.nesterov = index == 3;
  options.l2 = index == 4 ? 0.01 : 0;
  options.dropout = index == 5 ? 0.3 : 0;
  options.balanced = index == 6;
  options.shuffle = (enum shuffle_kind) (index % 3);
  if (index == 7)
    options.schedule.kind = SCHEDULE_COSINE;
  return options;
}

/* The loss and accuracy of train's model on VALIDATION, by evaluate: without the L2 term.  */
static void
train_and_evaluate (const struct train_options *options, struct featfile *training, struct featfile *validation,
                    struct workers *workers, double found[2])
{
  struct train_report report;
  struct evaluation evaluation;
  struct model *model = train (options, training, NULL, workers, &report);
  ck_assert_msg (model != NULL, "%s", error_message ());
  ck_assert_int_eq (evaluate (model, "model.h5", validation, workers, &evaluation), 0);
  uint64_t right = 0;
  for (uint64_t i = 0; i < evaluation.rows; i++)
    right += evaluation.label[i] == evaluation.predicted[i];
  found[0] = evaluation.loss;
  found[1] = (double) right / (double) evaluation.rows;
  evaluation_free (&evaluation);
  model_free (model);
}

/* With a fold held out, training is that by the sweep engine on a file that has the other rows alone.  */
START_TEST (a_fold_is_train_on_the_other_rows)
{
  struct crossval crossval;
  struct featfile *all = write_all ();
  struct workers *workers = workers_new (2);
  open_crossval (&crossval, all, workers);
  for (size_t fold = 0; fold < FOLDS; fold++)
    {
      struct featfile *training = write_part ("training.h5", crossval.fold, fold, false);
      struct featfile *validation = write_part ("validation.h5", crossval.fold, fold, true);
      ck_assert_uint_eq (featfile_info (training)->rows, crossval_rows (&crossval, fold));
      for (int i = (int) (fold & 1); i < 8; i += fold < 2 ? 2 : 3)
        {
          struct train_options options = options_of (i);
          struct outcome outcome;
          double expected[2];
          options.engine = ENGINE_SWEEP;
          train_and_evaluate (&options, training, validation, workers, expected);
          ck_assert_msg (holdout_train (&crossval, &options, fold, 1, &outcome) == 0, "%s", error_message ());
          ck_assert_msg (fabs (outcome.loss - expected[0]) <= 1e-5 * expected[0], "case %d, fold %zu: %.9g, not %.9g",
                         i, fold, outcome.loss, expected[0]);
          ck_assert_double_eq_tol (outcome.accuracy, expected[1], 1e-9);
          ck_assert (isnan (outcome.auc) && !outcome.diverged);
        }
      featfile_close (training);
      featfile_close (validation);
    }
  crossval_close (&crossval);
  workers_free (workers);
  featfile_close (all);
}
END_TEST

START_TEST (bits_do_not_depend_on_threads)
{
  struct crossval crossval[2];
  struct featfile *all = write_all ();
  struct outcome outcome[3];
  for (int i = 0; i < 2; i++)
    {
      struct workers *workers = workers_new (i + 1);
      open_crossval (&crossval[i], all, workers);
      workers_free (workers);
    }
  ck_assert_mem_eq (crossval[0].fold, crossval[1].fold, ROWS * sizeof (uint32_t));
  for (int i = 0; i < 3; i++)
    {
      struct train_options options = options_of (4);
      ck_assert_int_eq (holdout_train (&crossval[i & 1], &options, 1, i + 1, &outcome[i]), 0);
      ck_assert_double_eq (outcome[i].loss, outcome[0].loss);
    }
  crossval_close (&crossval[0]);
  crossval_close (&crossval[1]);
  featfile_close (all);
}
END_TEST

START_TEST (a_loss_that_is_no_number_is_an_outcome)
{
  struct crossval crossval;
  struct featfile *all = write_all ();
  struct workers *workers = workers_new (1);
  struct train_options options = options_of (0);
  struct outcome outcome;
  open_crossval (&crossval, all, workers);
  options.schedule.rate = 1e30;
  ck_assert_int_eq (holdout_train (&crossval, &options, 0, 1, &outcome), 0);
  ck_assert (outcome.diverged && isnan (outcome.loss) && isnan (outcome.accuracy));
  stop_watch (0);
  raise (SIGTERM); /* to be stopped is none */
  ck_assert_int_eq (holdout_train (&crossval, &options, 0, 1, &outcome), -1);
  ck_assert_int_eq (error_status (), ERROR_STOPPED);
  crossval_close (&crossval);
  workers_free (workers);
  featfile_close (all);
}
END_TEST

/* What is planned with is no less than what is held.  */
START_TEST (memory_is_counted)
{
  struct crossval crossval;
  struct featfile *all = write_all ();
  struct workers *workers = workers_new (1);
  open_crossval (&crossval, all, workers);
  for (int i = 0; i < 8; i++)
    {
      struct train_options options = options_of (i);
      struct outcome outcome;
      uint64_t before = memory_bytes ();
      memory_reset_peak ();
      ck_assert_int_eq (holdout_train (&crossval, &options, 0, 1, &outcome), 0);
      ck_assert_double_le ((double) (memory_peak_bytes () - before), holdout_bytes (&crossval, &options));
      ck_assert_uint_eq (memory_bytes (), before);
    }
  crossval_close (&crossval);
  workers_free (workers);
  featfile_close (all);
}
END_TEST

START_TEST (too_little_memory_is_refused)
{
  struct crossval crossval;
  struct featfile *all = write_all ();
  struct workers *workers = workers_new (1);
  struct crossval_setup setup = {
    .training = all, .units = units, .sizes = 2, .folds = FOLDS, .batch = 16, .seed = 42
  };
  for (uint64_t room = 100000; room <= 2400000; room += 2300000)
    {
      setup.memory_bytes = memory_bytes () + room;
      memory_reset_peak ();
      int result = crossval_open (&crossval, &setup, workers);
      ck_assert_uint_le (memory_peak_bytes (), setup.memory_bytes);
      ck_assert_int_eq (result, room > 1000000 ? 0 : -1);
      if (result)
        ck_assert_ptr_nonnull (strstr (error_message (), "for the inner products of 140 x 140 rows"));
      crossval_close (&crossval);
    }
  setup.memory_bytes = 0;
  setup.folds = ROWS + 1;
  ck_assert_int_eq (crossval_open (&crossval, &setup, workers), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "140 rows, too few for 141 folds; ask for fewer (--folds)"));
  crossval_close (&crossval);
  workers_free (workers);
  featfile_close (all);
}
END_TEST

int
main (void)
{
  progress_be_quiet ();
  TCase *cases = new_cases ("holdout");
  tcase_add_test (cases, a_fold_is_train_on_the_other_rows);
  tcase_add_test (cases, bits_do_not_depend_on_threads);
  tcase_add_test (cases, a_loss_that_is_no_number_is_an_outcome);
  tcase_add_test (cases, memory_is_counted);
  tcase_add_test (cases, too_little_memory_is_refused);
  return run_cases (cases, "holdout");
}

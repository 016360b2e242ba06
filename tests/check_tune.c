#include <config.h>

#include "../src/learn/tune.h"

#include "../src/base/memory.h"
#include "../src/base/progress.h"
#include "../src/base/random.h"
#include "../src/base/stop.h"
#include "../src/learn/holdout.h"
#include "../src/learn/tunefile.h"
#include "learning.h"

#include <math.h>
#include <signal.h>

enum { ROWS = 90, COLUMNS = 300, FOLDS = 3 };

/* Two classes that differ a little.  */
static struct featfile *
make_features (void)
{
  static float values[ROWS * COLUMNS];
  int32_t label[ROWS];
  struct random generator = random_new (5, 0);
  for (int i = 0; i < ROWS; i++)
    {
      label[i] = (int32_t) random_below (&generator, 2);
      for (int j = 0; j < COLUMNS; j++)
        values[i * COLUMNS + j] = random_uniform (&generator) < 0.3f + 0.05f * (float) label[i];
    }
  char *path = scratch_path ("training.h5");
  write_features (path, values, label, ROWS, COLUMNS, 8);
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  free (path);
  return file;
}

/* A grid of 20, four of which diverge.  */
static struct tune_options
make_options (void)
{
  struct tune_options options = { .space = { .base = train_defaults () }, .folds = FOLDS };
  options.space.base.epochs = 2;
  ck_assert_int_eq (searchspace_set (&options.space, AXIS_LR, "1e-4,1e-3,1e-2,0.1,1e30"), 0);
  ck_assert_int_eq (searchspace_set (&options.space, AXIS_HIDDEN, "12/8,4"), 0);
  ck_assert_int_eq (searchspace_set (&options.space, AXIS_MOMENTUM, "0,0.9"), 0);
  return options;
}

static struct tune_report
run (const struct tune_options *options, struct featfile *file, int threads)
{
  struct tune_report report;
  struct workers *workers = workers_new (threads);
  ck_assert_msg (tune (options, file, NULL, workers, &report) == 0, "%s", error_message ());
  workers_free (workers);
  return report;
}

static void
check_same (const struct tune_report *a, const struct tune_report *b)
{
  ck_assert_uint_eq (a->trials, b->trials);
  for (size_t i = 0; i < a->trials; i++)
    {
      const struct trial *x = &a->trial[i], *y = &b->trial[i];
      ck_assert_uint_eq (x->number, y->number);
      ck_assert_int_eq (x->status, y->status);
      ck_assert_uint_eq (x->folds, y->folds);
      ck_assert_uint_eq (x->known, y->folds);
      for (size_t fold = 0; fold < x->folds; fold++)
        if (!x->fold[fold].diverged)
          {
            ck_assert_double_eq (x->fold[fold].loss, y->fold[fold].loss);
            ck_assert_double_eq (x->fold[fold].auc, y->fold[fold].auc);
          }
    }
}

static size_t
count_status (const struct tune_report *report, enum trial_status status)
{
  size_t count = 0;
  for (size_t i = 0; i < report->trials; i++)
    count += report->trial[i].status == status;
  return count;
}

/* By hand: 20 trials on the first fold, 7 on the second, 5 on the third; four diverge on the first.  */
START_TEST (rounds_are_those_of_successive_halving)
{
  struct tune_options options = make_options ();
  struct featfile *file = make_features ();
  struct tune_report report = run (&options, file, 2);
  ck_assert_uint_eq (report.trials, 20);
  ck_assert_uint_eq (report.trainings, 20 + 7 + 5);
  ck_assert_uint_eq (count_status (&report, TRIAL_FINISHED), 5);
  ck_assert_uint_eq (count_status (&report, TRIAL_DIVERGED), 4);
  ck_assert_uint_eq (count_status (&report, TRIAL_ABANDONED), 11);
  for (size_t i = 0; i < 20; i++)
    ck_assert_uint_eq (report.trial[i].folds, i < 5 ? 3 : i < 7 ? 2 : 1);
  ck_assert (!(report.retraining_seconds <= 0));
  options.whole = true;
  struct tune_report whole = run (&options, file, 2);
  ck_assert_uint_eq (whole.trainings, 20 + 16 + 16);
  ck_assert_uint_eq (count_status (&whole, TRIAL_FINISHED), 16);
  for (size_t i = 1; i < 16; i++)
    ck_assert_double_le (whole.trial[i - 1].mean.loss, whole.trial[i].mean.loss);
  options.objective = OBJECTIVE_AUC;
  struct tune_report by_auc = run (&options, file, 2);
  for (size_t i = 1; i < 16; i++)
    ck_assert_double_ge (by_auc.trial[i - 1].mean.auc, by_auc.trial[i].mean.auc);
  tune_report_free (&report);
  tune_report_free (&whole);
  tune_report_free (&by_auc);
  searchspace_free (&options.space);
  featfile_close (file);
}
END_TEST

START_TEST (results_do_not_depend_on_threads_and_memory)
{
  struct tune_options options = make_options ();
  struct featfile *file = make_features ();
  struct tune_report report[4];
  for (int i = 0; i < 4; i++)
    {
      memory_reset_peak ();
      options.space.base.memory_bytes = i < 3 ? 0 : memory_bytes () + 1500000; /* room for two trainings at once */
      report[i] = run (&options, file, i < 3 ? i + 1 : 4);
      check_same (&report[i], &report[0]);
      ck_assert (i < 3 || memory_peak_bytes () <= options.space.base.memory_bytes);
    }
  for (int i = 0; i < 4; i++)
    tune_report_free (&report[i]);
  searchspace_free (&options.space);
  featfile_close (file);
}
END_TEST

/* The outcomes of trial NUMBER, counted from 0, in ALL, a file's contents.  */
static json_t *
outcomes_of (json_t *all, size_t number)
{
  json_t *item;
  size_t index;
  json_array_foreach (json_object_get (all, "trials"), index,
                      item) if (json_integer_value (json_object_get (item, "number"))
                                == (json_int_t) number + 1) return json_object_get (item, "outcomes");
  ck_abort_msg ("no trial %zu", number);
}

/* Leaves in the file PATH what was found of each trial on the first FOLDS, and makes LOSS that of trial NUMBER on
   FOLD.  */
static void
change (const char *path, size_t folds, size_t number, size_t fold, double loss)
{
  json_t *all = json_load_file (path, 0, NULL), *item;
  size_t index;
  json_array_foreach (json_object_get (all, "trials"), index,
                      item) while (json_array_size (json_object_get (item, "outcomes")) > folds)
    json_array_remove (json_object_get (item, "outcomes"), folds);
  json_object_set_new (json_array_get (outcomes_of (all, number), fold), "val_loss", json_real (loss));
  ck_assert_int_eq (json_dump_file (all, path, JSON_REAL_PRECISION (17)), 0);
  json_decref (all);
}

static struct tune_report
run_again (const struct tune_options *options, struct featfile *file, const struct tune_report *expected)
{
  struct tune_report report = run (options, file, 1);
  check_same (&report, expected);
  return report;
}

/* What the file has is not trained again, and the result is that of a search without a stop.  */
START_TEST (a_search_goes_on_from_its_file)
{
  struct tune_options options = make_options ();
  struct featfile *file = make_features ();
  char *path = scratch_path ("result.json");
  options.output = path;
  struct tune_report whole = run (&options, file, 2), again = run_again (&options, file, &whole);
  const struct trial *best = &whole.trial[0];
  ck_assert_uint_eq (again.resumed, again.trainings);
  ck_assert_double_eq (again.retraining_seconds, whole.retraining_seconds);
  change (path, 1, best->number, 0, best->fold[0].loss);
  struct tune_report resumed = run_again (&options, file, &whole);
  ck_assert_uint_eq (resumed.resumed, 20);
  ck_assert_uint_eq (resumed.trainings, 32);
  options.anew = true;
  struct tune_report anew = run_again (&options, file, &whole);
  ck_assert_uint_eq (anew.resumed, 0);
  tune_report_free (&again);
  tune_report_free (&resumed);
  tune_report_free (&anew);
  tune_report_free (&whole);
  free (path);
  searchspace_free (&options.space);
  featfile_close (file);
}
END_TEST

static const struct trial *
find_trial (const struct tune_report *report, size_t number)
{
  size_t i = 0;
  while (report->trial[i].number != number)
    i++;
  return &report->trial[i];
}

/* Losses that were changed in the file show.  The best trial is given up after the second fold if it is bad there,
   though a third fold is known as well, and not before.  */
START_TEST (the_files_outcomes_decide)
{
  struct tune_options options = make_options ();
  struct featfile *file = make_features ();
  char *path = scratch_path ("result.json");
  options.output = path;
  struct tune_report whole = run (&options, file, 2);
  size_t best = whole.trial[0].number, other = whole.trial[19].number == 0 ? 1 : 0;
  change (path, 3, best, 2, 100);
  struct tune_report third = run (&options, file, 1);
  ck_assert_uint_eq (find_trial (&third, best)->folds, 3);
  ck_assert_double_eq (find_trial (&third, best)->fold[2].loss, 100);
  ck_assert_uint_eq (third.trial[4].number, best);
  change (path, 3, best, 1, 100);
  struct tune_report second = run (&options, file, 1);
  ck_assert_uint_eq (find_trial (&second, best)->folds, 2);
  ck_assert_int_eq (find_trial (&second, best)->status, TRIAL_ABANDONED);
  change (path, 1, other, 0, 0.0001);
  struct tune_report first = run (&options, file, 1);
  ck_assert_double_eq (find_trial (&first, other)->fold[0].loss, 0.0001);
  ck_assert_uint_gt (find_trial (&first, other)->folds, 1);
  tune_report_free (&whole);
  tune_report_free (&third);
  tune_report_free (&second);
  tune_report_free (&first);
  free (path);
  searchspace_free (&options.space);
  featfile_close (file);
}
END_TEST

static void
fails_with (const struct tune_options *options, struct featfile *file, int status, const char *message)
{
  struct tune_report report;
  struct workers *workers = workers_new (1);
  error_clear ();
  ck_assert_int_eq (tune (options, file, NULL, workers, &report), -1);
  ck_assert_msg (strstr (error_message (), message) != NULL, "%s", error_message ());
  ck_assert_int_eq (error_status (), status);
  tune_report_free (&report);
  workers_free (workers);
}

START_TEST (failures_say_what_to_do)
{
  struct tune_options options = make_options ();
  struct featfile *file = make_features ();
  char *path = scratch_path ("result.json");
  options.output = path;
  ck_assert_int_eq (searchspace_set (&options.space, AXIS_LR, "1e30"), 0);
  fails_with (&options, file, ERROR_FAILED,
              "diverged; try smaller learning rates (--lr), or features of smaller values");
  ck_assert_int_eq (searchspace_set (&options.space, AXIS_LR, "0.01"), 0);
  fails_with (&options, file, ERROR_FAILED,
              "was trained with lr [\"1e30\"], and [\"0.01\"] is asked for; choose another");
  write_text (path, "[]");
  fails_with (&options, file, ERROR_FAILED, "is there already and is no result of tune; choose another name");
  options.output = NULL;
  options.space.base.memory_bytes = memory_bytes () + 1000;
  fails_with (&options, file, ERROR_FAILED, "give the job more memory");
  options.folds = 1;
  fails_with (&options, file, ERROR_USAGE, "--folds must be at least 2");
  free (path);
  searchspace_free (&options.space);
  featfile_close (file);
}
END_TEST

START_TEST (a_stopped_search_says_so)
{
  struct tune_options options = make_options ();
  struct featfile *file = make_features ();
  char *path = scratch_path ("result.json");
  stop_watch (0);
  raise (SIGTERM);
  fails_with (&options, file, ERROR_STOPPED,
              "was stopped after 0 trainings; run the same command again: it begins anew");
  options.output = path;
  fails_with (&options, file, ERROR_STOPPED, "run the same command again, and it goes on from");
  ck_assert (!file_exists (path));
  free (path);
  searchspace_free (&options.space);
  featfile_close (file);
}
END_TEST

int
main (void)
{
  progress_be_quiet ();
  TCase *cases = new_cases ("tune");
  tcase_add_test (cases, rounds_are_those_of_successive_halving);
  tcase_add_test (cases, results_do_not_depend_on_threads_and_memory);
  tcase_add_test (cases, a_search_goes_on_from_its_file);
  tcase_add_test (cases, the_files_outcomes_decide);
  tcase_add_test (cases, failures_say_what_to_do);
  tcase_add_test (cases, a_stopped_search_says_so);
  return run_cases (cases, "tune");
}

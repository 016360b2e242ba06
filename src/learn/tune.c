#include <config.h>

#include "tune.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "holdout.h"
#include "tunefile.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct search {
  const struct tune_options *options;
  struct tune_report *report;
  struct featfile *training, *validation;
  struct crossval crossval;
  bool open; /* whether crossval is; it is not where all is known */
  struct workers *workers;
  char *recipe;
  double started;
  pthread_mutex_t lock; /* of the progress, which several trainings advance */
  struct progress progress;
};

/* The trainings of one fold.  */
struct round {
  struct search *search;
  size_t fold;
  struct trial **trial; /* (count) */
  size_t count;
  int threads; /* for each of those that run at once */
};

static int
make_trials (struct search *search)
{
  const struct tune_options *options = search->options;
  struct tune_report *report = search->report;
  struct point *point = NULL;
  int result = searchspace_points (&options->space, options->trials, options->space.base.seed, &point, &report->trials);
  if (result == 0 && !(report->trial = calloc (report->trials, sizeof *report->trial)))
    result = error_set ("no memory for %zu trials; ask for fewer", report->trials);
  report->trials = result ? 0 : report->trials;
  for (size_t i = 0; result == 0 && i < report->trials; i++)
    {
      struct trial *trial = &report->trial[i];
      trial->number = i;
      trial->fold = calloc (options->folds, sizeof *trial->fold);
      result = trial->fold ? searchspace_apply (&options->space, &point[i], &trial->options)
                           : error_set ("no memory for %zu trials; ask for fewer", report->trials);
    }
  memory_free (point);
  return result;
}

/* UNITS (sizes) = the different sizes of the first layer.  */
static size_t
find_sizes (const struct tune_report *report, uint64_t *units)
{
  size_t sizes = 0;
  for (size_t i = 0; i < report->trials; i++)
    {
      size_t place = 0;
      while (place < sizes && units[place] != report->trial[i].options.hidden[0])
        place++;
      if (place == sizes)
        units[sizes++] = report->trial[i].options.hidden[0];
    }
  return sizes;
}

static size_t
smallest_batch (const struct tune_report *report)
{
  size_t batch = SIZE_MAX;
  for (size_t i = 0; i < report->trials; i++)
    batch = report->trial[i].options.batch < batch ? report->trial[i].options.batch : batch;
  return batch;
}

/* Seconds of all trainings, none given up, by the sweep engine on rows in memory.  */
static double
estimate_retraining (const struct search *search)
{
  const struct tune_report *report = search->report;
  double seconds = 0;
  for (size_t i = 0; i < report->trials; i++)
    {
      const struct train_options *options = &report->trial[i].options;
      double step = crossval_size (&search->crossval, options->hidden[0])->step_seconds;
      for (size_t fold = 0; fold < report->folds; fold++)
        seconds += step * (double) options->epochs
                   * ceil ((double) crossval_rows (&search->crossval, fold) / (double) options->batch);
    }
  return seconds;
}

static int
open_crossval (struct search *search)
{
  const struct train_options *base = &search->options->space.base;
  struct tune_report *report = search->report;
  double started = clock_seconds ();
  uint64_t *units = memory_new (report->trials, sizeof *units);
  if (!units)
    return -1;
  const struct crossval_setup setup = { .training = search->training,
                                        .validation = base->cache ? search->validation : NULL,
                                        .cache = base->cache,
                                        .units = units,
                                        .sizes = find_sizes (report, units),
                                        .folds = search->options->folds,
                                        .batch = isnan (report->retraining_seconds) ? smallest_batch (report) : 0,
                                        .seed = base->seed,
                                        .memory_bytes = base->memory_bytes };
  search->open = true;
  int result = crossval_open (&search->crossval, &setup, search->workers);
  memory_free (units);
  report->products_seconds = clock_seconds () - started;
  if (result == 0 && setup.batch > 0)
    report->retraining_seconds = estimate_retraining (search);
  return result;
}

/* How many of ROUND's trainings may run at once, by threads and memory; 0 with the error set.  */
static int
plan_round (const struct round *round)
{
  const struct search *search = round->search;
  uint64_t memory = search->options->space.base.memory_bytes;
  double bytes = 1, left = memory ? (double) memory - (double) memory_bytes () : INFINITY, megabyte = 1 << 20;
  size_t most = (size_t) workers_count (search->workers);
  for (size_t i = 0; i < round->count; i++)
    bytes = fmax (bytes, holdout_bytes (&search->crossval, &round->trial[i]->options));
  most = round->count < most ? round->count : most;
  if (bytes * (double) most <= left)
    return (int) most;
  if (bytes > left)
    error_set ("tune needs %.1f MB for a training, besides the inner products, and may use %.1f MB; give the job more "
               "memory, or ask for smaller first layers (--hidden)",
               bytes / megabyte, fmax (left, 0) / megabyte);
  return (int) (left / bytes);
}

static int
run_training (void *context, size_t index, int worker)
{
  (void) worker;
  const struct round *round = context;
  struct search *search = round->search;
  struct trial *trial = round->trial[index];
  if (holdout_train (&search->crossval, &trial->options, round->fold, round->threads, &trial->fold[round->fold]))
    return -1;
  trial->known = round->fold + 1;
  pthread_mutex_lock (&search->lock);
  progress_advance (&search->progress, 1);
  pthread_mutex_unlock (&search->lock);
  return 0;
}

/* Trains what is to be trained on one fold, several at once, each on threads of its own.  */
static int
run_round (struct round *round)
{
  struct search *search = round->search;
  if (round->count == 0)
    return 0;
  if (!search->open && open_crossval (search))
    return -1;
  int at_once = plan_round (round);
  struct workers *workers = at_once ? workers_new (at_once) : NULL;
  if (!workers)
    return -1;
  round->threads = workers_count (search->workers) / at_once;
  int result = workers_run (workers, round->count, run_training, round);
  workers_free (workers);
  return result;
}

/* How many trainings there will be; those that diverge make them fewer.  */
static size_t
count_trainings (const struct search *search)
{
  size_t running = search->report->trials, trainings = 0;
  for (size_t fold = 0; fold < search->options->folds; fold++)
    {
      trainings += running;
      running = search->options->whole ? running : trials_to_keep (running);
    }
  return trainings;
}

static void
note_seconds (const struct search *search)
{
  struct tune_report *report = search->report;
  report->wall_seconds = clock_seconds () - search->started;
  report->trials_seconds = report->wall_seconds - report->products_seconds;
}

static int
save (const struct search *search)
{
  const char *path = search->options->output;
  note_seconds (search);
  return path ? tunefile_write (path, search->report, search->recipe) : 0;
}

/* Lists the trials whose outcome of the round's fold is not known yet.  Returns how many are running.  */
static size_t
list_round (struct round *round)
{
  struct tune_report *report = round->search->report;
  size_t running = 0;
  for (size_t i = 0; i < report->trials; i++)
    if (report->trial[i].status == TRIAL_RUNNING)
      {
        running++;
        if (report->trial[i].known <= round->fold)
          round->trial[round->count++] = &report->trial[i];
      }
  return running;
}

/* After FOLD: what the trials that RUNNING counts have found so far, and which go on.  */
static void
judge (struct search *search, size_t fold, size_t running)
{
  struct tune_report *report = search->report;
  bool last = fold + 1 == report->folds;
  for (size_t i = 0; i < report->trials; i++)
    if (report->trial[i].status == TRIAL_RUNNING)
      {
        report->trial[i].folds = fold + 1;
        trial_summarise (&report->trial[i]);
      }
  trials_abandon (report->trial, report->trials, search->options->whole || last ? running : trials_to_keep (running),
                  search->options->objective);
  for (size_t i = 0; last && i < report->trials; i++)
    if (report->trial[i].status == TRIAL_RUNNING)
      report->trial[i].status = TRIAL_FINISHED;
}

/* Trains all trials that are still running with FOLD held out, but for those whose outcome is known.  */
static int
run_fold (struct search *search, size_t fold)
{
  struct tune_report *report = search->report;
  struct round round = { .search = search, .fold = fold, .trial = calloc (report->trials, sizeof *round.trial) };
  if (!round.trial)
    return error_set ("no memory for %zu trials; ask for fewer", report->trials);
  size_t running = list_round (&round);
  report->trainings += running;
  report->resumed += running - round.count;
  progress_advance (&search->progress, running - round.count);
  int result = run_round (&round);
  free (round.trial);
  if (result)
    return -1;
  judge (search, fold, running);
  return save (search);
}

static int
run_folds (struct search *search)
{
  struct tune_report *report = search->report;
  int result = 0;
  search->progress = progress_begin ("tune", "trainings", count_trainings (search));
  for (size_t fold = 0; result == 0 && fold < search->options->folds; fold++)
    result = run_fold (search, fold);
  if (result)
    return -1;
  search->progress.total = search->progress.done;
  progress_end (&search->progress);
  if (report->trial[0].status == TRIAL_FINISHED)
    return 0;
  return error_set ("all trials on '%s' diverged; try smaller learning rates (--lr), or features of smaller values",
                    featfile_path (search->training));
}

/* Of a search that was stopped: keeps what is finished.  */
static int
end_stopped (const struct search *search, const char *path)
{
  size_t done = 0;
  for (size_t i = 0; i < search->report->trials; i++)
    done += search->report->trial[i].known;
  if (done > 0 && save (search))
    return -1;
  if (search->options->output)
    return error_stopped (
      "the search on '%s' was stopped after %zu trainings; run the same command again, and it goes on "
      "from '%s'",
      path, done, search->options->output);
  return error_stopped ("the search on '%s' was stopped after %zu trainings; run the same command again: it begins "
                        "anew, since no --output FILE.json keeps what is finished",
                        path, done);
}

static int
check_options (const struct tune_options *options, const struct featfile *training, const struct featfile *validation)
{
  const struct featinfo *info = featfile_info (training), *other = validation ? featfile_info (validation) : info;
  if (options->folds < 2)
    return error_usage ("--folds must be at least 2");
  if (options->objective == OBJECTIVE_AUC && info->classes.count != 2)
    return error_usage ("--objective auc needs two classes, and '%s' has %zu; take val_loss or accuracy",
                        featfile_path (training), info->classes.count);
  if (other->columns != info->columns)
    return error_set ("'%s' has rows of %" PRIu64 " features, and '%s' of %" PRIu64 "; extract both in the same way",
                      featfile_path (validation), other->columns, featfile_path (training), info->columns);
  return train_check (&options->space.base);
}

/* The trials, with what is known of them.  */
static int
prepare (struct search *search)
{
  const struct tune_options *options = search->options;
  if (check_options (options, search->training, search->validation) || make_trials (search)
      || !(search->recipe = tunefile_recipe (options, search->training)))
    return -1;
  return options->output && !options->anew ? tunefile_read (options->output, search->recipe, search->report) : 0;
}

int
tune (const struct tune_options *options, struct featfile *training, struct featfile *validation,
      struct workers *workers, struct tune_report *report)
{
  struct search search = { .options = options,
                           .report = report,
                           .training = training,
                           .validation = validation,
                           .workers = workers,
                           .started = clock_seconds () };
  *report =
    (struct tune_report){ .folds = options->folds, .rows = featfile_info (training)->rows, .retraining_seconds = NAN };
  pthread_mutex_init (&search.lock, NULL);
  int result = prepare (&search) || run_folds (&search) ? -1 : 0;
  if (result && error_status () == ERROR_STOPPED)
    end_stopped (&search, featfile_path (training));
  crossval_close (&search.crossval);
  pthread_mutex_destroy (&search.lock);
  free (search.recipe);
  note_seconds (&search);
  return result;
}

void
tune_report_free (struct tune_report *report)
{
  for (size_t i = 0; report->trial && i < report->trials; i++)
    free (report->trial[i].fold);
  free (report->trial);
  *report = (struct tune_report){ 0 };
}

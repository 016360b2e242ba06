#include <config.h>

#include "../learn/tune.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../learn/modelfile.h"
#include "../learn/tunefile.h"
#include "command.h"
#include "hyperparameters.h"
#include "output.h"
#include "splits.h"
#include "tunetable.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  struct tune_options tune;
  struct featnames names;
  const char *features, *refit;
  bool cache;
};

/* KEY_AXIS and an axis's number are the key of its option.  */
enum { KEY_AXIS = 0x300, KEY_CACHE = 0x340, KEY_FOLDS, KEY_NO_ABANDON, KEY_OBJECTIVE, KEY_REFIT, KEY_TRIALS };

static const struct argp_option option_table[] = {
  { 0, 0, 0, 0, "What is tried, as a list A,B or a range LOW:HIGH:", 1 },
  { "batch", KEY_AXIS + AXIS_BATCH, "VALUES", 0, "Rows in a step", 1 },
  { "dropout", KEY_AXIS + AXIS_DROPOUT, "VALUES", 0, "Share of outputs that a step drops", 1 },
  { "epochs", KEY_AXIS + AXIS_EPOCHS, "VALUES", 0, "Passes over the rows", 1 },
  { "hidden", KEY_AXIS + AXIS_HIDDEN, "LISTS", 0, "Units of the hidden layers: 256,16/64,16", 1 },
  { "l2", KEY_AXIS + AXIS_L2, "VALUES", 0, "L2 penalty", 1 },
  { "lr", KEY_AXIS + AXIS_LR, "VALUES", 0, "Learning rate", 1 },
  { "momentum", KEY_AXIS + AXIS_MOMENTUM, "VALUES", 0, "Momentum", 1 },
  { "schedule", KEY_AXIS + AXIS_SCHEDULE, "KINDS", 0, "A list such as constant,cosine,step:10:0.1", 1 },
  { 0, 0, 0, 0, "For all trials, as for train:", 2 },
  { "class-weight", KEY_CLASS_WEIGHT, "KIND", 0, "none, or balanced (none)", 2 },
  { "decay", KEY_DECAY, "X", 0, "Of --schedule time (0.00004)", 2 },
  { "nesterov", KEY_NESTEROV, 0, 0, "Nesterov's momentum", 2 },
  { "shuffle", KEY_SHUFFLE, "KIND", 0, "window, full or none (window)", 2 },
  { 0, 0, 0, 0, "The search:", 3 },
  { "cache", KEY_CACHE, 0, 0,
    "Keep the inner products in FEATURES/gram.h5, as train does, for it and for the next search", 3 },
  { "features-dataset", KEY_FEATURES_DATASET, "NAME", 0, "The dataset of the features (/features)", 3 },
  { "folds", KEY_FOLDS, "K", 0, "Folds of the cross-validation (5)", 3 },
  { "labels-dataset", KEY_LABELS_DATASET, "NAME", 0, "The dataset of the labels (/labels)", 3 },
  { "no-abandon", KEY_NO_ABANDON, 0, 0, "Train every trial on every fold", 3 },
  { "objective", KEY_OBJECTIVE, "NAME", 0, "What makes a trial the best: val_loss, accuracy or auc (val_loss)", 3 },
  { "output", 'o', "FILE.json", 0, "Write the result there too, and go on from it after a stop", 3 },
  { "refit", KEY_REFIT, "MODEL.h5", 0, "Train the best trial's network on all rows and write it", 3 },
  { "trials", KEY_TRIALS, "N", 0, "Draw N trials at random (the whole grid; 30 where there is a range)", 3 },
  { 0 },
};

static int
parse_value (int key, const char *argument, struct options *options)
{
  static const char *const objectives[] = { "val_loss", "accuracy", "auc", NULL }; /* as enum objective */
  struct tune_options *tune = &options->tune;
  int number = 0, result;
  switch (key)
    {
    case KEY_FOLDS:
      result = options_parse_whole (argument, "--folds", 2, 1000, &number);
      tune->folds = (size_t) number;
      return result;
    case KEY_TRIALS:
      result = options_parse_whole (argument, "--trials", 1, SEARCHSPACE_TRIALS_LIMIT, &number);
      tune->trials = (size_t) number;
      return result;
    case KEY_OBJECTIVE:
      result = options_parse_word (argument, "--objective", objectives, "val_loss, accuracy or auc", &number);
      tune->objective = (enum objective) number;
      return result;
    default:
      return searchspace_set (&tune->space, (enum axis_name) (key - KEY_AXIS), argument);
    }
}

/* What the command line leaves open.  */
static void
complete (struct options *options, struct argp_state *state)
{
  struct searchspace *space = &options->tune.space;
  bool given = false;
  if (!options->features)
    argp_error (state, "give the FEATURES folder");
  for (int i = 0; i < AXES; i++)
    given = given || axis_given (&space->axis[i]);
  if (train_check (&space->base) || (!given && searchspace_use_defaults (space)))
    options_fail (state);
}

/* The keys that other commands have too.  */
static error_t
parse_shared (int key, const char *argument, struct argp_state *state, struct options *options)
{
  error_t result = hyperparameters_parse (key, argument, state, &options->tune.space.base);
  return result == ARGP_ERR_UNKNOWN ? options_parse_dataset (key, argument, state, &options->names) : result;
}

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &options->common;
      return 0;
    case 'o':
      options->tune.output = argument;
      return 0;
    case KEY_REFIT:
      options->refit = argument;
      return 0;
    case KEY_CACHE:
      options->cache = true;
      return 0;
    case KEY_NO_ABANDON:
      options->tune.whole = true;
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one FEATURES folder, please; '%s' is too many", argument);
      options->features = argument;
      return 0;
    case ARGP_KEY_END:
      complete (options, state);
      return 0;
    default:
      if (key < KEY_AXIS || key > KEY_TRIALS)
        return parse_shared (key, argument, state, options);
      if (parse_value (key, argument, options))
        options_fail (state);
      return 0;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FEATURES",
  "Search the best hyperparameters by stratified cross-validation on FEATURES/training.h5, which is read once: all "
  "trainings share its inner products. Lists alone are a grid; with a range, or --trials, trials are drawn at random, "
  "log-uniform for lr and l2. What is not named stays as train has it. Where nothing is named, 30 trials try --lr "
  "0.0001:0.1 --momentum 0.5:0.99 --l2 0.000001:0.01 --batch 16,32,64 --hidden 256,16/64,16. After each fold the best "
  "third of the trials, but no fewer than 5, go on (successive halving)."
  "\vExample: slabfit tune features --lr 0.0001,0.001,0.01 --momentum 0.5,0.9 --refit model.h5",
  options_children,
  0,
  0
};

/* The options of the best trial as train takes them.  */
static int
print_command (const struct options *options, const struct trial *best, FILE *stream)
{
  const struct searchspace *space = &options->tune.space;
  for (enum axis_name i = 0; i < AXES; i++)
    if (axis_given (&space->axis[i]))
      {
        char *text = axis_text (i, &best->options);
        if (!text)
          return -1;
        fprintf (stream, " --%s %s", axis_option (i), text);
        free (text);
      }
  return 0;
}

static int
print (const struct options *options, const struct tune_report *report)
{
  char trials[32], again[32];
  if (tunetable_print (report, &options->tune.space, stdout))
    return -1;
  printf ("\nbest:");
  if (print_command (options, &report->trial[0], stdout))
    return -1;
  tunetable_time (report->wall_seconds, trials);
  printf ("\n%zu trials, %zu trainings on %zu folds of %" PRIu64 " rows: %s\n", report->trials, report->trainings,
          report->folds, report->rows, trials);
  tunetable_time (report->retraining_seconds, again);
  if (!isnan (report->retraining_seconds))
    printf ("the same by %zu trainings from the features: about %s (steps of sweep)\n", report->trials * report->folds,
            again);
  return 0;
}

/* Trains the winner on all rows and writes the model.  */
static int
refit (const struct options *options, const struct tune_report *report, struct featfile *training,
       struct featfile *validation, struct workers *workers)
{
  struct train_report trained;
  struct model *model = train (&report->trial[0].options, training, validation, workers, &trained);
  int result = -1;
  if (model && !(model->command = strdup (options->common.command_line)))
    error_set ("no memory left for the command");
  else if (model)
    result = modelfile_write (model, options->refit);
  if (result == 0 && !options->common.json)
    printf ("%s: trained on all %" PRIu64 " rows\n", options->refit, report->rows);
  model_free (model);
  return result;
}

static json_t *
result_new (const struct options *options, const struct tune_report *report)
{
  json_t *result = tunefile_json (report);
  if (result && options->refit)
    json_object_set_new (result, "model", json_string (options->refit));
  if (result)
    json_object_set_new (result, "peak_bytes", json_integer ((json_int_t) memory_peak_resident_bytes ()));
  return result;
}

static int
search (const struct options *options, struct featfile *training, struct featfile *validation, struct workers *workers,
        json_t **result)
{
  struct tune_report report = { 0 };
  if ((options->tune.output && output_check (options->tune.output))
      || (options->refit && output_check_new (options->refit, options->common.force)))
    return -1;
  int status = tune (&options->tune, training, validation, workers, &report);
  if (status == 0 && !options->common.json)
    status = print (options, &report);
  if (status == 0 && options->refit)
    status = refit (options, &report, training, validation, workers);
  if (status == 0)
    status = (*result = result_new (options, &report)) ? 0 : -1;
  tune_report_free (&report);
  return status;
}

/* READERS read and inflate while WORKERS train.  */
static int
tune_features (struct options *options, struct workers *workers, struct workers *readers, json_t **result)
{
  const char *features = options->features;
  struct featfile *training = NULL, *validation = NULL;
  if (splits_need_folder (features))
    return -1;
  char *cache = options->cache ? file_path (features, "gram.h5") : NULL;
  int status = (options->cache && !cache)
                   || splits_open (features, "training", &options->names, "tune", readers, &training)
                   || splits_open (features, "validation", &options->names, "tune", readers, &validation)
                 ? -1
                 : 0;
  options->tune.space.base.cache = cache;
  if (status == 0 && !training)
    status = error_set ("there is no 'training.h5' in '%s'; make it with 'slabfit extract'", features);
  if (status == 0)
    status = search (options, training, validation, workers, result);
  featfile_close (validation);
  featfile_close (training);
  free (cache);
  return status;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .tune = { .space = { .base = train_defaults () }, .folds = 5 } };
  if (arguments_parse (&command_tune, argc, argv, &options))
    return -1;
  *common = options.common;
  if (!result)
    return 0;
  options.tune.space.base.seed = common->seed;
  options.tune.space.base.memory_bytes = common->memory_bytes;
  options.tune.anew = common->force;
  struct workers *workers = workers_new (common->threads);
  struct workers *readers = workers ? workers_new (common->threads) : NULL;
  int status = readers ? tune_features (&options, workers, readers, result) : -1;
  workers_free (readers);
  workers_free (workers);
  searchspace_free (&options.tune.space);
  return status;
}

const struct command command_tune = { "tune", "search hyperparameters by cross-validation", &argp, run };

#include <config.h>

#include "../learn/train.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/ranks.h"
#include "../learn/checkpoint.h"
#include "../learn/modelfile.h"
#include "../learn/recipe.h"
#include "command.h"
#include "hyperparameters.h"
#include "output.h"
#include "splits.h"
#include "trained.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  struct train_options train;
  struct featnames names;
  const char *features, *output, *from;
  bool hidden_given, cache, resume;
};

enum { KEY_CACHE = 0x300, KEY_EARLY_STOP, KEY_ENGINE, KEY_FROM, KEY_RESUME };

static const struct argp_option option_table[] = {
  { "cache", KEY_CACHE, 0, 0, "Keep the gram engine's inner products in FEATURES/gram.h5 for the next training", 0 },
  { "early-stop", KEY_EARLY_STOP, "N", 0, "Stop after N epochs without a smaller val_loss; keep the best (never)", 0 },
  { "engine", KEY_ENGINE, "NAME", 0, "auto, sweep or gram: the faster one that fits (auto)", 0 },
  { "from", KEY_FROM, "MODEL.h5", 0, "Start from the weights of this model", 0 },
  OPTIONS_DATASETS,
  OPTIONS_HYPERPARAMETERS (0),
  { "output", 'o', "MODEL.h5", 0, "The model file to write", 0 },
  { "resume", KEY_RESUME, 0, 0, "Go on from MODEL.h5.checkpoint of a training that was stopped; without it, the same",
    0 },
  { 0 },
};

static int
parse_value (int key, const char *argument, struct train_options *train)
{
  static const char *const engines[] = { "auto", "sweep", "gram", NULL }; /* as enum engine_kind */
  int number = 0, result;
  if (key == KEY_ENGINE)
    {
      result = options_parse_word (argument, "--engine", engines, "auto, sweep or gram", &number);
      train->engine = (enum engine_kind) number;
    }
  else
    {
      result = options_parse_whole (argument, "--early-stop", 1, 1 << 30, &number);
      train->patience = (uint64_t) number;
    }
  return result;
}

/* The keys that other commands have too.  */
static error_t
parse_shared (int key, const char *argument, struct argp_state *state, struct options *options)
{
  if (key == KEY_HIDDEN)
    options->hidden_given = true;
  error_t result = hyperparameters_parse (key, argument, state, &options->train);
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
      options->output = argument;
      return 0;
    case KEY_FROM:
      options->from = argument;
      return 0;
    case KEY_CACHE:
      options->cache = true;
      return 0;
    case KEY_EARLY_STOP:
    case KEY_ENGINE:
      if (parse_value (key, argument, &options->train))
        options_fail (state);
      return 0;
    case KEY_RESUME:
      options->resume = true;
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one FEATURES folder, please; '%s' is too many", argument);
      options->features = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->features)
        argp_error (state, "give the FEATURES folder");
      if (!options->output)
        argp_error (state, "give the model file to write: -o MODEL.h5");
      if (train_check (&options->train))
        options_fail (state);
      return 0;
    default:
      return parse_shared (key, argument, state, options);
    }
}

static const struct argp argp = { option_table,
                                  parse,
                                  "FEATURES",
                                  "Train a network on FEATURES/training.h5 and validate it on FEATURES/validation.h5 "
                                  "where that is there. The model file "
                                  "opens in Keras. Weights, steps and losses are as Keras has them. A stopped training "
                                  "goes on when the same command is run again; "
                                  "a model that was trained by the same command is kept."
                                  "\vExample: slabfit train features -o model.h5 --epochs 25",
                                  options_children,
                                  0,
                                  0 };

static void
show_epoch (void *context, const struct epoch *epoch)
{
  const struct options *options = context;
  char scores[TRAINED_SCORES_BYTES];
  trained_scores (epoch, scores);
  progress_say ("epoch %" PRIu64 "/%" PRIu64 ": %s, %.1f s", epoch->number, options->train.epochs, scores,
                epoch->seconds);
}

/* Whether MODEL, which stands under the output's name, was trained on these features as is asked now.  */
static int
check_recipe (const struct options *options, const struct featfile *training, const struct featfile *validation,
              const struct model *model)
{
  static const char remedy[] = "choose another name or give --force";
  if (provenance_compare (&model->provenance, options->output, &featfile_info (training)->provenance,
                          featfile_path (training), remedy))
    return -1;
  char *wanted = recipe_new (&options->train, ENGINE_AUTO, training, validation);
  int result = wanted ? recipe_compare (model->training, options->output, wanted) : -1;
  free (wanted);
  return result ? error_set ("%s; %s", error_message (), remedy) : 0;
}

/* The model that stands under the output's name, where it is what is asked for and need not be trained again; *KEPT is
   NULL where there is none.  One trained otherwise is an error, unless --force.  */
static int
find_trained (const struct options *options, const struct featfile *training, const struct featfile *validation,
              struct model **kept)
{
  *kept = NULL;
  if (!file_exists (options->output) || options->common.force)
    return 0;
  if (output_check_kind (options->output))
    return -1;
  if (H5Fis_hdf5 (options->output) == 0)
    return error_set ("'%s' is there already and is no model; choose another name or give --force", options->output);
  struct model *model = modelfile_read (options->output);
  if (!model)
    return error_set ("%s; or give --force to replace it", error_message ());
  if (model->history.count == 0)
    error_set ("'%s' has no history of its training; choose another name or give --force", options->output);
  if (model->history.count == 0 || check_recipe (options, training, validation, model))
    {
      model_free (model);
      return -1;
    }
  *kept = model;
  return 0;
}

static void
show_result (const struct options *options, const struct model *model, const struct train_report *report, bool kept,
             json_t **result)
{
  bool patience = options->train.patience > 0;
  if (!options->common.json)
    trained_print (model, options->output, patience);
  *result = trained_json (model, options->output, patience, report, kept);
}

/* Writes MODEL, after which nothing is left to go on from.  */
static int
write_model (const struct options *options, struct model *model)
{
  model->command = strdup (options->common.command_line);
  if (!model->command)
    return error_set ("no memory left for the command");
  if (modelfile_write (model, options->output))
    return -1;
  if (remove (options->train.checkpoint) && errno != ENOENT)
    return error_system ("remove", options->train.checkpoint);
  return 0;
}

/* Trains and writes the model; the first rank does the latter, and has *RESULT.  */
static int
train_anew (struct options *options, struct featfile *training, struct featfile *validation, struct workers *workers,
            json_t **result)
{
  struct train_report report = { 0 };
  struct model *model = train (&options->train, training, validation, workers, &report);
  int status = model ? 0 : -1;
  if (model && ranks_count () > 1)
    progress_say ("%d ranks, %.0f bytes a step from each", ranks_count (), report.bytes_per_step);
  if (model && ranks_index () == 0)
    {
      status = write_model (options, model);
      if (status == 0)
        show_result (options, model, &report, false, result);
    }
  model_free (model);
  return status;
}

/* Trains, unless that was done before; the first rank looks.  */
static int
train_once (struct options *options, struct featfile *training, struct featfile *validation, struct workers *workers,
            json_t **result)
{
  struct model *kept = NULL;
  int status = 0;
  if (ranks_index () == 0)
    status = find_trained (options, training, validation, &kept) || (!kept && output_check (options->output)) ? -1 : 0;
  bool done = kept != NULL;
  if (ranks_agree (status) || ranks_from_first (&done, sizeof done))
    status = -1;
  else if (!done)
    status = train_anew (options, training, validation, workers, result);
  else if (kept)
    {
      progress_say ("slabfit train: '%s' was trained so already; kept", options->output);
      show_result (options, kept, &(struct train_report){ 0 }, true, result);
    }
  model_free (kept);
  return status;
}

/* The files beside the model and the features.  */
static int
name_files (struct options *options, char **checkpoint, char **cache)
{
  *checkpoint = checkpoint_path (options->output);
  *cache = options->cache ? file_path (options->features, "gram.h5") : NULL;
  if (!*checkpoint || (options->cache && !*cache))
    return -1;
  options->train.checkpoint = *checkpoint;
  options->train.cache = *cache;
  options->train.anew = options->common.force;
  if (options->resume && !options->common.force && !file_exists (*checkpoint) && !file_exists (options->output))
    progress_say ("slabfit train: there is no '%s' to go on from; beginning anew", *checkpoint);
  return 0;
}

/* The first rank does it before the others, as it may put parts together.  */
static int
open_splits (const struct options *options, struct workers *readers, struct featfile **training,
             struct featfile **validation)
{
  const char *features = options->features;
  if (splits_open (features, "training", &options->names, "train", readers, training)
      || splits_open (features, "validation", &options->names, "train", readers, validation))
    return -1;
  return *training ? 0
                   : error_set ("there is no 'training.h5' in '%s'; make it with 'slabfit extract'", options->features);
}

/* READERS read and inflate while WORKERS train.  */
static int
train_features (struct options *options, struct workers *workers, struct workers *readers, json_t **result)
{
  struct featfile *training = NULL, *validation = NULL;
  char *checkpoint = NULL, *cache = NULL;
  if (splits_need_folder (options->features))
    return -1;
  int status = ranks_index () == 0 ? open_splits (options, readers, &training, &validation) : 0;
  status = ranks_agree (status);
  if (status == 0 && ranks_index () > 0)
    status = open_splits (options, readers, &training, &validation);
  if (status == 0)
    status = name_files (options, &checkpoint, &cache);
  if (status == 0)
    status = train_once (options, training, validation, workers, result);
  free (checkpoint);
  free (cache);
  featfile_close (validation);
  featfile_close (training);
  return status;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .train = train_defaults () };
  struct model *from = NULL;
  if (arguments_parse (&command_train, argc, argv, &options))
    return -1;
  *common = options.common;
  if (!result)
    return 0;
  if (options.from && !(from = modelfile_read (options.from)))
    return -1;
  if (from && !options.hidden_given)
    options.train.hidden_count = 0; /* go on with its own layers */
  options.train.seed = common->seed;
  options.train.memory_bytes = common->memory_bytes;
  options.train.from = from;
  options.train.from_name = options.from;
  options.train.epoch_done = show_epoch;
  options.train.context = &options;
  struct workers *workers = workers_new (common->threads);
  struct workers *readers = workers ? workers_new (common->threads) : NULL;
  int status = readers ? train_features (&options, workers, readers, result) : -1;
  workers_free (readers);
  workers_free (workers);
  model_free (from);
  return status;
}

const struct command command_train = { "train", "train a network on features", &argp, run };

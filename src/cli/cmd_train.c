#include <config.h>

#include "../learn/train.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/ranks.h"
#include "../learn/checkpoint.h"
#include "../learn/modelfile.h"
#include "../learn/recipe.h"
#include "../store/merge.h"
#include "../store/parts.h"
#include "command.h"
#include "output.h"

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

enum {
  KEY_BATCH = 0x300,
  KEY_CACHE,
  KEY_CLASS_WEIGHT,
  KEY_DECAY,
  KEY_DROPOUT,
  KEY_EARLY_STOP,
  KEY_ENGINE,
  KEY_EPOCHS,
  KEY_FROM,
  KEY_HIDDEN,
  KEY_L2,
  KEY_LR,
  KEY_MOMENTUM,
  KEY_NESTEROV,
  KEY_RESUME,
  KEY_SCHEDULE,
  KEY_SHUFFLE,
};

static const struct argp_option option_table[] = {
  { "batch", KEY_BATCH, "N", 0, "Rows in a step (32)", 0 },
  { "class-weight", KEY_CLASS_WEIGHT, "KIND", 0, "none, or balanced: rare classes count for more (none)", 0 },
  { "cache", KEY_CACHE, 0, 0, "Keep the gram engine's inner products in FEATURES/gram.h5 for the next training", 0 },
  { "decay", KEY_DECAY, "X", 0, "With --schedule time, the rate of step t is LR / (1 + X t) (0.00004)", 0 },
  { "dropout", KEY_DROPOUT, "P", 0, "Share of the hidden layers' outputs that a step drops (0)", 0 },
  { "early-stop", KEY_EARLY_STOP, "N", 0, "Stop after N epochs without a smaller val_loss; keep the best (never)", 0 },
  { "engine", KEY_ENGINE, "NAME", 0, "auto, sweep or gram: the faster one that fits (auto)", 0 },
  { "epochs", KEY_EPOCHS, "N", 0, "Passes over the rows (25)", 0 },
  { "from", KEY_FROM, "MODEL.h5", 0, "Start from the weights of this model", 0 },
  OPTIONS_DATASETS,
  { "hidden", KEY_HIDDEN, "N,N...", 0, "Units of the hidden layers (256,16)", 0 },
  { "l2", KEY_L2, "X", 0, "Penalty X times the sum of squared kernel weights (0)", 0 },
  { "lr", KEY_LR, "X", 0, "Learning rate (0.001)", 0 },
  { "momentum", KEY_MOMENTUM, "X", 0, "Momentum (0.9)", 0 },
  { "nesterov", KEY_NESTEROV, 0, 0, "Nesterov's momentum", 0 },
  { "output", 'o', "MODEL.h5", 0, "The model file to write", 0 },
  { "resume", KEY_RESUME, 0, 0, "Go on from MODEL.h5.checkpoint of a training that was stopped; without it, the same",
    0 },
  { "schedule", KEY_SCHEDULE, "KIND", 0, "constant, time, cosine[:WARMUP EPOCHS] or step[:EPOCHS:FACTOR] (time)", 0 },
  { "shuffle", KEY_SHUFFLE, "KIND", 0, "window, full or none (window)", 0 },
  { 0 },
};

static int
parse_hidden (const char *text, struct train_options *train)
{
  struct names sizes;
  if (options_split (text, "--hidden", &sizes))
    return -1;
  int result = 0;
  if (sizes.count > TRAIN_HIDDEN_LIMIT)
    result = error_usage ("--hidden takes up to %d sizes, not %zu", TRAIN_HIDDEN_LIMIT, sizes.count);
  for (size_t i = 0; result == 0 && i < sizes.count; i++)
    {
      int64_t units = 0;
      result = text_parse_integer (sizes.name[i], "--hidden", 1, 1 << 20, &units);
      train->hidden[i] = (uint64_t) units;
    }
  train->hidden_count = sizes.count;
  names_free (&sizes);
  return result;
}

/* The place of TEXT in WORDS, which NULL ends and TAKES lists; -1 with a usage error where it is none of them.  */
static int
parse_word (const char *text, const char *what, const char *const *words, const char *takes)
{
  for (int i = 0; words[i]; i++)
    if (!strcmp (text, words[i]))
      return i;
  return error_usage ("%s takes %s, not '%s'", what, takes, text);
}

static int
parse_value (int key, const char *argument, struct options *options)
{
  static const char *const shuffles[] = { "window", "full", "none", NULL };
  static const char *const weights[] = { "none", "balanced", NULL };
  static const char *const engines[] = { "auto", "sweep", "gram", NULL }; /* as enum engine_kind */
  struct train_options *train = &options->train;
  int64_t number = 0;
  int word = 0, result = 0;
  switch (key)
    {
    case KEY_BATCH:
      result = text_parse_integer (argument, "--batch", 1, 1 << 20, &number);
      train->batch = (size_t) number;
      return result;
    case KEY_EPOCHS:
      result = text_parse_integer (argument, "--epochs", 1, 1 << 30, &number);
      train->epochs = (uint64_t) number;
      return result;
    case KEY_EARLY_STOP:
      result = text_parse_integer (argument, "--early-stop", 1, 1 << 30, &number);
      train->patience = (uint64_t) number;
      return result;
    case KEY_DECAY:
      return text_parse_number (argument, "--decay", &train->schedule.decay);
    case KEY_L2:
      return text_parse_number (argument, "--l2", &train->l2);
    case KEY_LR:
      return text_parse_number (argument, "--lr", &train->schedule.rate);
    case KEY_MOMENTUM:
      return text_parse_number (argument, "--momentum", &train->momentum);
    case KEY_HIDDEN:
      options->hidden_given = true;
      return parse_hidden (argument, train);
    case KEY_CLASS_WEIGHT:
      train->balanced = (word = parse_word (argument, "--class-weight", weights, "none or balanced")) == 1;
      return word;
    case KEY_DROPOUT:
      return text_parse_number (argument, "--dropout", &train->dropout);
    case KEY_SCHEDULE:
      return schedule_parse (argument, &train->schedule);
    case KEY_ENGINE:
      word = parse_word (argument, "--engine", engines, "auto, sweep or gram");
      train->engine = (enum engine_kind) word;
      return word;
    default:
      word = parse_word (argument, "--shuffle", shuffles, "window, full or none");
      train->shuffle = (enum shuffle_kind) word;
      return word;
    }
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
    case KEY_NESTEROV:
      options->train.nesterov = true;
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
      if (key < KEY_BATCH || key > KEY_SHUFFLE)
        return options_parse_dataset (key, argument, state, &options->names);
      if (parse_value (key, argument, options) < 0)
        options_fail (state);
      return 0;
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

/* Opens FEATURES/SPLIT.h5, put together first where there are only parts.  *FILE is NULL where the split is not there
   at all.  */
static int
open_split (const struct options *options, const char *split, struct workers *workers, struct featfile **file)
{
  int result = 0;
  char *path = parts_merged_path (options->features, split), *parts = parts_directory (options->features, split);
  *file = NULL;
  if (!path || !parts)
    result = -1;
  else if (!file_exists (path) && file_is_directory (parts))
    {
      struct merge_report report = { 0 };
      result = merge_split (options->features, split, false, workers, &report);
      if (result == 0 && report.missing > 0)
        result = error_set ("%" PRIu64 " of the %" PRIu64 " parts in '%s' %s missing; run extract again, then train",
                            report.missing, report.parts, parts, report.missing == 1 ? "is" : "are");
    }
  if (result == 0 && file_exists (path))
    result = (*file = featfile_open_named (path, &options->names)) && !featfile_use_workers (*file, workers) ? 0 : -1;
  free (path);
  free (parts);
  return result;
}

enum { SCORES_BYTES = 160 };

/* "loss 0.1234, accuracy 0.9876", and the same of validation where there is one; a loss that diverges is long.  */
static void
describe_scores (const struct epoch *epoch, char text[SCORES_BYTES])
{
  const char *form =
    fmax (epoch->loss, epoch->val_loss) < 1e6 ? "loss %.4f, accuracy %.4f" : "loss %.3e, accuracy %.4f";
  int length = snprintf (text, SCORES_BYTES, form, epoch->loss, epoch->accuracy);
  form = fmax (epoch->loss, epoch->val_loss) < 1e6 ? ", val_loss %.4f, val_accuracy %.4f"
                                                   : ", val_loss %.3e, val_accuracy %.4f";
  if (!isnan (epoch->val_loss))
    snprintf (text + length, SCORES_BYTES - (size_t) length, form, epoch->val_loss, epoch->val_accuracy);
}

static void
show_epoch (void *context, const struct epoch *epoch)
{
  const struct options *options = context;
  char scores[SCORES_BYTES];
  describe_scores (epoch, scores);
  progress_say ("epoch %" PRIu64 "/%" PRIu64 ": %s, %.1f s", epoch->number, options->train.epochs, scores,
                epoch->seconds);
}

/* The epoch whose weights MODEL has: the last one, or with --early-stop the one with the smallest val_loss.  */
static const struct epoch *
chosen_epoch (const struct options *options, const struct model *model)
{
  size_t chosen = model->history.count - 1;
  for (size_t i = model->history.count; options->train.patience > 0 && i-- > 0;)
    if (model->history.epoch[i].val_loss <= model->history.epoch[chosen].val_loss)
      chosen = i;
  return &model->history.epoch[chosen];
}

/* KEY where VALUE is a number.  */
static void
set_number (json_t *object, const char *key, double value)
{
  if (!isnan (value))
    json_object_set_new (object, key, json_real (value));
}

static json_t *
epochs_new (const struct model *model)
{
  json_t *epochs = json_array ();
  for (size_t i = 0; i < model->history.count; i++)
    {
      const struct epoch *epoch = &model->history.epoch[i];
      json_t *entry = json_pack ("{s:I, s:f, s:f}", "epoch", (json_int_t) epoch->number, "loss", epoch->loss,
                                 "accuracy", epoch->accuracy);
      set_number (entry, "val_loss", epoch->val_loss);
      set_number (entry, "val_accuracy", epoch->val_accuracy);
      set_number (entry, "auc", epoch->auc);
      set_number (entry, "val_auc", epoch->val_auc);
      set_number (entry, "seconds", epoch->seconds);
      json_array_append_new (epochs, entry);
    }
  return epochs;
}

/* The engine that trained MODEL.  */
static const char *
engine_of (const struct model *model)
{
  return recipe_engine (model->training, ENGINE_SWEEP) == ENGINE_GRAM ? "gram" : "sweep";
}

static json_t *
forecast_new (const struct forecast *forecast)
{
  return json_pack ("{s:f, s:I}", "seconds", forecast->seconds, "bytes", (json_int_t) forecast->bytes);
}

static json_t *
result_new (const struct options *options, const struct model *model, const struct train_report *report, bool kept)
{
  json_t *seconds = json_pack ("{s:f, s:f, s:f, s:f}", "read", report->read_seconds, "gram", report->gram_seconds,
                               "epochs", report->epochs_seconds, "wall", report->wall_seconds);
  json_t *result = json_pack (
    "{s:s, s:s, s:b, s:o, s:I, s:o, s:I, s:I}", "model", options->output, "engine", engine_of (model), "kept", kept,
    "epochs", epochs_new (model), "epoch", (json_int_t) chosen_epoch (options, model)->number, "seconds", seconds,
    "peak_bytes", (json_int_t) memory_peak_resident_bytes (), "buffer_bytes", (json_int_t) memory_peak_bytes ());
  if (ranks_count () > 1)
    json_object_set_new (result, "mpi",
                         json_pack ("{s:i, s:f}", "ranks", ranks_count (), "bytes_per_step", report->bytes_per_step));
  if (report->sweep.seconds > 0)
    json_object_set_new (
      result, "forecast",
      json_pack ("{s:o, s:o}", "sweep", forecast_new (&report->sweep), "gram", forecast_new (&report->gram)));
  return result;
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

/* The result for people.  */
static void
print (const struct options *options, const struct model *model)
{
  const struct epoch *chosen = chosen_epoch (options, model);
  char scores[SCORES_BYTES], which[64] = "";
  describe_scores (chosen, scores);
  if (options->train.patience > 0)
    snprintf (which, sizeof which, ", the weights of epoch %" PRIu64, chosen->number);
  printf ("%s: %zu epoch%s%s: %s\n", options->output, model->history.count, model->history.count == 1 ? "" : "s", which,
          scores);
}

static void
show_result (const struct options *options, const struct model *model, const struct train_report *report, bool kept,
             json_t **result)
{
  if (!options->common.json)
    print (options, model);
  *result = result_new (options, model, report, kept);
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
  if (open_split (options, "training", readers, training) || open_split (options, "validation", readers, validation))
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
  if (file_exists (options->features) && !file_is_directory (options->features))
    return error_set ("'%s' is not a folder; give the one that 'training.h5' lies in", options->features);
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

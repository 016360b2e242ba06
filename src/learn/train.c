#include <config.h>

#include "train.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "checkpoint.h"
#include "choice.h"
#include "engine.h"
#include "learner.h"
#include "recipe.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct training {
  struct train_options options;
  const char *path; /* of the training features; borrowed */
  struct model *model;
  struct plan plan;
  struct engine engine;
  double *class_weight; /* (C), or NULL */
  struct learner *learner;
  uint64_t epoch;              /* in hand, from 1 */
  double best_loss;            /* of validation, where patience is asked for */
  uint64_t waited;             /* epochs since then */
  double saved, saving;        /* when the last checkpoint was begun, and how long it took */
  double seconds;              /* of the epoch in hand, spent before a checkpoint was taken up */
  struct train_report *report; /* borrowed */
};

struct train_options
train_defaults (void)
{
  return (struct train_options){ .hidden_count = 2,
                                 .hidden = { 256, 16 },
                                 .epochs = 25,
                                 .batch = 32,
                                 .schedule = { .kind = SCHEDULE_TIME, .rate = 1e-3, .decay = 1e-3 / 25 },
                                 .momentum = 0.9,
                                 .shuffle = SHUFFLE_WINDOW,
                                 .seed = 42 };
}

int
train_check (const struct train_options *options)
{
  if (options->epochs < 1)
    return error_usage ("--epochs must be at least 1");
  if (options->batch < 1)
    return error_usage ("--batch must be at least 1");
  if (!(options->schedule.rate > 0 && isfinite (options->schedule.rate)))
    return error_usage ("--lr must be larger than 0, not %g", options->schedule.rate);
  if (!(options->momentum >= 0 && options->momentum < 1))
    return error_usage ("--momentum must be from 0 to below 1, not %g", options->momentum);
  if (!(options->schedule.decay >= 0 && isfinite (options->schedule.decay)))
    return error_usage ("--decay must be 0 or larger, not %g", options->schedule.decay);
  if (options->schedule.kind == SCHEDULE_COSINE && options->schedule.warmup >= options->epochs)
    return error_usage ("--schedule cosine:%" PRIu64 " warms up for all of the %" PRIu64
                        " epochs; give fewer, or more --epochs",
                        options->schedule.warmup, options->epochs);
  if (!(options->dropout >= 0 && options->dropout < 1))
    return error_usage ("--dropout must be from 0 to below 1, not %g", options->dropout);
  if (!(options->l2 >= 0 && isfinite (options->l2)))
    return error_usage ("--l2 must be 0 or larger, not %g", options->l2);
  if (options->hidden_count > TRAIN_HIDDEN_LIMIT || (options->hidden_count == 0 && !options->from))
    return error_usage ("--hidden takes from 1 to %d sizes", TRAIN_HIDDEN_LIMIT);
  for (size_t i = 0; i < options->hidden_count; i++)
    if (options->hidden[i] == 0)
      return error_usage ("--hidden takes sizes of at least 1");
  return 0;
}

/* The weights of FROM, of the first layer those of MODEL's share.  */
static void
copy_weights (const struct model *from, struct model *model)
{
  for (size_t i = 0; i < model->layers; i++)
    {
      const struct model_layer *layer = &model->layer[i];
      const float *kernel = from->layer[i].kernel + (i ? 0 : model->first_column * layer->outputs);
      memcpy (layer->kernel, kernel, (size_t) (layer->inputs * layer->outputs) * sizeof *layer->kernel);
      memcpy (layer->bias, from->layer[i].bias, (size_t) layer->outputs * sizeof *layer->bias);
    }
}

/* Fails where OPTIONS ask for other hidden layers than those of OPTIONS->from.  */
static int
check_from (const struct train_options *options, struct featfile *training)
{
  const struct model *from = options->from;
  if (model_check_features (from, options->from_name, training))
    return -1;
  bool same = options->hidden_count == 0 || options->hidden_count + 1 == from->layers;
  for (size_t i = 0; same && i < options->hidden_count; i++)
    same = options->hidden[i] == from->layer[i].outputs;
  return same
           ? 0
           : error_set ("'%s' has other hidden layers than --hidden asks for; leave --hidden out to go on with its own",
                        options->from_name);
}

/* The features and the units of each layer, WIDTH (layers + 1); returns the number of layers, 0 with the error set.  */
static size_t
find_widths (const struct train_options *options, struct featfile *training, uint64_t *width)
{
  const struct featinfo *info = featfile_info (training);
  const struct model *from = options->from;
  size_t layers = from ? from->layers : options->hidden_count + 1;
  if (from && check_from (options, training))
    return 0;
  if (layers > TRAIN_HIDDEN_LIMIT + 1)
    {
      error_set ("'%s' has %zu layers, more than %d", options->from_name, layers, TRAIN_HIDDEN_LIMIT + 1);
      return 0;
    }
  width[0] = info->columns;
  for (size_t i = 0; i < layers; i++)
    width[i + 1] = from ? from->layer[i].outputs : i < options->hidden_count ? options->hidden[i] : info->classes.count;
  return layers;
}

static struct model *
make_model (const struct train_options *options, const uint64_t *width, size_t layers, const struct ranks_share *share,
            struct featfile *training)
{
  const struct featinfo *info = featfile_info (training);
  const struct model *from = options->from;
  struct model *model = model_new_share (width, layers, from ? &from->classes : &info->classes, &info->provenance,
                                         share->first, share->count);
  if (model && from)
    copy_weights (from, model);
  else if (model)
    model_initialise (model, options->seed);
  return model;
}

/* Warns of the classes that have no rows: COUNT (C) has those of each.  */
static void
warn_of_empty (const struct training *training, const double *count, size_t classes)
{
  size_t empty = 0, first = 0;
  for (size_t i = classes; i-- > 0;)
    if (count[i] == 0)
      {
        empty++;
        first = i;
      }
  const char *name = training->model->classes.name[first];
  if (empty == 1)
    progress_say ("warning: no row of '%s' has class '%s', so it cannot be learnt", training->path, name);
  else if (empty > 1)
    progress_say ("warning: no row of '%s' has class '%s' or %zu others, so they cannot be learnt", training->path,
                  name, empty - 1);
}

/* Counts the rows of each class, and weights them where it is asked for.  */
static int
weigh_classes (struct training *training)
{
  uint64_t rows = training->plan.training.rows;
  size_t classes = (size_t) model_classes (training->model);
  const int32_t *label = training->engine.training.label;
  double *count = memory_new (classes, sizeof *count);
  if (!count)
    return -1;
  for (uint64_t i = 0; i < rows; i++)
    count[label[i]]++;
  warn_of_empty (training, count, classes);
  for (size_t i = 0; i < classes; i++)
    count[i] = count[i] > 0 ? (double) rows / ((double) classes * count[i]) : 0;
  if (training->options.balanced)
    training->class_weight = count;
  else
    memory_free (count);
  return 0;
}

static void
release (struct training *training)
{
  learner_free (training->learner);
  engine_close (&training->engine);
  memory_free (training->class_weight);
}

/* All that a checkpoint holds; LISTS (LEARNER_LISTS + 1).  */
static void
list_state (struct training *training, struct state_list lists[LEARNER_LISTS + 1])
{
  static const char *const names[] = { "engine", "head", "pass", "training" };
  size_t count = 0;
  for (int i = 0; i <= LEARNER_LISTS; i++)
    lists[i].name = names[i];
  for (int i = 0; i < LEARNER_LISTS; i++)
    lists[i].count = learner_state (training->learner, i, lists[i].part);
  struct state_part *part = lists[LEARNER_LISTS].part;
  part[count++] = (struct state_part){ "epoch", &training->epoch, STATE_INTEGER, 1, 0 };
  part[count++] = (struct state_part){ "waited", &training->waited, STATE_INTEGER, 1, 0 };
  part[count++] = (struct state_part){ "best_loss", &training->best_loss, STATE_DOUBLE, 1, 0 };
  part[count++] = (struct state_part){ "seconds", &training->seconds, STATE_DOUBLE, 1, 0 };
  lists[LEARNER_LISTS].count = count;
}

static int
save (struct training *training)
{
  struct state_list lists[LEARNER_LISTS + 1];
  double started = clock_seconds ();
  list_state (training, lists);
  int result = checkpoint_write (training->options.checkpoint, lists, LEARNER_LISTS + 1, training->model);
  training->saved = clock_seconds ();
  training->saving = training->saved - started;
  return result;
}

/* Saves between two epochs, unless that would take more than a twentieth of the time.  Where it cannot, on a full disk,
   one process goes on; when it is stopped it tries again.  */
static int
save_sometimes (struct training *training)
{
  bool due = training->options.checkpoint && clock_seconds () - training->saved >= 20 * training->saving;
  if (ranks_from_first (&due, sizeof due)) /* by the first one's clock */
    return -1;
  if (!due || save (training) == 0)
    return 0;
  if (ranks_count () > 1)
    return -1;
  progress_say ("warning: %s; training goes on without checkpoints", error_message ());
  error_clear ();
  training->saving = INFINITY;
  return 0;
}

/* Saves a training that was stopped, and fails as it did.  */
static int
save_stopped (struct training *training)
{
  struct error stopped;
  if (error_status () != ERROR_STOPPED || !training->options.checkpoint)
    return -1;
  error_get (&stopped);
  return save (training) ? -1 : error_put (&stopped);
}

/* Takes up the checkpoint, where there is one.  */
static int
resume (struct training *training)
{
  struct state_list lists[LEARNER_LISTS + 1];
  bool found;
  if (!training->options.checkpoint || training->options.anew)
    return 0;
  list_state (training, lists);
  if (checkpoint_read (training->options.checkpoint, lists, LEARNER_LISTS + 1, training->model, &found))
    return -1;
  training->report->resumed_epoch = found ? training->epoch : 0;
  return 0;
}

static int
run_passes (struct training *training, struct epoch *epoch)
{
  struct engine *engine = &training->engine;
  struct score score, validation = { NAN, NAN, NAN };
  uint64_t bytes = ranks_traffic ().bytes, steps = learner_steps (training->learner);
  if (shuffle_epoch (&training->plan.training, epoch->number - 1, &engine->training.order)
      || learner_train (training->learner, &engine->training, epoch->number, &score))
    return -1;
  steps = learner_steps (training->learner) - steps;
  if (steps > 0)
    training->report->bytes_per_step = (double) (ranks_traffic ().bytes - bytes) / (double) steps;
  if (engine->validation.count > 0
      && learner_validate (training->learner, &engine->validation, epoch->number, &validation))
    return -1;
  *epoch = (struct epoch){ epoch->number,       score.loss, score.accuracy, validation.loss,
                           validation.accuracy, score.auc,  validation.auc, 0 };
  return 0;
}

/* Keeps the weights where they are the best so far.   */
static int
keep_best (struct training *training, const struct epoch *epoch)
{
  if (!training->options.patience)
    return 0;
  if (!(epoch->val_loss < training->best_loss))
    {
      training->waited++;
      return 0;
    }
  training->best_loss = epoch->val_loss;
  training->waited = 0;
  return learner_keep (training->learner);
}

static int
run_epoch (struct training *training)
{
  double started = clock_seconds () - training->seconds;
  struct epoch epoch = { .number = training->epoch };
  int result = run_passes (training, &epoch);
  training->seconds = clock_seconds () - started;
  if (result)
    return save_stopped (training);
  if (keep_best (training, &epoch))
    return -1;
  epoch.seconds = clock_seconds () - started;
  if (history_add (&training->model->history, &epoch))
    return -1;
  if (training->options.epoch_done)
    training->options.epoch_done (training->options.context, &epoch);
  learner_next_epoch (training->learner);
  training->epoch++;
  training->seconds = 0;
  return save_sometimes (training);
}

static int
run_epochs (struct training *training)
{
  const struct train_options *options = &training->options;
  uint64_t left = options->epochs + 1 - training->epoch;
  struct progress progress = progress_begin ("train", "rows", left * training->engine.training.count);
  int result = 0;
  learner_show_progress (training->learner, &progress);
  while (result == 0 && training->epoch <= options->epochs
         && (!options->patience || training->waited < options->patience))
    result = run_epoch (training);
  progress_clear (&progress);
  if (result)
    return -1;
  if (learner_finish (training->learner, options->patience > 0))
    return save_stopped (training);
  model_take_head (training->model, learner_head (training->learner));
  return model_gather (training->model);
}

static int
check_inputs (const struct training *training, struct featfile *features, struct featfile *validation)
{
  const struct train_options *options = &training->options;
  const struct featinfo *info = featfile_info (features);
  if (train_check (options))
    return -1;
  if (options->patience && !validation)
    return error_usage ("--early-stop needs validation features; extract them, or leave --early-stop out");
  if (!options->from && info->classes.count < 2)
    return error_set (
      "'%s' has %zu class, and it takes two to tell them apart; extract a dataset of two or more classes",
      training->path, info->classes.count);
  return 0;
}

static struct head *
make_head (const struct training *training)
{
  struct head *head = model_head (training->model, training->plan.batch);
  if (!head || !training->options.patience || head_use_keeping (head) == 0)
    return head;
  head_free (head);
  return NULL;
}

/* The steps of an epoch and of the whole, which schedules count in.  */
static void
count_steps (struct training *training)
{
  struct schedule *schedule = &training->options.schedule;
  uint64_t batch = training->engine.training.batch;
  schedule->steps_per_epoch = (training->engine.training.count + batch - 1) / batch;
  schedule->steps = schedule->steps_per_epoch * training->options.epochs;
}

static int
prepare (struct training *training, struct featfile *features, struct featfile *validation, struct workers *workers)
{
  struct train_options *options = &training->options;
  struct plan *plan = &training->plan;
  if (check_inputs (training, features, validation)
      || (options->checkpoint && !options->anew && checkpoint_engine (options->checkpoint, &options->engine)))
    return -1;
  uint64_t width[TRAIN_HIDDEN_LIMIT + 2];
  size_t layers = find_widths (options, features, width);
  if (!layers || choose_plan (plan, options, width, layers, features, validation, workers, training->report)
      || !(training->model = make_model (options, width, layers, &plan->share, features))
      || !(training->model->training = recipe_new (options, plan->engine, features, validation))
      || (validation && model_check_features (training->model, training->path, validation))
      || engine_open (&training->engine, plan, options, training->model, features, validation, workers)
      || weigh_classes (training))
    return -1;
  training->report->engine = plan->engine == ENGINE_GRAM ? "gram" : "sweep";
  count_steps (training);
  uint64_t rows = training->engine.training.count, others = training->engine.validation.count;
  struct first_layer *first = training->engine.first;
  training->engine.first = NULL;
  training->learner = learner_new (first, make_head (training), options, plan->batch,
                                   (size_t) (rows > others ? rows : others), training->class_weight, training->path);
  return training->learner ? resume (training) : -1;
}

struct model *
train (const struct train_options *options, struct featfile *training, struct featfile *validation,
       struct workers *workers, struct train_report *report)
{
  double started = clock_seconds (), prepared = started;
  struct training state = { .options = *options,
                            .path = featfile_path (training),
                            .epoch = 1,
                            .best_loss = INFINITY,
                            .saved = started,
                            .report = report };
  *report = (struct train_report){ 0 };
  int result = prepare (&state, training, validation, workers);
  if (result == 0)
    {
      prepared = clock_seconds ();
      result = run_epochs (&state);
    }
  report->epochs_seconds = clock_seconds () - prepared;
  report->gram_seconds = state.engine.gram_seconds;
  report->read_seconds = engine_waited (&state.engine);
  release (&state);
  if (result)
    {
      model_free (state.model);
      state.model = NULL;
    }
  report->wall_seconds = clock_seconds () - started;
  return state.model;
}

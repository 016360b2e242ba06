#include <config.h>

#include "train.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "learner.h"
#include "plan.h"
#include "recipe.h"
#include "rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct training {
  const struct train_options *options; /* borrowed, as all to SHUFFLE */
  const char *path;                    /* of the training features */
  struct model *model;
  struct plan plan;
  struct rows *rows, *validation_rows; /* the latter may be NULL */
  struct order order, validation_order;
  double *class_weight; /* (C), or NULL */
  struct learner *learner;
  double best_loss; /* of validation, where patience is asked for */
  uint64_t waited;  /* epochs since then */
};

struct train_options
train_defaults (void)
{
  return (struct train_options){ .hidden_count = 2,
                                 .hidden = { 256, 16 },
                                 .epochs = 25,
                                 .batch = 32,
                                 .rate = 1e-3,
                                 .momentum = 0.9,
                                 .decay = 1e-3 / 25,
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
  if (!(options->rate > 0 && isfinite (options->rate)))
    return error_usage ("--lr must be larger than 0, not %g", options->rate);
  if (!(options->momentum >= 0 && options->momentum < 1))
    return error_usage ("--momentum must be from 0 to below 1, not %g", options->momentum);
  if (!(options->decay >= 0 && isfinite (options->decay)))
    return error_usage ("--decay must be 0 or larger, not %g", options->decay);
  if (!(options->l2 >= 0 && isfinite (options->l2)))
    return error_usage ("--l2 must be 0 or larger, not %g", options->l2);
  if (options->hidden_count > TRAIN_HIDDEN_LIMIT || (options->hidden_count == 0 && !options->from))
    return error_usage ("--hidden takes from 1 to %d sizes", TRAIN_HIDDEN_LIMIT);
  for (size_t i = 0; i < options->hidden_count; i++)
    if (options->hidden[i] == 0)
      return error_usage ("--hidden takes sizes of at least 1");
  return 0;
}

static void
copy_weights (const struct model *from, struct model *model)
{
  for (size_t i = 0; i < model->layers; i++)
    {
      const struct model_layer *layer = &model->layer[i];
      memcpy (layer->kernel, from->layer[i].kernel, (size_t) (layer->inputs * layer->outputs) * sizeof *layer->kernel);
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

static struct model *
make_model (const struct train_options *options, struct featfile *training)
{
  const struct featinfo *info = featfile_info (training);
  const struct model *from = options->from;
  uint64_t width[TRAIN_HIDDEN_LIMIT + 2] = { info->columns };
  size_t layers = from ? from->layers : options->hidden_count + 1;
  if (from && check_from (options, training))
    return NULL;
  if (layers > TRAIN_HIDDEN_LIMIT + 1)
    {
      error_set ("'%s' has %zu layers, more than %d", options->from_name, layers, TRAIN_HIDDEN_LIMIT + 1);
      return NULL;
    }
  for (size_t i = 0; i < layers; i++)
    width[i + 1] = from ? from->layer[i].outputs : i < options->hidden_count ? options->hidden[i] : info->classes.count;
  struct model *model = model_new (width, layers, from ? &from->classes : &info->classes, &info->provenance);
  if (model && from)
    copy_weights (from, model);
  else if (model)
    model_initialise (model, options->seed);
  return model;
}

/* Counts the rows of each class, warns of classes without any, and weights them where it is asked for.  */
static int
weigh_classes (struct training *training)
{
  uint64_t classes = model_classes (training->model), rows = training->plan.training.rows;
  const int32_t *label = rows_labels (training->rows);
  double *count = memory_new ((size_t) classes, sizeof *count);
  if (!count)
    return -1;
  for (uint64_t i = 0; i < rows; i++)
    count[label[i]]++;
  for (uint64_t i = 0; i < classes; i++)
    {
      if (count[i] == 0)
        progress_say ("warning: no row of '%s' has class '%s', so it cannot be learnt", training->path,
                      training->model->classes.name[i]);
      count[i] = count[i] > 0 ? (double) rows / ((double) classes * count[i]) : 0;
    }
  if (training->options->balanced)
    training->class_weight = count;
  else
    memory_free (count);
  return 0;
}

/* A stream of batches from FILE and room for the order of an epoch.  */
static int
open_stream (struct featfile *file, size_t batch, const struct shuffle *shuffle, bool ahead, struct rows **rows,
             struct order *order)
{
  *rows = rows_new (file, batch, shuffle_largest_window (shuffle), ahead);
  return *rows && !order_new (order, shuffle) ? 0 : -1;
}

static void
release (struct training *training)
{
  rows_free (training->rows);
  rows_free (training->validation_rows);
  order_free (&training->order);
  order_free (&training->validation_order);
  learner_free (training->learner);
  memory_free (training->class_weight);
}

static int
run_epoch (struct training *training, struct epoch *epoch)
{
  struct score score, validation = { NAN, NAN };
  if (shuffle_epoch (&training->plan.training, epoch->number - 1, &training->order)
      || learner_train (training->learner, training->rows, &training->order, epoch->number, &score))
    return -1;
  if (training->validation_rows
      && learner_validate (training->learner, training->validation_rows, &training->validation_order, epoch->number,
                           &validation))
    return -1;
  epoch->loss = score.loss;
  epoch->accuracy = score.accuracy;
  epoch->val_loss = validation.loss;
  epoch->val_accuracy = validation.accuracy;
  return 0;
}

/* Keeps the weights where they are the best so far.  Sets *ENOUGH where patience is at its end.  */
static int
keep_best (struct training *training, const struct epoch *epoch, bool *enough)
{
  if (!training->options->patience)
    return 0;
  if (!(epoch->val_loss < training->best_loss))
    {
      *enough = ++training->waited >= training->options->patience;
      return 0;
    }
  training->best_loss = epoch->val_loss;
  training->waited = 0;
  return learner_keep (training->learner);
}

static int
add_epoch (struct model *model, const struct epoch *epoch)
{
  struct epoch *longer = realloc (model->epoch, (model->epochs + 1) * sizeof *longer);
  if (!longer)
    return error_set ("no memory for the history of %" PRIu64 " epochs; give the job more memory", epoch->number);
  model->epoch = longer;
  model->epoch[model->epochs++] = *epoch;
  return 0;
}

static int
run_epochs (struct training *training)
{
  const struct train_options *options = training->options;
  bool enough = false;
  for (uint64_t number = 1; number <= options->epochs && !enough; number++)
    {
      double started = clock_seconds ();
      struct epoch epoch = { .number = number };
      if (run_epoch (training, &epoch) || keep_best (training, &epoch, &enough))
        return -1;
      epoch.seconds = clock_seconds () - started;
      if (add_epoch (training->model, &epoch))
        return -1;
      if (options->epoch_done)
        options->epoch_done (options->context, &epoch);
    }
  return learner_finish (training->learner);
}

static int
prepare (struct training *training, struct featfile *features, struct featfile *validation, struct workers *workers)
{
  const struct train_options *options = training->options;
  const struct featinfo *info = featfile_info (features);
  struct plan *plan = &training->plan;
  if (train_check (options))
    return -1;
  if (options->patience && !validation)
    return error_usage ("--early-stop needs validation features; extract them, or leave --early-stop out");
  if (!options->from && info->classes.count < 2)
    return error_set (
      "'%s' has %zu class, and it takes two to tell them apart; extract a dataset of two or more classes",
      training->path, info->classes.count);
  uint64_t units = options->from ? options->from->layer[0].outputs : options->hidden[0];
  if (plan_training (plan, options, units, features, validation) || !(training->model = make_model (options, features))
      || !(training->model->training = recipe_new (options, features, validation))
      || (validation && model_check_features (training->model, training->path, validation))
      || open_stream (features, plan->batch, &plan->training, plan->training_ahead, &training->rows, &training->order)
      || weigh_classes (training))
    return -1;
  if (validation
      && (open_stream (validation, plan->batch, &plan->validation, plan->validation_ahead, &training->validation_rows,
                       &training->validation_order)
          || shuffle_epoch (&plan->validation, 0, &training->validation_order)))
    return -1;
  training->learner =
    learner_new (training->model, options, plan->batch, training->class_weight, training->path, workers);
  return training->learner ? 0 : -1;
}

struct model *
train (const struct train_options *options, struct featfile *training, struct featfile *validation,
       struct workers *workers, struct train_report *report)
{
  double started = clock_seconds (), prepared = started;
  struct training state = { .options = options, .path = featfile_path (training), .best_loss = INFINITY };
  int result = prepare (&state, training, validation, workers);
  if (result == 0)
    {
      prepared = clock_seconds ();
      result = run_epochs (&state);
    }
  *report = (struct train_report){ .epochs_seconds = clock_seconds () - prepared };
  report->read_seconds =
    (state.rows ? rows_seconds (state.rows) : 0) + (state.validation_rows ? rows_seconds (state.validation_rows) : 0);
  release (&state);
  if (result)
    {
      model_free (state.model);
      state.model = NULL;
    }
  report->wall_seconds = clock_seconds () - started;
  return state.model;
}

#include <config.h>

#include "train.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "plan.h"
#include "recipe.h"
#include "rows.h"
#include "sweep.h"

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
  struct first_layer *first;
  struct head *head;
  float *pre, *delta;   /* (batch, h) */
  double *class_weight; /* (C), or NULL */
  uint64_t step;        /* over all epochs, from 0 */

  double best_loss;        /* of validation, where patience is asked for */
  uint64_t waited;         /* epochs since then */
  float *best_kernel;      /* (d, h) */
  double *best_parameters; /* of the head */
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

static int
allocate (struct training *training, struct workers *workers)
{
  struct model *model = training->model;
  const struct model_layer *layer = &model->layer[0];
  size_t batch = training->plan.batch, values;
  if (memory_multiply (batch, (size_t) layer->outputs, "a batch's pre-activations", &values))
    return -1;
  training->first = sweep_new (layer->kernel, layer->inputs, layer->outputs, batch, true, workers);
  training->head = model_head (model, batch);
  training->pre = memory_new (values, sizeof *training->pre);
  training->delta = memory_new (values, sizeof *training->delta);
  if (!training->first || !training->head || !training->pre || !training->delta)
    return -1;
  if (!training->options->patience)
    return 0;
  training->best_loss = INFINITY;
  training->best_kernel = memory_new ((size_t) (layer->inputs * layer->outputs), sizeof *training->best_kernel);
  training->best_parameters = memory_new (training->head->count, sizeof *training->best_parameters);
  return training->best_kernel && training->best_parameters ? 0 : -1;
}

/* A stream of batches from FILE and room for the order of an epoch.  */
static int
open_stream (struct featfile *file, size_t batch, const struct shuffle *shuffle, struct rows **rows,
             struct order *order)
{
  *rows = rows_new (file, batch, shuffle_largest_window (shuffle));
  return *rows && !order_new (order, shuffle) ? 0 : -1;
}

static void
release (struct training *training)
{
  rows_free (training->rows);
  rows_free (training->validation_rows);
  order_free (&training->order);
  order_free (&training->validation_order);
  if (training->first)
    training->first->free (training->first);
  head_free (training->head);
  memory_free (training->pre);
  memory_free (training->delta);
  memory_free (training->class_weight);
  memory_free (training->best_kernel);
  memory_free (training->best_parameters);
}

/* The loss's L2 term for the weights that the present pre-activations were computed with.  */
static double
penalty (const struct training *training, double squares)
{
  double l2 = training->options->l2;
  return l2 > 0 ? l2 * (squares + head_squares (training->head)) : 0;
}

static int
check_loss (const struct training *training, double loss, uint64_t epoch)
{
  if (isfinite (loss))
    return 0;
  return error_set ("the loss is no longer a number in epoch %" PRIu64 " at step %" PRIu64 " of training on '%s': the "
                    "learning rate %g is too large for these features; try --lr %g, or features of smaller values",
                    epoch, training->step + 1, training->path, training->options->rate, training->options->rate / 10);
}

/* One step on BATCH, whose pre-activations are there; then NEXT has its own.  Adds to the epoch's sums.  */
static int
train_batch (struct training *training, struct epoch *epoch, const struct batch *batch, struct batch *next,
             double *squares)
{
  const struct train_options *options = training->options;
  struct head *head = training->head;
  struct sgd sgd = { sgd_rate (options->rate, options->decay, training->step), options->momentum, options->l2,
                     options->nesterov };
  uint64_t correct;
  head_forward (head, training->pre, batch->rows);
  double loss = head_loss (head, batch->label, training->class_weight, batch->rows, &correct)
                + (double) batch->rows * penalty (training, *squares);
  if (check_loss (training, loss, epoch->number))
    return -1;
  epoch->loss += loss;
  epoch->accuracy += (double) correct;
  head_backward (head, batch->label, training->class_weight, batch->rows, training->delta);
  head_update (head, &sgd);
  training->step++;
  if (rows_next (training->rows, next))
    return -1;
  return training->first->step (training->first, batch, training->delta, &sgd, next->rows ? next : NULL, training->pre,
                                options->l2 > 0 ? squares : NULL);
}

/* The pre-activations of BATCH with the weights of now.  */
static int
look_at (struct training *training, const struct batch *batch, double *squares)
{
  return training->first->step (training->first, NULL, NULL, NULL, batch, training->pre,
                                training->options->l2 > 0 ? squares : NULL);
}

static int
stop_training (const struct training *training, uint64_t epoch)
{
  return error_stopped ("training on '%s' was stopped in epoch %" PRIu64 "; run the same command again", training->path,
                        epoch);
}

static int
train_epoch (struct training *training, struct epoch *epoch)
{
  struct batch batch, next;
  double squares = 0, rows = (double) training->plan.training.rows;
  if (shuffle_epoch (&training->plan.training, epoch->number - 1, &training->order))
    return -1;
  rows_begin (training->rows, &training->order);
  if (rows_next (training->rows, &batch) || look_at (training, &batch, &squares))
    return -1;
  for (; batch.rows > 0; batch = next)
    {
      if (stop_requested ())
        return stop_training (training, epoch->number);
      if (train_batch (training, epoch, &batch, &next, &squares))
        return -1;
    }
  epoch->loss /= rows;
  epoch->accuracy /= rows;
  return 0;
}

static int
validate (struct training *training, struct epoch *epoch)
{
  struct batch batch;
  double loss = 0, squares = 0, rows = (double) training->plan.validation.rows;
  uint64_t correct, all_correct = 0;
  rows_begin (training->validation_rows, &training->validation_order);
  for (;;)
    {
      if (stop_requested ())
        return stop_training (training, epoch->number);
      if (rows_next (training->validation_rows, &batch))
        return -1;
      if (batch.rows == 0)
        break;
      if (look_at (training, &batch, &squares))
        return -1;
      head_forward (training->head, training->pre, batch.rows);
      loss += head_loss (training->head, batch.label, NULL, batch.rows, &correct);
      all_correct += correct;
    }
  epoch->val_loss = loss / rows + penalty (training, squares);
  epoch->val_accuracy = (double) all_correct / rows;
  return check_loss (training, epoch->val_loss, epoch->number);
}

/* Keeps the weights where they are the best so far.  Returns whether patience is at its end.  */
static int
keep_best (struct training *training, const struct epoch *epoch, bool *enough)
{
  const struct model_layer *layer = &training->model->layer[0];
  *enough = false;
  if (!training->options->patience)
    return 0;
  if (!(epoch->val_loss < training->best_loss))
    {
      *enough = ++training->waited >= training->options->patience;
      return 0;
    }
  training->best_loss = epoch->val_loss;
  training->waited = 0;
  if (training->first->finish (training->first))
    return -1;
  memcpy (training->best_kernel, layer->kernel,
          (size_t) (layer->inputs * layer->outputs) * sizeof *training->best_kernel);
  memcpy (training->best_parameters, training->head->parameter,
          training->head->count * sizeof *training->best_parameters);
  return 0;
}

/* Makes the model hold the weights of now, or the best ones where they were kept.  */
static int
finish (struct training *training)
{
  const struct model_layer *layer = &training->model->layer[0];
  if (training->first->finish (training->first))
    return -1;
  if (training->options->patience)
    {
      memcpy (layer->kernel, training->best_kernel,
              (size_t) (layer->inputs * layer->outputs) * sizeof *training->best_kernel);
      memcpy (training->head->parameter, training->best_parameters,
              training->head->count * sizeof *training->best_parameters);
    }
  model_take_head (training->model, training->head);
  return 0;
}

static int
run_epochs (struct training *training)
{
  const struct train_options *options = training->options;
  struct model *model = training->model;
  bool enough = false;
  for (uint64_t number = 1; number <= options->epochs && !enough; number++)
    {
      double started = clock_seconds ();
      struct epoch epoch = { .number = number, .val_loss = NAN, .val_accuracy = NAN };
      if (train_epoch (training, &epoch) || (training->validation_rows && validate (training, &epoch))
          || keep_best (training, &epoch, &enough))
        return -1;
      epoch.seconds = clock_seconds () - started;
      struct epoch *longer = realloc (model->epoch, (model->epochs + 1) * sizeof *longer);
      if (!longer)
        return error_set ("no memory for the history of %" PRIu64 " epochs; give the job more memory", number);
      model->epoch = longer;
      model->epoch[model->epochs++] = epoch;
      if (options->epoch_done)
        options->epoch_done (options->context, &epoch);
    }
  return finish (training);
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
      || open_stream (features, plan->batch, &plan->training, &training->rows, &training->order)
      || weigh_classes (training))
    return -1;
  if (validation
      && (open_stream (validation, plan->batch, &plan->validation, &training->validation_rows,
                       &training->validation_order)
          || shuffle_epoch (&plan->validation, 0, &training->validation_order)))
    return -1;
  return allocate (training, workers);
}

struct model *
train (const struct train_options *options, struct featfile *training, struct featfile *validation,
       struct workers *workers, struct train_report *report)
{
  double started = clock_seconds (), prepared = started;
  struct training state = { .options = options, .path = featfile_path (training) };
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

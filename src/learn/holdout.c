#include <config.h>

#include "holdout.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "gram.h"
#include "learner.h"
#include "model.h"

#include <math.h>
#include <string.h>

/* One training, with what it allocates.  */
struct holdout {
  const struct crossval *crossval;
  struct train_options options;
  struct workers *workers;
  uint64_t *training; /* (m) the rows to train on, ascending */
  struct shuffle shuffle;
  struct feed feed, validation;
  double *class_weight; /* (C), or NULL */
  struct learner *learner;
};

/* Parts the rows.  */
static int
choose_rows (struct holdout *holdout, size_t fold)
{
  const struct crossval *crossval = holdout->crossval;
  size_t m = crossval_rows (crossval, fold), trained = 0, validated = 0;
  holdout->training = memory_new (m, sizeof *holdout->training);
  holdout->validation.order.row = memory_new (crossval->rows - m, sizeof (uint64_t));
  if (!holdout->training || !holdout->validation.order.row)
    return -1;
  for (size_t i = 0; i < crossval->rows; i++)
    if (crossval->fold[i] == fold)
      holdout->validation.order.row[validated++] = i;
    else
      holdout->training[trained++] = i;
  holdout->feed.count = trained;
  holdout->validation.count = validated;
  return 0;
}

/* The order that train gives to a file of so many rows.  */
static int
plan_order (struct holdout *holdout)
{
  const struct train_options *options = &holdout->options;
  uint64_t rows = holdout->feed.count, chunk_rows = holdout->crossval->chunk_rows;
  uint64_t tile_rows = shuffle_tile_rows (chunk_rows);
  holdout->shuffle = (struct shuffle){ options->shuffle, rows, tile_rows,
                                       options->shuffle == SHUFFLE_FULL ? rows : SHUFFLE_WINDOW_ROWS, options->seed };
  if (options->shuffle == SHUFFLE_NONE)
    holdout->shuffle = shuffle_in_order (rows, chunk_rows, holdout->feed.batch);
  return order_new (&holdout->feed.order, &holdout->shuffle);
}

static void
describe_feeds (struct holdout *holdout)
{
  struct feed *feeds[] = { &holdout->feed, &holdout->validation };
  for (int i = 0; i < 2; i++)
    {
      feeds[i]->label = holdout->crossval->label;
      feeds[i]->path = holdout->crossval->path;
      feeds[i]->batch = holdout->options.batch < feeds[i]->count ? holdout->options.batch : (size_t) feeds[i]->count;
    }
  struct schedule *schedule = &holdout->options.schedule;
  schedule->steps_per_epoch = (holdout->feed.count + holdout->feed.batch - 1) / holdout->feed.batch;
  schedule->steps = schedule->steps_per_epoch * holdout->options.epochs;
}

static int
weigh_classes (struct holdout *holdout)
{
  const struct crossval *crossval = holdout->crossval;
  if (!holdout->options.balanced)
    return 0;
  double *weight = holdout->class_weight = memory_new (crossval->classes, sizeof *weight);
  if (!weight)
    return -1;
  for (uint64_t i = 0; i < holdout->feed.count; i++)
    weight[crossval->label[holdout->training[i]]]++;
  for (size_t i = 0; i < crossval->classes; i++)
    weight[i] = weight[i] > 0 ? (double) holdout->feed.count / ((double) crossval->classes * weight[i]) : 0;
  return 0;
}

/* The head that train begins with: of a model without a share in the first layer's kernel.  */
static struct head *
make_head (const struct holdout *holdout, size_t batch)
{
  const struct train_options *options = &holdout->options;
  uint64_t width[TRAIN_HIDDEN_LIMIT + 2] = { holdout->crossval->columns };
  memcpy (width + 1, options->hidden, options->hidden_count * sizeof *width);
  width[options->hidden_count + 1] = holdout->crossval->classes;
  struct model *model =
    model_new_share (width, options->hidden_count + 1, &(struct names){ 0 }, &(struct provenance){ 0 }, 0, 0);
  if (!model)
    return NULL;
  model_initialise (model, options->seed);
  struct head *head = model_head (model, batch);
  model_free (model);
  return head;
}

static int
make_learner (struct holdout *holdout)
{
  const struct first_size *size = crossval_size (holdout->crossval, holdout->options.hidden[0]);
  size_t batch = holdout->feed.batch > holdout->validation.batch ? holdout->feed.batch : holdout->validation.batch;
  uint64_t rows = holdout->feed.count, others = holdout->validation.count;
  struct head *head = make_head (holdout, batch);
  struct first_layer *first = head ? gram_new (&(struct gram_setup){ .inner = &holdout->crossval->inner,
                                                                     .projected = &size->projected,
                                                                     .training = holdout->training,
                                                                     .rows = (size_t) rows,
                                                                     .batch = batch },
                                               holdout->workers)
                                   : NULL;
  holdout->learner = learner_new (first, head, &holdout->options, batch, (size_t) (rows > others ? rows : others),
                                  holdout->class_weight, holdout->crossval->path);
  return holdout->learner ? 0 : -1;
}

static int
prepare (struct holdout *holdout, size_t fold, int threads)
{
  if (choose_rows (holdout, fold))
    return -1;
  describe_feeds (holdout);
  holdout->workers = workers_new (threads);
  return holdout->workers && plan_order (holdout) == 0 && weigh_classes (holdout) == 0 ? make_learner (holdout) : -1;
}

/* The order of an epoch, by the numbers of K's rows.  */
static int
order_rows (struct holdout *holdout, uint64_t epoch)
{
  struct order *order = &holdout->feed.order;
  if (shuffle_epoch (&holdout->shuffle, epoch, order))
    return -1;
  for (uint64_t i = 0; i < holdout->feed.count; i++)
    order->row[i] = holdout->training[order->row[i]];
  return 0;
}

static int
run_epochs (struct holdout *holdout, struct score *score)
{
  uint64_t epochs = holdout->options.epochs;
  for (uint64_t epoch = 1; epoch <= epochs; epoch++)
    {
      if (order_rows (holdout, epoch - 1) || learner_train (holdout->learner, &holdout->feed, epoch, score))
        return -1;
      learner_next_epoch (holdout->learner);
    }
  holdout->options.l2 = 0; /* trials of another penalty are compared by what they predict */
  return learner_validate (holdout->learner, &holdout->validation, epochs, score);
}

/* Whether the last batch had probabilities that are no numbers, which is what made the pass fail.  */
static bool
has_diverged (const struct holdout *holdout)
{
  const struct head *head = holdout->learner ? learner_head (holdout->learner) : NULL;
  size_t count = head ? head->batch * head->width[head->layers] : 0;
  for (size_t i = 0; i < count; i++)
    if (!isfinite (head->output[head->layers][i]))
      return true;
  return false;
}

static void
release (struct holdout *holdout)
{
  learner_free (holdout->learner);
  memory_free (holdout->class_weight);
  order_free (&holdout->feed.order);
  order_free (&holdout->validation.order);
  memory_free (holdout->training);
  workers_free (holdout->workers);
}

int
holdout_train (const struct crossval *crossval, const struct train_options *options, size_t fold, int threads,
               struct outcome *outcome)
{
  double started = clock_seconds ();
  struct score score = { NAN, NAN, NAN };
  struct holdout holdout = { .crossval = crossval, .options = *options };
  int result = prepare (&holdout, fold, threads);
  if (result == 0)
    result = run_epochs (&holdout, &score);
  bool diverged = result && error_status () == ERROR_FAILED && has_diverged (&holdout);
  release (&holdout);
  *outcome = (struct outcome){ score.loss, score.accuracy, score.auc, clock_seconds () - started, diverged };
  if (diverged)
    outcome->loss = outcome->accuracy = outcome->auc = NAN;
  return diverged ? 0 : result;
}

double
holdout_bytes (const struct crossval *crossval, const struct train_options *options)
{
  double rows = (double) crossval->rows, batch = fmin ((double) options->batch, rows), largest = 0, parameters = 0;
  double outputs = 0, inputs = 0;
  for (size_t i = 0; i <= options->hidden_count; i++)
    {
      double units = i < options->hidden_count ? (double) options->hidden[i] : (double) crossval->classes;
      parameters += (inputs + 1) * units;
      outputs += units;
      largest = fmax (largest, units);
      inputs = units;
    }
  double head = sizeof (double) * (3 * parameters + batch * (outputs + 2 * largest) + 16 * fmax (largest, batch));
  double learner = sizeof (float) * (2 * batch * (double) options->hidden[0] + 5 * rows);
  return gram_bytes (rows, (double) options->hidden[0], (size_t) batch, false) + head + learner
         + rows * (2 * sizeof (uint64_t) + sizeof (uint32_t));
}

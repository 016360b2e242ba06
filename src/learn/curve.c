#include <config.h>

#include "curve.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "gram.h"
#include "learner.h"

#include <math.h>
#include <stdlib.h>

/* Percent of the training rows.  */
static const unsigned share[CURVE_POINTS] = { 10, 20, 40, 70, 100 };

/* Draw i takes rows by stream first_stream + i of the seed.  */
static const uint64_t first_stream = (uint64_t) 3 << 40;

/* Student's t of 95 % for as many draws.  */
static const double student = 4.303;

struct drawing {
  const struct curve_setup *setup;
  struct curve *curve;
  size_t classes;
  uint32_t *rank[CURVE_DRAWS]; /* (n) where a training row stands among those of its class */
  uint64_t *of_class;          /* (C) training rows */
};

/* One training: its rows, what walks over them, and its learner.  */
struct trial {
  struct train_options options;
  uint64_t *row; /* (rows) ascending rows of K */
  size_t rows, batch;
  struct shuffle shuffle;
  struct feed training, validation;
  double *class_weight; /* (C), or NULL */
  struct workers *workers;
  struct learner *learner;
  double waited;
};

static size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* Rows of a class of COUNT that a part of PERCENT takes: rounded, at least one.  */
static uint64_t
part_of (uint64_t count, unsigned percent)
{
  uint64_t part = (count * percent + 50) / 100;
  return part ? part : count > 0;
}

/* Puts the rows of each class into an order of DRAW's own.  */
static int
rank_rows (struct drawing *drawing, int draw)
{
  const struct curve_setup *setup = drawing->setup;
  size_t rows = setup->training_rows;
  struct random generator = random_new (setup->options->seed, first_stream + (uint64_t) draw);
  uint64_t *order = memory_new (rows, sizeof *order), *seen = memory_new (drawing->classes, sizeof *seen);
  drawing->rank[draw] = memory_new (rows, sizeof *drawing->rank[draw]);
  int result = order && seen && drawing->rank[draw] ? 0 : -1;
  for (size_t i = 0; result == 0 && i < rows; i++)
    order[i] = i;
  if (result == 0)
    random_shuffle (&generator, order, rows);
  for (size_t i = 0; result == 0 && i < rows; i++)
    drawing->rank[draw][order[i]] = (uint32_t) seen[setup->label[setup->training[order[i]]]]++;
  for (size_t i = 0; result == 0 && i < drawing->classes; i++)
    drawing->of_class[i] = seen[i];
  memory_free (order);
  memory_free (seen);
  return result;
}

static int
choose_rows (const struct drawing *drawing, unsigned percent, int draw, struct trial *trial)
{
  const struct curve_setup *setup = drawing->setup;
  trial->row = memory_new (setup->training_rows, sizeof *trial->row);
  for (size_t i = 0; trial->row && i < setup->training_rows; i++)
    {
      uint64_t row = setup->training[i];
      if (drawing->rank[draw][i] < part_of (drawing->of_class[setup->label[row]], percent))
        trial->row[trial->rows++] = row;
    }
  return trial->row ? 0 : -1;
}

/* The order as train has it, over the trial's rows.  */
static void
choose_order (const struct curve_setup *setup, struct trial *trial)
{
  uint64_t tile_rows = shuffle_tile_rows (setup->chunk_rows);
  trial->shuffle = shuffle_in_order (trial->rows, setup->chunk_rows, smaller (trial->options.batch, trial->rows));
  if (trial->options.shuffle != SHUFFLE_NONE)
    trial->shuffle = (struct shuffle){ trial->options.shuffle, trial->rows, tile_rows,
                                       trial->options.shuffle == SHUFFLE_FULL ? trial->rows : SHUFFLE_WINDOW_ROWS,
                                       trial->options.seed };
}

static int
open_feeds (const struct curve_setup *setup, struct trial *trial)
{
  struct shuffle none = shuffle_in_order (setup->validation_rows, 0, 1);
  trial->training = (struct feed){ .label = setup->label,
                                   .path = setup->path,
                                   .count = trial->rows,
                                   .batch = smaller (trial->options.batch, trial->rows) };
  trial->validation = trial->training;
  trial->validation.count = setup->validation_rows;
  trial->validation.batch = smaller (trial->options.batch, setup->validation_rows);
  size_t batch = trial->validation.batch;
  trial->batch = trial->training.batch > batch ? trial->training.batch : batch;
  choose_order (setup, trial);
  if (order_new (&trial->training.order, &trial->shuffle) || order_new (&trial->validation.order, &none))
    return -1;
  for (size_t i = 0; i < setup->validation_rows; i++)
    trial->validation.order.row[i] = setup->validation[i];
  return 0;
}

/* As train's "balanced", of the trial's rows.  */
static int
weigh_classes (const struct drawing *drawing, struct trial *trial)
{
  size_t classes = drawing->classes;
  if (!trial->options.balanced)
    return 0;
  double *count = memory_new (classes, sizeof *count);
  if (!count)
    return -1;
  for (size_t i = 0; i < trial->rows; i++)
    count[drawing->setup->label[trial->row[i]]]++;
  for (size_t i = 0; i < classes; i++)
    count[i] = count[i] > 0 ? (double) trial->rows / ((double) classes * count[i]) : 0;
  trial->class_weight = count;
  return 0;
}

/* How many epochs have the steps of OPTIONS' on all rows.  */
static uint64_t
count_epochs (const struct curve_setup *setup, struct trial *trial)
{
  struct schedule *schedule = &trial->options.schedule;
  size_t all = smaller (trial->options.batch, setup->training_rows), batch = trial->training.batch;
  uint64_t steps = (setup->training_rows + all - 1) / all * trial->options.epochs;
  schedule->steps_per_epoch = (trial->rows + batch - 1) / batch;
  uint64_t epochs = (steps + schedule->steps_per_epoch - 1) / schedule->steps_per_epoch;
  schedule->steps = schedule->steps_per_epoch * epochs;
  return epochs;
}

static int
open_learner (const struct curve_setup *setup, struct trial *trial)
{
  const struct gram_setup gram = { .inner = setup->inner,
                                   .projected = setup->projected,
                                   .training = trial->row,
                                   .rows = trial->rows,
                                   .batch = trial->batch,
                                   .squares = setup->squares,
                                   .waited = &trial->waited };
  size_t rows = trial->rows > setup->validation_rows ? trial->rows : setup->validation_rows;
  trial->workers = workers_new (1);
  struct first_layer *first = trial->workers ? gram_new (&gram, trial->workers) : NULL;
  struct head *head = first ? model_head (setup->model, trial->batch) : NULL;
  trial->learner = learner_new (first, head, &trial->options, trial->batch, rows, trial->class_weight, setup->path);
  return trial->learner ? 0 : -1;
}

static int
train_epoch (struct trial *trial, uint64_t epoch, struct score *score)
{
  struct order *order = &trial->training.order;
  if (shuffle_epoch (&trial->shuffle, epoch - 1, order))
    return -1;
  for (size_t i = 0; i < trial->rows; i++)
    order->row[i] = trial->row[order->row[i]];
  if (learner_train (trial->learner, &trial->training, epoch, score))
    return -1;
  learner_next_epoch (trial->learner);
  return 0;
}

static int
run_trial (const struct drawing *drawing, struct trial *trial, struct curve_point *point, int draw)
{
  const struct curve_setup *setup = drawing->setup;
  struct score score = { 0 }, validation;
  if (open_feeds (setup, trial) || weigh_classes (drawing, trial))
    return -1;
  uint64_t epochs = count_epochs (setup, trial);
  if (open_learner (setup, trial))
    return -1;
  for (uint64_t epoch = 1; epoch <= epochs; epoch++)
    if (train_epoch (trial, epoch, &score))
      return -1;
  if (learner_validate (trial->learner, &trial->validation, epochs, &validation))
    return -1;
  point->draw[draw] = (struct curve_draw){ score.loss, score.accuracy, validation.loss, validation.accuracy };
  if (draw == 0)
    {
      point->rows = trial->rows;
      point->epochs = epochs;
    }
  return 0;
}

static void
close_trial (struct trial *trial)
{
  learner_free (trial->learner);
  workers_free (trial->workers);
  order_free (&trial->training.order);
  order_free (&trial->validation.order);
  memory_free (trial->class_weight);
  memory_free (trial->row);
}

/* The longest trainings come first.  */
static int
draw_one (void *context, size_t index, int worker)
{
  (void) worker;
  struct drawing *drawing = context;
  size_t place = CURVE_POINTS - 1 - index / CURVE_DRAWS;
  int draw = (int) (index % CURVE_DRAWS);
  struct trial trial = { .options = *drawing->setup->options };
  trial.options.seed += (uint64_t) draw;
  int result = choose_rows (drawing, share[place], draw, &trial)
                   || run_trial (drawing, &trial, &drawing->curve->point[place], draw)
                 ? -1
                 : 0;
  close_trial (&trial);
  if (result && error_status () == ERROR_STOPPED)
    return error_stopped ("the learning curve was stopped; run the same command again");
  return result;
}

/* The mean of VALUES, and their sample standard deviation.  */
static double
mean_of (const double values[CURVE_DRAWS], double *deviation)
{
  double mean = 0, squares = 0;
  for (int i = 0; i < CURVE_DRAWS; i++)
    mean += values[i] / CURVE_DRAWS;
  for (int i = 0; i < CURVE_DRAWS; i++)
    squares += (values[i] - mean) * (values[i] - mean);
  *deviation = sqrt (squares / (CURVE_DRAWS - 1));
  return mean;
}

static void
summarise_point (struct curve_point *point)
{
  double loss[CURVE_DRAWS], accuracy[CURVE_DRAWS], unused;
  for (int i = 0; i < CURVE_DRAWS; i++)
    {
      loss[i] = point->draw[i].val_loss;
      accuracy[i] = point->draw[i].val_accuracy;
    }
  point->val_loss = mean_of (loss, &point->val_loss_deviation);
  point->val_accuracy = mean_of (accuracy, &unused);
}

/* What twice the rows would take off the loss, by a fit to LOSS.  */
static double
gain_of (const double *rows, const double *loss, struct powerlaw *law)
{
  *law = powerlaw_fit (rows, loss, CURVE_POINTS);
  double all = rows[CURVE_POINTS - 1];
  return powerlaw_at (law, all) - powerlaw_at (law, 2 * all);
}

/* A gain counts from 2 % of the loss on, and where it is surer than not to be one.  */
static enum curve_verdict
judge (const struct curve *curve)
{
  double small = 0.02 * curve->point[CURVE_POINTS - 1].val_loss;
  if (curve->gain >= small && curve->gain > curve->gain_error)
    return CURVE_WORTH;
  return curve->gain + curve->gain_error < small ? CURVE_FLAT : CURVE_NOISY;
}

static void
summarise (struct curve *curve)
{
  double rows[CURVE_POINTS], loss[CURVE_POINTS], gain[CURVE_DRAWS], deviation;
  struct powerlaw unused;
  for (int i = 0; i < CURVE_POINTS; i++)
    {
      summarise_point (&curve->point[i]);
      rows[i] = (double) curve->point[i].rows;
    }
  for (int draw = 0; draw < CURVE_DRAWS; draw++)
    {
      for (int i = 0; i < CURVE_POINTS; i++)
        loss[i] = curve->point[i].draw[draw].val_loss;
      gain[draw] = gain_of (rows, loss, &unused);
    }
  curve->gain = mean_of (gain, &deviation);
  curve->gain_error = student * deviation / sqrt (CURVE_DRAWS);
  for (int i = 0; i < CURVE_POINTS; i++)
    loss[i] = curve->point[i].val_loss;
  gain_of (rows, loss, &curve->law);
  curve->verdict = judge (curve);
}

int
curve_draw (const struct curve_setup *setup, struct workers *workers, struct curve *curve)
{
  struct drawing drawing = { .setup = setup, .curve = curve, .classes = (size_t) model_classes (setup->model) };
  drawing.of_class = memory_new (drawing.classes, sizeof *drawing.of_class);
  int result = drawing.of_class ? 0 : -1;
  for (int draw = 0; result == 0 && draw < CURVE_DRAWS; draw++)
    result = rank_rows (&drawing, draw);
  if (result == 0)
    result = workers_run (workers, CURVE_POINTS * CURVE_DRAWS, draw_one, &drawing);
  if (result == 0)
    summarise (curve);
  for (int draw = 0; draw < CURVE_DRAWS; draw++)
    memory_free (drawing.rank[draw]);
  memory_free (drawing.of_class);
  return result;
}

double
curve_bytes (const struct train_options *options, double rows, double validation_rows, int threads)
{
  double running = threads < CURVE_POINTS * CURVE_DRAWS ? threads : CURVE_POINTS * CURVE_DRAWS;
  double one = gram_bytes (rows, (double) options->hidden[0], options->batch, false)
               + (rows + validation_rows) * (3 * sizeof (uint64_t) + 5 * sizeof (float)) + rows * 4 * sizeof (float);
  return running * one + rows * CURVE_DRAWS * sizeof (uint32_t);
}

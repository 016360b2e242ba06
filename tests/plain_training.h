/* What the engines are compared with: training by three plain passes a step, forward, gradient, update.  In double, by
   the formulas of doc/training.md; src/learn is asked for the order of the rows alone.  */
#ifndef SLABFIT_TESTS_PLAIN_TRAINING_H
#define SLABFIT_TESTS_PLAIN_TRAINING_H

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "../src/base/vectorised.h"
#include "../src/base/workers.h"
#include "../src/learn/train.h"
#include "support.h"

#include <math.h>

enum { PLAIN_LAYERS = 5, PLAIN_ROWS = 64 /* of a kernel, in one task */ };

/* A kernel or a bias, or all of them in a row: COUNT numbers with their velocity, gradient and best values.  */
struct plain_part {
  size_t rows, units;
  double l2, *value, *velocity, *gradient, *best; /* (rows, units) */
};

struct plain_data {
  const float *values; /* (rows, columns) */
  const int32_t *label;
  uint64_t rows;
};

struct plain {
  const struct train_options *options;
  struct plain_data training, validation;
  uint64_t tile_rows;
  struct workers *workers;
  size_t layers;
  struct plain_part kernel[PLAIN_LAYERS], bias[PLAIN_LAYERS];
  double *output[PLAIN_LAYERS + 1], *delta[PLAIN_LAYERS + 1]; /* (batch, units); output[0] is the batch's features */
  double *class_weight;                                       /* (classes) */
  uint64_t steps_per_epoch, step;
  double rate; /* of the step in hand */
  size_t now;  /* the layer in hand */
  size_t batch_rows;
};

static inline struct plain_part
plain_part_new (size_t rows, size_t units, const float *initial, double l2, bool keeping)
{
  struct plain_part part = { rows,
                             units,
                             l2,
                             memory_new (rows * units, sizeof (double)),
                             memory_new (rows * units, sizeof (double)),
                             memory_new (rows * units, sizeof (double)),
                             keeping ? memory_new (rows * units, sizeof (double)) : NULL };
  for (size_t i = 0; i < rows * units; i++)
    part.value[i] = (double) initial[i];
  return part;
}

static inline void
plain_part_free (struct plain_part *part)
{
  memory_free (part->value);
  memory_free (part->velocity);
  memory_free (part->gradient);
  memory_free (part->best);
}

/* From the weights of INITIAL, on TRAINING and VALIDATION (without rows where there is none), whose tiles have
   TILE_ROWS rows.  All is borrowed.  */
static inline struct plain
plain_new (const struct train_options *options, const struct model *initial, struct plain_data training,
           struct plain_data validation, uint64_t tile_rows, struct workers *workers)
{
  struct plain plain = { .options = options,
                         .training = training,
                         .validation = validation,
                         .tile_rows = tile_rows,
                         .workers = workers,
                         .layers = initial->layers };
  size_t batch = options->batch < training.rows ? options->batch : (size_t) training.rows, room = batch;
  if (validation.rows > room)
    room = options->batch < validation.rows ? options->batch : (size_t) validation.rows;
  plain.steps_per_epoch = (training.rows + batch - 1) / batch;
  for (size_t i = 0; i < plain.layers; i++)
    {
      const struct model_layer *layer = &initial->layer[i];
      size_t inputs = (size_t) layer->inputs, outputs = (size_t) layer->outputs;
      plain.kernel[i] = plain_part_new (inputs, outputs, layer->kernel, options->l2, options->patience > 0);
      plain.bias[i] = plain_part_new (1, outputs, layer->bias, 0, options->patience > 0);
      plain.output[i] = memory_new (room * inputs, sizeof (double));
      plain.delta[i] = memory_new (i ? room * inputs : 0, sizeof (double));
    }
  size_t classes = plain.bias[plain.layers - 1].units;
  plain.output[plain.layers] = memory_new (room * classes, sizeof (double));
  plain.delta[plain.layers] = memory_new (room * classes, sizeof (double));
  plain.class_weight = memory_new (classes, sizeof (double));
  for (uint64_t i = 0; i < training.rows; i++)
    plain.class_weight[training.label[i]]++;
  for (size_t i = 0; i < classes; i++)
    plain.class_weight[i] = options->balanced && plain.class_weight[i] > 0
                              ? (double) training.rows / ((double) classes * plain.class_weight[i])
                              : 1;
  return plain;
}

static inline void
plain_free (struct plain *plain)
{
  for (size_t i = 0; i <= plain->layers; i++)
    {
      memory_free (plain->output[i]);
      memory_free (plain->delta[i]);
    }
  for (size_t i = 0; i < plain->layers; i++)
    {
      plain_part_free (&plain->kernel[i]);
      plain_part_free (&plain->bias[i]);
    }
  memory_free (plain->class_weight);
}

VECTORISED static inline void
plain_add (double *restrict sum, double factor, const double *restrict values, size_t count)
{
  for (size_t i = 0; i < count; i++)
    sum[i] += factor * values[i];
}

/* One row of the layer in hand: its outputs before what follows.  */
static inline int
plain_forward_row (void *context, size_t row, int worker)
{
  (void) worker;
  const struct plain *plain = context;
  const struct plain_part *kernel = &plain->kernel[plain->now];
  const double *in = plain->output[plain->now] + row * kernel->rows;
  double *out = plain->output[plain->now + 1] + row * kernel->units;
  memcpy (out, plain->bias[plain->now].value, kernel->units * sizeof *out);
  for (size_t k = 0; k < kernel->rows; k++)
    if (in[k] != 0)
      plain_add (out, in[k], kernel->value + k * kernel->units, kernel->units);
  return 0;
}

/* ReLU, and in training dropout: number ROW UNITS + UNIT of its stream decides.  */
static inline void
plain_activate (const struct plain *plain, size_t rows, bool training)
{
  size_t units = plain->kernel[plain->now].units;
  double *out = plain->output[plain->now + 1], rate = training ? plain->options->dropout : 0;
  struct random masks =
    random_new (plain->options->seed, ((uint64_t) 1 << 40) + 64 * plain->step + (uint64_t) plain->now);
  for (size_t i = 0; i < rows * units; i++)
    {
      bool dropped = rate > 0 && (double) random_uniform (&masks) < rate;
      out[i] = dropped || out[i] < 0 ? 0 : out[i] / (1 - rate);
    }
}

static inline void
plain_softmax (double *row, size_t classes)
{
  double largest = row[0], sum = 0;
  for (size_t i = 1; i < classes; i++)
    largest = fmax (largest, row[i]);
  for (size_t i = 0; i < classes; i++)
    sum += row[i] = exp (row[i] - largest);
  for (size_t i = 0; i < classes; i++)
    row[i] /= sum;
}

/* The probabilities of the ROWS rows of DATA that ORDER names.  */
static inline void
plain_forward (struct plain *plain, const struct plain_data *data, const uint64_t *order, size_t rows, bool training)
{
  size_t columns = plain->kernel[0].rows, classes = plain->kernel[plain->layers - 1].units;
  for (size_t row = 0; row < rows; row++)
    for (size_t i = 0; i < columns; i++)
      plain->output[0][row * columns + i] = (double) data->values[order[row] * columns + i];
  for (plain->now = 0; plain->now < plain->layers; plain->now++)
    {
      ck_assert_int_eq (workers_run (plain->workers, rows, plain_forward_row, plain), 0);
      if (plain->now + 1 < plain->layers)
        plain_activate (plain, rows, training);
    }
  for (size_t row = 0; row < rows; row++)
    plain_softmax (plain->output[plain->layers] + row * classes, classes);
}

/* Adds the rows' losses and counts the right ones among them.  */
static inline void
plain_score (const struct plain *plain, const struct plain_data *data, const uint64_t *order, size_t rows,
             bool training, double *loss, double *right)
{
  size_t classes = plain->kernel[plain->layers - 1].units;
  for (size_t row = 0; row < rows; row++)
    {
      const double *probability = plain->output[plain->layers] + row * classes;
      size_t label = (size_t) data->label[order[row]], likeliest = 0;
      for (size_t i = 1; i < classes; i++)
        likeliest = probability[i] > probability[likeliest] ? i : likeliest;
      *loss -= (training ? plain->class_weight[label] : 1) * log (probability[label]);
      *right += likeliest == label;
    }
}

static inline double
plain_penalty (const struct plain *plain)
{
  double sum = 0;
  for (size_t layer = 0; plain->options->l2 > 0 && layer < plain->layers; layer++)
    for (size_t i = 0; i < plain->kernel[layer].rows * plain->kernel[layer].units; i++)
      sum += plain->kernel[layer].value[i] * plain->kernel[layer].value[i];
  return plain->options->l2 * sum;
}

/* The gradient of PLAIN_ROWS rows of the kernel in hand.  */
static inline int
plain_gradient_rows (void *context, size_t task, int worker)
{
  (void) worker;
  const struct plain *plain = context;
  const struct plain_part *kernel = &plain->kernel[plain->now];
  size_t units = kernel->units, end = (task + 1) * PLAIN_ROWS < kernel->rows ? (task + 1) * PLAIN_ROWS : kernel->rows;
  for (size_t k = task * PLAIN_ROWS; k < end; k++)
    {
      double *gradient = kernel->gradient + k * units;
      memset (gradient, 0, units * sizeof *gradient);
      for (size_t row = 0; row < plain->batch_rows; row++)
        {
          double in = plain->output[plain->now][row * kernel->rows + k];
          if (in != 0)
            plain_add (gradient, in, plain->delta[plain->now + 1] + row * units, units);
        }
    }
  return 0;
}

/* The gradient at the outputs of the layer below the one in hand, before ReLU and dropout: what is 0 did not pass.  */
static inline void
plain_delta_below (struct plain *plain)
{
  const struct plain_part *kernel = &plain->kernel[plain->now];
  double scale = 1 / (1 - plain->options->dropout);
  for (size_t row = 0; row < plain->batch_rows; row++)
    for (size_t k = 0; k < kernel->rows; k++)
      {
        double sum = 0;
        for (size_t unit = 0; unit < kernel->units; unit++)
          sum += plain->delta[plain->now + 1][row * kernel->units + unit] * kernel->value[k * kernel->units + unit];
        size_t at = row * kernel->rows + k;
        plain->delta[plain->now][at] = plain->output[plain->now][at] > 0 ? sum * scale : 0;
      }
}

static inline size_t
plain_tasks (const struct plain_part *part)
{
  return (part->rows + PLAIN_ROWS - 1) / PLAIN_ROWS;
}

static inline void
plain_backward (struct plain *plain, const uint64_t *order)
{
  size_t classes = plain->kernel[plain->layers - 1].units, rows = plain->batch_rows;
  for (size_t row = 0; row < rows; row++)
    for (size_t i = 0; i < classes; i++)
      {
        size_t label = (size_t) plain->training.label[order[row]];
        plain->delta[plain->layers][row * classes + i] =
          plain->class_weight[label] / (double) rows
          * (plain->output[plain->layers][row * classes + i] - (i == label ? 1 : 0));
      }
  for (size_t layer = plain->layers; layer-- > 0;)
    {
      const struct plain_part *bias = &plain->bias[layer];
      plain->now = layer;
      ck_assert_int_eq (workers_run (plain->workers, plain_tasks (&plain->kernel[layer]), plain_gradient_rows, plain),
                        0);
      memset (bias->gradient, 0, bias->units * sizeof (double));
      for (size_t i = 0; i < rows * bias->units; i++)
        bias->gradient[i % bias->units] += plain->delta[layer + 1][i];
      if (layer > 0)
        plain_delta_below (plain);
    }
}

static inline double
plain_rate (const struct plain *plain)
{
  const struct schedule *schedule = &plain->options->schedule;
  double step = (double) plain->step, epoch = (double) plain->steps_per_epoch, warm = (double) schedule->warmup * epoch;
  double all = epoch * (double) plain->options->epochs;
  switch (schedule->kind)
    {
    case SCHEDULE_TIME:
      return schedule->rate / (1 + schedule->decay * step);
    case SCHEDULE_COSINE:
      return step < warm ? schedule->rate * step / warm
                         : schedule->rate / 2 * (1 + cos (acos (-1) * (step - warm) / (all - warm)));
    case SCHEDULE_STEP:
      return schedule->rate * pow (schedule->factor, floor (floor (step / epoch) / (double) schedule->every));
    default:
      return schedule->rate;
    }
}

static inline void
plain_update_rows (const struct plain *plain, const struct plain_part *part, size_t first, size_t end)
{
  double momentum = plain->options->momentum;
  for (size_t i = first * part->units; i < end * part->units; i++)
    {
      double gradient = part->gradient[i] + 2 * part->l2 * part->value[i];
      part->velocity[i] = momentum * part->velocity[i] - plain->rate * gradient;
      part->value[i] +=
        plain->options->nesterov ? momentum * part->velocity[i] - plain->rate * gradient : part->velocity[i];
    }
}

static inline int
plain_update_task (void *context, size_t task, int worker)
{
  (void) worker;
  const struct plain *plain = context;
  const struct plain_part *part = &plain->kernel[plain->now];
  size_t first = task * PLAIN_ROWS, end = first + PLAIN_ROWS < part->rows ? first + PLAIN_ROWS : part->rows;
  plain_update_rows (plain, part, first, end);
  return 0;
}

static inline void
plain_update (struct plain *plain)
{
  plain->rate = plain_rate (plain);
  for (plain->now = 0; plain->now < plain->layers; plain->now++)
    {
      ck_assert_int_eq (
        workers_run (plain->workers, plain_tasks (&plain->kernel[plain->now]), plain_update_task, plain), 0);
      plain_update_rows (plain, &plain->bias[plain->now], 0, 1);
    }
  plain->step++;
}

/* Epoch NUMBER, from 1.  Loss and accuracy become means over the rows.  */
static inline void
plain_train (struct plain *plain, uint64_t number, double *loss, double *accuracy)
{
  const struct train_options *options = plain->options;
  uint64_t rows = plain->training.rows, batch = options->batch < rows ? options->batch : rows;
  struct shuffle shuffle = { options->shuffle, rows, plain->tile_rows,
                             options->shuffle == SHUFFLE_WINDOW ? SHUFFLE_WINDOW_ROWS : rows, options->seed };
  struct order order;
  ck_assert_int_eq (order_new (&order, &shuffle), 0);
  ck_assert_int_eq (shuffle_epoch (&shuffle, number - 1, &order), 0);
  *loss = *accuracy = 0;
  for (uint64_t first = 0; first < rows; first += batch)
    {
      plain->batch_rows = (size_t) (rows - first < batch ? rows - first : batch);
      plain_forward (plain, &plain->training, order.row + first, plain->batch_rows, true);
      plain_score (plain, &plain->training, order.row + first, plain->batch_rows, true, loss, accuracy);
      *loss += (double) plain->batch_rows * plain_penalty (plain);
      plain_backward (plain, order.row + first);
      plain_update (plain);
    }
  order_free (&order);
  *loss /= (double) rows;
  *accuracy /= (double) rows;
}

static inline void
plain_validate (struct plain *plain, double *loss, double *accuracy)
{
  uint64_t rows = plain->validation.rows, batch = plain->options->batch < rows ? plain->options->batch : rows;
  uint64_t *order = memory_new ((size_t) batch, sizeof *order);
  *loss = *accuracy = 0;
  for (uint64_t first = 0; first < rows; first += batch)
    {
      size_t count = (size_t) (rows - first < batch ? rows - first : batch);
      for (size_t i = 0; i < count; i++)
        order[i] = first + i;
      plain_forward (plain, &plain->validation, order, count, false);
      plain_score (plain, &plain->validation, order, count, false, loss, accuracy);
    }
  memory_free (order);
  *loss = *loss / (double) rows + plain_penalty (plain);
  *accuracy /= (double) rows;
}

/* Copies all weights to their best, or back.  */
static inline void
plain_copy (struct plain *plain, bool back)
{
  for (size_t i = 0; i < 2 * plain->layers; i++)
    {
      struct plain_part *part = i % 2 ? &plain->bias[i / 2] : &plain->kernel[i / 2];
      memcpy (back ? part->value : part->best, back ? part->best : part->value,
              part->rows * part->units * sizeof *part->best);
    }
}

/* The whole training: HISTORY (epochs) becomes its epochs, and PLAIN the final weights.  Returns how many epochs there
   were.  */
static inline size_t
plain_run (struct plain *plain, struct epoch *history)
{
  double best = INFINITY;
  uint64_t waited = 0, patience = plain->options->patience;
  size_t count = 0;
  while (count < plain->options->epochs && (!patience || waited < patience))
    {
      struct epoch *epoch = &history[count++];
      plain_train (plain, count, &epoch->loss, &epoch->accuracy);
      epoch->val_loss = epoch->val_accuracy = NAN;
      if (plain->validation.rows)
        plain_validate (plain, &epoch->val_loss, &epoch->val_accuracy);
      waited = epoch->val_loss < best ? 0 : waited + 1;
      if (patience && waited == 0)
        plain_copy (plain, false);
      best = fmin (best, epoch->val_loss);
    }
  if (patience)
    plain_copy (plain, true);
  return count;
}

#endif

#include <config.h>

#include "rates.h"

#include "../base/clock.h"
#include "../base/memory.h"
#include "factor.h"
#include "sweep.h"

#include <math.h>
#include <string.h>

enum { SAMPLE_VALUES = 1 << 21, SAMPLE_COLUMNS = 1 << 14, REPETITIONS = 3 };

/* Rows ROWS x columns COLUMNS from the beginning of a file.  */
struct sample {
  size_t rows, columns;
  float *values; /* (rows, columns) */
};

/* One product to be timed: all tasks multiply the same factor by panels of their own.  */
struct trial {
  const struct sample *sample;
  struct factor *factor;
  float *panel; /* (threads, FACTOR_DEPTH, PANEL_WIDTH) */
  float *out;   /* (threads, rows, PANEL_WIDTH) */
};

static size_t
smaller (uint64_t a, uint64_t b)
{
  return (size_t) (a < b ? a : b);
}

/* Reads the sample, and times that.  */
static int
take_sample (struct sample *sample, struct featfile *file, size_t batch, double *rate)
{
  const struct featinfo *info = featfile_info (file);
  sample->columns = smaller (info->columns, SAMPLE_COLUMNS);
  sample->rows = smaller (info->rows, SAMPLE_VALUES / sample->columns);
  if (sample->rows < batch)
    sample->rows = smaller (info->rows, batch);
  sample->values = memory_new (sample->rows * sample->columns, sizeof *sample->values);
  double best = INFINITY;
  for (int i = 0; sample->values && i < REPETITIONS; i++)
    {
      double started = clock_seconds ();
      if (featfile_read (file, 0, sample->rows, 0, sample->columns, sample->values))
        return -1;
      best = fmin (best, clock_seconds () - started);
    }
  *rate = (double) (sample->rows * sample->columns) / best;
  return sample->values ? 0 : -1;
}

static int
pack_group (void *context, size_t group, int worker)
{
  (void) worker;
  const struct trial *trial = context;
  const struct sample *sample = trial->sample;
  const float *row[FACTOR_GROUP];
  for (size_t i = 0; i < FACTOR_GROUP; i++)
    {
      size_t index = group * FACTOR_GROUP + i;
      row[i] = index < sample->rows ? sample->values + index * sample->columns : NULL;
    }
  factor_pack_rows (trial->factor, group, row);
  return 0;
}

static int
multiply (void *context, size_t task, int worker)
{
  (void) task;
  const struct trial *trial = context;
  const struct factor *factor = trial->factor;
  float *panel = trial->panel + (size_t) worker * FACTOR_DEPTH * PANEL_WIDTH;
  float *out = trial->out + (size_t) worker * factor->groups * FACTOR_GROUP * PANEL_WIDTH;
  for (size_t block = 0; block < factor->blocks; block++)
    factor_multiply (factor, 0, factor->groups, block, panel, out, PANEL_WIDTH);
  return 0;
}

/* Terms a second of products of SAMPLE, all threads together.  */
static int
time_products (const struct sample *sample, struct workers *workers, double *rate)
{
  size_t threads = (size_t) workers_count (workers), tasks = 4 * threads;
  struct factor factor;
  if (factor_new (&factor, sample->rows, sample->columns))
    return -1;
  factor_shape (&factor, sample->rows, sample->columns);
  struct trial trial = { sample, &factor, memory_new (threads * FACTOR_DEPTH * PANEL_WIDTH, sizeof (float)),
                         memory_new (threads * factor.groups * FACTOR_GROUP * PANEL_WIDTH, sizeof (float)) };
  int result = trial.panel && trial.out ? workers_run (workers, factor.groups, pack_group, &trial) : -1;
  double best = INFINITY;
  for (int i = 0; result == 0 && i < REPETITIONS; i++)
    {
      double started = clock_seconds ();
      result = workers_run (workers, tasks, multiply, &trial);
      best = fmin (best, clock_seconds () - started);
    }
  *rate = (double) (tasks * sample->rows * sample->columns) * PANEL_WIDTH / best;
  memory_free (trial.panel);
  memory_free (trial.out);
  factor_free (&factor);
  return result;
}

static int
time_dense (struct workers *workers, double *rate)
{
  struct sample sample = { 256, 2048, NULL };
  if (!(sample.values = memory_new (sample.rows * sample.columns, sizeof *sample.values)))
    return -1;
  for (size_t i = 0; i < sample.rows * sample.columns; i++)
    sample.values[i] = 1;
  int result = time_products (&sample, workers, rate);
  memory_free (sample.values);
  return result;
}

/* Steps of a sweep over the sample's columns.  */
static int
time_steps (const struct sample *sample, size_t units, size_t rows, struct first_layer *layer, float *pre,
            struct rates *rates)
{
  const struct batch batch = { rows, NULL, NULL, sample->values };
  const struct sgd sgd = { 0, 0.9, 0, false };
  double weights = (double) (sample->columns * units), step = INFINITY, forward = INFINITY;
  for (int i = 0; i < REPETITIONS; i++)
    {
      double started = clock_seconds ();
      if (layer->step (layer, NULL, NULL, NULL, &batch, pre, NULL))
        return -1;
      double between = clock_seconds ();
      if (layer->step (layer, &batch, pre, &sgd, &batch, pre, NULL))
        return -1;
      forward = fmin (forward, between - started);
      step = fmin (step, clock_seconds () - between);
    }
  rates->forward = weights / forward;
  rates->sweep = weights / step;
  return 0;
}

static int
time_sweep (const struct sample *sample, size_t units, size_t batch, struct workers *workers, struct rates *rates)
{
  size_t rows = smaller (batch, sample->rows);
  float *kernel = memory_new (sample->columns * units, sizeof *kernel), *pre = memory_new (rows * units, sizeof *pre);
  struct first_layer *layer =
    kernel && pre ? sweep_new (kernel, sample->columns, units, rows, true, false, workers) : NULL;
  int result = layer ? time_steps (sample, units, rows, layer, pre, rates) : -1;
  if (layer)
    layer->free (layer);
  memory_free (kernel);
  memory_free (pre);
  return result;
}

static int
time_head (struct head *head, size_t batch, double *rate)
{
  float *pre = memory_new (batch * head->width[0], sizeof *pre);
  int32_t *label = memory_new (batch, sizeof *label);
  double best = INFINITY;
  for (int i = 0; pre && label && i < REPETITIONS; i++)
    {
      uint64_t correct;
      double started = clock_seconds ();
      head_forward (head, pre, batch);
      head_loss (head, label, NULL, batch, &correct);
      head_backward (head, label, NULL, batch, pre);
      best = fmin (best, clock_seconds () - started);
    }
  *rate = (double) batch / best;
  int result = pre && label ? 0 : -1;
  memory_free (pre);
  memory_free (label);
  return result;
}

int
rates_measure (struct rates *rates, struct featfile *file, size_t units, size_t batch, struct head *head,
               struct workers *workers)
{
  struct sample sample = { 0 };
  int result = take_sample (&sample, file, batch, &rates->read) || time_products (&sample, workers, &rates->products)
                   || time_dense (workers, &rates->dense) || time_sweep (&sample, units, batch, workers, rates)
                   || time_head (head, batch, &rates->head)
                 ? -1
                 : 0;
  memory_free (sample.values);
  return result;
}

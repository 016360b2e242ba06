#include <config.h>

#include "rates.h"

#include "../base/clock.h"
#include "../base/memory.h"
#include "factor.h"
#include "gram.h"
#include "model.h"
#include "sweep.h"

#include <math.h>
#include <string.h>

enum { SAMPLE_VALUES = 1 << 22, SAMPLE_COLUMNS = 1 << 13, REPETITIONS = 3 };
enum { GRAM_ROWS = 1024, DRAWN_WEIGHTS = 1 << 20, NEW_BYTES = 40 << 20 };

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

/* Packing and products of SAMPLE, all threads together.  */
static int
time_products (const struct sample *sample, struct workers *workers, struct rates *rates)
{
  size_t threads = (size_t) workers_count (workers), tasks = 4 * threads;
  struct factor factor;
  if (factor_new (&factor, sample->rows, sample->columns))
    return -1;
  factor_shape (&factor, sample->rows, sample->columns);
  struct trial trial = { sample, &factor, memory_new (threads * FACTOR_DEPTH * PANEL_WIDTH, sizeof (float)),
                         memory_new (threads * factor.groups * FACTOR_GROUP * PANEL_WIDTH, sizeof (float)) };
  int result = trial.panel && trial.out ? 0 : -1;
  double pack = INFINITY, product = INFINITY, values = (double) sample->rows * (double) sample->columns;
  for (int i = 0; result == 0 && i < REPETITIONS; i++)
    {
      double started = clock_seconds ();
      result = workers_run (workers, factor.groups, pack_group, &trial);
      double between = clock_seconds ();
      if (result == 0)
        result = workers_run (workers, tasks, multiply, &trial);
      pack = fmin (pack, between - started);
      product = fmin (product, clock_seconds () - between);
    }
  rates->pack = values / pack;
  rates->products = (double) tasks * values * PANEL_WIDTH / product;
  memory_free (trial.panel);
  memory_free (trial.out);
  factor_free (&factor);
  return result;
}

/* An epoch of LAYER over ROWS.  PRE (batch, h).  */
static int
run_pass (struct first_layer *layer, const struct pass_rows *rows, float *pre)
{
  const struct sgd sgd = { 0, 0.9, 0, false };
  struct batch batch = { 0 };
  if (layer->begin (layer, rows))
    return -1;
  for (size_t first = 0; first < rows->count; first += batch.rows)
    {
      const struct batch next = { smaller (rows->batch, rows->count - first), rows->row + first, NULL, NULL };
      if (layer->step (layer, first ? &batch : NULL, pre, &sgd, &next, pre, NULL))
        return -1;
      batch = next;
    }
  return layer->step (layer, &batch, pre, &sgd, NULL, NULL, NULL);
}

/* Epochs of the gram engine of SETUP.  */
static int
time_passes (const struct gram_setup *setup, struct workers *workers, double *rate)
{
  size_t units = setup->projected->columns;
  uint64_t *row = memory_new (setup->rows, sizeof *row);
  float *pre = memory_new (setup->batch * units, sizeof *pre);
  struct first_layer *layer = row && pre ? gram_new (setup, workers) : NULL;
  int result = layer ? 0 : -1;
  double best = INFINITY;
  for (size_t i = 0; layer && i < setup->rows; i++)
    row[i] = i;
  for (int i = 0; result == 0 && i < REPETITIONS; i++)
    {
      double started = clock_seconds ();
      result = run_pass (layer, &(struct pass_rows){ row, setup->rows, 0, setup->batch, true }, pre);
      best = fmin (best, clock_seconds () - started);
    }
  *rate = 2 * (double) setup->rows * (double) setup->rows * (double) units / best;
  if (layer)
    layer->free (layer);
  memory_free (row);
  memory_free (pre);
  return result;
}

static int
time_gram (size_t rows, size_t units, size_t batch, struct workers *workers, double *rate)
{
  struct table inner, projected = { 0 };
  int result = table_new (&inner, rows, rows) || table_new (&projected, rows, units) ? -1 : 0;
  for (size_t i = 0; result == 0 && i < rows * inner.stride; i++)
    inner.values[i] = 1; /* since zeros are left out */
  const struct gram_setup setup = {
    .inner = &inner, .projected = &projected, .rows = rows, .batch = smaller (batch, rows)
  };
  if (result == 0)
    result = time_passes (&setup, workers, rate);
  table_free (&inner);
  table_free (&projected);
  return result;
}

static int
time_draw (size_t columns, size_t units, double *rate)
{
  const uint64_t width[] = { smaller (columns, DRAWN_WEIGHTS / units + 1), units };
  struct model *model = model_new (width, 1, &(struct names){ 0 }, &(struct provenance){ 0 });
  double best = INFINITY;
  for (int i = 0; model && i < REPETITIONS; i++)
    {
      double started = clock_seconds ();
      model_initialise (model, 0);
      best = fmin (best, clock_seconds () - started);
    }
  *rate = (double) width[0] * (double) units / best;
  model_free (model);
  return model ? 0 : -1;
}

/* The system gives a page when it is first used; so much is never what the process has had before.  */
static int
time_memory (double *rate)
{
  double best = INFINITY;
  for (int i = 0; i < REPETITIONS; i++)
    {
      double started = clock_seconds ();
      void *buffer = memory_new (NEW_BYTES, 1);
      if (!buffer)
        return -1;
      best = fmin (best, clock_seconds () - started);
      memory_free (buffer);
    }
  *rate = NEW_BYTES / best;
  return 0;
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
  size_t rows = smaller (featfile_info (file)->rows, GRAM_ROWS);
  int result = time_memory (&rates->memory) || take_sample (&sample, file, batch, &rates->read)
                   || time_products (&sample, workers, rates) || time_gram (rows, units, batch, workers, &rates->epochs)
                   || time_sweep (&sample, units, batch, workers, rates) || time_head (head, batch, &rates->head)
                   || time_draw (sample.columns, units, &rates->draw)
                 ? -1
                 : 0;
  memory_free (sample.values);
  return result;
}

void
rates_take_best (struct rates *best, const struct rates *other)
{
  best->read = fmax (best->read, other->read);
  best->pack = fmax (best->pack, other->pack);
  best->products = fmax (best->products, other->products);
  best->epochs = fmax (best->epochs, other->epochs);
  best->sweep = fmax (best->sweep, other->sweep);
  best->forward = fmax (best->forward, other->forward);
  best->head = fmax (best->head, other->head);
  best->draw = fmax (best->draw, other->draw);
  best->memory = fmax (best->memory, other->memory);
}

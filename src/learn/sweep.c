#include <config.h>

#include "sweep.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/vectorised.h"

#include <stdlib.h>
#include <string.h>

/* Both are part of the result's bits: they fix the order of the sums.  A block of 64 rows of 256 units and its velocity
   take 128 KB, which stay in the second level cache.  */
enum { BLOCK_ROWS = 64, SLABS = 64 };

struct sweep {
  struct first_layer layer; /* first: the engine is passed as one */
  struct workers *workers;  /* borrowed */
  uint64_t columns;         /* d */
  size_t units, batch;      /* h, most rows of a batch */
  size_t blocks, slabs;
  float *kernel;   /* (d, h), borrowed */
  float *velocity; /* (d, h), NULL where not training */
  float *gradient; /* (threads, h) of one row of the kernel */
  float *turned;   /* (threads, BLOCK_ROWS, batch): a block's features, transposed */
  float *share;    /* (slabs, batch, h) of the pre-activations */
  double *squares; /* (slabs) */
};

/* One call of `step', for the tasks.  */
struct step {
  struct sweep *sweep;
  const struct batch *batch, *next;
  const float *delta;
  const struct sgd *sgd;
  float *pre;
  bool squares;
};

VECTORISED static void
update_weights (float *restrict weight, float *restrict velocity, const float *restrict gradient, size_t count,
                const struct sgd *sgd)
{
  float rate = (float) sgd->rate, momentum = (float) sgd->momentum, twice_l2 = (float) (2 * sgd->l2);
  if (sgd->nesterov)
    for (size_t i = 0; i < count; i++)
      {
        float change = -rate * (gradient[i] + twice_l2 * weight[i]);
        velocity[i] = momentum * velocity[i] + change;
        weight[i] += momentum * velocity[i] + change;
      }
  else
    for (size_t i = 0; i < count; i++)
      {
        velocity[i] = momentum * velocity[i] - rate * (gradient[i] + twice_l2 * weight[i]);
        weight[i] += velocity[i];
      }
}

/* SUM (units) += the rows of WEIGHT (rows <= BLOCK_ROWS, units), each times its value.  Most features are zeros: only
   the others are taken, four at a time so that SUM is loaded and stored less often.  */
VECTORISED static void
add_rows (float *restrict sum, const float *restrict value, const float *restrict weight, size_t rows, size_t units)
{
  size_t taken[BLOCK_ROWS], count = 0, i = 0;
  for (size_t row = 0; row < rows; row++)
    {
      taken[count] = row;
      count += value[row] != 0;
    }
  for (; i + 4 <= count; i += 4)
    {
      const float *w0 = weight + taken[i] * units, *w1 = weight + taken[i + 1] * units;
      const float *w2 = weight + taken[i + 2] * units, *w3 = weight + taken[i + 3] * units;
      float x0 = value[taken[i]], x1 = value[taken[i + 1]], x2 = value[taken[i + 2]], x3 = value[taken[i + 3]];
      for (size_t unit = 0; unit < units; unit++)
        sum[unit] += (x0 * w0[unit] + x1 * w1[unit]) + (x2 * w2[unit] + x3 * w3[unit]);
    }
  for (; i < count; i++)
    {
      const float *w0 = weight + taken[i] * units;
      float x0 = value[taken[i]];
      for (size_t unit = 0; unit < units; unit++)
        sum[unit] += x0 * w0[unit];
    }
}

static double
sum_of_squares (const float *weight, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += (double) weight[i] * (double) weight[i];
  return sum;
}

/* A batch's rows are d values apart; here the columns of a block become rows of TURNED (rows, b), close together.  */
static void
turn_block (const struct step *step, uint64_t first, size_t rows, float *turned)
{
  size_t batch = step->batch->rows;
  for (size_t i = 0; i < batch; i++)
    {
      const float *value = step->batch->values + i * step->sweep->columns + first;
      for (size_t row = 0; row < rows; row++)
        turned[row * batch + i] = value[row];
    }
}

/* For each row of the block: its gradient, the batch's features of that row times DELTA, and its update.  */
static void
update_block (const struct step *step, uint64_t first, size_t rows, int worker)
{
  struct sweep *sweep = step->sweep;
  size_t units = sweep->units, batch = step->batch->rows;
  float *gradient = sweep->gradient + (size_t) worker * units;
  float *turned = sweep->turned + (size_t) worker * BLOCK_ROWS * sweep->batch;
  turn_block (step, first, rows, turned);
  for (size_t row = 0; row < rows; row++)
    {
      memset (gradient, 0, units * sizeof *gradient);
      for (size_t i = 0; i < batch; i += BLOCK_ROWS)
        add_rows (gradient, turned + row * batch + i, step->delta + i * units,
                  batch - i < BLOCK_ROWS ? batch - i : BLOCK_ROWS, units);
      update_weights (sweep->kernel + (first + row) * units, sweep->velocity + (first + row) * units, gradient, units,
                      step->sgd);
    }
}

static int
sweep_slab (void *context, size_t slab, int worker)
{
  const struct step *step = context;
  struct sweep *sweep = step->sweep;
  float *share = sweep->share + slab * sweep->batch * sweep->units;
  if (step->next)
    memset (share, 0, step->next->rows * sweep->units * sizeof *share);
  sweep->squares[slab] = 0;
  for (size_t block = slab * sweep->blocks / sweep->slabs; block < (slab + 1) * sweep->blocks / sweep->slabs; block++)
    {
      uint64_t first = (uint64_t) block * BLOCK_ROWS;
      size_t rows = sweep->columns - first < BLOCK_ROWS ? (size_t) (sweep->columns - first) : BLOCK_ROWS;
      const float *weight = sweep->kernel + first * sweep->units;
      if (step->batch)
        update_block (step, first, rows, worker);
      if (step->squares)
        sweep->squares[slab] += sum_of_squares (weight, rows * sweep->units);
      for (size_t i = 0; step->next && i < step->next->rows; i++)
        add_rows (share + i * sweep->units, step->next->values + i * sweep->columns + first, weight, rows,
                  sweep->units);
    }
  return 0;
}

/* The pre-activations of one row: the slabs' shares, in their order.  */
static int
sum_shares (void *context, size_t row, int worker)
{
  (void) worker;
  const struct step *step = context;
  struct sweep *sweep = step->sweep;
  float *pre = step->pre + row * sweep->units;
  memset (pre, 0, sweep->units * sizeof *pre);
  for (size_t slab = 0; slab < sweep->slabs; slab++)
    {
      const float *share = sweep->share + (slab * sweep->batch + row) * sweep->units;
      for (size_t unit = 0; unit < sweep->units; unit++)
        pre[unit] += share[unit];
    }
  return 0;
}

static int
sweep_step (struct first_layer *layer, const struct batch *batch, const float *delta, const struct sgd *sgd,
            const struct batch *next, float *pre, double *squares)
{
  struct sweep *sweep = (struct sweep *) layer;
  struct step step = { sweep, batch, next, delta, sgd, pre, squares != NULL };
  if (workers_run (sweep->workers, sweep->slabs, sweep_slab, &step))
    return -1;
  for (size_t slab = 0; squares && slab < sweep->slabs; slab++)
    *squares = (slab ? *squares : 0) + sweep->squares[slab];
  return next ? workers_run (sweep->workers, next->rows, sum_shares, &step) : 0;
}

static int
sweep_finish (struct first_layer *layer)
{
  (void) layer; /* the kernel is always up to date */
  return 0;
}

static void
sweep_free (struct first_layer *layer)
{
  struct sweep *sweep = (struct sweep *) layer;
  memory_free (sweep->velocity);
  memory_free (sweep->gradient);
  memory_free (sweep->turned);
  memory_free (sweep->share);
  memory_free (sweep->squares);
  free (sweep);
}

static size_t
count_blocks (uint64_t columns)
{
  return (size_t) ((columns + BLOCK_ROWS - 1) / BLOCK_ROWS);
}

static int
allocate (struct sweep *sweep, bool training)
{
  size_t threads = (size_t) workers_count (sweep->workers), values, share;
  if (memory_multiply ((size_t) sweep->columns, sweep->units, "the first layer's size", &values)
      || memory_multiply (sweep->slabs * sweep->batch, sweep->units, "a batch's pre-activations", &share))
    return -1;
  sweep->gradient = memory_new (threads * sweep->units, sizeof *sweep->gradient);
  sweep->turned = memory_new (threads * BLOCK_ROWS * sweep->batch, sizeof *sweep->turned);
  sweep->share = memory_new (share, sizeof *sweep->share);
  sweep->squares = memory_new (sweep->slabs, sizeof *sweep->squares);
  if (!sweep->gradient || !sweep->turned || !sweep->share || !sweep->squares)
    return -1;
  if (training && !(sweep->velocity = memory_new (values, sizeof *sweep->velocity)))
    return -1;
  return 0;
}

struct first_layer *
sweep_new (float *kernel, uint64_t columns, uint64_t units, size_t batch, bool training, struct workers *workers)
{
  struct sweep *sweep = calloc (1, sizeof *sweep);
  if (!sweep)
    {
      error_set ("no memory for the training engine; give the job more memory");
      return NULL;
    }
  size_t blocks = count_blocks (columns);
  *sweep = (struct sweep){ .layer = { sweep_step, sweep_finish, sweep_free },
                           .workers = workers,
                           .columns = columns,
                           .units = (size_t) units,
                           .batch = batch,
                           .blocks = blocks,
                           .slabs = blocks < SLABS ? blocks : SLABS,
                           .kernel = kernel };
  if (allocate (sweep, training))
    {
      sweep_free (&sweep->layer);
      return NULL;
    }
  return &sweep->layer;
}

double
sweep_bytes (uint64_t columns, uint64_t units, size_t batch, bool training)
{
  size_t blocks = count_blocks (columns), slabs = blocks < SLABS ? blocks : SLABS;
  double row = (double) units * sizeof (float);
  return row * ((training ? (double) columns : 0) + (double) slabs * (double) batch);
}

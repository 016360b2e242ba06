#include <config.h>

#include "sweep.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/ranks.h"
#include "../base/vectorised.h"
#include "gathered.h"

#include <stdlib.h>
#include <string.h>

/* Blocks of rows of the kernel and slabs of blocks fix the order of the sums, and so the result's bits.  The updates of
   GROUP_ROWS rows together leave their gradient in the first level cache.  */
enum { BLOCK_ROWS = 32, GROUP_ROWS = 4, SLABS = 64 };

struct sweep {
  struct first_layer layer; /* first: the engine is passed as one */
  struct workers *workers;  /* borrowed */
  uint64_t columns;         /* d */
  size_t units, batch;      /* h, most rows of a batch */
  size_t blocks, slabs;
  float *kernel;             /* (d, h), borrowed */
  float *velocity;           /* (d, h), NULL where not training */
  float *kept;               /* (d, h), NULL where not keeping */
  float *gradient;           /* (threads, GROUP_ROWS, h) of rows of the kernel */
  struct gathered *gathered; /* (threads) a block's features */
  float *share;              /* (slabs, batch, h) of the pre-activations */
  double *squares;           /* (slabs) */
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

static uint64_t
smaller (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

VECTORISED static void
update_weights (float *restrict weight, float *restrict velocity, const float *restrict gradient, size_t count,
                const struct sgd *sgd)
{
  float rate = (float) sgd->rate, momentum = (float) sgd->momentum, twice_l2 = (float) (2 * sgd->l2);
  if (sgd->nesterov)
    for (size_t i = 0; i < count; i++)
      {
        float change = -rate * (gradient[i] + twice_l2 * weight[i]);
        velocity[i] = sgd_rounded (momentum * velocity[i] + change);
        weight[i] += momentum * velocity[i] + change;
      }
  else
    for (size_t i = 0; i < count; i++)
      {
        velocity[i] = sgd_rounded (momentum * velocity[i] - rate * (gradient[i] + twice_l2 * weight[i]));
        weight[i] += velocity[i];
      }
}

/* In double and in PARTS sums, each of every PARTS-th weight, so that the processor need not wait for one.  */
VECTORISED static double
sum_of_squares (const float *weight, size_t count)
{
  enum { PARTS = 16 };
  double part[PARTS] = { 0 }, sum = 0;
  size_t i = 0;
  for (; i + PARTS <= count; i += PARTS)
    for (size_t j = 0; j < PARTS; j++)
      part[j] += (double) weight[i + j] * (double) weight[i + j];
  for (; i < count; i++)
    sum += (double) weight[i] * (double) weight[i];
  for (size_t j = 0; j < PARTS; j++)
    sum += part[j];
  return sum;
}

/* PRODUCT, while the ROWS rows of MATRIX (d, h) from NEXT on, or those that are there, are brought into cache.  */
static void
multiply_ahead (struct product product, const struct sweep *sweep, const float *matrix, uint64_t next, size_t rows)
{
  uint64_t end = next + rows;
  product.ahead = matrix + smaller (next, sweep->columns) * sweep->units;
  product.end = matrix + smaller (end, sweep->columns) * sweep->units;
  gathered_multiply (&product);
}

/* The gradient of a block's weights, which is the batch's features of the block's rows, transposed, times DELTA; and
   the update by it.  */
static void
update_block (const struct step *step, uint64_t first, size_t rows, int worker)
{
  struct sweep *sweep = step->sweep;
  size_t units = sweep->units;
  float *gradient = sweep->gradient + (size_t) worker * GROUP_ROWS * units;
  struct gathered *gathered = &sweep->gathered[worker];
  gathered_take_transposed (gathered, step->batch->values + first, (size_t) sweep->columns, rows, step->batch->rows);
  for (size_t row = 0; row < rows; row += GROUP_ROWS)
    {
      size_t group = (size_t) smaller (rows - row, GROUP_ROWS);
      struct product product = { gathered, row, group, units, step->delta, false, gradient, NULL, NULL };
      multiply_ahead (product, sweep, sweep->velocity, first + row + BLOCK_ROWS, group);
      update_weights (sweep->kernel + (first + row) * units, sweep->velocity + (first + row) * units, gradient,
                      group * units, step->sgd);
    }
}

/* Adds the block's part of NEXT's pre-activations to SHARE (b, h).  */
static void
forward_block (const struct step *step, uint64_t first, size_t rows, float *share, int worker)
{
  struct sweep *sweep = step->sweep;
  const struct batch *next = step->next;
  struct gathered *gathered = &sweep->gathered[worker];
  const float *weight = sweep->kernel + first * sweep->units;
  struct product product = { gathered, 0, next->rows, sweep->units, weight, true, share, NULL, NULL };
  gathered_take (gathered, next->values + first, (size_t) sweep->columns, next->rows, rows);
  multiply_ahead (product, sweep, sweep->kernel, first + BLOCK_ROWS, BLOCK_ROWS);
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
      size_t rows = (size_t) smaller (sweep->columns - first, BLOCK_ROWS);
      if (step->batch)
        update_block (step, first, rows, worker);
      if (step->squares)
        sweep->squares[slab] += sum_of_squares (sweep->kernel + first * sweep->units, rows * sweep->units);
      if (step->next)
        forward_block (step, first, rows, share, worker);
    }
  return 0;
}

/* The pre-activations of one row: the slabs' shares, in their order.  In double: where rounding puts one on the other
   side of ReLU's corner, the losses of the next epochs differ in their third digit.  */
static int
sum_shares (void *context, size_t row, int worker)
{
  (void) worker;
  const struct step *step = context;
  struct sweep *sweep = step->sweep;
  float *pre = step->pre + row * sweep->units;
  for (size_t unit = 0; unit < sweep->units; unit++)
    {
      double sum = 0;
      for (size_t slab = 0; slab < sweep->slabs; slab++)
        sum += (double) sweep->share[(slab * sweep->batch + row) * sweep->units + unit];
      pre[unit] = (float) sum;
    }
  return 0;
}

static int
sum_squares (const struct sweep *sweep, double *squares)
{
  *squares = 0;
  for (size_t slab = 0; slab < sweep->slabs; slab++)
    *squares += sweep->squares[slab];
  return ranks_sum_double (squares, 1);
}

static int
sweep_step (struct first_layer *layer, const struct batch *batch, const float *delta, const struct sgd *sgd,
            const struct batch *next, float *pre, double *squares)
{
  struct sweep *sweep = (struct sweep *) layer;
  struct step step = { sweep, batch, next, delta, sgd, pre, squares != NULL };
  if (workers_run (sweep->workers, sweep->slabs, sweep_slab, &step))
    return -1;
  if (squares && sum_squares (sweep, squares))
    return -1;
  if (!next)
    return 0;
  return workers_run (sweep->workers, next->rows, sum_shares, &step) ? -1 : ranks_sum (pre, next->rows * sweep->units);
}

static size_t
kernel_bytes (const struct sweep *sweep)
{
  return (size_t) sweep->columns * sweep->units * sizeof (float);
}

static int
sweep_keep (struct first_layer *layer)
{
  struct sweep *sweep = (struct sweep *) layer;
  memcpy (sweep->kept, sweep->kernel, kernel_bytes (sweep));
  return 0;
}

/* The kernel is always up to date.  */
static int
sweep_finish (struct first_layer *layer, bool kept)
{
  struct sweep *sweep = (struct sweep *) layer;
  if (kept)
    memcpy (sweep->kernel, sweep->kept, kernel_bytes (sweep));
  return 0;
}

static size_t
sweep_state (struct first_layer *layer, struct state_part *part)
{
  struct sweep *sweep = (struct sweep *) layer;
  const struct state_part all[] = { { "kernel", sweep->kernel, STATE_FLOAT, sweep->columns, sweep->units },
                                    { "velocity", sweep->velocity, STATE_FLOAT, sweep->columns, sweep->units },
                                    { "kept", sweep->kept, STATE_FLOAT, sweep->columns, sweep->units } };
  size_t count = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].values)
      part[count++] = all[i];
  return count;
}

static void
sweep_free (struct first_layer *layer)
{
  struct sweep *sweep = (struct sweep *) layer;
  for (int i = 0; sweep->gathered && i < workers_count (sweep->workers); i++)
    gathered_free (&sweep->gathered[i]);
  memory_free (sweep->velocity);
  memory_free (sweep->kept);
  memory_free (sweep->gradient);
  memory_free (sweep->gathered);
  memory_free (sweep->share);
  memory_free (sweep->squares);
  free (sweep);
}

static size_t
count_blocks (uint64_t columns)
{
  return (size_t) ((columns + BLOCK_ROWS - 1) / BLOCK_ROWS);
}

/* Two blocks at least belong to a slab, but for a last one.  */
static size_t
count_slabs (uint64_t columns)
{
  return (size_t) smaller ((count_blocks (columns) + 1) / 2, SLABS);
}

static int
allocate (struct sweep *sweep, bool training, bool keeping)
{
  size_t threads = (size_t) workers_count (sweep->workers), values, share;
  if (memory_multiply ((size_t) sweep->columns, sweep->units, "the first layer's size", &values)
      || memory_multiply (sweep->slabs * sweep->batch, sweep->units, "a batch's pre-activations", &share))
    return -1;
  sweep->gathered = memory_new (threads, sizeof *sweep->gathered);
  for (size_t i = 0; i < threads; i++)
    if (!sweep->gathered || gathered_new (&sweep->gathered[i], BLOCK_ROWS, sweep->batch))
      return -1;
  sweep->gradient = memory_new (threads * GROUP_ROWS * sweep->units, sizeof *sweep->gradient);
  sweep->share = memory_new (share, sizeof *sweep->share);
  sweep->squares = memory_new (sweep->slabs, sizeof *sweep->squares);
  if (!sweep->gradient || !sweep->share || !sweep->squares)
    return -1;
  if ((training && !(sweep->velocity = memory_new (values, sizeof *sweep->velocity)))
      || (keeping && !(sweep->kept = memory_new (values, sizeof *sweep->kept))))
    return -1;
  return 0;
}

struct first_layer *
sweep_new (float *kernel, uint64_t columns, uint64_t units, size_t batch, bool training, bool keeping,
           struct workers *workers)
{
  struct sweep *sweep = calloc (1, sizeof *sweep);
  if (!sweep)
    {
      error_set ("no memory for the training engine; give the job more memory");
      return NULL;
    }
  *sweep = (struct sweep){ .layer = { .step = sweep_step,
                                      .keep = sweep_keep,
                                      .finish = sweep_finish,
                                      .state = sweep_state,
                                      .free = sweep_free },
                           .workers = workers,
                           .columns = columns,
                           .units = (size_t) units,
                           .batch = batch,
                           .blocks = count_blocks (columns),
                           .slabs = count_slabs (columns),
                           .kernel = kernel };
  if (allocate (sweep, training, keeping))
    {
      sweep_free (&sweep->layer);
      return NULL;
    }
  return &sweep->layer;
}

double
sweep_bytes (uint64_t columns, uint64_t units, size_t batch, bool training, bool keeping)
{
  double row = (double) units * sizeof (float);
  double copies = (training ? 1 : 0) + (keeping ? 1 : 0);
  return row * (copies * (double) columns + (double) count_slabs (columns) * (double) batch);
}

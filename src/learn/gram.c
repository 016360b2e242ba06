#include <config.h>

#include "gram.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/ranks.h"
#include "../base/vectorised.h"
#include "factor.h"
#include "recurrence.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP_ROWS = 256 };    /* a group has at least one step, and no more rows than these where it has several */
enum { TASK_GROUPS = 16 };    /* groups of four rows that a task multiplies */
enum { TASK_ROWS = 1 << 12 }; /* rows of A and U that a task moves */
enum { SMALL = 1 << 20 };     /* products of fewer terms are not worth waking threads for */

struct gram {
  struct first_layer layer; /* first: the engine is passed as one */
  struct gram_setup setup;
  struct workers *workers;
  size_t units, strips, stride; /* h; in strips of 64; and filled up to whole strips */
  size_t group_limit;           /* most rows of a group */
  uint32_t *place;              /* (n) of a row among those trained on; NULL where all are */

  /* (2 strips, m, 64): A, then U, as they were when the group began; and the best A so far (strips, m, 64).  */
  float *span, *kept;
  double kept_scale;

  struct pass_rows rows;        /* of the pass */
  size_t cursor;                /* in it: of the next batch */
  size_t first, end;            /* of the group */
  struct recurrence recurrence; /* of its steps */
  struct ranks_share share;     /* of the rows that are trained on: whose products with the group this rank computes */
  struct factor factor;         /* K's rows of the group */
  float *gathered;              /* (threads, 4, m) where not all rows are trained on */
  float *whole;                 /* (group, 2 stride) K A and K U; (group, stride) K A alone in validation */
  float *near;                  /* (group, group) K among its rows */
  float *change;                /* (strips, group, 64) S, a row for each of the group */

  struct factor shares; /* of one batch */
  float *scaled;        /* (batch, group) K times the shares */
  float *velocity;      /* (batch, stride), for squares */
  float *pre;           /* (batch, stride) the last pre-activations */
};

static size_t
divide_up (size_t a, size_t b)
{
  return (a + b - 1) / b;
}

static size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* Steps of a group.  */
static size_t
group_steps (size_t batch)
{
  return batch >= GROUP_ROWS ? 1 : GROUP_ROWS / batch;
}

/* Rows that the largest group of batches of up to BATCH rows may have.  */
static size_t
group_rows (size_t batch)
{
  return batch <= GROUP_ROWS ? GROUP_ROWS : divide_up (batch, FACTOR_GROUP) * FACTOR_GROUP;
}

/* Sets the four rows of K that group GROUP of the factor takes; rows past the end are NULL.  */
static void
find_rows (const struct gram *gram, size_t group, int worker, const float *row[FACTOR_GROUP])
{
  const struct table *inner = gram->setup.inner;
  size_t first = (size_t) gram->share.first, count = (size_t) gram->share.count;
  for (size_t i = 0; i < FACTOR_GROUP; i++)
    {
      size_t index = gram->first + group * FACTOR_GROUP + i;
      row[i] = index < gram->end ? inner->values + gram->rows.row[index] * inner->stride + first : NULL;
      if (!row[i] || !gram->setup.training)
        continue;
      float *gathered = gram->gathered + ((size_t) worker * FACTOR_GROUP + i) * count;
      for (size_t j = 0; j < count; j++)
        gathered[j] = row[i][gram->setup.training[first + j] - first];
      row[i] = gathered;
    }
}

static int
pack_group (void *context, size_t group, int worker)
{
  struct gram *gram = context;
  const float *row[FACTOR_GROUP];
  find_rows (gram, group, worker, row);
  factor_pack_rows (&gram->factor, group, row);
  return 0;
}

/* Validation needs no K U.  */
static size_t
whole_parts (const struct gram *gram)
{
  return gram->rows.training ? 2 : 1;
}

static size_t
whole_stride (const struct gram *gram)
{
  return whole_parts (gram) * gram->stride;
}

/* K times one strip of A or U, for some of the group's rows.  */
static int
multiply_span (void *context, size_t task, int worker)
{
  (void) worker;
  struct gram *gram = context;
  const struct factor *factor = &gram->factor;
  size_t chunks = divide_up (factor->groups, TASK_GROUPS), strip = task / chunks, first = task % chunks * TASK_GROUPS;
  size_t end = smaller (first + TASK_GROUPS, factor->groups), stride = whole_stride (gram);
  float *out = gram->whole + first * FACTOR_GROUP * stride + strip * PANEL_WIDTH;
  const float *panel = gram->span + (strip * gram->setup.rows + gram->share.first) * PANEL_WIDTH;
  for (size_t row = 0; row < (end - first) * FACTOR_GROUP; row++)
    memset (out + row * stride, 0, PANEL_WIDTH * sizeof *out);
  for (size_t block = 0; block < factor->blocks; block++)
    factor_multiply (factor, first, end, block, panel + block * FACTOR_DEPTH * PANEL_WIDTH, out, stride);
  return 0;
}

/* The inner products of one of the group's rows with those before it and of its own batch.  */
static int
gather_near (void *context, size_t index, int worker)
{
  (void) worker;
  struct gram *gram = context;
  const struct table *inner = gram->setup.inner;
  const uint64_t *row = gram->rows.row + gram->first;
  size_t end = smaller ((index / gram->rows.batch + 1) * gram->rows.batch, gram->end - gram->first);
  for (size_t i = 0; i < end; i++)
    gram->near[index * gram->group_limit + i] = inner->values[row[index] * inner->stride + row[i]];
  return 0;
}

/* Makes ready what the steps of the group from row FIRST of the pass on need of A and U.  */
static int
load_group (struct gram *gram, size_t first)
{
  size_t length = smaller (group_steps (gram->rows.batch) * gram->rows.batch, gram->rows.count - first);
  gram->first = first;
  gram->end = first + length;
  factor_shape (&gram->factor, length, (size_t) gram->share.count);
  size_t chunks = divide_up (gram->factor.groups, TASK_GROUPS);
  if (workers_run (gram->workers, gram->factor.groups, pack_group, gram)
      || workers_run (gram->workers, chunks * gram->strips * whole_parts (gram), multiply_span, gram)
      || (gram->setup.shared && ranks_sum (gram->whole, length * whole_stride (gram))))
    return -1;
  return gram->rows.training ? workers_run (gram->workers, length, gather_near, gram) : 0;
}

VECTORISED static void
move_strip (float *restrict weights, float *restrict velocity, size_t count, const double map[2][2])
{
  float ww = (float) map[0][0], wv = (float) map[0][1], vw = (float) map[1][0], vv = (float) map[1][1];
  for (size_t i = 0; i < count; i++)
    {
      float w = weights[i], v = velocity[i];
      weights[i] = ww * w + wv * v;
      velocity[i] = sgd_rounded (vw * w + vv * v);
    }
}

static int
move_span (void *context, size_t task, int worker)
{
  (void) worker;
  struct gram *gram = context;
  size_t rows = gram->setup.rows, chunks = divide_up (rows, TASK_ROWS), strip = task / chunks;
  size_t first = task % chunks * TASK_ROWS, count = smaller (TASK_ROWS, rows - first);
  float *weights = gram->span + (strip * rows + first) * PANEL_WIDTH;
  move_strip (weights, weights + gram->strips * rows * PANEL_WIDTH, count * PANEL_WIDTH,
              gram->recurrence.numbers.carried);
  return 0;
}

VECTORISED static void
add_scaled (float *restrict sum, float scale, const float *restrict values, size_t count)
{
  for (size_t i = 0; i < count; i++)
    sum[i] += scale * values[i];
}

/* The group's own changes, in one strip of A and U.  */
static int
add_changes (void *context, size_t strip, int worker)
{
  (void) worker;
  struct gram *gram = context;
  size_t rows = gram->setup.rows, taken = smaller (gram->recurrence.steps * gram->rows.batch, gram->end - gram->first);
  for (size_t i = 0; i < taken; i++)
    {
      const double *share = gram->recurrence.share[i / gram->rows.batch];
      const float *change = gram->change + (strip * gram->group_limit + i) * PANEL_WIDTH;
      size_t row = (size_t) gram->rows.row[gram->first + i], place = gram->place ? gram->place[row] : row;
      float *weights = gram->span + (strip * rows + place) * PANEL_WIDTH;
      add_scaled (weights, (float) share[OF_WEIGHTS], change, PANEL_WIDTH);
      add_scaled (weights + gram->strips * rows * PANEL_WIDTH, (float) share[OF_VELOCITY], change, PANEL_WIDTH);
    }
  return 0;
}

/* Ends a group: A and U become those of now.  */
static int
settle (struct gram *gram)
{
  if (gram->recurrence.steps == 0)
    return 0;
  if (workers_run (gram->workers, gram->strips * divide_up (gram->setup.rows, TASK_ROWS), move_span, gram)
      || workers_run (gram->workers, gram->strips, add_changes, gram))
    return -1;
  recurrence_restart (&gram->recurrence);
  return 0;
}

/* One call for a part of the batch that ends at the cursor, or begins there.  */
struct near {
  struct gram *gram;
  size_t first, rows, terms; /* in the group: of the batch, and the rows whose changes count */
  int part;
  float *out; /* (rows, stride) */
};

/* OUT's strip of units += the batch's inner products, times the shares of PART, times the changes.  */
static int
multiply_near (void *context, size_t strip, int worker)
{
  (void) worker;
  const struct near *near = context;
  struct gram *gram = near->gram;
  const struct factor *shares = &gram->shares;
  for (size_t block = 0; block < shares->blocks; block++)
    factor_multiply (shares, 0, shares->groups, block,
                     gram->change + (strip * gram->group_limit + block * FACTOR_DEPTH) * PANEL_WIDTH,
                     near->out + strip * PANEL_WIDTH, gram->stride);
  return 0;
}

static void
pack_shares (const struct near *near)
{
  struct gram *gram = near->gram;
  factor_shape (&gram->shares, near->rows, near->terms);
  for (size_t group = 0; group < gram->shares.groups; group++)
    {
      const float *row[FACTOR_GROUP];
      for (size_t i = 0; i < FACTOR_GROUP; i++)
        {
          size_t index = group * FACTOR_GROUP + i;
          float *scaled = gram->scaled + index * gram->group_limit;
          const float *inner = gram->near + (near->first + index) * gram->group_limit;
          row[i] = index < near->rows ? scaled : NULL;
          for (size_t j = 0; row[i] && j < near->terms; j++)
            scaled[j] = inner[j] * (float) gram->recurrence.share[j / gram->rows.batch][near->part];
        }
      factor_pack_rows (&gram->shares, group, row);
    }
}

static int
add_near (const struct near *near)
{
  struct gram *gram = near->gram;
  if (near->terms == 0)
    return 0;
  pack_shares (near);
  if (near->rows * near->terms * gram->units >= SMALL)
    return workers_run (gram->workers, gram->strips, multiply_near, (void *) near);
  for (size_t strip = 0; strip < gram->strips; strip++)
    multiply_near ((void *) near, strip, 0);
  return 0;
}

VECTORISED static void
combine_row (float *restrict out, const float *restrict projected, const float *restrict weights,
             const float *restrict velocity, size_t count, const double scale, const double carried[2])
{
  float s = (float) scale, w = (float) carried[0], v = (float) carried[1];
  for (size_t i = 0; i < count; i++)
    out[i] = s * projected[i] + w * weights[i] + v * velocity[i];
}

/* OUT (rows, stride) = X W, or X V, for the ROWS rows from FIRST of the group on.  */
static int
project (struct gram *gram, size_t first, size_t rows, int part, float *out)
{
  static const double weights_only[2] = { 1, 0 };
  const struct table *projected = gram->setup.projected;
  const double *carried = gram->rows.training ? gram->recurrence.numbers.carried[part] : weights_only;
  size_t terms = gram->rows.training ? gram->recurrence.steps * gram->rows.batch : 0;
  for (size_t i = 0; i < rows; i++)
    {
      const float *whole = gram->whole + (first + i) * whole_stride (gram);
      combine_row (out + i * gram->stride,
                   projected->values + gram->rows.row[gram->first + first + i] * projected->stride, whole,
                   gram->rows.training ? whole + gram->stride : whole, gram->stride,
                   gram->recurrence.numbers.scale[part], carried);
    }
  return add_near (&(struct near){ gram, first, rows, terms, part, out });
}

static double
dot (const float *a, const float *b, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += (double) a[i] * (double) b[i];
  return sum;
}

/* The inner products that recurrence_step takes, for the batch at FIRST of the group whose changes are in place.  */
static int
find_products (struct gram *gram, size_t first, size_t rows, double product[3])
{
  if (project (gram, first, rows, OF_VELOCITY, gram->velocity))
    return -1;
  product[0] = product[1] = product[2] = 0;
  for (size_t i = 0; i < rows; i++)
    for (size_t strip = 0; strip < gram->strips; strip++)
      {
        const float *change = gram->change + (strip * gram->group_limit + first + i) * PANEL_WIDTH;
        size_t at = i * gram->stride + strip * PANEL_WIDTH;
        product[0] += dot (change, gram->pre + at, PANEL_WIDTH);
        product[1] += dot (change, gram->velocity + at, PANEL_WIDTH);
        for (size_t j = 0; j < rows; j++)
          product[2] +=
            (double) gram->near[(first + i) * gram->group_limit + first + j]
            * dot (change, gram->change + (strip * gram->group_limit + first + j) * PANEL_WIDTH, PANEL_WIDTH);
      }
  return 0;
}

/* S of BATCH, whose first row is row FIRST of the group.  */
static void
take_changes (struct gram *gram, const struct batch *batch, size_t first, const float *delta, double rate)
{
  for (size_t i = 0; i < batch->rows; i++)
    for (size_t unit = 0; unit < gram->units; unit++)
      gram->change[(unit / PANEL_WIDTH * gram->group_limit + first + i) * PANEL_WIDTH + unit % PANEL_WIDTH] =
        -(float) rate * delta[i * gram->units + unit];
}

static int
update (struct gram *gram, const struct batch *batch, const float *delta, const struct sgd *sgd)
{
  double product[3];
  size_t first = gram->cursor - batch->rows - gram->first;
  take_changes (gram, batch, first, delta, sgd->rate);
  if (sgd->l2 > 0 && find_products (gram, first, batch->rows, product))
    return -1;
  recurrence_step (&gram->recurrence, sgd, sgd->l2 > 0 ? product : NULL);
  return gram->cursor == gram->end ? settle (gram) : 0;
}

static int
look_at (struct gram *gram, const struct batch *batch, float *pre)
{
  if (gram->cursor == gram->end && load_group (gram, gram->cursor))
    return -1;
  if (project (gram, gram->cursor - gram->first, batch->rows, OF_WEIGHTS, gram->pre))
    return -1;
  gram->cursor += batch->rows;
  for (size_t i = 0; i < batch->rows; i++)
    memcpy (pre + i * gram->units, gram->pre + i * gram->stride, gram->units * sizeof *pre);
  return 0;
}

static int
gram_begin (struct first_layer *layer, const struct pass_rows *rows)
{
  struct gram *gram = (struct gram *) layer;
  size_t group = group_steps (rows->batch) * rows->batch;
  gram->rows = *rows;
  gram->cursor = gram->first = gram->end = (size_t) rows->position;
  if (rows->training && rows->position % group)
    return load_group (gram, (size_t) (rows->position - rows->position % group)); /* its steps so far were restored */
  return 0;
}

static int
gram_step (struct first_layer *layer, const struct batch *batch, const float *delta, const struct sgd *sgd,
           const struct batch *next, float *pre, double *squares)
{
  struct gram *gram = (struct gram *) layer;
  if (batch && update (gram, batch, delta, sgd))
    return -1;
  if (squares)
    *squares = gram->recurrence.numbers.squares[0];
  return next ? look_at (gram, next, pre) : 0;
}

static int
gram_keep (struct first_layer *layer)
{
  struct gram *gram = (struct gram *) layer;
  memcpy (gram->kept, gram->span, gram->strips * gram->setup.rows * PANEL_WIDTH * sizeof *gram->kept);
  gram->kept_scale = gram->recurrence.numbers.scale[OF_WEIGHTS];
  return 0;
}

static int
gram_finish (struct first_layer *layer, bool kept)
{
  struct gram *gram = (struct gram *) layer;
  return products_combine (gram->setup.slabs, kept ? gram->kept : gram->span,
                           kept ? gram->kept_scale : gram->recurrence.numbers.scale[OF_WEIGHTS], gram->setup.kernel,
                           gram->units, gram->workers, gram->setup.waited);
}

static size_t
gram_state (struct first_layer *layer, struct state_part *part)
{
  struct gram *gram = (struct gram *) layer;
  struct recurrence *recurrence = &gram->recurrence;
  size_t count = 0, strip = gram->setup.rows * PANEL_WIDTH;
  part[count++] = (struct state_part){ "coefficients", gram->span, STATE_FLOAT, 2 * gram->strips * strip, 0 };
  part[count++] =
    (struct state_part){ "changes", gram->change, STATE_FLOAT, gram->strips * gram->group_limit * PANEL_WIDTH, 0 };
  part[count++] = (struct state_part){ "recurrence", &recurrence->numbers, STATE_DOUBLE, RECURRENCE_NUMBERS, 0 };
  part[count++] = (struct state_part){ "shares", recurrence->share, STATE_DOUBLE, 2 * recurrence->limit, 0 };
  part[count++] = (struct state_part){ "steps", &recurrence->steps, STATE_INTEGER, 1, 0 };
  if (gram->kept)
    {
      part[count++] = (struct state_part){ "kept", gram->kept, STATE_FLOAT, gram->strips * strip, 0 };
      part[count++] = (struct state_part){ "kept_scale", &gram->kept_scale, STATE_DOUBLE, 1, 0 };
    }
  return count;
}

static void
gram_free (struct first_layer *layer)
{
  struct gram *gram = (struct gram *) layer;
  memory_free (gram->place);
  memory_free (gram->span);
  memory_free (gram->kept);
  recurrence_free (&gram->recurrence);
  factor_free (&gram->factor);
  memory_free (gram->gathered);
  memory_free (gram->whole);
  memory_free (gram->near);
  memory_free (gram->change);
  factor_free (&gram->shares);
  memory_free (gram->scaled);
  memory_free (gram->velocity);
  memory_free (gram->pre);
  free (gram);
}

/* Where each of the n rows is among those that are trained on.  */
static int
find_places (struct gram *gram)
{
  const uint64_t *training = gram->setup.training;
  if (!training)
    return 0;
  gram->place = memory_new (gram->setup.inner->columns, sizeof *gram->place);
  for (size_t i = 0; gram->place && i < gram->setup.rows; i++)
    gram->place[training[i]] = (uint32_t) i;
  return gram->place ? 0 : -1;
}

static int
allocate (struct gram *gram, bool keeping)
{
  size_t threads = (size_t) workers_count (gram->workers), rows = gram->setup.rows, limit = gram->group_limit, strip;
  size_t batch = divide_up (gram->setup.batch, FACTOR_GROUP) * FACTOR_GROUP;
  if (memory_multiply (rows, gram->stride, "the coefficients' size", &strip))
    return -1;
  gram->span = memory_new (2 * strip, sizeof *gram->span);
  gram->gathered = memory_new (gram->setup.training ? threads * FACTOR_GROUP * rows : 0, sizeof *gram->gathered);
  gram->whole = memory_new (limit * 2 * gram->stride, sizeof *gram->whole);
  gram->near = memory_new (limit * limit, sizeof *gram->near);
  gram->change = memory_new (limit * gram->stride, sizeof *gram->change);
  gram->scaled = memory_new (batch * limit, sizeof *gram->scaled);
  gram->velocity = memory_new (batch * gram->stride, sizeof *gram->velocity);
  gram->pre = memory_new (batch * gram->stride, sizeof *gram->pre);
  if (keeping && !(gram->kept = memory_new (strip, sizeof *gram->kept)))
    return -1;
  if (!gram->span || !gram->gathered || !gram->whole || !gram->near || !gram->change || !gram->scaled || !gram->velocity
      || !gram->pre)
    return -1;
  return factor_new (&gram->factor, limit, rows) || factor_new (&gram->shares, batch, limit)
             || recurrence_new (&gram->recurrence, GROUP_ROWS) || find_places (gram)
           ? -1
           : 0;
}

struct first_layer *
gram_new (const struct gram_setup *setup, struct workers *workers)
{
  struct gram *gram = calloc (1, sizeof *gram);
  if (!gram)
    {
      error_set ("no memory for the training engine; give the job more memory");
      return NULL;
    }
  *gram = (struct gram){ .layer = { gram_begin, gram_step, gram_keep, gram_finish, gram_state, gram_free },
                         .setup = *setup,
                         .workers = workers,
                         .units = setup->projected->columns,
                         .strips = setup->projected->stride / PANEL_WIDTH,
                         .stride = setup->projected->stride,
                         .group_limit = group_rows (setup->batch),
                         .share = setup->shared ? ranks_share (setup->rows, 1, ranks_index (), ranks_count ())
                                                : (struct ranks_share){ 0, setup->rows } };
  if (allocate (gram, setup->keeping))
    {
      gram_free (&gram->layer);
      return NULL;
    }
  gram->recurrence.numbers.squares[0] = setup->squares;
  return &gram->layer;
}

double
gram_bytes (double rows, double units, size_t batch, bool keeping)
{
  double stride = units + PANEL_WIDTH, limit = (double) group_rows (batch), most = (double) batch + FACTOR_GROUP;
  return sizeof (float)
           * (rows * stride * (keeping ? 3 : 2) + limit * (3 * stride + limit) + most * (limit + 2 * stride))
         + factor_bytes (limit, rows) + factor_bytes (most, limit) + GROUP_ROWS * sizeof (double) * RECURRENCE_PARTS;
}

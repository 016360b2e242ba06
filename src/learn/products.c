#include <config.h>

#include "products.h"

#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/vectorised.h"
#include "factor.h"

#include <string.h>

/* A task packs a panel and multiplies so many groups of rows by it.  */
enum { TASK_GROUPS = 256 };

/* Groups of columns that a task combines, whose sums stay in cache.  */
enum { COMBINED_GROUPS = 64 };

struct walk {
  struct workers *workers;
  struct table *inner;
  struct projection *projection;
  size_t projections;
  const float *coefficients; /* (strips, n, 64) */
  double scale;
  float *kernel; /* (columns, units) */
  size_t units;
  uint64_t first; /* column of the walk */

  struct progress progress; /* in columns */
  struct factor factor;
  float *panel;          /* (threads, FACTOR_DEPTH, PANEL_WIDTH) */
  struct table combined; /* (threads x COMBINED_GROUPS x FACTOR_GROUP, units) */

  const struct slab *slab; /* in hand, as what follows */
  const struct projection *current;
  size_t strips, chunks; /* the tasks are (strips, chunks) */
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

int
table_new (struct table *table, size_t rows, size_t columns)
{
  size_t cells, stride = divide_up (columns, PANEL_WIDTH) * PANEL_WIDTH;
  *table = (struct table){ 0 };
  if (memory_multiply (divide_up (rows, FACTOR_GROUP) * FACTOR_GROUP, stride, "the inner products' size", &cells))
    return -1;
  *table = (struct table){ rows, columns, stride, memory_new (cells, sizeof *table->values) };
  return table->values ? 0 : -1;
}

void
table_free (struct table *table)
{
  memory_free (table->values);
  *table = (struct table){ 0 };
}

double
table_bytes (double rows, double columns)
{
  return (rows + FACTOR_GROUP) * (columns + PANEL_WIDTH) * sizeof (float);
}

static int
pack_rows (void *context, size_t group, int worker)
{
  (void) worker;
  struct walk *walk = context;
  const struct slab *slab = walk->slab;
  const float *row[FACTOR_GROUP];
  for (size_t i = 0; i < FACTOR_GROUP; i++)
    {
      size_t index = group * FACTOR_GROUP + i;
      row[i] = index < slab->rows ? slab->values + index * slab->columns : NULL;
    }
  factor_pack_rows (&walk->factor, group, row);
  return 0;
}

static int
pack_columns (void *context, size_t group, int worker)
{
  (void) worker;
  struct walk *walk = context;
  factor_pack_columns (&walk->factor, group, walk->slab->values, walk->slab->columns);
  return 0;
}

static float *
panel_of (const struct walk *walk, int worker)
{
  return walk->panel + (size_t) worker * FACTOR_DEPTH * PANEL_WIDTH;
}

static size_t
panel_depth (const struct factor *factor, size_t block)
{
  return smaller (FACTOR_DEPTH, factor->columns - block * FACTOR_DEPTH);
}

/* Rows of K, from the diagonal on, with 64 of the first n rows.  */
static int
multiply_inner (void *context, size_t task, int worker)
{
  struct walk *walk = context;
  const struct factor *factor = &walk->factor;
  struct table *inner = walk->inner;
  size_t strip = task / walk->chunks, chunk = task % walk->chunks, column = strip * PANEL_WIDTH;
  size_t diagonal = column / FACTOR_GROUP, first = chunk * TASK_GROUPS;
  size_t end = smaller (first + TASK_GROUPS, factor->groups);
  first = first < diagonal ? diagonal : first;
  float *panel = panel_of (walk, worker);
  for (size_t block = 0; first < end && block < factor->blocks; block++)
    {
      panel_pack_transposed (panel, walk->slab->values + column * walk->slab->columns + block * FACTOR_DEPTH,
                             walk->slab->columns, panel_depth (factor, block),
                             smaller (PANEL_WIDTH, inner->columns - column));
      factor_multiply (factor, first, end, block, panel, inner->values + first * FACTOR_GROUP * inner->stride + column,
                       inner->stride);
    }
  return 0;
}

static int
multiply_projection (void *context, size_t task, int worker)
{
  struct walk *walk = context;
  const struct factor *factor = &walk->factor;
  const struct table *table = &walk->current->table;
  size_t strip = task / walk->chunks, chunk = task % walk->chunks, unit = strip * PANEL_WIDTH;
  size_t first = chunk * TASK_GROUPS, end = smaller (first + TASK_GROUPS, factor->groups);
  const float *kernel = walk->current->kernel + (size_t) (walk->slab->first - walk->first) * table->columns + unit;
  float *panel = panel_of (walk, worker);
  for (size_t block = 0; block < factor->blocks; block++)
    {
      panel_pack (panel, kernel + block * FACTOR_DEPTH * table->columns, table->columns, panel_depth (factor, block),
                  smaller (PANEL_WIDTH, table->columns - unit));
      factor_multiply (factor, first, end, block, panel, table->values + first * FACTOR_GROUP * table->stride + unit,
                       table->stride);
    }
  return 0;
}

/* Runs MULTIPLY for each strip of COLUMNS columns of its result and each chunk of the factor's rows.  */
static int
multiply (struct walk *walk, size_t columns, workers_task *task)
{
  walk->strips = divide_up (columns, PANEL_WIDTH);
  walk->chunks = divide_up (walk->factor.groups, TASK_GROUPS);
  return workers_run (walk->workers, walk->strips * walk->chunks, task, walk);
}

static int
add_slab (void *context, const struct slab *slab)
{
  struct walk *walk = context;
  walk->slab = slab;
  factor_shape (&walk->factor, slab->rows, slab->columns);
  if (workers_run (walk->workers, walk->factor.groups, pack_rows, walk)
      || (walk->inner && multiply (walk, walk->inner->columns, multiply_inner)))
    return -1;
  for (size_t i = 0; i < walk->projections; i++)
    {
      walk->current = &walk->projection[i];
      if (multiply (walk, walk->current->table.columns, multiply_projection))
        return -1;
    }
  progress_advance (&walk->progress, slab->columns);
  return 0;
}

/* The half above the diagonal, of one row.  */
static int
mirror_row (void *context, size_t row, int worker)
{
  (void) worker;
  struct table *inner = context;
  for (size_t column = row + 1; column < inner->columns; column++)
    inner->values[row * inner->stride + column] = inner->values[column * inner->stride + row];
  return 0;
}

static int
walk_new (struct walk *walk, const struct slabs *slabs, const char *what)
{
  size_t threads = (size_t) workers_count (walk->workers);
  walk->first = slabs->first;
  walk->progress = progress_begin (what, "columns", slabs->columns);
  walk->panel = memory_new (threads * FACTOR_DEPTH * PANEL_WIDTH, sizeof *walk->panel);
  return walk->panel ? factor_new (&walk->factor, slabs->rows, slabs->width) : -1;
}

static void
walk_free (struct walk *walk)
{
  progress_clear (&walk->progress);
  factor_free (&walk->factor);
  table_free (&walk->combined);
  memory_free (walk->panel);
}

static void
clear (struct table *table)
{
  memset (table->values, 0, divide_up (table->rows, FACTOR_GROUP) * FACTOR_GROUP * table->stride * sizeof (float));
}

int
products_compute (const struct slabs *slabs, struct table *inner, struct projection *projection, size_t projections,
                  struct workers *workers, double *waited)
{
  struct walk walk = { .workers = workers, .inner = inner, .projection = projection, .projections = projections };
  if (inner)
    clear (inner);
  for (size_t i = 0; i < projections; i++)
    clear (&projection[i].table);
  int result = walk_new (&walk, slabs, "products") || slabs_walk (slabs, add_slab, &walk, waited) ? -1 : 0;
  walk_free (&walk);
  if (result == 0 && inner)
    result = workers_run (workers, inner->columns, mirror_row, inner);
  return result;
}

VECTORISED static void
scale_and_add (float *restrict sum, float scale, const float *restrict values, size_t count)
{
  for (size_t i = 0; i < count; i++)
    sum[i] = scale * sum[i] + values[i];
}

/* X'A of some of the slab's columns, added to their rows of the kernel.  */
static int
combine_chunk (void *context, size_t chunk, int worker)
{
  struct walk *walk = context;
  const struct slab *slab = walk->slab;
  const struct factor *factor = &walk->factor;
  size_t first = chunk * COMBINED_GROUPS, end = smaller (first + COMBINED_GROUPS, factor->groups);
  size_t stride = walk->combined.stride, rows = COMBINED_GROUPS * FACTOR_GROUP;
  float *combined = walk->combined.values + (size_t) worker * rows * stride;
  memset (combined, 0, rows * stride * sizeof *combined);
  for (size_t strip = 0; strip < stride / PANEL_WIDTH; strip++)
    for (size_t block = 0; block < factor->blocks; block++)
      factor_multiply (factor, first, end, block,
                       walk->coefficients + (strip * slab->rows + block * FACTOR_DEPTH) * PANEL_WIDTH,
                       combined + strip * PANEL_WIDTH, stride);
  for (size_t row = first * FACTOR_GROUP; row < smaller (end * FACTOR_GROUP, slab->columns); row++)
    scale_and_add (walk->kernel + (slab->first - walk->first + row) * walk->units, (float) walk->scale,
                   combined + (row - first * FACTOR_GROUP) * stride, walk->units);
  return 0;
}

static int
combine_slab (void *context, const struct slab *slab)
{
  struct walk *walk = context;
  walk->slab = slab;
  factor_shape (&walk->factor, slab->columns, slab->rows);
  if (workers_run (walk->workers, walk->factor.groups, pack_columns, walk)
      || workers_run (walk->workers, divide_up (walk->factor.groups, COMBINED_GROUPS), combine_chunk, walk))
    return -1;
  progress_advance (&walk->progress, slab->columns);
  return 0;
}

int
products_combine (const struct slabs *slabs, const float *coefficients, double scale, float *kernel, size_t units,
                  struct workers *workers, double *waited)
{
  struct walk walk = {
    .workers = workers, .coefficients = coefficients, .scale = scale, .kernel = kernel, .units = units
  };
  int result =
    walk_new (&walk, slabs, "weights")
        || table_new (&walk.combined, (size_t) workers_count (workers) * COMBINED_GROUPS * FACTOR_GROUP, units)
        || slabs_walk (slabs, combine_slab, &walk, waited)
      ? -1
      : 0;
  walk_free (&walk);
  return result;
}

double
products_bytes (const struct slabs *slabs, int threads)
{
  return slabs_bytes (slabs) + factor_bytes ((double) slabs->rows, (double) slabs->width)
         + (double) threads * FACTOR_DEPTH * PANEL_WIDTH * sizeof (float);
}

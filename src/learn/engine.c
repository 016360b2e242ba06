#include <config.h>

#include "engine.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "gram.h"
#include "gramcache.h"
#include "sweep.h"

#include <string.h>

/* The feed of FILE, but for its order's rows.  */
static int
open_feed (struct feed *feed, struct featfile *file, const struct shuffle *shuffle, size_t batch)
{
  feed->path = featfile_path (file);
  feed->count = shuffle->rows;
  feed->batch = batch < shuffle->rows ? batch : (size_t) shuffle->rows;
  return order_new (&feed->order, shuffle);
}

static int
open_rows (struct feed *feed, struct rows **rows, struct featfile *file, const struct plan *plan,
           const struct shuffle *shuffle, bool ahead)
{
  const struct rows_plan take = { plan->batch, shuffle_largest_window (shuffle), ahead, plan->share.first,
                                  plan->share.count };
  *rows = rows_new (file, &take);
  if (!*rows)
    return -1;
  feed->rows = *rows;
  feed->label = rows_labels (*rows);
  return 0;
}

static int
open_sweep (struct engine *engine, const struct plan *plan, const struct train_options *options, struct model *model,
            struct featfile *training, struct featfile *validation, struct workers *workers)
{
  struct model_layer *layer = &model->layer[0];
  if (open_rows (&engine->training, &engine->rows, training, plan, &plan->training, plan->training_ahead)
      || (validation
          && open_rows (&engine->validation, &engine->validation_rows, validation, plan, &plan->validation,
                        plan->validation_ahead)))
    return -1;
  engine->first =
    sweep_new (layer->kernel, layer->inputs, layer->outputs, plan->batch, true, options->patience > 0, workers);
  return engine->first ? 0 : -1;
}

/* The labels of both files, one after the other.  */
static int
read_labels (struct engine *engine, struct featfile *training, struct featfile *validation, size_t rows)
{
  uint64_t n = engine->training.count;
  engine->label = memory_new (rows, sizeof *engine->label);
  if (!engine->label || featfile_read_labels (training, 0, n, engine->label)
      || (validation && featfile_read_labels (validation, 0, rows - n, engine->label + n)))
    return -1;
  engine->training.label = engine->validation.label = engine->label;
  engine->row_offset = n;
  return 0;
}

/* The sum of squares of all ranks' kernels.  */
static int
sum_squares (const struct model_layer *layer, double *squares)
{
  size_t count = (size_t) (layer->inputs * layer->outputs);
  *squares = 0;
  for (size_t i = 0; i < count; i++)
    *squares += (double) layer->kernel[i] * (double) layer->kernel[i];
  return ranks_sum_double (squares, 1);
}

static size_t
table_values (const struct table *table)
{
  return table->rows * table->stride;
}

/* K, unless CACHE has it, and X W0.  */
static int
compute_products (struct engine *engine, const struct plan *plan, const struct gramcache *cache,
                  struct workers *workers)
{
  struct table *inner = &engine->inner, *projected = &engine->projection.table;
  bool kept = false;
  if (cache->path && gramcache_read (cache, inner, &kept))
    return -1;
  if (products_compute (&plan->slabs, kept ? NULL : inner, &engine->projection, 1, workers, &engine->waited)
      || (!kept && ranks_sum (inner->values, table_values (inner)))
      || ranks_sum (projected->values, table_values (projected)))
    return -1;
  return cache->path && !kept ? gramcache_write (cache, inner) : 0;
}

static int
find_products (struct engine *engine, const struct plan *plan, const char *path, struct workers *workers)
{
  struct gramcache cache = { 0 };
  int result =
    path && gramcache_open (&cache, path, &plan->slabs) ? -1 : compute_products (engine, plan, &cache, workers);
  gramcache_close (&cache);
  return result;
}

static int
open_gram (struct engine *engine, const struct plan *plan, const struct train_options *options, struct model *model,
           struct featfile *training, struct featfile *validation, struct workers *workers)
{
  struct model_layer *layer = &model->layer[0];
  size_t n = (size_t) engine->training.count, rows = plan->slabs.rows;
  double started = clock_seconds (), squares = 0;
  engine->projection.kernel = layer->kernel;
  if (read_labels (engine, training, validation, rows) || table_new (&engine->inner, rows, n)
      || table_new (&engine->projection.table, rows, (size_t) layer->outputs)
      || find_products (engine, plan, options->cache, workers) || (options->l2 > 0 && sum_squares (layer, &squares)))
    return -1;
  engine->slabs = plan->slabs;
  engine->slabs.files = 1;
  engine->slabs.rows = n;
  engine->gram_seconds = clock_seconds () - started;
  engine->first = gram_new (&(struct gram_setup){ .inner = &engine->inner,
                                                  .projected = &engine->projection.table,
                                                  .rows = n,
                                                  .batch = plan->batch,
                                                  .slabs = &engine->slabs,
                                                  .kernel = layer->kernel,
                                                  .squares = squares,
                                                  .keeping = options->patience > 0,
                                                  .shared = true,
                                                  .waited = &engine->waited },
                            workers);
  return engine->first ? 0 : -1;
}

static int
open_engine (struct engine *engine, const struct plan *plan, const struct train_options *options, struct model *model,
             struct featfile *training, struct featfile *validation, struct workers *workers)
{
  *engine = (struct engine){ 0 };
  if (open_feed (&engine->training, training, &plan->training, plan->batch)
      || (validation && open_feed (&engine->validation, validation, &plan->validation, plan->batch)))
    return -1;
  if ((plan->engine == ENGINE_GRAM ? open_gram : open_sweep) (engine, plan, options, model, training, validation,
                                                              workers))
    return -1;
  if (validation && shuffle_epoch (&plan->validation, 0, &engine->validation.order))
    return -1;
  for (uint64_t i = 0; i < engine->validation.count; i++)
    engine->validation.order.row[i] += engine->row_offset;
  return 0;
}

int
engine_open (struct engine *engine, const struct plan *plan, const struct train_options *options, struct model *model,
             struct featfile *training, struct featfile *validation, struct workers *workers)
{
  if (open_engine (engine, plan, options, model, training, validation, workers) == 0)
    return 0;
  return error_status () == ERROR_STOPPED
           ? error_stopped ("training on '%s' was stopped before its first epoch; run the "
                            "same command again",
                            featfile_path (training))
           : -1;
}

void
engine_close (struct engine *engine)
{
  if (engine->first)
    engine->first->free (engine->first);
  rows_free (engine->rows);
  rows_free (engine->validation_rows);
  order_free (&engine->training.order);
  order_free (&engine->validation.order);
  memory_free (engine->label);
  table_free (&engine->inner);
  table_free (&engine->projection.table);
}

double
engine_waited (const struct engine *engine)
{
  return engine->waited + (engine->rows ? rows_seconds (engine->rows) : 0)
         + (engine->validation_rows ? rows_seconds (engine->validation_rows) : 0);
}

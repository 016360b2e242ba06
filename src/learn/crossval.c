#include <config.h>

#include "crossval.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "folds.h"
#include "gramcache.h"
#include "model.h"
#include "rates.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const double megabyte = 1 << 20;

enum { SPARE_BYTES = 256 << 20 };

/* In the making.  */
struct opening {
  struct crossval *crossval;
  const struct crossval_setup *setup;
  struct workers *workers;
  struct slabs slabs;
  struct model **initial;        /* (sizes) for the first layer's kernel alone */
  struct projection *projection; /* (sizes) */
};

/* Says which classes have fewer rows than there are folds.  */
static int
warn_of_small (const struct crossval *crossval, const struct names *classes)
{
  size_t *count = memory_new (crossval->classes, sizeof *count);
  if (!count)
    return -1;
  for (size_t i = 0; i < crossval->rows; i++)
    count[crossval->label[i]]++;
  for (size_t i = 0; i < crossval->classes; i++)
    if (count[i] < crossval->folds)
      progress_say ("warning: class '%s' has %zu row%s in '%s', fewer than the %zu folds", classes->name[i], count[i],
                    count[i] == 1 ? "" : "s", crossval->path, crossval->folds);
  memory_free (count);
  return 0;
}

static int
read_rows (struct crossval *crossval, const struct crossval_setup *setup)
{
  const struct featinfo *info = featfile_info (setup->training);
  *crossval = (struct crossval){ .path = featfile_path (setup->training),
                                 .columns = info->columns,
                                 .rows = (size_t) info->rows,
                                 .classes = info->classes.count,
                                 .chunk_rows = info->chunk_rows,
                                 .folds = setup->folds };
  if (info->classes.count < 2)
    return error_set (
      "'%s' has %zu class, and it takes two to tell them apart; extract a dataset of two or more classes",
      crossval->path, info->classes.count);
  if (setup->folds > info->rows)
    return error_set ("'%s' has %" PRIu64 " rows, too few for %zu folds; ask for fewer (--folds)", crossval->path,
                      info->rows, setup->folds);
  crossval->label = memory_new (crossval->rows, sizeof *crossval->label);
  crossval->fold = memory_new (crossval->rows, sizeof *crossval->fold);
  if (!crossval->label || !crossval->fold || featfile_read_labels (setup->training, 0, crossval->rows, crossval->label)
      || warn_of_small (crossval, &info->classes))
    return -1;
  return folds_deal (crossval->label, crossval->rows, crossval->classes, setup->folds, setup->seed, crossval->fold);
}

/* Bytes of K and of all projections and kernels.  */
static double
fixed_bytes (const struct opening *opening, double rows)
{
  const struct crossval_setup *setup = opening->setup;
  double n = (double) opening->crossval->rows, bytes = table_bytes (rows, n);
  for (size_t i = 0; i < setup->sizes; i++)
    bytes += table_bytes (rows, (double) setup->units[i])
             + (double) opening->crossval->columns * (double) setup->units[i] * sizeof (float);
  return bytes;
}

/* The walk over the features, in the memory that is left.  */
static int
plan_walk (struct opening *opening)
{
  const struct crossval_setup *setup = opening->setup;
  struct featfile *const files[] = { setup->training, setup->validation };
  double n = (double) opening->crossval->rows;
  double rows = n + (setup->validation ? (double) featfile_info (setup->validation)->rows : 0);
  double fixed = fixed_bytes (opening, rows), may_use = (double) setup->memory_bytes - (double) memory_bytes ();
  double room = setup->memory_bytes ? may_use - fixed : 4 * 1024 * megabyte;
  opening->slabs = slabs_of (files, setup->validation ? 2 : 1, 0, opening->crossval->columns, room * 0.6);
  double walking = products_bytes (&opening->slabs, workers_count (opening->workers));
  if (walking <= room)
    return 0;
  return error_set ("tune needs %.1f MB (%.1f of them for the inner products of %.0f x %.0f rows, %.1f for the first "
                    "layers) and may use %.1f MB; give the job more memory, or ask for fewer or smaller first layers "
                    "(--hidden)",
                    (fixed + walking) / megabyte, table_bytes (rows, n) / megabyte, rows, n,
                    (fixed - table_bytes (rows, n)) / megabyte, fmax (may_use, 0) / megabyte);
}

/* The initial kernel of one size, which depends on its shape and the seed alone.  */
static int
make_kernel (struct opening *opening, size_t index)
{
  struct crossval *crossval = opening->crossval;
  struct first_size *size = &crossval->size[index];
  const uint64_t width[] = { crossval->columns, opening->setup->units[index], 1 };
  struct model *model = model_new (width, 2, &(struct names){ 0 }, &(struct provenance){ 0 });
  opening->initial[index] = model;
  if (!model || table_new (&size->projected, opening->slabs.rows, (size_t) width[1]))
    return -1;
  model_initialise (model, opening->setup->seed);
  size->units = width[1];
  size->step_seconds = NAN;
  opening->projection[index] = (struct projection){ model->layer[0].kernel, size->projected };
  return 0;
}

static int
make_tables (struct opening *opening)
{
  struct crossval *crossval = opening->crossval;
  size_t sizes = opening->setup->sizes;
  crossval->size = calloc (sizes, sizeof *crossval->size);
  opening->initial = calloc (sizes, sizeof (struct model *));
  opening->projection = calloc (sizes, sizeof *opening->projection);
  if (!crossval->size || !opening->initial || !opening->projection)
    return error_set ("no memory for %zu sizes of first layers; give the job more memory", sizes);
  crossval->sizes = sizes;
  for (size_t i = 0; i < sizes; i++)
    if (make_kernel (opening, i))
      return -1;
  return table_new (&crossval->inner, opening->slabs.rows, crossval->rows);
}

/* K, unless the cache has it, and all X W0, in one walk.  */
static int
compute_products (struct opening *opening)
{
  struct crossval *crossval = opening->crossval;
  struct gramcache cache = { 0 };
  const char *path = opening->setup->cache;
  double waited = 0;
  bool kept = false;
  int result =
    path && (gramcache_open (&cache, path, &opening->slabs) || gramcache_read (&cache, &crossval->inner, &kept))
      ? -1
      : products_compute (&opening->slabs, kept ? NULL : &crossval->inner, opening->projection, opening->setup->sizes,
                          opening->workers, &waited);
  if (result == 0 && path && !kept)
    result = gramcache_write (&cache, &crossval->inner);
  gramcache_close (&cache);
  return result;
}

/* Measures what a step takes with the first layers of each size.  It is not worth the memory where that is short.  */
static int
measure_steps (struct opening *opening)
{
  const struct crossval_setup *setup = opening->setup;
  struct crossval *crossval = opening->crossval;
  size_t rows = setup->batch < crossval->rows ? setup->batch : crossval->rows;
  for (size_t i = 0; i < setup->sizes; i++)
    {
      struct rates rates;
      if (rows == 0 || (setup->memory_bytes && setup->memory_bytes < memory_bytes () + SPARE_BYTES))
        continue;
      struct head *head = model_head (opening->initial[i], rows);
      int result =
        head ? rates_measure (&rates, setup->training, (size_t) setup->units[i], rows, head, opening->workers) : -1;
      head_free (head);
      if (result)
        return -1;
      crossval->size[i].step_seconds = (double) crossval->columns * (double) setup->units[i] / rates.sweep;
    }
  return 0;
}

int
crossval_open (struct crossval *crossval, const struct crossval_setup *setup, struct workers *workers)
{
  struct opening opening = { .crossval = crossval, .setup = setup, .workers = workers };
  int result = read_rows (crossval, setup) || plan_walk (&opening) || make_tables (&opening)
                   || compute_products (&opening) || measure_steps (&opening)
                 ? -1
                 : 0;
  for (size_t i = 0; opening.initial && i < setup->sizes; i++)
    model_free (opening.initial[i]);
  free (opening.initial);
  free (opening.projection);
  return result;
}

void
crossval_close (struct crossval *crossval)
{
  for (size_t i = 0; i < crossval->sizes; i++)
    table_free (&crossval->size[i].projected);
  free (crossval->size);
  table_free (&crossval->inner);
  memory_free (crossval->label);
  memory_free (crossval->fold);
  *crossval = (struct crossval){ 0 };
}

size_t
crossval_rows (const struct crossval *crossval, size_t fold)
{
  size_t rows = 0;
  for (size_t i = 0; i < crossval->rows; i++)
    rows += crossval->fold[i] != fold;
  return rows;
}

const struct first_size *
crossval_size (const struct crossval *crossval, uint64_t units)
{
  size_t i = 0;
  while (crossval->size[i].units != units)
    i++;
  return &crossval->size[i];
}

#include <config.h>

#include "checkup.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "neighbours.h"
#include "panels.h"

#include <math.h>
#include <string.h>

static const double megabyte = 1 << 20;

enum { PAIRS_LIMIT = 1 << 22 }; /* near-duplicates; more say that the threshold is too low */

struct work {
  const struct collection *collection;
  const struct checkup_options *options;
  struct workers *workers;
  struct checkup *checkup;
  struct slabs slabs;
  struct panels panels; /* count is 0 where all inner products fit */
  struct neighbours neighbours;

  /* Of the curve.  */
  struct curve_setup setup;
  struct model *model;
  struct table inner;
  struct projection projection;
  uint64_t *row; /* (rows) training, then validation */
};

struct checkup_options
checkup_defaults (void)
{
  return (struct checkup_options){
    .similarity = 0.9, .alike = 0.4, .training = "training", .validation = "validation", .train = train_defaults ()
  };
}

static uint64_t
columns_of (const struct collection *collection)
{
  return featfile_info (collection->file[0])->columns;
}

/* Bytes that may be used from now on.  */
static double
bytes_left (const struct work *work)
{
  uint64_t limit = work->options->train.memory_bytes;
  return limit ? fmax ((double) limit - (double) memory_bytes (), 0) : 64 * 1024 * megabyte;
}

/* Bytes of the curve, besides the inner products.  */
static double
curve_needs (const struct work *work)
{
  const struct train_options *train = &work->options->train;
  double rows = (double) work->collection->rows, units = (double) train->hidden[0];
  if (!work->options->curve)
    return 0;
  double kernel = (double) work->slabs.columns * units * sizeof (float);
  return kernel + table_bytes (rows, units) + curve_bytes (train, rows, rows, workers_count (work->workers));
}

/* Slabs, and whether the inner products are taken all at once.  */
static int
plan (struct work *work)
{
  const struct collection *collection = work->collection;
  double rows = (double) collection->rows, columns = (double) columns_of (collection), room = bytes_left (work);
  int threads = workers_count (work->workers);
  double fixed = columns_bytes (rows, columns) + neighbours_bytes (rows, (double) collection->classes.count);
  work->slabs = slabs_of (collection->file, collection->files, 0, columns_of (collection), 0);
  double whole = fixed + curve_needs (work) + table_bytes (rows, rows), least = products_bytes (&work->slabs, threads);
  bool fits = whole + least <= room;
  if (!fits && work->options->curve)
    return error_set ("--curve needs %.1f MB for the inner products of all rows and may use %.1f MB; give the job more "
                      "memory, or check fewer files",
                      (whole + least) / megabyte, room / megabyte);
  double left = room - (fits ? whole : fixed), share = fits ? 0.6 : 0.2;
  work->slabs = slabs_of (collection->file, collection->files, 0, columns_of (collection), left * share);
  if (products_bytes (&work->slabs, threads) > left * (fits ? 1 : 0.7))
    work->slabs = slabs_of (collection->file, collection->files, 0, columns_of (collection), 0);
  if (fits)
    return 0;
  work->panels = panels_of (&work->slabs, left, threads);
  if (work->panels.count == 0)
    return error_set (
      "checking %zu rows of %.0f features needs %.1f MB and may use %.1f MB; give the job more memory, or "
      "check fewer files",
      collection->rows, columns, (fixed + panels_bytes (&work->slabs, 64, threads)) / megabyte, room / megabyte);
  progress_say ("the inner products of %zu rows do not fit in memory: they are computed in %zu panels, each of which "
                "reads the features once",
                collection->rows, work->panels.count);
  return 0;
}

/* The rows of the curve: those of the training file, and of the validation file; or four fifths of the former, and the
   rest of them, stratified by class.  */
static int
choose_rows (struct work *work, size_t training, int64_t validation)
{
  const struct collection *collection = work->collection;
  struct curve_setup *setup = &work->setup;
  size_t first = collection_first (collection, training), taken = 0;
  size_t rows = (size_t) featfile_info (collection->file[training])->rows;
  size_t others = validation < 0 ? 0 : (size_t) featfile_info (collection->file[validation])->rows;
  uint64_t *seen = memory_new (collection->classes.count, sizeof *seen);
  work->row = memory_new (rows + others, sizeof *work->row);
  if (!seen || !work->row)
    {
      memory_free (seen);
      return -1;
    }
  for (int held = 0; held < 2; held++)
    {
      memset (seen, 0, collection->classes.count * sizeof *seen);
      for (size_t i = first; i < first + rows; i++)
        if ((validation < 0 && seen[collection->label[i]]++ % 5 == 4) == held)
          work->row[taken++] = i;
      if (!held)
        setup->training_rows = taken;
    }
  for (size_t i = 0; i < others; i++)
    work->row[taken++] = collection_first (collection, (size_t) validation) + i;
  setup->training = work->row;
  setup->validation = work->row + setup->training_rows;
  setup->validation_rows = taken - setup->training_rows;
  memory_free (seen);
  return setup->validation_rows ? 0 : error_set ("'%s' has too few rows for a learning curve", setup->path);
}

static double
squares_of (const struct model_layer *layer)
{
  double sum = 0;
  size_t count = (size_t) (layer->inputs * layer->outputs);
  for (size_t i = 0; i < count; i++)
    sum += (double) layer->kernel[i] * (double) layer->kernel[i];
  return sum;
}

/* The initial weights, as train has them.  */
static int
make_model (struct work *work)
{
  const struct train_options *train = &work->options->train;
  uint64_t width[TRAIN_HIDDEN_LIMIT + 2] = { columns_of (work->collection) };
  memcpy (width + 1, train->hidden, train->hidden_count * sizeof *width);
  width[train->hidden_count + 1] = work->collection->classes.count;
  struct provenance none = { 0 };
  work->model = model_new (width, train->hidden_count + 1, &work->collection->classes, &none);
  if (!work->model)
    return -1;
  model_initialise (work->model, train->seed);
  work->setup.model = work->model;
  work->setup.squares = train->l2 > 0 ? squares_of (&work->model->layer[0]) : 0;
  work->projection.kernel = work->model->layer[0].kernel;
  return table_new (&work->projection.table, work->collection->rows, (size_t) train->hidden[0]);
}

static int
prepare_curve (struct work *work)
{
  const struct collection *collection = work->collection;
  int64_t training = collection_find (collection, work->options->training);
  int64_t validation = collection_find (collection, work->options->validation);
  if (!work->options->curve)
    return 0;
  if (train_check (&work->options->train))
    return -1;
  if (training < 0)
    return error_usage ("--curve needs training features: a file training.h5");
  if (collection->classes.count < 2)
    return error_set ("'%s' has one class, and a learning curve takes two; leave --curve out",
                      featfile_path (collection->file[training]));
  work->setup.options = &work->options->train;
  work->setup.label = collection->label;
  work->setup.path = featfile_path (collection->file[training]);
  work->setup.chunk_rows = featfile_info (collection->file[training])->chunk_rows;
  work->checkup->held_out = validation < 0;
  return choose_rows (work, (size_t) training, validation) || make_model (work) ? -1 : 0;
}

static int
take_panel (void *context, const struct table *panel, size_t first)
{
  struct work *work = context;
  return neighbours_take (&work->neighbours, panel, first, work->workers);
}

static int
take_products (struct work *work)
{
  size_t rows = work->collection->rows;
  struct checkup *checkup = work->checkup;
  checkup->panels = work->panels.count ? work->panels.count : 1;
  checkup->walks = 1 + checkup->panels + (work->panels.count > 0); /* panels read each row once more by itself */
  if (work->panels.count)
    return panels_walk (&work->panels, take_panel, work, work->workers, &checkup->waited);
  if (table_new (&work->inner, rows, rows)
      || products_compute (&work->slabs, &work->inner, &work->projection, work->options->curve, work->workers,
                           &checkup->waited))
    return -1;
  if (work->model)
    {
      memory_free (work->model->layer[0].kernel); /* the curve needs its projection alone */
      work->model->layer[0].kernel = NULL;
    }
  return take_panel (work, &work->inner, 0);
}

/* Candidates become pairs or neighbours.  */
static int
find_groups (struct work *work)
{
  const struct collection *collection = work->collection;
  struct checkup *checkup = work->checkup;
  double threshold = work->options->similarity;
  struct pairs pairs = { 0 };
  int result = neighbours_pairs (&work->neighbours, &pairs);
  checkup->walks += pairs.count > 0;
  if (result == 0)
    result = similarity_refine (&pairs, &work->slabs, checkup->columns.squares, work->workers, &checkup->waited);
  for (size_t i = 0; result == 0 && i < pairs.count; i++)
    if (pairs.pair[i].cosine < threshold)
      neighbours_put (&work->neighbours, pairs.pair[i].row, pairs.pair[i].cosine);
  if (result == 0)
    result =
      similarity_group (&pairs, threshold, collection->rows, collection->label, collection->origin, &checkup->groups);
  memory_free (pairs.pair);
  return result;
}

static int
compare_rows (struct work *work)
{
  const struct collection *collection = work->collection;
  struct checkup *checkup = work->checkup;
  double least = work->options->similarity - similarity_margin (columns_of (collection));
  if (columns_look (&work->slabs, &checkup->columns, work->workers, &checkup->waited)
      || neighbours_new (&work->neighbours, collection->rows, collection->classes.count, collection->label,
                         checkup->columns.squares, least, PAIRS_LIMIT, workers_count (work->workers))
      || take_products (work) || find_groups (work))
    return -1;
  return separability_judge (&checkup->separability, work->neighbours.best, collection->label, collection->rows,
                             collection->classes.count, work->options->alike);
}

static int
draw_curve (struct work *work)
{
  work->setup.inner = &work->inner;
  work->setup.projected = &work->projection.table;
  return work->options->curve ? curve_draw (&work->setup, work->workers, &work->checkup->curve) : 0;
}

int
checkup_run (struct checkup *checkup, const struct collection *collection, const struct checkup_options *options,
             struct workers *workers)
{
  struct work work = { .collection = collection, .options = options, .workers = workers, .checkup = checkup };
  *checkup = (struct checkup){ 0 };
  int result = plan (&work) || prepare_curve (&work) || compare_rows (&work) || draw_curve (&work) ? -1 : 0;
  neighbours_free (&work.neighbours);
  model_free (work.model);
  table_free (&work.inner);
  table_free (&work.projection.table);
  memory_free (work.row);
  return result;
}

void
checkup_free (struct checkup *checkup)
{
  columns_free (&checkup->columns);
  groups_free (&checkup->groups);
  separability_free (&checkup->separability);
}

#include <config.h>

#include "plan.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "gram.h"
#include "products.h"
#include "rows.h"
#include "sweep.h"

#include <inttypes.h>
#include <math.h>

static const double megabyte = 1 << 20;

/* What is planned for.  */
struct wishes {
  const struct train_options *options;
  uint64_t columns, units; /* d, h */
  struct featfile *training, *validation;
  int threads;
};

/* Bytes of a sweep's first layer: kernel, engine, a batch's pre-activations and their gradient.  */
static double
weight_bytes (const struct plan *plan, const struct wishes *wishes)
{
  double kernel = (double) plan->share.count * (double) wishes->units * sizeof (float);
  double activations = 2 * (double) plan->batch * (double) wishes->units * sizeof (float);
  return sweep_bytes (plan->share.count, wishes->units, plan->batch, true, wishes->options->patience > 0) + activations
         + kernel;
}

/* Bytes of the labels of all rows and their places in the order.  */
static double
order_bytes (const struct shuffle *shuffle)
{
  return (double) shuffle->rows * (sizeof (int32_t) + sizeof (uint64_t));
}

static double
stream_bytes (const struct plan *plan, const struct shuffle *shuffle, bool ahead)
{
  const struct rows_plan rows = { plan->batch, shuffle_largest_window (shuffle), ahead, 0, plan->share.count };
  return rows_bytes (&rows) + order_bytes (shuffle);
}

static double
reading_bytes (const struct plan *plan)
{
  double bytes = stream_bytes (plan, &plan->training, plan->training_ahead);
  if (plan->validation.rows)
    bytes += stream_bytes (plan, &plan->validation, plan->validation_ahead);
  return bytes;
}

/* Bytes that are left for training.  */
static double
bytes_left (const struct train_options *options)
{
  return (double) options->memory_bytes - (double) memory_bytes ();
}

static int
too_little (const struct plan *plan, const struct wishes *wishes)
{
  const struct train_options *options = wishes->options;
  uint64_t columns = wishes->columns, units = wishes->units;
  double reading = reading_bytes (plan), weights = weight_bytes (plan, wishes);
  double may_use = fmax (bytes_left (options), 0) / megabyte;
  double fitting = floor ((bytes_left (options) - reading) / (weights / (double) units));
  if (fitting >= 1)
    return error_set (
      "training needs %.1f MB (%.1f for the weights of %" PRIu64 " x %" PRIu64 ", %.1f for rows) and may "
      "use %.1f MB; give the job more memory, or ask for a first layer of %.0f units or fewer (--hidden)",
      (weights + reading) / megabyte, weights / megabyte, columns, units, reading / megabyte, may_use, fitting);
  return error_set ("training needs %.1f MB (%.1f of them for rows of %" PRIu64
                    " features) and may use %.1f MB; give the "
                    "job more memory, or ask for smaller batches (--batch) or --shuffle none",
                    (weights + reading) / megabyte, reading / megabyte, columns, may_use);
}

static double
sweep_total (const struct plan *plan, const struct wishes *wishes)
{
  return weight_bytes (plan, wishes) + reading_bytes (plan);
}

static bool
fits (const struct plan *plan, const struct wishes *wishes)
{
  return wishes->options->memory_bytes == 0 || sweep_total (plan, wishes) <= bytes_left (wishes->options);
}

/* Whether an epoch takes more than one window, so that there is a next one to read.  */
static bool
has_windows (const struct shuffle *shuffle)
{
  return shuffle->rows > 0 && shuffle_largest_window (shuffle) < shuffle->rows;
}

static size_t
smaller (size_t batch, uint64_t rows)
{
  return batch < rows ? batch : (size_t) rows;
}

/* The batches, and the order of the rows, which no engine decides.  */
static void
plan_order (struct plan *plan, const struct wishes *wishes)
{
  const struct train_options *options = wishes->options;
  const struct featinfo *info = featfile_info (wishes->training);
  uint64_t tile_rows = shuffle_tile_rows (info->chunk_rows);
  plan->batch = smaller (options->batch, info->rows);
  plan->training = shuffle_in_order (info->rows, info->chunk_rows, plan->batch);
  if (options->shuffle == SHUFFLE_WINDOW)
    plan->training = (struct shuffle){ SHUFFLE_WINDOW, info->rows, tile_rows, SHUFFLE_WINDOW_ROWS, options->seed };
  if (options->shuffle == SHUFFLE_FULL)
    plan->training = (struct shuffle){ SHUFFLE_FULL, info->rows, tile_rows, info->rows, options->seed };
  if (wishes->validation)
    {
      const struct featinfo *other = featfile_info (wishes->validation);
      size_t batch = smaller (options->batch, other->rows);
      plan->batch = plan->batch > batch ? plan->batch : batch;
      plan->validation = shuffle_in_order (other->rows, other->chunk_rows, batch);
    }
}

/* Windows, and what of them is read ahead.  */
static int
plan_sweep (struct plan *plan, const struct wishes *wishes)
{
  plan->row_by_row = plan->training.kind == SHUFFLE_FULL && !fits (plan, wishes);
  if (plan->row_by_row)
    plan->training.window_rows = smaller (wishes->options->batch, plan->training.rows);
  if (!fits (plan, wishes))
    return too_little (plan, wishes);
  plan->training_ahead = has_windows (&plan->training);
  if (!fits (plan, wishes))
    plan->training_ahead = false;
  plan->validation_ahead = has_windows (&plan->validation);
  if (!fits (plan, wishes))
    plan->validation_ahead = false;
  plan->bytes = sweep_total (plan, wishes);
  return 0;
}

/* What the gram engine holds besides slabs.  */
static double
gram_fixed_bytes (const struct plan *plan, const struct wishes *wishes)
{
  double n = (double) plan->training.rows, all = n + (double) plan->validation.rows, units = (double) wishes->units;
  double kernel = (double) plan->share.count * units * sizeof (float);
  return kernel + table_bytes (all, n) + table_bytes (all, units)
         + gram_bytes (n, units, plan->batch, wishes->options->patience > 0) + order_bytes (&plan->training)
         + order_bytes (&plan->validation);
}

static int
gram_too_little (const struct plan *plan, const struct wishes *wishes)
{
  double n = (double) plan->training.rows, all = n + (double) plan->validation.rows;
  double fixed = gram_fixed_bytes (plan, wishes), slabs = products_bytes (&plan->slabs, wishes->threads);
  return error_set (
    "the gram engine needs %.1f MB (%.1f of them for the inner products of %.0f x %.0f rows) and may use "
    "%.1f MB; give the job more memory, or take --engine sweep",
    (fixed + slabs) / megabyte, table_bytes (all, n) / megabyte, all, n,
    fmax (bytes_left (wishes->options), 0) / megabyte);
}

/* Slabs for the room that is left.  */
static int
plan_gram (struct plan *plan, const struct wishes *wishes)
{
  const struct train_options *options = wishes->options;
  struct featfile *const files[] = { wishes->training, wishes->validation };
  double fixed = gram_fixed_bytes (plan, wishes);
  double room = options->memory_bytes ? bytes_left (options) - fixed : 4 * 1024 * megabyte;
  plan->slabs = slabs_of (files, wishes->validation ? 2 : 1, plan->share.first, plan->share.count, room * 0.6);
  plan->bytes = fixed + products_bytes (&plan->slabs, wishes->threads);
  return plan->bytes - fixed <= room ? 0 : gram_too_little (plan, wishes);
}

int
plan_training (struct plan *plan, enum engine_kind engine, const struct train_options *options, uint64_t units,
               struct featfile *training, struct featfile *validation, int threads)
{
  const struct featinfo *info = featfile_info (training);
  const struct wishes wishes = { options, info->columns, units, training, validation, threads };
  uint64_t unit = info->chunk_columns ? info->chunk_columns : SLAB_COLUMNS;
  *plan = (struct plan){ .engine = engine, .share = ranks_share (info->columns, unit, ranks_index (), ranks_count ()) };
  plan_order (plan, &wishes);
  return engine == ENGINE_GRAM ? plan_gram (plan, &wishes) : plan_sweep (plan, &wishes);
}

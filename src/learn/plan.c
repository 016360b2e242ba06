#include <config.h>

#include "plan.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "rows.h"
#include "sweep.h"

#include <inttypes.h>
#include <math.h>

static const double megabyte = 1 << 20;

/* Bytes of the first layer: kernel, engine, a batch's pre-activations and their gradient, and the best weights so far
   where they are kept.  */
static double
weight_bytes (const struct plan *plan, const struct train_options *options, uint64_t columns, uint64_t units)
{
  double kernel = (double) columns * (double) units * sizeof (float);
  double activations = 2 * (double) plan->batch * (double) units * sizeof (float);
  return sweep_bytes (columns, units, plan->batch, true) + activations + kernel * (options->patience ? 2 : 1);
}

/* Bytes of a stream of rows, with the labels of all rows and their places in the order.  */
static double
stream_bytes (const struct plan *plan, uint64_t columns, const struct shuffle *shuffle, bool ahead)
{
  return rows_bytes (columns, plan->batch, shuffle_largest_window (shuffle), ahead)
         + (double) shuffle->rows * (sizeof (int32_t) + sizeof (uint64_t));
}

static double
reading_bytes (const struct plan *plan, uint64_t columns)
{
  double bytes = stream_bytes (plan, columns, &plan->training, plan->training_ahead);
  if (plan->validation.rows)
    bytes += stream_bytes (plan, columns, &plan->validation, plan->validation_ahead);
  return bytes;
}

/* Bytes that are left for training.  */
static double
bytes_left (const struct train_options *options)
{
  return (double) options->memory_bytes - (double) memory_bytes ();
}

static int
too_little (const struct plan *plan, const struct train_options *options, uint64_t columns, uint64_t units)
{
  double reading = reading_bytes (plan, columns), weights = weight_bytes (plan, options, columns, units);
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

static bool
fits (const struct plan *plan, const struct train_options *options, uint64_t columns, uint64_t units)
{
  double wanted = weight_bytes (plan, options, columns, units) + reading_bytes (plan, columns);
  return options->memory_bytes == 0 || wanted <= bytes_left (options);
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

int
plan_training (struct plan *plan, const struct train_options *options, uint64_t units, const struct featfile *training,
               const struct featfile *validation)
{
  const struct featinfo *info = featfile_info (training);
  uint64_t tile_rows = shuffle_tile_rows (info->chunk_rows);
  size_t batch = smaller (options->batch, info->rows);
  *plan = (struct plan){ .batch = batch, .training = shuffle_in_order (info->rows, info->chunk_rows, batch) };
  if (validation)
    {
      const struct featinfo *other = featfile_info (validation);
      size_t other_batch = smaller (options->batch, other->rows);
      plan->batch = batch > other_batch ? batch : other_batch;
      plan->validation = shuffle_in_order (other->rows, other->chunk_rows, other_batch);
    }
  if (options->shuffle == SHUFFLE_WINDOW)
    plan->training = (struct shuffle){ SHUFFLE_WINDOW, info->rows, tile_rows, SHUFFLE_WINDOW_ROWS, options->seed };
  if (options->shuffle == SHUFFLE_FULL)
    {
      plan->training = (struct shuffle){ SHUFFLE_FULL, info->rows, tile_rows, info->rows, options->seed };
      if (!fits (plan, options, info->columns, units))
        {
          plan->training.window_rows = batch;
          progress_say ("the rows of '%s' do not fit in memory: --shuffle full reads each of them for itself, which is "
                        "slow; --shuffle window is not",
                        featfile_path (training));
        }
    }
  if (!fits (plan, options, info->columns, units))
    return too_little (plan, options, info->columns, units);
  plan->training_ahead = has_windows (&plan->training);
  if (!fits (plan, options, info->columns, units))
    plan->training_ahead = false;
  plan->validation_ahead = has_windows (&plan->validation);
  if (!fits (plan, options, info->columns, units))
    plan->validation_ahead = false;
  return 0;
}

#include <config.h>

#include "forecast.h"

#include "products.h"

/* Batches of a pass over ROWS.  */
static double
count_batches (const struct plan *plan, uint64_t rows)
{
  return (double) ((rows + plan->batch - 1) / plan->batch);
}

/* Reading and computing share the processors, so that their times add up, whatever is read ahead.  */
static double
read_seconds (const struct plan *plan, const struct rates *rates, const struct shuffle *shuffle, uint64_t epochs)
{
  bool once = shuffle_largest_window (shuffle) >= shuffle->rows;
  double values = (double) shuffle->rows * (double) plan->share.count;
  double again =
    shuffle->kind == SHUFFLE_FULL && !once ? (double) shuffle->tile_rows : 1; /* chunks are inflated for a row */
  return values * again * (once ? 1 : (double) epochs) / rates->read;
}

static double
forecast_sweep (const struct plan *plan, const struct rates *rates, double weights, uint64_t epochs)
{
  double step = weights / rates->sweep, forward = weights / rates->forward;
  double training = count_batches (plan, plan->training.rows) * step + forward;
  double validation = count_batches (plan, plan->validation.rows) * forward;
  double reading = read_seconds (plan, rates, &plan->training, epochs);
  if (plan->validation.rows > 0)
    reading += read_seconds (plan, rates, &plan->validation, epochs);
  return reading + (double) epochs * (training + validation);
}

/* Terms of the products of the features, and in all epochs of those of K.  */
struct terms {
  double features, epochs;
};

static struct terms
count_terms (const struct plan *plan, double units, uint64_t epochs)
{
  double n = (double) plan->training.rows, validation = (double) plan->validation.rows;
  double columns = (double) plan->share.count, inner = n * (n / 2 + 32 + validation) * columns; /* in panels of 64 */
  double projections = (2 * n + validation) * units * columns; /* P0, and W in the end */
  return (struct terms){ inner + projections, (double) epochs * (2 * n + validation) * n * units };
}

double
forecast_terms (const struct plan *plan, uint64_t units, uint64_t epochs)
{
  struct terms terms = count_terms (plan, (double) units, epochs);
  return terms.features + terms.epochs;
}

/* Values that are laid out for products: of features, by rows, as panels of 64 rows once for every 1024 rows they are
   multiplied by, and in the end by columns; of weights, as panels likewise, and their sums in the end; and those of K,
   which is cleared and mirrored.  */
static double
count_packed (const struct plan *plan, double units)
{
  double n = (double) plan->training.rows, all = n + (double) plan->validation.rows;
  double columns = (double) plan->share.count, times = all / 2048 + 1;
  return columns * (all + n * times + n) + columns * units * (times + 1) + n * all;
}

static double
forecast_gram (const struct plan *plan, const struct rates *rates, double units, uint64_t epochs)
{
  struct terms terms = count_terms (plan, units, epochs);
  double rows = 2 * (double) plan->training.rows + (double) plan->validation.rows; /* training rows are read twice */
  double again = products_bytes (&plan->slabs, 1) / rates->memory;                 /* each walk has new buffers */
  return again + rows * (double) plan->share.count / rates->read + count_packed (plan, units) / rates->pack
         + terms.features / rates->products + terms.epochs / rates->epochs;
}

double
forecast_seconds (const struct plan *plan, const struct rates *rates, uint64_t units, uint64_t epochs)
{
  double weights = (double) plan->share.count * (double) units;
  double head = (double) epochs * (double) (plan->training.rows + plan->validation.rows) / rates->head;
  return weights / rates->draw + plan->bytes / rates->memory + head
         + (plan->engine == ENGINE_GRAM ? forecast_gram (plan, rates, (double) units, epochs)
                                        : forecast_sweep (plan, rates, weights, epochs));
}

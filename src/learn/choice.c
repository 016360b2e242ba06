#include <config.h>

#include "choice.h"

#include "../base/error.h"
#include "../base/progress.h"
#include "forecast.h"

#include <math.h>

static const double megabyte = 1 << 20;
static const double few_terms = 2e9; /* a second's work at the most */

static int
measure (struct rates *rates, const struct plan *plan, const uint64_t *width, size_t layers, struct featfile *training,
         struct workers *workers)
{
  size_t units[TRAIN_HIDDEN_LIMIT + 1];
  for (size_t i = 0; i < layers; i++)
    units[i] = (size_t) width[i + 1];
  struct head *head = head_new (units, layers - 1, plan->batch);
  int result = head ? rates_measure (rates, training, units[0], plan->batch, head, workers) : -1;
  head_free (head);
  return result;
}

static struct forecast
forecast_of (const struct plan *plan, const struct rates *rates, const uint64_t *width, uint64_t epochs)
{
  return (struct forecast){ forecast_seconds (plan, rates, width[1], epochs), plan->bytes };
}

int
choose_forecast (struct prospect *prospect, const struct plan *sweep, const struct plan *gram, uint64_t epochs,
                 const uint64_t *width, size_t layers, struct featfile *training, struct workers *workers)
{
  if (measure (&prospect->rates, sweep, width, layers, training, workers))
    return -1;
  prospect->sweep = forecast_of (sweep, &prospect->rates, width, epochs);
  prospect->gram = forecast_of (gram, &prospect->rates, width, epochs);
  prospect->gram_faster = prospect->gram.seconds < prospect->sweep.seconds;
  return 0;
}

bool
choose_unmeasured (const struct plan *gram, uint64_t units, uint64_t epochs)
{
  return forecast_terms (gram, units, epochs) < few_terms;
}

/* Takes the faster of two that fit; under MPI, the one that the first rank takes for it.  */
static int
take_faster (struct plan *plan, const struct plan *sweep, const struct plan *gram, const struct prospect *prospect)
{
  bool faster = prospect->gram_faster;
  if (ranks_from_first (&faster, sizeof faster))
    return -1;
  const struct forecast *taken = faster ? &prospect->gram : &prospect->sweep;
  const struct forecast *other = faster ? &prospect->sweep : &prospect->gram;
  *plan = faster ? *gram : *sweep;
  progress_say ("engine %s: about %.3g s and %.0f MB; %s would take about %.3g s and %.0f MB",
                faster ? "gram" : "sweep", taken->seconds, taken->bytes / megabyte, faster ? "sweep" : "gram",
                other->seconds, other->bytes / megabyte);
  return 0;
}

/* Chooses between two that fit.  What takes a moment is not measured, so that its bits depend on no clock.  */
static int
choose (struct plan *plan, const struct plan *sweep, const struct plan *gram, const struct train_options *options,
        const uint64_t *width, size_t layers, struct featfile *training, struct workers *workers,
        struct train_report *report)
{
  struct prospect prospect;
  if (choose_unmeasured (gram, width[1], options->epochs))
    {
      *plan = *gram;
      progress_say ("engine gram: so small a training takes a moment");
      return 0;
    }
  if (choose_forecast (&prospect, sweep, gram, options->epochs, width, layers, training, workers))
    return -1;
  report->sweep = prospect.sweep;
  report->gram = prospect.gram;
  return take_faster (plan, sweep, gram, &prospect);
}

/* Takes the only one that fits.  */
static void
take_only (struct plan *plan, const struct plan *only, const struct train_options *options)
{
  *plan = *only;
  if (options->engine == ENGINE_AUTO)
    progress_say ("engine %s: the other one needs more memory than it may use",
                  only->engine == ENGINE_GRAM ? "gram" : "sweep");
}

/* A full shuffle whose rows do not fit in memory is worth a word.  */
static void
warn_of_shuffle (const struct plan *plan, struct featfile *training)
{
  if (plan->engine == ENGINE_SWEEP && plan->row_by_row)
    progress_say ("the rows of '%s' do not fit in memory: --shuffle full reads each of them for itself, which is slow; "
                  "--shuffle window is not",
                  featfile_path (training));
}

int
choose_plan (struct plan *plan, const struct train_options *options, const uint64_t *width, size_t layers,
             struct featfile *training, struct featfile *validation, struct workers *workers,
             struct train_report *report)
{
  struct plan sweep, gram;
  struct error error = { 0 }; /* of the sweep, where the gram engine does not help either */
  int threads = workers_count (workers);
  bool sweep_fits = options->engine != ENGINE_GRAM
                    && !plan_training (&sweep, ENGINE_SWEEP, options, width[1], training, validation, threads);
  if (!sweep_fits)
    error_get (&error);
  bool gram_fits = options->engine != ENGINE_SWEEP
                   && !plan_training (&gram, ENGINE_GRAM, options, width[1], training, validation, threads);
  if (!sweep_fits && !gram_fits)
    return options->engine == ENGINE_GRAM ? -1 : error_put (&error);
  if (!sweep_fits || !gram_fits)
    take_only (plan, sweep_fits ? &sweep : &gram, options);
  else if (choose (plan, &sweep, &gram, options, width, layers, training, workers, report))
    return -1;
  warn_of_shuffle (plan, training);
  return 0;
}

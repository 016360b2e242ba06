/* The choice of the engine.  */
#ifndef SLABFIT_CHOICE_H
#define SLABFIT_CHOICE_H

#include "../base/workers.h"
#include "plan.h"
#include "rates.h"

/* Plans a training by the engine that OPTIONS name; with auto, by the one that fits and is forecast to be faster, from
   rates that are measured where both fit.  Says which and why on standard error.  WIDTH (layers + 1) are the features
   and each layer's units.  REPORT's forecasts are set.  Fails where none fits.  Under MPI collective: the first rank
   decides.  */
int choose_plan (struct plan *plan, const struct train_options *options, const uint64_t *width, size_t layers,
                 struct featfile *training, struct featfile *validation, struct workers *workers,
                 struct train_report *report);

/* What the choice between two plans that fit rests on.  */
struct prospect {
  struct rates rates; /* zeros where nothing was measured */
  struct forecast sweep, gram;
  bool gram_faster;
};

/* Forecasts both plans of one training, whose first layer and batches are the same, from rates that are measured on
   TRAINING.  -1 with the error set.  */
int choose_forecast (struct prospect *prospect, const struct plan *sweep, const struct plan *gram, uint64_t epochs,
                     const uint64_t *width, size_t layers, struct featfile *training, struct workers *workers);

/* Whether a training of UNITS in its first layer is so small that auto takes the gram engine unmeasured.  */
bool choose_unmeasured (const struct plan *gram, uint64_t units, uint64_t epochs);

#endif

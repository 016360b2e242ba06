/* The choice of the engine.  */
#ifndef SLABFIT_CHOICE_H
#define SLABFIT_CHOICE_H

#include "../base/workers.h"
#include "plan.h"

/* Plans a training by the engine that OPTIONS name; with auto, by the one that fits and is forecast to be faster, from
   rates that are measured where both fit.  Says which and why on standard error.  WIDTH (layers + 1) are the features and
   each layer's units.  REPORT's forecasts are set.  Fails where none fits.  Under MPI collective: the first rank decides.  */
int choose_plan (struct plan *plan, const struct train_options *options, const uint64_t *width, size_t layers,
                 struct featfile *training, struct featfile *validation, struct workers *workers,
                 struct train_report *report);

#endif

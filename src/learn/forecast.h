/* How long a training will take on either engine, from measured rates.  */
#ifndef SLABFIT_FORECAST_H
#define SLABFIT_FORECAST_H

#include "plan.h"
#include "rates.h"

/* Seconds of a training of EPOCHS epochs as PLAN, whose engine counts, has it, with a first layer of UNITS.  */
double forecast_seconds (const struct plan *plan, const struct rates *rates, uint64_t units, uint64_t epochs);

/* The terms of all products of the gram engine's PLAN, zeros among them: a matter of shapes alone.  */
double forecast_terms (const struct plan *plan, uint64_t units, uint64_t epochs);

#endif

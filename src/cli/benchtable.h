/* What bench train prints.  */
#ifndef SLABFIT_BENCHTABLE_H
#define SLABFIT_BENCHTABLE_H

#include "../learn/trainbench.h"

#include <jansson.h>

/* A line for each of the COUNT cases and its report, in 80 columns: forecasts and times, and then the rates.  */
void benchtable_print (const struct trainbench_case *measured, const struct trainbench_report *report, size_t count);

/* The same for --json, new: rates, those of the first case, and train, an array.  */
json_t *benchtable_json (const struct trainbench_case *measured, const struct trainbench_report *report, size_t count);

#endif

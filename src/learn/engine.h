/* What a training runs on: the first layer's engine and the feeds that it takes.  */
#ifndef SLABFIT_ENGINE_H
#define SLABFIT_ENGINE_H

#include "feed.h"
#include "first_layer.h"
#include "plan.h"
#include "products.h"

struct engine {
  struct first_layer *first; /* whoever takes it sets it to NULL */
  struct feed training, validation;
  uint64_t row_offset; /* what a validation row's number in its file is smaller by than the engine's */

  struct rows *rows, *validation_rows; /* of a sweep */
  int32_t *label;                      /* (N) of the gram engine's rows */
  struct table inner;                  /* its K */
  struct projection projection;        /* its X W0 */
  struct slabs slabs;                  /* over its training rows */
  double waited;                       /* seconds that slabs were waited for */
  double gram_seconds;                 /* for K and X W0, with the waiting */
};

/* Opens the engine of PLAN for MODEL, whose kernel it borrows and changes, on features of these files.  VALIDATION may
   be NULL.  -1 with the error set.  engine_close is to be called in any case.  */
int engine_open (struct engine *engine, const struct plan *plan, const struct train_options *options,
                 struct model *model, struct featfile *training, struct featfile *validation, struct workers *workers);
void engine_close (struct engine *engine);

double engine_waited (const struct engine *engine); /* seconds that features were waited for */

#endif

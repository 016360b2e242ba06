/* A model at work on rows in memory.  The same bits whatever the number of threads and the size of the batches.  */
#ifndef SLABFIT_PREDICTOR_H
#define SLABFIT_PREDICTOR_H

#include "../base/workers.h"
#include "batch.h"
#include "model.h"

struct predictor;

/* For MODEL (borrowed) and at most BATCH rows at once.  NULL with the error set.  */
struct predictor *predictor_new (const struct model *model, size_t batch, struct workers *workers);
void predictor_free (struct predictor *predictor); /* NULL is allowed */

/* PROBABILITIES (b, C) of the classes for the values of BATCH (b, d), whose row and label may be NULL.  */
int predictor_run (struct predictor *predictor, const struct batch *batch, float *probabilities);

/* After predictor_run: the sum of the rows' cross-entropies to LABEL (b).  */
double predictor_loss (const struct predictor *predictor, const struct batch *batch);

/* The likeliest of C classes by PROBABILITIES (C), the first of equals.  */
int32_t predictor_class (const float *probabilities, uint64_t classes);

#endif

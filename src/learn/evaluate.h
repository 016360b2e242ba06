/* A model's predictions for all rows of a feature file.  */
#ifndef SLABFIT_EVALUATE_H
#define SLABFIT_EVALUATE_H

#include "../base/workers.h"
#include "model.h"

struct evaluation {
  uint64_t rows;        /* n */
  uint64_t classes;     /* C */
  int32_t *label;       /* (n) as the file has them */
  int32_t *predicted;   /* (n) the likeliest class */
  float *probabilities; /* (n, C) */
  double loss;          /* mean cross-entropy */
  double read_seconds;  /* waited for rows */
};

/* Runs MODEL (from MODEL_NAME) over FILE, in the order of its rows.  Refuses features that do not belong to the model,
   and stops with ERROR_STOPPED where it is asked to.  FILE is read while WORKERS compute, as in train.  *EVALUATION is
   to be freed by evaluation_free.  */
int evaluate (const struct model *model, const char *model_name, struct featfile *file, struct workers *workers,
              struct evaluation *evaluation);
void evaluation_free (struct evaluation *evaluation);

#endif

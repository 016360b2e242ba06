#include <config.h>

#include "scoring.h"

#include "../base/memory.h"
#include "ranking.h"

#include <math.h>

/* The mean of the numbers that are there, WEIGHT (C) being the rows of each class, or NULL for all alike.  */
static double
average_auc (const double *auc, size_t classes, const uint64_t *weight)
{
  double sum = 0, weights = 0;
  for (size_t i = 0; i < classes; i++)
    if (!isnan (auc[i]))
      {
        sum += auc[i] * (weight ? (double) weight[i] : 1);
        weights += weight ? (double) weight[i] : 1;
      }
  return weights > 0 ? sum / weights : NAN;
}

static int
rank (struct scoring *scoring, const struct evaluation *evaluation)
{
  size_t rows = (size_t) evaluation->rows, classes = (size_t) evaluation->classes;
  uint64_t *weight = memory_new (classes, sizeof *weight);
  scoring->auc = memory_new (classes, sizeof *scoring->auc);
  int result = weight && scoring->auc
                 ? ranking_auc_each (evaluation->probabilities, evaluation->label, rows, classes, scoring->auc)
                 : -1;
  if (result == 0)
    {
      for (size_t i = 0; i < rows; i++)
        weight[evaluation->label[i]]++;
      scoring->auc_macro = average_auc (scoring->auc, classes, NULL);
      scoring->auc_weighted = average_auc (scoring->auc, classes, weight);
    }
  memory_free (weight);
  return result;
}

int
scoring_new (struct scoring *scoring, const struct names *classes, const struct evaluation *evaluation, size_t k)
{
  const float *probabilities = evaluation->probabilities;
  const int32_t *label = evaluation->label;
  *scoring = (struct scoring){ .classes = classes, .log_loss = evaluation->loss, .k = k };
  if (rank (scoring, evaluation))
    {
      scoring_free (scoring);
      return -1;
    }
  if (k > 0)
    scoring->top_k = ranking_top_k (probabilities, label, evaluation->rows, evaluation->classes, k);
  scoring->brier = calibration_brier (probabilities, label, evaluation->rows, evaluation->classes);
  calibration_measure (&scoring->calibration, probabilities, label, evaluation->predicted, evaluation->rows,
                       evaluation->classes);
  return 0;
}

void
scoring_free (struct scoring *scoring)
{
  memory_free (scoring->auc);
  *scoring = (struct scoring){ 0 };
}

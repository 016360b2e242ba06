#include <config.h>

#include "report.h"

#include "../base/error.h"

#include <math.h>

/* null for NaN.  */
static json_t *
number_json (double number)
{
  return isnan (number) ? json_null () : json_real (number);
}

static json_t *
score_json (const struct score *score)
{
  return json_pack ("{s:f, s:f, s:f, s:f}", "precision", score->precision, "recall", score->recall, "f1-score",
                    score->f1, "support", (double) score->support);
}

/* LIST, or NULL where FAILED.  */
static json_t *
finish (json_t *list, int failed)
{
  if (!failed)
    return list;
  json_decref (list);
  return NULL;
}

static json_t *
confusion_json (const struct metrics *metrics)
{
  size_t count = metrics->classes->count;
  json_t *matrix = json_array ();
  int failed = !matrix;
  for (size_t i = 0; i < count && !failed; i++)
    {
      json_t *row = json_array ();
      for (size_t j = 0; j < count; j++)
        failed |= json_array_append_new (row, json_integer ((json_int_t) metrics->confusion[i * count + j]));
      failed |= json_array_append_new (matrix, row);
    }
  return finish (matrix, failed);
}

/* A number for two classes, that of the second one; the averages and each class's own for more.  */
static json_t *
auc_json (const struct scoring *scoring)
{
  if (scoring->classes->count == 2)
    return number_json (scoring->auc[1]);
  json_t *each = json_object ();
  int failed = !each;
  for (size_t i = 0; i < scoring->classes->count && !failed; i++)
    failed = json_object_set_new (each, scoring->classes->name[i], number_json (scoring->auc[i]));
  each = finish (each, failed);
  return each ? json_pack ("{s:o, s:o, s:o}", "macro", number_json (scoring->auc_macro), "weighted",
                           number_json (scoring->auc_weighted), "classes", each)
              : NULL;
}

static json_t *
calibration_json (const struct calibration *calibration)
{
  json_t *bins = json_array ();
  int failed = !bins;
  for (size_t i = 0; i < CALIBRATION_BINS; i++)
    {
      const struct calibration_bin *bin = &calibration->bin[i];
      failed |= json_array_append_new (bins, json_pack ("{s:I, s:o, s:o}", "count", (json_int_t) bin->rows,
                                                        "confidence", number_json (bin->confidence), "accuracy",
                                                        number_json (bin->accuracy)));
    }
  bins = finish (bins, failed);
  return bins ? json_pack ("{s:f, s:o}", "ece", calibration->error, "bins", bins) : NULL;
}

static int
add_metrics (json_t *all, const struct metrics *metrics)
{
  int failed = 0;
  for (size_t i = 0; i < metrics->classes->count && !failed; i++)
    failed |= json_object_set_new (all, metrics->classes->name[i], score_json (&metrics->score[i]));
  failed |= json_object_set_new (all, "accuracy", json_real (metrics->accuracy));
  failed |= json_object_set_new (all, "macro avg", score_json (&metrics->macro));
  failed |= json_object_set_new (all, "weighted avg", score_json (&metrics->weighted));
  return failed | json_object_set_new (all, "confusion_matrix", confusion_json (metrics));
}

static int
add_scoring (json_t *all, const struct scoring *scoring)
{
  int failed = json_object_set_new (all, "loss", json_real (scoring->log_loss));
  failed |= json_object_set_new (all, "brier", json_real (scoring->brier));
  failed |= json_object_set_new (all, "roc_auc", auc_json (scoring));
  failed |= json_object_set_new (all, "calibration", calibration_json (&scoring->calibration));
  if (scoring->k > 0)
    failed |= json_object_set_new (all, "top_k",
                                   json_pack ("{s:I, s:f}", "k", (json_int_t) scoring->k, "accuracy", scoring->top_k));
  return failed;
}

json_t *
report_json (const struct metrics *metrics, const struct scoring *scoring)
{
  json_t *all = json_object ();
  if (all && !add_metrics (all, metrics) && !add_scoring (all, scoring))
    return all;
  json_decref (all);
  error_set ("the report cannot be written as JSON; check that the class names are UTF-8");
  return NULL;
}

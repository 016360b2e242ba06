#include <config.h>

#include "evaluate.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "predictor.h"
#include "rows.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { BATCH_ROWS = 32 };

void
evaluation_free (struct evaluation *evaluation)
{
  memory_free (evaluation->label);
  memory_free (evaluation->predicted);
  memory_free (evaluation->probabilities);
  *evaluation = (struct evaluation){ 0 };
}

static int
evaluation_new (struct evaluation *evaluation, uint64_t rows, uint64_t classes)
{
  size_t values;
  *evaluation = (struct evaluation){ .rows = rows, .classes = classes };
  if (memory_multiply ((size_t) rows, (size_t) classes, "the probabilities' size", &values))
    return -1;
  evaluation->label = memory_new ((size_t) rows, sizeof *evaluation->label);
  evaluation->predicted = memory_new ((size_t) rows, sizeof *evaluation->predicted);
  evaluation->probabilities = memory_new (values, sizeof *evaluation->probabilities);
  return evaluation->label && evaluation->predicted && evaluation->probabilities ? 0 : -1;
}

struct walk {
  const char *model_name;
  const struct featfile *file;
  struct predictor *predictor;
  struct evaluation *evaluation;
  double loss;
};

/* The rows come in their order in the file, so that a batch's first row is its place in the evaluation.  */
static int
predict_batch (void *context, const struct batch *batch, const struct batch *next)
{
  (void) next;
  struct walk *walk = context;
  struct evaluation *evaluation = walk->evaluation;
  uint64_t first = batch->row[0];
  float *probabilities = evaluation->probabilities + first * evaluation->classes;
  if (predictor_run (walk->predictor, batch, probabilities))
    return -1;
  double loss = predictor_loss (walk->predictor, batch);
  if (!isfinite (loss))
    return error_set ("the probabilities by '%s' of rows %" PRIu64 " to %" PRIu64 " of %s in '%s' are not numbers: the "
                      "features are too large for the model; use features that were extracted in the same way",
                      walk->model_name, first, first + batch->rows - 1, featfile_features_name (walk->file),
                      featfile_path (walk->file));
  walk->loss += loss;
  memcpy (evaluation->label + first, batch->label, batch->rows * sizeof *batch->label);
  for (size_t i = 0; i < batch->rows; i++)
    evaluation->predicted[first + i] = predictor_class (probabilities + i * evaluation->classes, evaluation->classes);
  return 0;
}

static int
predict_rows (struct walk *walk, struct rows *rows, const struct order *order)
{
  if (rows_walk (rows, order, 0, predict_batch, walk))
    return error_status () == ERROR_STOPPED ? error_stopped ("evaluation was stopped; run the same command again") : -1;
  walk->evaluation->loss = walk->loss / (double) walk->evaluation->rows;
  walk->evaluation->read_seconds = rows_seconds (rows);
  return 0;
}

int
evaluate (const struct model *model, const char *model_name, struct featfile *file, struct workers *workers,
          struct evaluation *evaluation)
{
  const struct featinfo *info = featfile_info (file);
  int result = -1;
  struct shuffle shuffle = shuffle_in_order (info->rows, info->chunk_rows, BATCH_ROWS);
  struct order order = { 0 };
  struct rows *rows = NULL;
  struct predictor *predictor = NULL;
  *evaluation = (struct evaluation){ 0 };
  if (model_check_features (model, model_name, file) || order_new (&order, &shuffle)
      || shuffle_epoch (&shuffle, 0, &order) || evaluation_new (evaluation, info->rows, model_classes (model)))
    goto done;
  rows = rows_new (file, &(struct rows_plan){ BATCH_ROWS, shuffle_largest_window (&shuffle), true, 0, info->columns });
  predictor = predictor_new (model, BATCH_ROWS, workers);
  if (!rows || !predictor)
    goto done;
  struct walk walk = { model_name, file, predictor, evaluation, 0 };
  result = predict_rows (&walk, rows, &order);
done:
  predictor_free (predictor);
  rows_free (rows);
  order_free (&order);
  if (result)
    evaluation_free (evaluation);
  return result;
}

#include <config.h>

#include "../src/learn/modelfile.h"

#include "../src/learn/predictor.h"
#include "learning.h"

#include <math.h>

/* ROWS (n, d), a list of lists, as floats; to be freed.  */
static float *
read_rows (const json_t *rows)
{
  size_t count = json_array_size (rows), columns = json_array_size (json_array_get (rows, 0));
  float *values = calloc (count * columns, sizeof *values);
  for (size_t i = 0; i < count * columns; i++)
    values[i] = (float) json_number_value (json_array_get (json_array_get (rows, i / columns), i % columns));
  return values;
}

static void
check_probabilities (const struct model *model, const json_t *expected)
{
  const json_t *rows = json_object_get (expected, "rows");
  size_t count = json_array_size (rows), classes = (size_t) model_classes (model);
  float *values = read_rows (rows), *theirs = read_rows (json_object_get (expected, "probabilities"));
  float *ours = calloc (count * classes, sizeof *ours);
  struct workers *workers = workers_new (2);
  struct predictor *predictor = predictor_new (model, count, workers);
  const struct batch batch = { .rows = count, .values = values };
  ck_assert_uint_eq (json_array_size (json_array_get (rows, 0)), model_columns (model));
  ck_assert_int_eq (predictor_run (predictor, &batch, ours), 0);
  ck_assert_uint_ge (count, 10);
  for (size_t i = 0; i < count * classes; i++)
    ck_assert_float_eq_tol (ours[i], theirs[i], 1e-6f);
  predictor_free (predictor);
  workers_free (workers);
  free (ours);
  free (theirs);
  free (values);
}

/* A file of format version 1, which make_model.py had made, must be read for ever; the probabilities are Keras's.  */
START_TEST (version_1_is_read)
{
  json_t *expected = reference_json ("model-v1.json");
  struct model *model = modelfile_read (reference_path ("model-v1.h5"));
  ck_assert_msg (model != NULL, "%s", error_message ());
  ck_assert_uint_eq (model->layers, 3);
  ck_assert_uint_eq (model->layer[0].outputs, 8);
  ck_assert_uint_eq (model->layer[1].outputs, 4);
  ck_assert_uint_eq (model->classes.count, json_array_size (json_object_get (expected, "classes")));
  for (size_t i = 0; i < model->classes.count; i++)
    ck_assert_str_eq (model->classes.name[i],
                      json_string_value (json_array_get (json_object_get (expected, "classes"), i)));
  const struct history *history = &model->history;
  ck_assert_uint_eq (history->count, (size_t) json_integer_value (json_object_get (expected, "epochs")));
  ck_assert_double_eq (history->epoch[history->count - 1].loss, json_number_value (json_object_get (expected, "loss")));
  ck_assert (isnan (history->epoch[0].auc) && isnan (history->epoch[0].val_auc)); /* which it does not have */
  ck_assert_str_eq (model->version, "0.1.0");
  check_probabilities (model, expected);
  model_free (model);
  json_decref (expected);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("modelfile");
  tcase_add_test (cases, version_1_is_read);
  return run_cases (cases, "modelfile");
}

#include <config.h>

#include "../src/learn/metrics.h"

#include "evaluations.h"

static void
check_score (const struct score *found, const json_t *expected)
{
  assert_number (found->precision, json_object_get (expected, "precision"));
  assert_number (found->recall, json_object_get (expected, "recall"));
  assert_number (found->f1, json_object_get (expected, "f1-score"));
  assert_number ((double) found->support, json_object_get (expected, "support"));
}

/* To the last bit, which may decide a digit of the report.  */
static void
check_average (const struct score *found, const json_t *expected)
{
  ck_assert_double_eq (found->precision, json_number_value (json_object_get (expected, "precision")));
  ck_assert_double_eq (found->recall, json_number_value (json_object_get (expected, "recall")));
  ck_assert_double_eq (found->f1, json_number_value (json_object_get (expected, "f1-score")));
}

static void
check_dictionary (const struct metrics *metrics, const json_t *expected)
{
  for (size_t i = 0; i < metrics->classes->count && metrics->classes->count < 100; i++)
    check_score (&metrics->score[i], json_object_get (expected, metrics->classes->name[i]));
  check_average (&metrics->macro, json_object_get (expected, "macro avg"));
  check_average (&metrics->weighted, json_object_get (expected, "weighted avg"));
  assert_number (metrics->accuracy, json_object_get (expected, "accuracy"));
}

static void
check_confusion (const struct metrics *metrics, const json_t *expected)
{
  size_t count = metrics->classes->count;
  for (size_t i = 0; i < count * count; i++)
    ck_assert_uint_eq (metrics->confusion[i], (uint64_t) json_integer_value (
                                                json_array_get (json_array_get (expected, i / count), i % count)));
}

/* By scikit-learn: classification_report with output_dict, and confusion_matrix.  */
START_TEST (numbers_are_scikit_learns)
{
  json_t *root = reference_json ("metrics.json"), *item;
  size_t index;
  json_array_foreach (json_object_get (root, "reports"), index, item)
  {
    struct metrics metrics;
    struct example example = read_report (item);
    const struct evaluation *evaluation = &example.evaluation;
    ck_assert_int_eq (
      metrics_new (&metrics, &example.classes, evaluation->label, evaluation->predicted, evaluation->rows), 0);
    check_dictionary (&metrics, json_object_get (item, "dictionary"));
    if (json_is_array (json_object_get (item, "confusion")))
      check_confusion (&metrics, json_object_get (item, "confusion"));
    metrics_free (&metrics);
    free_example (&example);
  }
  ck_assert_uint_ge (index, 12);
  json_decref (root);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("metrics");
  tcase_add_test (cases, numbers_are_scikit_learns);
  return run_cases (cases, "metrics");
}

#include <config.h>

#include "../src/learn/metrics.h"

#include "learning.h"

#include <string.h>

struct example {
  struct names classes;
  int32_t *label, *predicted;
  size_t rows;
};

static struct example
read_example (const json_t *item)
{
  const json_t *classes = json_object_get (item, "classes"), *labels = json_object_get (item, "labels");
  struct example example = { .rows = json_array_size (labels) };
  for (size_t i = 0; i < json_array_size (classes); i++)
    ck_assert_int_eq (names_add (&example.classes, json_string_value (json_array_get (classes, i))), 0);
  example.label = calloc (example.rows, sizeof *example.label);
  example.predicted = calloc (example.rows, sizeof *example.predicted);
  for (size_t i = 0; i < example.rows; i++)
    {
      example.label[i] = (int32_t) json_integer_value (json_array_get (labels, i));
      example.predicted[i] = (int32_t) json_integer_value (json_array_get (json_object_get (item, "predicted"), i));
    }
  return example;
}

static void
free_example (struct example *example)
{
  names_free (&example->classes);
  free (example->label);
  free (example->predicted);
}

static void
check_score (const json_t *found, const json_t *expected)
{
  static const char *const keys[] = { "precision", "recall", "f1-score", "support" };
  ck_assert_uint_eq (json_object_size (found), 4);
  for (size_t i = 0; i < 4; i++)
    ck_assert_double_eq_tol (json_number_value (json_object_get (found, keys[i])),
                             json_number_value (json_object_get (expected, keys[i])), 1e-15);
}

/* What scikit-learn printed and returned, saved by tests/reference/make_metrics.py.  */
START_TEST (reports_are_scikit_learns)
{
  json_t *root = reference_json ("metrics.json"), *item, *dictionary, *expected;
  size_t index;
  const char *key;
  ck_assert_uint_gt (json_array_size (root), 0);
  json_array_foreach (root, index, item)
  {
    struct metrics metrics;
    struct example example = read_example (item);
    ck_assert_int_eq (metrics_new (&metrics, &example.classes, example.label, example.predicted, example.rows), 0);
    char *text = metrics_report (&metrics);
    ck_assert_str_eq (text, json_string_value (json_object_get (item, "text")));
    free (text);
    json_t *found = metrics_json (&metrics);
    dictionary = json_object_get (item, "dictionary");
    if (json_is_object (dictionary))
      {
        ck_assert_uint_eq (json_object_size (found), json_object_size (dictionary) + 1);
        ck_assert (json_equal (json_object_get (found, "confusion_matrix"), json_object_get (item, "confusion")));
        json_object_foreach (dictionary, key, expected) if (json_is_object (expected))
          check_score (json_object_get (found, key), expected);
        else ck_assert_double_eq_tol (json_number_value (json_object_get (found, key)), json_number_value (expected),
                                      1e-15);
      }
    json_decref (found);
    metrics_free (&metrics);
    free_example (&example);
  }
  json_decref (root);
}
END_TEST

/* Counted by hand.  */
START_TEST (confusion_is_aligned)
{
  static const int32_t label[] = { 0, 0, 1, 1, 1, 0 }, predicted[] = { 0, 1, 1, 1, 1, 0 };
  struct names classes = { 0 };
  struct metrics metrics;
  names_add (&classes, "thé");
  names_add (&classes, "crème");
  ck_assert_int_eq (metrics_new (&metrics, &classes, label, predicted, 6), 0);
  char *text = metrics_confusion_text (&metrics);
  ck_assert_str_eq (text, "         thé  crème\n"
                          "  thé      2      1\n"
                          "crème      0      3\n");
  free (text);
  metrics_free (&metrics);
  names_free (&classes);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("metrics");
  tcase_add_test (cases, reports_are_scikit_learns);
  tcase_add_test (cases, confusion_is_aligned);
  return run_cases (cases, "metrics");
}

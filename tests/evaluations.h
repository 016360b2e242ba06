/* The reference values of evaluate, tests/reference/metrics.json, as make_metrics.py describes them.  */
#ifndef SLABFIT_TESTS_EVALUATIONS_H
#define SLABFIT_TESTS_EVALUATIONS_H

#include "learning.h"

#include "../src/learn/evaluate.h"

#include <math.h>

/* An evaluation without a network.  */
struct example {
  struct names classes;
  struct evaluation evaluation;
};

static inline int32_t *
read_numbers (const json_t *list)
{
  int32_t *number = calloc (json_array_size (list) + 1, sizeof *number);
  for (size_t i = 0; i < json_array_size (list); i++)
    number[i] = (int32_t) json_integer_value (json_array_get (list, i));
  return number;
}

/* One of "reports", for evaluation_free and names_free.  */
static inline struct example
read_report (const json_t *item)
{
  const json_t *classes = json_object_get (item, "classes"), *labels = json_object_get (item, "labels");
  struct example example = { .evaluation = { .rows = json_array_size (labels), .classes = json_array_size (classes) } };
  for (size_t i = 0; i < json_array_size (classes); i++)
    ck_assert_int_eq (names_add (&example.classes, json_string_value (json_array_get (classes, i))), 0);
  example.evaluation.label = read_numbers (labels);
  example.evaluation.predicted = read_numbers (json_object_get (item, "predicted"));
  return example;
}

/* One of "scores"; the classes are called 0, 1, ...  */
static inline struct example
read_scores (const json_t *item)
{
  const json_t *rows = json_object_get (item, "probabilities");
  size_t count = json_array_size (rows), classes = json_array_size (json_array_get (rows, 0));
  struct example example = { .evaluation = { .rows = count, .classes = classes } };
  example.evaluation.label = read_numbers (json_object_get (item, "labels"));
  example.evaluation.predicted = calloc (count, sizeof (int32_t));
  example.evaluation.probabilities = calloc (count * classes, sizeof (float));
  for (size_t i = 0; i < count; i++)
    {
      float *row = example.evaluation.probabilities + i * classes;
      for (size_t j = 0; j < classes; j++)
        {
          row[j] = (float) json_number_value (json_array_get (json_array_get (rows, i), j));
          if (row[j] > row[example.evaluation.predicted[i]])
            example.evaluation.predicted[i] = (int32_t) j;
        }
    }
  for (size_t j = 0; j < classes; j++)
    {
      char *name = text_new ("%zu", j);
      ck_assert_int_eq (names_add (&example.classes, name), 0);
      free (name);
    }
  return example;
}

static inline void
free_example (struct example *example)
{
  free (example->evaluation.label);
  free (example->evaluation.predicted);
  free (example->evaluation.probabilities);
  names_free (&example->classes);
}

/* FOUND is the number EXPECTED, or both are none: NaN, and null.  */
static inline void
assert_number (double found, const json_t *expected)
{
  ck_assert_ptr_nonnull (expected);
  if (json_is_null (expected))
    ck_assert_msg (isnan (found), "%g where there is none", found);
  else
    ck_assert_double_eq_tol (found, json_number_value (expected), 1e-14);
}

#endif

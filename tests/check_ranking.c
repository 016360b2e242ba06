#include <config.h>

#include "../src/learn/ranking.h"

#include "../src/base/random.h"
#include "evaluations.h"

/* By roc_auc_score and top_k_accuracy_score of scikit-learn.  */
START_TEST (numbers_are_scikit_learns)
{
  json_t *root = reference_json ("metrics.json"), *item, *expected;
  size_t index, ks = 0;
  const char *k;
  json_array_foreach (json_object_get (root, "scores"), index, item)
  {
    struct example example = read_scores (item);
    const struct evaluation *evaluation = &example.evaluation;
    size_t rows = evaluation->rows, classes = evaluation->classes;
    double auc[64];
    ck_assert_int_eq (ranking_auc_each (evaluation->probabilities, evaluation->label, rows, classes, auc), 0);
    for (size_t i = 0; i < classes; i++)
      assert_number (auc[i], json_array_get (json_object_get (item, "auc"), i));
    json_object_foreach (json_object_get (item, "top_k"), k, expected)
    {
      assert_number (ranking_top_k (evaluation->probabilities, evaluation->label, rows, classes, strtoul (k, NULL, 10)),
                     expected);
      ks++;
    }
    free_example (&example);
  }
  ck_assert_uint_ge (index, 9);
  ck_assert_uint_ge (ks, 18);
  json_decref (root);
}
END_TEST

/* The definition: pairs, one after the other.  */
static double
compare_pairs (const float *score, const int32_t *label, size_t rows)
{
  double higher = 0, pairs = 0;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < rows; j++)
      if (label[i] == 1 && label[j] != 1)
        {
          higher += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
          pairs++;
        }
  return higher / pairs;
}

START_TEST (one_score_for_two_classes)
{
  enum { ROWS = 300 };
  float score[ROWS], work[ROWS], both[2 * ROWS];
  int32_t label[ROWS];
  double auc[2];
  struct random generator = random_new (3, 1);
  for (int levels = 1; levels < 100; levels += 7)
    {
      for (int i = 0; i < ROWS; i++)
        {
          label[i] = random_uniform (&generator) < 0.3f;
          score[i] = floorf ((float) levels * random_uniform (&generator)) + (float) label[i];
          both[2 * i] = -score[i];
          both[2 * i + 1] = score[i];
        }
      ck_assert_double_eq_tol (ranking_auc (score, label, ROWS, work), compare_pairs (score, label, ROWS), 1e-14);
      ck_assert_int_eq (ranking_auc_each (both, label, ROWS, 2, auc), 0);
      ck_assert_double_eq (auc[1], ranking_auc (score, label, ROWS, work));
      ck_assert_double_eq (auc[0], auc[1]);
    }
}
END_TEST

/* By hand.  */
START_TEST (small_cases)
{
  static const float score[] = { 0.1f, 0.9f, 0.5f, 0.5f };
  static const int32_t label[] = { 0, 1, 1, 0 }, ones[] = { 1, 1, 1, 1 }, zeros[4];
  float work[4];
  ck_assert_double_eq (ranking_auc (score, label, 4, work), 3.5 / 4);
  ck_assert (isnan (ranking_auc (score, ones, 4, work)));
  ck_assert (isnan (ranking_auc (score, zeros, 4, work)));
  ck_assert (isnan (ranking_auc (score, label, 0, work)));
}
END_TEST

/* Of equals the later class comes first: classes 3, 2, 0, 1 of the one row.  */
START_TEST (ties_in_the_first_k)
{
  static const float score[] = { 0.3f, 0.1f, 0.3f, 0.3f };
  static const size_t place[] = { 2, 3, 1, 0 };
  for (int32_t label = 0; label < 4; label++)
    for (size_t k = 1; k <= 4; k++)
      ck_assert_double_eq (ranking_top_k (score, &label, 1, 4, k), place[label] < k ? 1 : 0);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("ranking");
  tcase_add_test (cases, numbers_are_scikit_learns);
  tcase_add_test (cases, one_score_for_two_classes);
  tcase_add_test (cases, small_cases);
  tcase_add_test (cases, ties_in_the_first_k);
  return run_cases (cases, "ranking");
}

#include <config.h>

#include "../src/learn/calibration.h"

#include "evaluations.h"

/* The Brier score by scikit-learn's brier_score_loss, the calibration by NumPy's digitize.  */
START_TEST (numbers_are_others)
{
  json_t *root = reference_json ("metrics.json"), *item;
  size_t index;
  json_array_foreach (json_object_get (root, "scores"), index, item)
  {
    struct calibration calibration;
    struct example example = read_scores (item);
    const struct evaluation *evaluation = &example.evaluation;
    calibration_measure (&calibration, evaluation->probabilities, evaluation->label, evaluation->predicted,
                         evaluation->rows, evaluation->classes);
    assert_number (calibration.error, json_object_get (item, "calibration_error"));
    for (size_t i = 0; i < CALIBRATION_BINS; i++)
      {
        const json_t *bin = json_array_get (json_object_get (item, "bins"), i);
        assert_number ((double) calibration.bin[i].rows, json_array_get (bin, 0));
        assert_number (calibration.bin[i].confidence, json_array_get (bin, 1));
        assert_number (calibration.bin[i].accuracy, json_array_get (bin, 2));
      }
    assert_number (
      calibration_brier (evaluation->probabilities, evaluation->label, evaluation->rows, evaluation->classes),
      json_object_get (item, "brier"));
    free_example (&example);
  }
  ck_assert_uint_ge (index, 9);
  json_decref (root);
}
END_TEST

/* The float nearest to 0.6 is above it, and that nearest to 0.8 too; the next one below is in the bin below.  */
START_TEST (edges_of_bins)
{
  const float confidence[] = { 1, 0.8f, nextafterf (0.8f, 0), 0.6f, nextafterf (0.6f, 0) };
  static const size_t expected[] = { 14, 12, 11, 9, 8 };
  for (size_t i = 0; i < 5; i++)
    {
      const float probabilities[] = { 1 - confidence[i], confidence[i] };
      struct calibration calibration;
      calibration_measure (&calibration, probabilities, &(int32_t){ 0 }, &(int32_t){ 1 }, 1, 2);
      ck_assert_uint_eq (calibration.bin[expected[i]].rows, 1);
      ck_assert_double_eq (calibration.error, (double) confidence[i]);
    }
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("calibration");
  tcase_add_test (cases, numbers_are_others);
  tcase_add_test (cases, edges_of_bins);
  return run_cases (cases, "calibration");
}

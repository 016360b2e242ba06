#include <config.h>

#include "../src/learn/report.h"

#include "evaluations.h"

#include <string.h>

/* METRICS of EXAMPLE.  */
static void
count_example (const struct example *example, struct metrics *metrics)
{
  const struct evaluation *evaluation = &example->evaluation;
  ck_assert_int_eq (
    metrics_new (metrics, &example->classes, evaluation->label, evaluation->predicted, evaluation->rows), 0);
}

typedef void print_metrics (const struct metrics *metrics, FILE *stream);

/* PRINT prints EXPECTED.  */
static void
assert_prints (print_metrics *print, const struct metrics *metrics, const char *expected)
{
  char *text;
  size_t length;
  FILE *stream = open_memstream (&text, &length);
  print (metrics, stream);
  fclose (stream);
  ck_assert_str_eq (text, expected);
  free (text);
}

/* By scikit-learn's classification_report, 2 to 1,000 classes.  */
START_TEST (texts_are_scikit_learns)
{
  json_t *root = reference_json ("metrics.json"), *item;
  size_t index;
  json_array_foreach (json_object_get (root, "reports"), index, item)
  {
    struct metrics metrics;
    struct example example = read_report (item);
    count_example (&example, &metrics);
    assert_prints (report_classification, &metrics, json_string_value (json_object_get (item, "text")));
    metrics_free (&metrics);
    free_example (&example);
  }
  ck_assert_uint_ge (index, 12);
  json_decref (root);
}
END_TEST

/* EXPECTED, a tree of objects, stands in FOUND.  */
static void
assert_holds (const json_t *found, json_t *expected)
{
  const char *key;
  json_t *value;
  if (json_is_object (expected))
    json_object_foreach (expected, key, value) assert_holds (json_object_get (found, key), value);
  else
    assert_number (json_number_value (found), expected);
}

/* By classification_report with output_dict, and confusion_matrix;
   beside them and the classes are the eight keys of report.h.  */
START_TEST (objects_are_scikit_learns)
{
  json_t *root = reference_json ("metrics.json"), *item;
  size_t index;
  json_array_foreach (json_object_get (root, "reports"), index, item)
  {
    struct metrics metrics;
    struct example example = read_report (item);
    double *auc = calloc (example.classes.count, sizeof *auc);
    const struct scoring scoring = { .classes = &example.classes, .auc = auc };
    count_example (&example, &metrics);
    json_t *found = report_json (&metrics, &scoring);
    assert_holds (found, json_object_get (item, "dictionary"));
    if (json_is_array (json_object_get (item, "confusion")))
      ck_assert (json_equal (json_object_get (found, "confusion_matrix"), json_object_get (item, "confusion")));
    ck_assert_uint_eq (json_object_size (found), example.classes.count + 8);
    json_decref (found);
    metrics_free (&metrics);
    free_example (&example);
    free (auc);
  }
  json_decref (root);
}
END_TEST

static json_t *
write_json (const struct names *classes, double *auc, double macro, size_t k)
{
  struct metrics metrics;
  const struct scoring scoring = { .classes = classes,
                                   .log_loss = 0.5,
                                   .brier = 0.25,
                                   .auc = auc,
                                   .auc_macro = macro,
                                   .auc_weighted = 0.75,
                                   .k = k,
                                   .top_k = 0.875,
                                   .calibration = { .bin[14] = { 3, 0.96875, NAN }, .error = 0.125 } };
  ck_assert_int_eq (metrics_new (&metrics, classes, (int32_t[]){ 0, 1 }, (int32_t[]){ 0, 1 }, 2), 0);
  json_t *found = report_json (&metrics, &scoring);
  ck_assert_ptr_nonnull (found);
  metrics_free (&metrics);
  return found;
}

static void
assert_text (const json_t *object, const char *key, const char *expected)
{
  char *text = json_dumps (json_object_get (object, key), JSON_COMPACT | JSON_ENCODE_ANY);
  ck_assert_str_eq (text, expected);
  free (text);
}

/* As doc/evaluation.md says.  */
START_TEST (keys_of_scores)
{
  struct names classes = { 0 };
  names_add (&classes, "a");
  names_add (&classes, "b");
  json_t *found = write_json (&classes, (double[]){ 0.5, 0.625 }, 0.5, 0), *calibration, *bins;
  assert_text (found, "loss", "0.5");
  assert_text (found, "brier", "0.25");
  assert_text (found, "roc_auc", "0.625");
  ck_assert_ptr_null (json_object_get (found, "top_k"));
  calibration = json_object_get (found, "calibration");
  bins = json_object_get (calibration, "bins");
  assert_text (calibration, "ece", "0.125");
  ck_assert_uint_eq (json_array_size (bins), 15);
  assert_text (json_array_get (bins, 14), "confidence", "0.96875");
  assert_text (json_array_get (bins, 14), "accuracy", "null");
  assert_text (json_array_get (bins, 14), "count", "3");
  json_decref (found);
  found = write_json (&classes, (double[]){ NAN, NAN }, NAN, 0);
  assert_text (found, "roc_auc", "null");
  json_decref (found);
  names_add (&classes, "c");
  found = write_json (&classes, (double[]){ 0.5, 0.625, NAN }, NAN, 2);
  assert_text (found, "roc_auc", "{\"macro\":null,\"weighted\":0.75,\"classes\":{\"a\":0.5,\"b\":0.625,\"c\":null}}");
  assert_text (found, "top_k", "{\"k\":2,\"accuracy\":0.875}");
  json_decref (found);
  names_free (&classes);
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
  assert_prints (report_confusion, &metrics,
                 "confusion matrix (rows: the class, columns: the prediction)\n\n"
                 "         thé  crème\n"
                 "  thé      2      1\n"
                 "crème      0      3\n");
  metrics_free (&metrics);
  names_free (&classes);
}
END_TEST

/* 25 classes, of which class i has i rows that are taken for the next one, and the last as many as the one before it;
   the smallest are not shown.  By hand.  */
START_TEST (many_classes_have_their_largest_confusions)
{
  int32_t label[512], predicted[512];
  uint64_t rows = 0;
  struct names classes = { 0 };
  struct metrics metrics;
  char expected[2048] = "largest confusions, 20 of 25 (the class, the prediction, rows)\n\n"
                        "class 10   class 0  99\n" /* comes last, and is the largest */
                        "class 23  class 24  23\n"
                        "class 24   class 0  23\n";
  for (int i = 0; i < 25; i++)
    {
      char name[16];
      snprintf (name, sizeof name, "class %d", i);
      names_add (&classes, name);
      for (int j = 0; j < (i < 24 ? i : 23); j++, rows++)
        label[rows] = i, predicted[rows] = (i + 1) % 25;
    }
  for (int j = 0; j < 99; j++, rows++)
    label[rows] = 10, predicted[rows] = 0;
  for (int i = 22; i >= 6; i--)
    sprintf (expected + strlen (expected), "%8s  %8s  %2d\n", classes.name[i], classes.name[i + 1], i);
  ck_assert_int_eq (metrics_new (&metrics, &classes, label, predicted, rows), 0);
  assert_prints (report_confusion, &metrics, expected);
  metrics_free (&metrics);
  for (uint64_t i = 0; i < rows; i++)
    predicted[i] = label[i];
  ck_assert_int_eq (metrics_new (&metrics, &classes, label, predicted, rows), 0);
  assert_prints (report_confusion, &metrics, "largest confusions, 0 of 0 (the class, the prediction, rows)\n\n");
  metrics_free (&metrics);
  names_free (&classes);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("report");
  tcase_add_test (cases, texts_are_scikit_learns);
  tcase_add_test (cases, objects_are_scikit_learns);
  tcase_add_test (cases, keys_of_scores);
  tcase_add_test (cases, confusion_is_aligned);
  tcase_add_test (cases, many_classes_have_their_largest_confusions);
  return run_cases (cases, "report");
}

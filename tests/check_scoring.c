#include <config.h>

#include "../src/learn/scoring.h"

#include "../src/learn/report.h"
#include "evaluations.h"

/* The lines of SCORING, to be freed.  */
static char *
print_scoring (const struct scoring *scoring)
{
  char *text;
  size_t length;
  FILE *stream = open_memstream (&text, &length);
  report_scoring (scoring, stream);
  fclose (stream);
  return text;
}

static void
check_scoring (struct scoring *scoring, const json_t *item)
{
  size_t classes = json_array_size (json_object_get (item, "auc"));
  assert_number (classes == 2 ? scoring->auc[1] : scoring->auc_macro, json_object_get (item, "auc_macro"));
  assert_number (classes == 2 ? scoring->auc[1] : scoring->auc_weighted, json_object_get (item, "auc_weighted"));
  assert_number (scoring->brier, json_object_get (item, "brier"));
  assert_number (scoring->calibration.error, json_object_get (item, "calibration_error"));
  if (classes == 2)
    ck_assert_double_eq (scoring->top_k, 1);
  else
    assert_number (scoring->top_k, json_object_get (json_object_get (item, "top_k"), "2"));
}

/* By roc_auc_score with multi_class="ovr" and others of scikit-learn; without classes that have no rows.  */
START_TEST (numbers_are_scikit_learns)
{
  json_t *root = reference_json ("metrics.json"), *item;
  size_t index;
  json_array_foreach (json_object_get (root, "scores"), index, item)
  {
    struct scoring scoring;
    struct example example = read_scores (item);
    ck_assert_int_eq (scoring_new (&scoring, &example.classes, &example.evaluation, 2), 0);
    check_scoring (&scoring, item);
    scoring_free (&scoring);
    free_example (&example);
  }
  ck_assert_uint_ge (index, 9);
  json_decref (root);
}
END_TEST

/* An evaluation of one row of class LABEL for each of ROWS, all classes being equally likely.  */
static struct scoring
score_rows (struct names *classes, const char *names, const int32_t *label, size_t rows)
{
  static float probabilities[64];
  static int32_t predicted[16];
  struct scoring scoring;
  for (const char *name = names; *name; name++)
    names_add (classes, (char[]){ *name, 0 });
  for (size_t i = 0; i < rows * classes->count; i++)
    probabilities[i] = 1 / (float) classes->count;
  const struct evaluation evaluation = { .rows = rows,
                                         .classes = classes->count,
                                         .label = (int32_t *) label,
                                         .predicted = predicted,
                                         .probabilities = probabilities,
                                         .loss = 1.25 };
  ck_assert_int_eq (scoring_new (&scoring, classes, &evaluation, 0), 0);
  return scoring;
}

static void
says (const char *names, const int32_t *label, size_t rows, const char *expected)
{
  struct names classes = { 0 };
  struct scoring scoring = score_rows (&classes, names, label, rows);
  char *text = print_scoring (&scoring);
  ck_assert_str_eq (text, expected);
  free (text);
  scoring_free (&scoring);
  names_free (&classes);
}

/* By hand: all scores are equal, so each curve's area is one half; four classes of probability 1/4 have a Brier score
   of 9/16 + 3/16 and, where one in two is of class 0, a calibration error of 1/4.  */
START_TEST (lines)
{
  says ("ab", (int32_t[]){ 0, 1 }, 2,
        "ROC AUC of b: 0.5000\nlog loss: 1.2500\nBrier score: 0.2500\nexpected calibration error: 0.0000 (15 bins)\n");
  says ("ab", (int32_t[]){ 0, 0 }, 2,
        "ROC AUC: none, as all rows are of one class\nlog loss: 1.2500\nBrier score: 0.2500\n"
        "expected calibration error: 0.5000 (15 bins)\n");
  says ("abcd", (int32_t[]){ 0, 2 }, 2,
        "ROC AUC, each class against the rest: 0.5000 macro, 0.5000 weighted; left out, without rows: b, d\n"
        "log loss: 1.2500\nBrier score: 0.7500\nexpected calibration error: 0.2500 (15 bins)\n");
  says ("abcdefgh", (int32_t[]){ 0, 2 }, 2,
        "ROC AUC, each class against the rest: 0.5000 macro, 0.5000 weighted; left out: 6 classes without rows\n"
        "log loss: 1.2500\nBrier score: 0.8750\nexpected calibration error: 0.3750 (15 bins)\n");
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("scoring");
  tcase_add_test (cases, numbers_are_scikit_learns);
  tcase_add_test (cases, lines);
  return run_cases (cases, "scoring");
}

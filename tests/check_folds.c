#include <config.h>

#include "../src/learn/folds.h"

#include "support.h"

enum { ROWS = 24, CLASSES = 3 };

/* 13, 7 and 4 rows of the classes, which appear in the order of their numbers.  */
static const int32_t label[ROWS] = { 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2 };

static void
count (const uint32_t *fold, size_t index, int found[CLASSES])
{
  memset (found, 0, CLASSES * sizeof *found);
  for (size_t i = 0; i < ROWS; i++)
    if (fold[i] == index)
      found[label[i]]++;
}

/* np.bincount (label[test]) of each fold of sklearn.model_selection.StratifiedKFold (n), scikit-learn 1.9.  */
START_TEST (counts_are_those_of_scikit_learn)
{
  static const struct {
    size_t folds;
    int count[7][CLASSES];
  } cases[] = {
    { 2, { { 7, 3, 2 }, { 6, 4, 2 } } },
    { 3, { { 5, 2, 1 }, { 4, 3, 1 }, { 4, 2, 2 } } },
    { 5, { { 3, 1, 1 }, { 3, 1, 1 }, { 3, 1, 1 }, { 2, 2, 1 }, { 2, 2, 0 } } },
    { 7, { { 2, 1, 1 }, { 2, 1, 1 }, { 2, 1, 1 }, { 2, 1, 0 }, { 2, 1, 0 }, { 2, 1, 0 }, { 1, 1, 1 } } },
  };
  uint32_t fold[ROWS];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (uint64_t seed = 0; seed < 5; seed++)
      {
        ck_assert_int_eq (folds_deal (label, ROWS, CLASSES, cases[i].folds, seed, fold), 0);
        for (size_t j = 0; j < cases[i].folds; j++)
          {
            int found[CLASSES];
            count (fold, j, found);
            ck_assert_mem_eq (found, cases[i].count[j], sizeof found);
          }
      }
}
END_TEST

/* Each row of a class is in each fold for about as many seeds, whatever its place: 13 rows in 3 folds of 5, 4, 4.  */
START_TEST (rows_are_dealt_by_chance)
{
  enum { SEEDS = 2000 };
  int first[ROWS] = { 0 };
  uint32_t fold[ROWS];
  for (uint64_t seed = 0; seed < SEEDS; seed++)
    {
      ck_assert_int_eq (folds_deal (label, ROWS, CLASSES, 3, seed, fold), 0);
      for (size_t i = 0; i < ROWS; i++)
        {
          ck_assert_uint_lt (fold[i], 3);
          first[i] += fold[i] == 0;
        }
    }
  static const double share[CLASSES] = { 5.0 / 13, 2.0 / 7, 1.0 / 4 };
  for (size_t i = 0; i < ROWS; i++) /* 5 standard deviations of a binomial distribution are below 0.055 */
    ck_assert_double_eq_tol (first[i] / (double) SEEDS, share[label[i]], 0.055);
}
END_TEST

START_TEST (as_many_folds_as_rows)
{
  uint32_t fold[ROWS], seen = 0;
  ck_assert_int_eq (folds_deal (label, ROWS, CLASSES, ROWS, 1, fold), 0);
  for (size_t i = 0; i < ROWS; i++)
    seen |= 1U << fold[i];
  ck_assert_uint_eq (seen, (1U << ROWS) - 1);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("folds");
  tcase_add_test (cases, counts_are_those_of_scikit_learn);
  tcase_add_test (cases, rows_are_dealt_by_chance);
  tcase_add_test (cases, as_many_folds_as_rows);
  return run_cases (cases, "folds");
}

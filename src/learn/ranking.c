#include <config.h>

#include "ranking.h"

#include "../base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int
compare_scores (const void *a, const void *b)
{
  float x = *(const float *) a, y = *(const float *) b;
  return (x > y) - (x < y);
}

/* How many of SORTED (COUNT) are below SCORE; with EQUAL, those that equal it as well.  */
static size_t
count_below (const float *sorted, size_t count, float score, bool equal)
{
  size_t first = 0;
  while (count > 0)
    {
      size_t half = count / 2;
      float middle = sorted[first + half];
      bool below = middle < score || (equal && middle == score);
      first += below ? half + 1 : 0;
      count = below ? count - half - 1 : half;
    }
  return first;
}

/* Of the pairs of one of SORTED (COUNT), a class's own scores, and SCORE, that of a row of another class: twice those
   in which the class's own is higher, and once those of equals.  */
static uint64_t
count_halves (const float *sorted, size_t count, float score)
{
  if (count == 0 || score < sorted[0])
    return 2 * (uint64_t) count;
  size_t below = count_below (sorted, count, score, false), through = count_below (sorted, count, score, true);
  return 2 * (uint64_t) (count - through) + (through - below);
}

/* The share that HALVES is of the pairs of COUNT own rows and all others.  */
static double
share_of_pairs (uint64_t halves, size_t count, size_t rows)
{
  return count == 0 || count == rows ? NAN : (double) halves / (2 * (double) count * (double) (rows - count));
}

double
ranking_auc (const float *score, const int32_t *label, size_t rows, float *work)
{
  size_t count = 0;
  uint64_t halves = 0;
  for (size_t i = 0; i < rows; i++)
    if (label[i] == 1)
      work[count++] = score[i];
  qsort (work, count, sizeof *work, compare_scores);
  for (size_t i = 0; i < rows; i++)
    if (label[i] != 1)
      halves += count_halves (work, count, score[i]);
  return share_of_pairs (halves, count, rows);
}

/* OWN (n): each row's score for its own class, class after class, sorted in each; class i's are FIRST[i] to
   FIRST[i + 1], FIRST (C + 1) being zeros before.  */
static void
sort_own (const float *score, const int32_t *label, size_t rows, size_t classes, size_t *first, float *own)
{
  for (size_t i = 0; i < rows; i++)
    first[label[i]]++;
  for (size_t i = 0, sum = 0; i <= classes; i++)
    first[i] = sum += first[i];
  for (size_t i = rows; i-- > 0;) /* each class is filled from its end, which leaves its beginning in FIRST */
    own[--first[label[i]]] = score[i * classes + (size_t) label[i]];
  for (size_t i = 0; i < classes; i++)
    qsort (own + first[i], first[i + 1] - first[i], sizeof *own, compare_scores);
}

int
ranking_auc_each (const float *score, const int32_t *label, size_t rows, size_t classes, double *auc)
{
  size_t *first = memory_new (classes + 1, sizeof *first);
  uint64_t *halves = memory_new (classes, sizeof *halves);
  float *own = memory_new (rows, sizeof *own);
  int result = first && halves && own ? 0 : -1;
  if (result == 0)
    {
      sort_own (score, label, rows, classes, first, own);
      for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < classes; j++)
          if (j != (size_t) label[i])
            halves[j] += count_halves (own + first[j], first[j + 1] - first[j], score[i * classes + j]);
      for (size_t j = 0; j < classes; j++)
        auc[j] = share_of_pairs (halves[j], first[j + 1] - first[j], rows);
    }
  memory_free (own);
  memory_free (halves);
  memory_free (first);
  return result;
}

/* How many of SCORE (C) come before that of class LABEL.  */
static size_t
count_before (const float *score, size_t classes, size_t label)
{
  size_t before = 0;
  for (size_t i = 0; i < classes; i++)
    before += score[i] > score[label] || (score[i] == score[label] && i > label);
  return before;
}

double
ranking_top_k (const float *score, const int32_t *label, size_t rows, size_t classes, size_t k)
{
  uint64_t hits = 0;
  for (size_t i = 0; i < rows; i++)
    hits += count_before (score + i * classes, classes, (size_t) label[i]) < k;
  return (double) hits / (double) rows;
}

#include <config.h>

#include "separability.h"

#include "../base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Rows of a class beside those of another one.  */
struct count {
  double wrong;
  uint64_t rows;
};

/* How wrong it is that the nearest neighbours have the cosines OWN and OTHER.  */
static double
wrongness (float own, float other)
{
  return other > own ? 1 : other < own ? 0 : 0.5;
}

/* COUNT (C, C).  Returns the share of all rows.  */
static double
count_rows (struct count *count, const float *best, const int32_t *label, size_t rows, size_t classes)
{
  double wrong = 0;
  uint64_t counted = 0;
  for (size_t row = 0; row < rows; row++, best += classes)
    {
      float own = best[label[row]], nearest = -1;
      struct count *line = count + (size_t) label[row] * classes;
      if (own <= -1)
        continue;
      for (size_t other = 0; other < classes; other++)
        if (other != (size_t) label[row] && best[other] > -1)
          {
            line[other].wrong += wrongness (own, best[other]);
            line[other].rows++;
            nearest = best[other] > nearest ? best[other] : nearest;
          }
      wrong += wrongness (own, nearest);
      counted++;
    }
  return counted ? wrong / (double) counted : NAN;
}

static int
compare_pairs (const void *a, const void *b)
{
  const struct likeness *x = a, *y = b;
  if (x->error != y->error)
    return x->error < y->error ? 1 : -1;
  int first = (x->class[0] > y -> class[0]) - (x->class[0] < y -> class[0]);
  return first ? first : (x->class[1] > y -> class[1]) - (x->class[1] < y -> class[1]);
}

/* The pair of classes A < B; its error is -1 where there are too few rows.  */
static struct likeness
judge_pair (const struct count *count, size_t classes, size_t a, size_t b)
{
  const struct count *x = &count[a * classes + b], *y = &count[b * classes + a];
  struct likeness pair = { { a, b }, { x->rows, y->rows }, -1 };
  if (x->rows >= SEPARABILITY_ROWS && y->rows >= SEPARABILITY_ROWS)
    pair.error = (x->wrong / (double) x->rows + y->wrong / (double) y->rows) / 2;
  return pair;
}

/* Looks at all pairs; keeps those that are alike where there is room for them.  */
static void
judge_pairs (struct separability *separability, const struct count *count, size_t classes, double threshold)
{
  separability->count = 0;
  separability->hardest = (struct likeness){ .error = -1 };
  for (size_t a = 0; a < classes; a++)
    for (size_t b = a + 1; b < classes; b++)
      {
        struct likeness pair = judge_pair (count, classes, a, b);
        if (pair.error > separability->hardest.error)
          separability->hardest = pair;
        if (pair.error < threshold)
          continue;
        if (separability->alike)
          separability->alike[separability->count] = pair;
        separability->count++;
      }
}

int
separability_judge (struct separability *separability, const float *best, const int32_t *label, size_t rows,
                    size_t classes, double threshold)
{
  size_t cells;
  struct count *count = NULL;
  *separability = (struct separability){ 0 };
  if (memory_multiply (classes, classes, "the classes' table", &cells) || !(count = memory_new (cells, sizeof *count)))
    return -1;
  separability->error = count_rows (count, best, label, rows, classes);
  judge_pairs (separability, count, classes, threshold);
  separability->alike = memory_new (separability->count, sizeof *separability->alike);
  if (separability->alike)
    {
      judge_pairs (separability, count, classes, threshold);
      qsort (separability->alike, separability->count, sizeof *separability->alike, compare_pairs);
    }
  memory_free (count);
  return separability->alike ? 0 : -1;
}

void
separability_free (struct separability *separability)
{
  memory_free (separability->alike);
  *separability = (struct separability){ 0 };
}

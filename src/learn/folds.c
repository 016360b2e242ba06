#include <config.h>

#include "folds.h"

#include "../base/memory.h"
#include "../base/random.h"

/* Of the seed: far from those of weights, shuffles and dropout.  */
static const uint64_t stream = (uint64_t) 3 << 48;

/* ORDER (n) = the rows, class after class; class i's begin at FIRST[i], FIRST (classes + 1) being zeros before.  */
static void
sort_by_class (const int32_t *label, size_t rows, size_t classes, size_t *first, uint64_t *order)
{
  for (size_t i = 0; i < rows; i++)
    first[label[i]]++;
  for (size_t i = 0, sum = 0; i <= classes; i++)
    first[i] = sum += first[i];
  for (size_t i = rows; i-- > 0;) /* each class is filled from its end, which leaves its beginning in FIRST */
    order[--first[label[i]]] = i;
}

int
folds_deal (const int32_t *label, size_t rows, size_t classes, size_t folds, uint64_t seed, uint32_t *fold)
{
  uint64_t *order = memory_new (rows, sizeof *order);
  size_t *first = memory_new (classes + 1, sizeof *first);
  int result = order && first ? 0 : -1;
  if (result == 0)
    {
      sort_by_class (label, rows, classes, first, order);
      for (size_t i = 0; i < classes; i++)
        {
          struct random generator = random_new (seed, stream + i);
          random_shuffle (&generator, order + first[i], first[i + 1] - first[i]);
        }
      for (size_t i = 0; i < rows; i++)
        fold[order[i]] = (uint32_t) (i % folds);
    }
  memory_free (order);
  memory_free (first);
  return result;
}

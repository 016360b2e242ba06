#include <config.h>

#include "cosine.h"

#include "../base/vectorised.h"
#include "slab.h"

#include <math.h>

enum { LANES = 8 };

/* Products of floats are exact in double.  */
VECTORISED static double
product_of (const float *restrict a, const float *restrict b, size_t count)
{
  double sum[LANES] = { 0 };
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (size_t lane = 0; lane < LANES; lane++)
      sum[lane] += (double) a[i + lane] * (double) b[i + lane];
  for (; i < count; i++)
    sum[i % LANES] += (double) a[i] * (double) b[i];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

void
cosine_add (double *sum, const float *a, const float *b, size_t columns)
{
  for (size_t i = 0; i < columns; i += SLAB_COLUMNS)
    *sum += product_of (a + i, b + i, columns - i < SLAB_COLUMNS ? columns - i : SLAB_COLUMNS);
}

double
cosine_of (double product, double square_a, double square_b)
{
  double cosine = product / (sqrt (square_a) * sqrt (square_b));
  if (product == square_a && product == square_b)
    return 1;
  return fmax (-1, fmin (cosine, 1));
}

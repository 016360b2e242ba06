#include <config.h>

#include "blas.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"

#include <cblas.h>
#include <math.h>
#include <stddef.h>

struct shape {
  int m, n, k;
};

static const struct shape shapes[] = { { 64, 96, 48 }, { 1, 1, 1 }, { 3, 5, 7 }, { 31, 257, 17 }, { 64, 256, 32 } };

static double
expected (bool transposed, const struct shape *shape, const float *a, const float *b, int row, int column)
{
  double sum = 0;
  for (int i = 0; i < shape->k; i++)
    sum += (double) (transposed ? a[i * shape->m + row] : a[row * shape->k + i]) * (double) b[i * shape->n + column];
  return sum;
}

static bool
is_right (bool transposed, const struct shape *shape, const float *a, const float *b, const float *c)
{
  for (int row = 0; row < shape->m; row++)
    for (int column = 0; column < shape->n; column++)
      {
        double wanted = expected (transposed, shape, a, b, row, column);
        if (!(fabs ((double) c[row * shape->n + column] - wanted) <= 1e-4 * (1 + fabs (wanted)))) /* also where NaN */
          return false;
      }
  return true;
}

static int
check_shape (blas_product *product, bool transposed, const struct shape *shape)
{
  size_t a_count = (size_t) shape->m * (size_t) shape->k, b_count = (size_t) shape->k * (size_t) shape->n;
  size_t c_count = (size_t) shape->m * (size_t) shape->n;
  float *values = memory_new (a_count + b_count + c_count, sizeof *values);
  if (!values)
    return -1;
  float *a = values, *b = a + a_count, *c = b + b_count;
  struct random generator = random_new (0, 0);
  for (size_t i = 0; i < a_count + b_count; i++)
    values[i] = random_normal (&generator);
  for (size_t i = 0; i < c_count; i++)
    c[i] = NAN;
  product (transposed, shape->m, shape->n, shape->k, a, b, c);
  int result = 0;
  if (!is_right (transposed, shape, a, b, c))
    result =
      error_set ("OpenBLAS (%s) computes a wrong %d x %d x %d product on this processor; set the environment "
                 "variable OPENBLAS_CORETYPE=Haswell (or another core that it knows), or install a newer OpenBLAS",
                 openblas_get_corename (), shape->m, shape->n, shape->k);
  memory_free (values);
  return result;
}

int
blas_check (blas_product *product)
{
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (check_shape (product, false, &shapes[i]) || check_shape (product, true, &shapes[i]))
      return -1;
  return 0;
}

static void
multiply (bool transposed, int m, int n, int k, const float *a, const float *b, float *c)
{
  cblas_sgemm (CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, m, n, k, 1, a, transposed ? m : k,
               b, n, 0, c, n);
}

int
blas_prepare (void)
{
  openblas_set_num_threads (1);
  return blas_check (multiply);
}

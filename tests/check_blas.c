#include <config.h>

#include "../src/learn/blas.h"

#include "learning.h"

#include <string.h>

START_TEST (this_openblas_is_right)
{
  ck_assert_msg (blas_prepare () == 0, "%s", error_message ());
}
END_TEST

static void
multiply (bool transposed, int m, int n, int k, const float *a, const float *b, float *c)
{
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++)
      {
        double sum = 0;
        for (int l = 0; l < k; l++)
          sum += (double) (transposed ? a[l * m + i] : a[i * k + l]) * (double) b[l * n + j];
        c[i * n + j] = (float) sum;
      }
}

/* Wrong in one element of the largest shape only, as a faulty kernel's edge would be.  */
static void
multiply_wrongly (bool transposed, int m, int n, int k, const float *a, const float *b, float *c)
{
  multiply (transposed, m, n, k, a, b, c);
  if (n == 257)
    c[30 * 257 + 256] += 0.01f;
}

static void
multiply_transposed_wrongly (bool transposed, int m, int n, int k, const float *a, const float *b, float *c)
{
  (void) transposed;
  multiply (false, m, n, k, a, b, c);
}

static void
leave_unset (bool transposed, int m, int n, int k, const float *a, const float *b, float *c)
{
  (void) transposed, (void) m, (void) n, (void) k, (void) a, (void) b, (void) c;
}

START_TEST (plain_loops_pass)
{
  ck_assert_int_eq (blas_check (multiply), 0);
}
END_TEST

START_TEST (wrong_products_are_found)
{
  blas_product *const wrong[] = { multiply_wrongly, multiply_transposed_wrongly, leave_unset };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    {
      error_clear ();
      ck_assert_int_eq (blas_check (wrong[i]), -1);
      ck_assert_ptr_nonnull (strstr (error_message (), "OPENBLAS_CORETYPE"));
    }
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("blas");
  tcase_add_test (cases, this_openblas_is_right);
  tcase_add_test (cases, plain_loops_pass);
  tcase_add_test (cases, wrong_products_are_found);
  return run_cases (cases, "blas");
}

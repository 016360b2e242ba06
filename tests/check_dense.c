#include <config.h>

#include "../src/learn/dense.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "support.h"

#include <math.h>
#include <stdbool.h>

static const size_t shapes[][3] = { { 1, 1, 1 },    { 4, 16, 3 },   { 5, 17, 2 },  { 3, 15, 40 },
                                    { 32, 16, 64 }, { 9, 100, 33 }, { 64, 2, 32 }, { 33, 40, 2 } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double *
make_values (uint64_t stream, size_t count)
{
  struct random generator = random_new (3, stream);
  double *values = memory_new (count, sizeof *values);
  ck_assert_ptr_nonnull (values);
  for (size_t i = 0; i < count; i++)
    values[i] = (double) random_normal (&generator);
  return values;
}

/* A matrix (rows, columns) that lies by rows or, TURNED, by columns with as much between its numbers.  */
static struct operand
operand (const double *values, size_t rows, size_t columns, bool turned)
{
  return turned ? (struct operand){ values, 2, 2 * rows } : (struct operand){ values, columns, 1 };
}

static double
number (struct operand matrix, size_t row, size_t column)
{
  return matrix.values[row * matrix.row_stride + column * matrix.column_stride];
}

/* Against the definition, a plain sum in long double.  What lies behind the product is not touched.  */
START_TEST (products_by_definition)
{
  size_t rows = shapes[_i / 4][0], columns = shapes[_i / 4][1], depth = shapes[_i / 4][2];
  double *a = make_values (0, 2 * rows * depth), *b = make_values (1, 2 * depth * columns);
  double *product = make_values (2, rows * columns + 16), *panel = make_values (3, depth * DENSE_PANEL);
  double behind = product[rows * columns];
  struct operand left = operand (a, rows, depth, _i & 1), right = operand (b, depth, columns, _i & 2);
  dense_multiply (product, rows, columns, depth, left, right, panel);
  for (size_t row = 0; row < rows; row++)
    for (size_t column = 0; column < columns; column++)
      {
        long double sum = 0;
        for (size_t i = 0; i < depth; i++)
          sum += (long double) number (left, row, i) * (long double) number (right, i, column);
        ck_assert_double_eq_tol (product[row * columns + column], (double) sum, 1e-13);
      }
  ck_assert_double_eq (product[rows * columns], behind);
  memory_free (a);
  memory_free (b);
  memory_free (product);
  memory_free (panel);
}
END_TEST

START_TEST (a_row_has_the_same_bits_in_any_batch)
{
  enum { ROWS = 7, COLUMNS = 21, DEPTH = 50 };
  double *a = make_values (0, ROWS * DEPTH), *b = make_values (1, DEPTH * COLUMNS);
  double *panel = make_values (2, DEPTH * DENSE_PANEL), all[ROWS * COLUMNS], one[COLUMNS];
  struct operand right = operand (b, DEPTH, COLUMNS, false);
  dense_multiply (all, ROWS, COLUMNS, DEPTH, operand (a, ROWS, DEPTH, false), right, panel);
  for (size_t row = 0; row < ROWS; row++)
    {
      dense_multiply (one, 1, COLUMNS, DEPTH, operand (a + row * DEPTH, 1, DEPTH, false), right, panel);
      ck_assert_mem_eq (one, all + row * COLUMNS, sizeof one);
    }
  memory_free (a);
  memory_free (b);
  memory_free (panel);
}
END_TEST

/* It stays in its row and does not come from beside the product.  */
START_TEST (a_nan_stays_in_its_row)
{
  double a[] = { 1, NAN, 2, 3 }, b[] = { 1, 1 }, panel[2 * DENSE_PANEL], product[2];
  dense_multiply (product, 2, 1, 2, operand (a, 2, 2, false), operand (b, 2, 1, false), panel);
  ck_assert (isnan (product[0]));
  ck_assert_double_eq (product[1], 5);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("dense");
  tcase_add_loop_test (cases, products_by_definition, 0, 4 * SHAPES);
  tcase_add_test (cases, a_row_has_the_same_bits_in_any_batch);
  tcase_add_test (cases, a_nan_stays_in_its_row);
  return run_cases (cases, "dense");
}

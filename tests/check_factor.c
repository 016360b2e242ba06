#include <config.h>

#include "../src/learn/factor.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "support.h"

#include <math.h>
#include <string.h>

/* More than one group and one block, both with something left over.  */
static const struct {
  size_t rows, columns;
} sizes[] = { { 1, 1 }, { 4, 256 }, { 5, 257 }, { 7, 255 }, { 18, 700 } };
static const float densities[] = { 0, 0.02F, 0.14F, 0.5F, 1 };
static const size_t widths[] = { 1, 63, 64 };
#define COUNT(TABLE) (sizeof (TABLE) / sizeof *(TABLE))

enum { ROWS = 20, COLUMNS = 768, STRIDE = 2 * PANEL_WIDTH }; /* room for all of them */

struct problem {
  size_t rows, columns, width;
  float *left, *right, *out; /* (rows, columns), (columns, width), (ROWS, STRIDE) */
};

static float *
draw (struct random *generator, size_t count, float density)
{
  float *values = memory_new (count, sizeof *values);
  for (size_t i = 0; i < count; i++)
    values[i] = random_uniform (generator) < density ? random_normal (generator) : 0;
  return values;
}

static struct problem
make_problem (size_t size, float density, size_t width)
{
  struct random generator = random_new (5, size);
  struct problem problem = { .rows = sizes[size].rows, .columns = sizes[size].columns, .width = width };
  problem.left = draw (&generator, problem.rows * problem.columns, density);
  problem.right = draw (&generator, problem.columns * width, 1);
  problem.out = draw (&generator, ROWS * STRIDE, 1);
  return problem;
}

static void
free_problem (struct problem *problem)
{
  memory_free (problem->left);
  memory_free (problem->right);
  memory_free (problem->out);
}

/* Packs LEFT by its rows, or, from its transposed, by columns.  */
static void
pack (struct factor *factor, const struct problem *problem, bool by_columns)
{
  factor_shape (factor, problem->rows, problem->columns);
  float *transposed = memory_new (problem->rows * problem->columns, sizeof *transposed);
  for (size_t i = 0; i < problem->rows; i++)
    for (size_t k = 0; k < problem->columns; k++)
      transposed[k * problem->rows + i] = problem->left[i * problem->columns + k];
  for (size_t group = 0; group < factor->groups; group++)
    {
      const float *row[FACTOR_GROUP];
      for (size_t i = 0; i < FACTOR_GROUP; i++)
        row[i] = group * FACTOR_GROUP + i < problem->rows
                   ? problem->left + (group * FACTOR_GROUP + i) * problem->columns
                   : NULL;
      if (by_columns)
        factor_pack_columns (factor, group, transposed, problem->rows);
      else
        factor_pack_rows (factor, group, row);
    }
  memory_free (transposed);
}

/* OUT += LEFT RIGHT by the factor, whose panels are packed from RIGHT or from its transposed.  */
static void
multiply (const struct factor *factor, const struct problem *problem, bool transposed, float *out)
{
  float *panel = memory_new (FACTOR_DEPTH * PANEL_WIDTH, sizeof *panel);
  float *turned = memory_new (problem->columns * problem->width, sizeof *turned);
  for (size_t k = 0; k < problem->columns; k++)
    for (size_t j = 0; j < problem->width; j++)
      turned[j * problem->columns + k] = problem->right[k * problem->width + j];
  for (size_t block = 0; block < factor->blocks; block++)
    {
      size_t first = block * FACTOR_DEPTH, left = problem->columns - first;
      size_t depth = left < FACTOR_DEPTH ? left : FACTOR_DEPTH;
      if (transposed)
        panel_pack_transposed (panel, turned + first, problem->columns, depth, problem->width);
      else
        panel_pack (panel, problem->right + first * problem->width, problem->width, depth, problem->width);
      factor_multiply (factor, 0, factor->groups, block, panel, out, STRIDE);
    }
  memory_free (turned);
  memory_free (panel);
}

/* The same by a plain double loop; SIZE (ROWS, STRIDE) becomes the sum of the terms' sizes, which bounds rounding.  */
static void
expect (const struct problem *problem, double *sum, double *size)
{
  for (size_t i = 0; i < ROWS * STRIDE; i++)
    {
      sum[i] = (double) problem->out[i];
      size[i] = fabs (sum[i]);
    }
  for (size_t i = 0; i < problem->rows; i++)
    for (size_t j = 0; j < problem->width; j++)
      for (size_t k = 0; k < problem->columns; k++)
        {
          double term =
            (double) problem->left[i * problem->columns + k] * (double) problem->right[k * problem->width + j];
          sum[i * STRIDE + j] += term;
          size[i * STRIDE + j] += fabs (term);
        }
}

static float *
product (const struct factor *factor, const struct problem *problem, bool transposed)
{
  float *out = memory_new (ROWS * STRIDE, sizeof *out);
  memcpy (out, problem->out, ROWS * STRIDE * sizeof *out);
  multiply (factor, problem, transposed, out);
  return out;
}

static void
check_product (struct factor *factor, const struct problem *problem)
{
  double *sum = memory_new (ROWS * STRIDE, sizeof *sum), *size = memory_new (ROWS * STRIDE, sizeof *size);
  float *first = NULL;
  expect (problem, sum, size);
  for (int way = 0; way < 4; way++)
    {
      pack (factor, problem, way % 2);
      float *out = product (factor, problem, way / 2);
      for (size_t i = 0; i < ROWS * STRIDE; i++)
        ck_assert_msg (fabs ((double) out[i] - sum[i]) <= 1e-6 * size[i], "way %d, %zu: %.9g, not %.9g", way, i,
                       (double) out[i], sum[i]);
      if (first)
        ck_assert_mem_eq (out, first, ROWS * STRIDE * sizeof *out); /* however it was packed */
      else
        first = out;
      if (out != first)
        memory_free (out);
    }
  memory_free (first);
  memory_free (sum);
  memory_free (size);
}

/* The units that this processor has; each one is checked.  */
START_TEST (products_are_plain_loops)
{
  struct factor factor;
  ck_assert_int_eq (factor_new (&factor, ROWS, COLUMNS), 0);
  if ((int) factor.unit < _i)
    {
      factor_free (&factor);
      return;
    }
  factor.unit = (enum factor_unit) _i;
  for (size_t size = 0; size < COUNT (sizes); size++)
    for (size_t density = 0; density < COUNT (densities); density++)
      for (size_t width = 0; width < COUNT (widths); width++)
        {
          struct problem problem = make_problem (size, densities[density], widths[width]);
          check_product (&factor, &problem);
          free_problem (&problem);
        }
  factor_free (&factor);
}
END_TEST

/* Columns in which all four rows are zero, of either sign, fall away; the others keep their places.  */
START_TEST (zeros_are_left_out)
{
  enum { WIDE = 300 };
  float rows[3][WIDE] = { { 0 } };
  const float *const row[FACTOR_GROUP] = { rows[0], rows[1], NULL, rows[2] };
  struct factor factor;
  rows[0][0] = 1;
  rows[1][7] = -0.0F;
  rows[2][255] = 2;
  rows[1][256] = (float) INFINITY;
  rows[0][299] = (float) NAN;
  ck_assert_int_eq (factor_new (&factor, FACTOR_GROUP, WIDE), 0);
  factor_shape (&factor, FACTOR_GROUP, WIDE);
  factor_pack_rows (&factor, 0, row);
  ck_assert_uint_eq (factor.blocks, 2);
  ck_assert_uint_eq (factor.count[0], 2);
  ck_assert_uint_eq (factor.count[1], 2);
  ck_assert_uint_eq (factor.index[0], 0);
  ck_assert_uint_eq (factor.index[1], 255);
  ck_assert_uint_eq (factor.index[FACTOR_DEPTH], 0);
  ck_assert_uint_eq (factor.index[FACTOR_DEPTH + 1], 43);
  ck_assert (factor.values[0] == 1);
  ck_assert (factor.values[FACTOR_GROUP + 3] == 2);
  ck_assert (factor.values[FACTOR_GROUP * FACTOR_DEPTH + 1] == (float) INFINITY);
  ck_assert (isnan (factor.values[FACTOR_GROUP * (FACTOR_DEPTH + 1)]));
  factor_free (&factor);
}
END_TEST

/* A value that is no number reaches its own row and no other one, from the left; from the right, all rows that are not
   zero there.  */
START_TEST (no_numbers_are_kept)
{
  struct factor factor;
  struct problem problem = make_problem (2, 1, 64);
  ck_assert_int_eq (factor_new (&factor, ROWS, COLUMNS), 0);
  if ((int) factor.unit >= _i)
    {
      factor.unit = (enum factor_unit) _i;
      problem.left[2 * problem.columns + 100] = (float) NAN;
      problem.left[3 * problem.columns + 256] = (float) INFINITY;
      problem.right[256 * problem.width + 5] = 0;
      pack (&factor, &problem, false);
      float *out = product (&factor, &problem, false);
      for (size_t i = 0; i < problem.rows; i++)
        for (size_t j = 0; j < problem.width; j++)
          {
            float value = out[i * STRIDE + j];
            ck_assert_int_eq (!isfinite (value), i == 2 || i == 3);
            ck_assert_int_eq (isnan (value) != 0, i == 2 || (i == 3 && j == 5));
          }
      memory_free (out);
    }
  factor_free (&factor);
  free_problem (&problem);
}
END_TEST

/* Some groups alone, and in any pieces: the same bits.  */
START_TEST (groups_stand_alone)
{
  struct factor factor;
  struct problem problem = make_problem (4, 0.3F, 64);
  ck_assert_int_eq (factor_new (&factor, ROWS, COLUMNS), 0);
  pack (&factor, &problem, false);
  float *whole = memory_new (ROWS * STRIDE, sizeof *whole), *pieces = memory_new (ROWS * STRIDE, sizeof *pieces);
  float *panel = memory_new (FACTOR_DEPTH * PANEL_WIDTH, sizeof *panel);
  panel_pack (panel, problem.right, problem.width, FACTOR_DEPTH, problem.width);
  factor_multiply (&factor, 0, factor.groups, 0, panel, whole, STRIDE);
  factor_multiply (&factor, 2, factor.groups, 0, panel, pieces + 2 * FACTOR_GROUP * STRIDE, STRIDE);
  factor_multiply (&factor, 0, 2, 0, panel, pieces, STRIDE);
  ck_assert_mem_eq (whole, pieces, ROWS * STRIDE * sizeof *whole);
  memory_free (whole);
  memory_free (pieces);
  memory_free (panel);
  factor_free (&factor);
  free_problem (&problem);
}
END_TEST

/* Room for either direction, no more than factor_bytes says, and given back.  */
START_TEST (bytes_are_bounded)
{
  static const size_t shapes[][2] = { { 1, 1 }, { 3, 1000 }, { 1000, 3 }, { 257, 513 } };
  for (size_t i = 0; i < COUNT (shapes); i++)
    {
      struct factor factor;
      uint64_t before = memory_bytes ();
      ck_assert_int_eq (factor_new (&factor, shapes[i][0], shapes[i][1]), 0);
      ck_assert_double_le ((double) (memory_bytes () - before),
                           factor_bytes ((double) shapes[i][0], (double) shapes[i][1]));
      factor_free (&factor);
      ck_assert_uint_eq (memory_bytes (), before);
    }
  struct factor factor;
  ck_assert_int_eq (factor_new (&factor, SIZE_MAX / 2, 8), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "overflows"));
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("factor");
  tcase_add_loop_test (cases, products_are_plain_loops, FACTOR_PORTABLE, FACTOR_AVX512 + 1);
  tcase_add_test (cases, zeros_are_left_out);
  tcase_add_loop_test (cases, no_numbers_are_kept, FACTOR_PORTABLE, FACTOR_AVX512 + 1);
  tcase_add_test (cases, groups_stand_alone);
  tcase_add_test (cases, bytes_are_bounded);
  return run_cases (cases, "factor");
}

#include <config.h>

#include "../src/learn/gathered.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "learning.h"

#include <math.h>

enum { GUARD = 7 }; /* floats behind the product that nothing may touch */

static const enum gathered_unit units_of[] = { GATHERED_PORTABLE, GATHERED_AVX2, GATHERED_AVX512 };

/* Rows and columns of A and units of B, around the widths of strips, tiles and lanes.  */
static const struct {
  size_t rows, columns, units;
} sizes[] = { { 1, 1, 1 },    { 3, 32, 7 },    { 4, 33, 16 },  { 5, 15, 64 },   { 32, 32, 256 },
              { 9, 17, 127 }, { 33, 70, 239 }, { 8, 300, 85 }, { 70, 32, 132 }, { 7, 64, 3 } };
enum { SIZES = sizeof sizes / sizeof *sizes };

struct problem {
  size_t rows, columns, units;
  float *a, *transposed, *b, *c; /* (rows, columns), (columns, rows), (columns, units), (rows, units) */
};

/* SHARE of A's values are not zero; some of the zeros are negative ones.  */
static struct problem
make_problem (int index, float share)
{
  struct problem problem = { .rows = sizes[index].rows, .columns = sizes[index].columns, .units = sizes[index].units };
  struct random generator = random_new (5, (uint64_t) index);
  size_t a = problem.rows * problem.columns, b = problem.columns * problem.units, c = problem.rows * problem.units;
  problem.a = memory_new (a, sizeof (float));
  problem.transposed = memory_new (a, sizeof (float));
  problem.b = memory_new (b, sizeof (float));
  problem.c = memory_new (c + GUARD, sizeof (float));
  for (size_t i = 0; i < a; i++)
    {
      float value = random_normal (&generator);
      problem.a[i] = random_uniform (&generator) < share ? value : value < 0 ? -0.0f : 0;
      problem.transposed[i % problem.columns * problem.rows + i / problem.columns] = problem.a[i];
    }
  for (size_t i = 0; i < b; i++)
    problem.b[i] = random_normal (&generator);
  for (size_t i = 0; i < c + GUARD; i++)
    problem.c[i] = random_normal (&generator);
  return problem;
}

static void
free_problem (struct problem *problem)
{
  memory_free (problem->a);
  memory_free (problem->transposed);
  memory_free (problem->b);
  memory_free (problem->c);
}

/* Whether this processor has UNIT: gathered_new chooses its best one, and the units are in order.  */
static bool
has_unit (const struct gathered *gathered, enum gathered_unit unit)
{
  return unit <= gathered->unit;
}

static void
take (struct gathered *gathered, const struct problem *problem, bool transposed)
{
  if (transposed)
    gathered_take_transposed (gathered, problem->transposed, problem->rows, problem->rows, problem->columns);
  else
    gathered_take (gathered, problem->a, problem->columns, problem->rows, problem->columns);
}

/* C as the sums in double of its definition; TOLERANCE for one sum in float of COLUMNS terms near 1.  */
static void
assert_product (const struct problem *problem, const float *before, bool add)
{
  for (size_t row = 0; row < problem->rows; row++)
    for (size_t unit = 0; unit < problem->units; unit++)
      {
        size_t place = row * problem->units + unit;
        double sum = add ? (double) before[place] : 0;
        for (size_t k = 0; k < problem->columns; k++)
          sum += (double) problem->a[row * problem->columns + k] * (double) problem->b[k * problem->units + unit];
        ck_assert_double_eq_tol ((double) problem->c[place], sum, 1e-6 * (double) (problem->columns + 1));
      }
  for (size_t i = 0; i < GUARD; i++)
    ck_assert_float_eq (problem->c[problem->rows * problem->units + i], before[problem->rows * problem->units + i]);
}

/* With each vector unit that is there, of A and of its transpose, set and added, sparse and dense.  */
START_TEST (products_are_their_definition)
{
  for (int way = 0; way < 8; way++)
    for (size_t u = 0; u < sizeof units_of / sizeof *units_of; u++)
      {
        bool transposed = way & 1, add = way & 2;
        struct problem problem = make_problem (_i, way & 4 ? 0.9f : 0.14f), before = make_problem (_i, 0);
        memcpy (before.c, problem.c, (problem.rows * problem.units + GUARD) * sizeof (float));
        struct gathered gathered;
        ck_assert_int_eq (gathered_new (&gathered, problem.columns, problem.rows), 0);
        if (has_unit (&gathered, units_of[u]))
          {
            gathered.unit = units_of[u];
            take (&gathered, &problem, transposed);
            gathered_multiply (&(struct product){ .a = &gathered,
                                                  .rows = problem.rows,
                                                  .units = problem.units,
                                                  .b = problem.b,
                                                  .add = add,
                                                  .c = problem.c,
                                                  .ahead = problem.b,
                                                  .end = problem.b + problem.columns * problem.units });
            assert_product (&problem, before.c, add);
          }
        gathered_free (&gathered);
        free_problem (&problem);
        free_problem (&before);
      }
}
END_TEST

/* The values that are not zero and their columns, of A and of its transpose: the same lists, in the order of the
   columns.  */
START_TEST (what_is_not_zero_is_gathered)
{
  const float a[3][5] = { { 0, 2, -0.0f, 0, -3 }, { 0, 0, 0, 0, 0 }, { 1, 1e-45f, NAN, INFINITY, 0 } };
  float transposed[5][3];
  for (int i = 0; i < 15; i++)
    transposed[i % 5][i / 5] = a[i / 5][i % 5];
  for (int way = 0; way < 6; way++)
    {
      struct gathered gathered;
      ck_assert_int_eq (gathered_new (&gathered, 3, 5), 0);
      if (has_unit (&gathered, units_of[way / 2]))
        {
          gathered.unit = units_of[way / 2];
          if (way % 2)
            gathered_take_transposed (&gathered, transposed[0], 3, 3, 5);
          else
            gathered_take (&gathered, a[0], 5, 3, 5);
          ck_assert_uint_eq (gathered.count[0], 2);
          ck_assert_uint_eq (gathered.count[1], 0);
          ck_assert_uint_eq (gathered.count[2], 4);
          ck_assert_uint_eq (gathered.column[0], 1);
          ck_assert_uint_eq (gathered.column[1], 4);
          ck_assert_float_eq (gathered.value[0], 2);
          ck_assert_float_eq (gathered.value[1], -3);
          for (uint32_t k = 0; k < 4; k++)
            ck_assert_uint_eq (gathered.column[10 + k], k);
          ck_assert_float_eq (gathered.value[11], 1e-45f);
          ck_assert_float_nan (gathered.value[12]);
          ck_assert (gathered.dense); /* 6 of 15 */
        }
      gathered_free (&gathered);
    }
}
END_TEST

/* Sparse or dense, all rows or one at a time: the same bits.  All columns or in two parts: the same product.  */
START_TEST (bits_do_not_depend_on_the_way)
{
  struct problem problem = make_problem (_i, 0.5f);
  size_t bytes = problem.rows * problem.units * sizeof (float), half = problem.columns / 2;
  float *expected = memory_new (bytes, 1);
  struct gathered gathered;
  ck_assert_int_eq (gathered_new (&gathered, problem.rows, problem.columns), 0);
  enum gathered_unit best = gathered.unit;
  for (size_t u = 0; u <= best; u++)
    {
      gathered.unit = units_of[u];
      struct product product = { .a = &gathered, .rows = problem.rows, .units = problem.units, .b = problem.b };
      product.c = expected;
      take (&gathered, &problem, false);
      ck_assert (gathered.dense || problem.columns == 1);
      gathered_multiply (&product);
      product.c = problem.c;
      gathered.dense = false;
      gathered_multiply (&product);
      ck_assert_mem_eq (problem.c, expected, bytes);
      gathered.dense = true;
      product.rows = 1;
      for (product.first = 0; product.first < problem.rows; product.first++, product.c += problem.units)
        gathered_multiply (&product);
      ck_assert_mem_eq (problem.c, expected, bytes);
      product = (struct product){
        .a = &gathered, .rows = problem.rows, .units = problem.units, .b = problem.b, .c = problem.c
      };
      gathered_take (&gathered, problem.a, problem.columns, problem.rows, half);
      gathered_multiply (&product);
      gathered_take (&gathered, problem.a + half, problem.columns, problem.rows, problem.columns - half);
      product.b += half * problem.units;
      product.add = true;
      gathered_multiply (&product);
      assert_product (&problem, problem.c, false);
    }
  gathered_free (&gathered);
  memory_free (expected);
  free_problem (&problem);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("gathered");
  tcase_add_loop_test (cases, products_are_their_definition, 0, SIZES);
  tcase_add_test (cases, what_is_not_zero_is_gathered);
  tcase_add_loop_test (cases, bits_do_not_depend_on_the_way, 0, SIZES);
  return run_cases (cases, "gathered");
}

#include <config.h>

#include "../src/learn/sweep.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "learning.h"

#include <math.h>
#include <string.h>

enum { BATCH = 70, STEPS = 3 }; /* more than a block's 64 rows */

struct problem {
  uint64_t columns, units;
  float *kernel, *values, *delta; /* (d, h), (STEPS + 1, BATCH, d), (STEPS, BATCH, h) */
  size_t rows[STEPS + 1];
};

static const struct {
  uint64_t columns, units;
} sizes[] = { { 1, 1 }, { 63, 5 }, { 64, 16 }, { 65, 33 }, { 5000, 3 } };
enum { SIZES = sizeof sizes / sizeof *sizes };

static struct problem
make_problem (int index)
{
  struct problem problem = { .columns = sizes[index].columns,
                             .units = sizes[index].units,
                             .rows = { BATCH, 9, 1, 66 } };
  struct random generator = random_new (3, (uint64_t) index);
  size_t kernel = (size_t) (problem.columns * problem.units), values = (STEPS + 1) * BATCH * (size_t) problem.columns;
  size_t delta = STEPS * BATCH * (size_t) problem.units;
  problem.kernel = memory_new (kernel, sizeof (float));
  problem.values = memory_new (values, sizeof (float));
  problem.delta = memory_new (delta, sizeof (float));
  for (size_t i = 0; i < kernel; i++)
    problem.kernel[i] = random_normal (&generator);
  for (size_t i = 0; i < values; i++)
    problem.values[i] = random_uniform (&generator) < 0.3f ? random_normal (&generator) : 0;
  for (size_t i = 0; i < delta; i++)
    problem.delta[i] = 0.1f * random_normal (&generator);
  return problem;
}

static void
free_problem (struct problem *problem)
{
  memory_free (problem->kernel);
  memory_free (problem->values);
  memory_free (problem->delta);
}

static struct batch
batch_of (const struct problem *problem, int step)
{
  return (struct batch){ problem->rows[step], NULL, NULL,
                         problem->values + (size_t) step * BATCH * (size_t) problem->columns };
}

/* The rate changes from step to step, as decay makes it.  */
static struct sgd
sgd_of (int step, bool nesterov)
{
  return (struct sgd){ 0.1 / (1 + step), 0.9, nesterov ? 0.02 : 0, nesterov };
}

/* All steps by plain loops in double, each from its definition in sgd.h: KERNEL is updated in place, PRE (BATCH, h)
   becomes the last batch's pre-activations, and the sum of the squares of the weights is returned.  */
static double
expect (const struct problem *problem, bool nesterov, double *kernel, double *pre)
{
  size_t columns = (size_t) problem->columns, units = (size_t) problem->units;
  double *velocity = memory_new (columns * units, sizeof *velocity), squares = 0;
  struct batch last = batch_of (problem, STEPS);
  for (int step = 0; step < STEPS; step++)
    {
      struct batch batch = batch_of (problem, step);
      struct sgd sgd = sgd_of (step, nesterov);
      for (size_t i = 0; i < columns * units; i++)
        {
          double g = 2 * sgd.l2 * kernel[i];
          for (size_t row = 0; row < batch.rows; row++)
            g += (double) batch.values[row * columns + i / units]
                 * (double) problem->delta[((size_t) step * BATCH + row) * units + i % units];
          velocity[i] = sgd.momentum * velocity[i] - sgd.rate * g;
          kernel[i] += nesterov ? sgd.momentum * velocity[i] - sgd.rate * g : velocity[i];
        }
    }
  for (size_t row = 0; row < last.rows; row++)
    for (size_t unit = 0; unit < units; unit++)
      {
        pre[row * units + unit] = 0;
        for (size_t i = 0; i < columns; i++)
          pre[row * units + unit] += (double) last.values[row * columns + i] * kernel[i * units + unit];
      }
  for (size_t i = 0; i < columns * units; i++)
    squares += kernel[i] * kernel[i];
  memory_free (velocity);
  return squares;
}

/* The same by the engine.  */
static double
run (struct problem *problem, bool nesterov, int threads, float *pre)
{
  double squares = -1;
  struct workers *workers = workers_new (threads);
  struct first_layer *layer = sweep_new (problem->kernel, problem->columns, problem->units, BATCH, true, workers);
  ck_assert_ptr_nonnull (layer);
  struct batch batch = batch_of (problem, 0);
  ck_assert_int_eq (layer->step (layer, NULL, NULL, NULL, &batch, pre, NULL), 0);
  for (int step = 0; step < STEPS; step++)
    {
      struct batch next = batch_of (problem, step + 1);
      struct sgd sgd = sgd_of (step, nesterov);
      ck_assert_int_eq (layer->step (layer, &batch, problem->delta + (size_t) step * BATCH * problem->units, &sgd,
                                     &next, pre, &squares),
                        0);
      batch = next;
    }
  ck_assert_int_eq (layer->finish (layer), 0);
  layer->free (layer);
  workers_free (workers);
  return squares;
}

START_TEST (steps_are_their_definition)
{
  bool nesterov = _i % 2;
  struct problem problem = make_problem (_i / 2);
  size_t count = (size_t) (problem.columns * problem.units), last = BATCH * (size_t) problem.units;
  double *kernel = memory_new (count, sizeof *kernel), *pre = memory_new (last, sizeof *pre);
  float *found = memory_new (last, sizeof *found);
  for (size_t i = 0; i < count; i++)
    kernel[i] = (double) problem.kernel[i];
  double squares = expect (&problem, nesterov, kernel, pre);
  double found_squares = run (&problem, nesterov, 2, found);
  for (size_t i = 0; i < count; i++)
    ck_assert_double_eq_tol ((double) problem.kernel[i], kernel[i], 1e-5);
  for (size_t i = 0; i < problem.rows[STEPS] * problem.units; i++)
    ck_assert_double_eq_tol ((double) found[i], pre[i], 1e-5 * sqrt ((double) problem.columns) * 10);
  ck_assert_double_eq_tol (found_squares, squares, 1e-5 * squares);
  memory_free (kernel);
  memory_free (pre);
  memory_free (found);
  free_problem (&problem);
}
END_TEST

START_TEST (bits_do_not_depend_on_threads)
{
  float *pre[3], *kernel[3];
  double squares[3];
  for (int i = 0; i < 3; i++)
    {
      struct problem problem = make_problem (SIZES - 1);
      pre[i] = memory_new (BATCH * (size_t) problem.units, sizeof (float));
      squares[i] = run (&problem, true, i + 1, pre[i]);
      kernel[i] = problem.kernel;
      problem.kernel = NULL;
      free_problem (&problem);
      ck_assert_mem_eq (pre[i], pre[0], BATCH * sizes[SIZES - 1].units * sizeof (float));
      ck_assert_mem_eq (kernel[i], kernel[0], sizes[SIZES - 1].columns * sizes[SIZES - 1].units * sizeof (float));
      ck_assert_double_eq (squares[i], squares[0]);
    }
  for (int i = 0; i < 3; i++)
    {
      memory_free (pre[i]);
      memory_free (kernel[i]);
    }
}
END_TEST

/* An update alone and then a look at the next batch give what the fused step gives.  */
START_TEST (a_fused_step_is_its_two_halves)
{
  struct sgd sgd = { 0.1, 0.9, 0.01, false };
  struct problem problems[2] = { make_problem (3), make_problem (3) };
  size_t bytes = BATCH * (size_t) problems[0].units * sizeof (float);
  float *pre[2] = { memory_new (bytes, 1), memory_new (bytes, 1) };
  struct workers *workers = workers_new (2);
  for (int i = 0; i < 2; i++)
    {
      struct problem *problem = &problems[i];
      struct batch batch = batch_of (problem, 0), next = batch_of (problem, 1);
      struct first_layer *layer = sweep_new (problem->kernel, problem->columns, problem->units, BATCH, true, workers);
      if (i == 0)
        ck_assert_int_eq (layer->step (layer, &batch, problem->delta, &sgd, &next, pre[0], NULL), 0);
      else
        {
          ck_assert_int_eq (layer->step (layer, &batch, problem->delta, &sgd, NULL, NULL, NULL), 0);
          ck_assert_int_eq (layer->step (layer, NULL, NULL, NULL, &next, pre[1], NULL), 0);
        }
      layer->free (layer);
    }
  ck_assert_mem_eq (pre[0], pre[1], bytes);
  for (int i = 0; i < 2; i++)
    {
      memory_free (pre[i]);
      free_problem (&problems[i]);
    }
  workers_free (workers);
}
END_TEST

START_TEST (sizes_that_overflow_are_refused)
{
  float kernel;
  struct workers *workers = workers_new (1);
  ck_assert_ptr_null (sweep_new (&kernel, SIZE_MAX / 2, 8, 1, true, workers));
  ck_assert_ptr_nonnull (strstr (error_message (), "overflows"));
  workers_free (workers);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("sweep");
  tcase_add_loop_test (cases, steps_are_their_definition, 0, 2 * SIZES);
  tcase_add_test (cases, bits_do_not_depend_on_threads);
  tcase_add_test (cases, a_fused_step_is_its_two_halves);
  tcase_add_test (cases, sizes_that_overflow_are_refused);
  return run_cases (cases, "sweep");
}

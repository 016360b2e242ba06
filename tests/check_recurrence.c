#include <config.h>

#include "../src/learn/recurrence.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "support.h"

#include <math.h>

enum { STEPS = 40, GROUP = 7, WIDTH = 5 };

static const struct sgd kinds[] = {
  { 0.1, 0, 0, false },     { 0.1, 0.9, 0, false },    { 0.1, 0.9, 0, true },  { 0.1, 0, 0.03, false },
  { 0.1, 0.9, 0.03, true }, { 0.1, 0.9, 0.03, false }, { 0.1, 0, 0.03, true }, { 0.1, 0.5, 0.5, true },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Weights and velocity as vectors, moved by sgd.h's definition, beside the sums that the recurrence tells.  */
struct vectors {
  double initial[WIDTH], weights[WIDTH], velocity[WIDTH];
  double begun[RECURRENCE_PARTS][WIDTH]; /* both, as the group began */
  double change[GROUP][WIDTH];           /* S of the group's steps */
};

static double
dot (const double *a, const double *b)
{
  double sum = 0;
  for (int i = 0; i < WIDTH; i++)
    sum += a[i] * b[i];
  return sum;
}

/* One step whose gradient without its L2 term is GRADIENT; PRODUCT becomes what recurrence_step takes.  */
static void
move (struct vectors *vectors, const struct sgd *sgd, const double *gradient, double *change, double product[3])
{
  for (int i = 0; i < WIDTH; i++)
    change[i] = -sgd->rate * gradient[i];
  product[0] = dot (vectors->weights, change);
  product[1] = dot (vectors->velocity, change);
  product[2] = dot (change, change);
  for (int i = 0; i < WIDTH; i++)
    {
      double g = gradient[i] + 2 * sgd->l2 * vectors->weights[i];
      vectors->velocity[i] = sgd->momentum * vectors->velocity[i] - sgd->rate * g;
      vectors->weights[i] +=
        sgd->nesterov ? sgd->momentum * vectors->velocity[i] - sgd->rate * g : vectors->velocity[i];
    }
}

/* PART of VECTORS is W0 and the group's steps as the numbers say: W0's own number is of the whole training, so what was
   carried from the group's beginning holds what W0 had there.  */
static void
check_part (const struct recurrence *recurrence, const struct vectors *vectors, int part, const double *expected)
{
  const double *carried = recurrence->numbers.carried[part];
  for (int i = 0; i < WIDTH; i++)
    {
      double sum =
        carried[OF_WEIGHTS] * vectors->begun[OF_WEIGHTS][i] + carried[OF_VELOCITY] * vectors->begun[OF_VELOCITY][i];
      for (size_t step = 0; step < recurrence->steps; step++)
        sum += recurrence->share[step][part] * vectors->change[step][i];
      sum += recurrence->numbers.scale[part] * vectors->initial[i];
      ck_assert_double_eq_tol (sum, expected[i], 1e-12);
    }
}

static void
check_now (const struct recurrence *recurrence, const struct vectors *vectors)
{
  const double *squares = recurrence->numbers.squares;
  check_part (recurrence, vectors, OF_WEIGHTS, vectors->weights);
  check_part (recurrence, vectors, OF_VELOCITY, vectors->velocity);
  ck_assert_double_eq_tol (squares[0], dot (vectors->weights, vectors->weights), 1e-12);
  ck_assert_double_eq_tol (squares[1], dot (vectors->weights, vectors->velocity), 1e-12);
  ck_assert_double_eq_tol (squares[2], dot (vectors->velocity, vectors->velocity), 1e-12);
}

/* A group begins: it carries all but W0's own part.  */
static void
restart (struct recurrence *recurrence, struct vectors *vectors)
{
  const double *scale = recurrence->numbers.scale;
  recurrence_restart (recurrence);
  for (int i = 0; i < WIDTH; i++)
    {
      vectors->begun[OF_WEIGHTS][i] = vectors->weights[i] - scale[OF_WEIGHTS] * vectors->initial[i];
      vectors->begun[OF_VELOCITY][i] = vectors->velocity[i] - scale[OF_VELOCITY] * vectors->initial[i];
    }
}

/* Random gradients and rates, against the definition step by step.  */
START_TEST (sums_are_the_steps)
{
  struct random generator = random_new (8, (uint64_t) _i);
  struct recurrence recurrence;
  struct vectors vectors = { 0 };
  for (int i = 0; i < WIDTH; i++)
    vectors.initial[i] = vectors.weights[i] = (double) random_normal (&generator);
  ck_assert_int_eq (recurrence_new (&recurrence, GROUP), 0);
  recurrence.numbers.squares[0] = dot (vectors.weights, vectors.weights);
  restart (&recurrence, &vectors);
  check_now (&recurrence, &vectors);
  for (int step = 0; step < STEPS; step++)
    {
      struct sgd sgd = kinds[_i];
      double gradient[WIDTH], product[3];
      sgd.rate *= (double) random_uniform (&generator);
      for (int i = 0; i < WIDTH; i++)
        gradient[i] = (double) random_normal (&generator);
      if (recurrence.steps == recurrence.limit || random_uniform (&generator) < 0.1F)
        restart (&recurrence, &vectors);
      move (&vectors, &sgd, gradient, vectors.change[recurrence.steps], product);
      recurrence_step (&recurrence, &sgd, product);
      check_now (&recurrence, &vectors);
    }
  recurrence_free (&recurrence);
}
END_TEST

/* Worked by hand: m = 1/2, rate 1/4, l2 = 1/2, so r = 1/4; two steps from W0.
     plain     V = -W0/4 + S1,  W = 3/4 W0 + S1;   then V = V/2 - W/4 + S2 = -5/16 W0 + 1/4 S1 + S2,
               W = 7/16 W0 + 5/4 S1 + S2
     Nesterov  V the same at first, W = W0 + V/2 - W0/4 + S1 = 5/8 W0 + 3/2 S1;   then V = -9/32 W0 + 1/8 S1 + S2,
               W = 5/8 W0 + 3/2 S1 + V/2 - (5/8 W0 + 3/2 S1) / 4 + S2 = 21/64 W0 + 19/16 S1 + 3/2 S2  */
START_TEST (two_steps_are_as_by_hand)
{
  static const double scale[2][2] = { { 7.0 / 16, -5.0 / 16 }, { 21.0 / 64, -9.0 / 32 } };
  static const double first[2][2] = { { 5.0 / 4, 1.0 / 4 }, { 19.0 / 16, 1.0 / 8 } };
  static const double second[2][2] = { { 1, 1 }, { 1.5, 1 } };
  for (int nesterov = 0; nesterov < 2; nesterov++)
    {
      struct sgd sgd = { 0.25, 0.5, 0.5, nesterov };
      struct recurrence recurrence;
      ck_assert_int_eq (recurrence_new (&recurrence, 2), 0);
      recurrence_step (&recurrence, &sgd, NULL);
      recurrence_step (&recurrence, &sgd, NULL);
      ck_assert_uint_eq (recurrence.steps, 2);
      for (int part = 0; part < RECURRENCE_PARTS; part++)
        {
          ck_assert_double_eq (recurrence.numbers.scale[part], scale[nesterov][part]);
          ck_assert_double_eq (recurrence.numbers.carried[part][OF_WEIGHTS], scale[nesterov][part]);
          ck_assert_double_eq (recurrence.share[0][part], first[nesterov][part]);
          ck_assert_double_eq (recurrence.share[1][part], second[nesterov][part]);
        }
      recurrence_free (&recurrence);
    }
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("recurrence");
  tcase_add_loop_test (cases, sums_are_the_steps, 0, KINDS);
  tcase_add_test (cases, two_steps_are_as_by_hand);
  return run_cases (cases, "recurrence");
}

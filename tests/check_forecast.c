/* The forecasts, one rate at a time: with all others infinite and one of 1 a second, the seconds are the number of
   operations of that kind, which is counted by hand here.  */
#include <config.h>

#include "../src/learn/forecast.h"
#include "support.h"

#include <math.h>

enum { ROWS = 100, OTHERS = 20, COLUMNS = 1000, UNITS = 8, EPOCHS = 3 };

static const struct rates infinite = { INFINITY, INFINITY, INFINITY, INFINITY, INFINITY,
                                       INFINITY, INFINITY, INFINITY, INFINITY };

/* Five windows of two tiles in training, one window in validation; four batches and one.  */
static struct plan
plan_of (enum engine_kind engine)
{
  return (struct plan){ .engine = engine,
                        .batch = 32,
                        .share = { 0, COLUMNS },
                        .training = { SHUFFLE_WINDOW, ROWS, 10, 20, 42 },
                        .validation = { SHUFFLE_NONE, OTHERS, 10, 20, 42 },
                        .bytes = 7000 };
}

static double
seconds (const struct plan *plan, struct rates rates)
{
  return forecast_seconds (plan, &rates, UNITS, EPOCHS);
}

#define COUNT(PLAN, RATE, EXPECTED)                                                                                    \
  do                                                                                                                   \
    {                                                                                                                  \
      struct rates rates = infinite;                                                                                   \
      rates.RATE = 1;                                                                                                  \
      ck_assert_double_eq_tol (seconds (PLAN, rates), EXPECTED, 1e-9 * (EXPECTED));                                    \
    }                                                                                                                  \
  while (0)

START_TEST (sweep)
{
  struct plan plan = plan_of (ENGINE_SWEEP);
  ck_assert_double_eq (seconds (&plan, infinite), 0);
  COUNT (&plan, read, 3.0 * 100 * 1000 + 20 * 1000); /* the one window is read once */
  COUNT (&plan, sweep, 3.0 * 4 * 8000);
  COUNT (&plan, forward, 3.0 * (1 + 1) * 8000); /* of training's first batch, and of validation's only one */
  COUNT (&plan, head, 3.0 * 120);
  COUNT (&plan, draw, 8000.0);
  COUNT (&plan, memory, 7000.0);
}
END_TEST

/* All rows in one window are read once; one row at a time, each tile is inflated for each of its ten rows.  */
START_TEST (reading)
{
  struct plan plan = plan_of (ENGINE_SWEEP);
  plan.validation.rows = 0;
  plan.training.window_rows = ROWS;
  COUNT (&plan, read, 100.0 * 1000);
  plan.training.kind = SHUFFLE_FULL;
  COUNT (&plan, read, 100.0 * 1000);
  plan.training.window_rows = 32;
  COUNT (&plan, read, 3.0 * 10 * 100 * 1000);
}
END_TEST

START_TEST (gram)
{
  struct plan plan = plan_of (ENGINE_GRAM);
  double times = 1 + 120 / 2048.0; /* that a panel is laid out: for each 1024 rows, on the average */
  ck_assert_double_eq (seconds (&plan, infinite), 0);
  COUNT (&plan, read, (100.0 + 20 + 100) * 1000);
  COUNT (&plan, pack, (120 + 100 * times + 100) * 1000 + (times + 1) * 8000 + 100 * 120);
  COUNT (&plan, products, 100.0 * (50 + 32 + 20) * 1000 + (100.0 + 20 + 100) * 8000);
  COUNT (&plan, epochs, 3.0 * (2 * 100 + 20) * 100 * 8);
  COUNT (&plan, head, 3.0 * 120);
  COUNT (&plan, draw, 8000.0);
}
END_TEST

/* All terms of products, which decide whether a training is small.  */
START_TEST (terms)
{
  struct plan plan = plan_of (ENGINE_GRAM);
  ck_assert_double_eq (forecast_terms (&plan, UNITS, EPOCHS), 10.2e6 + 1.76e6 + 0.528e6);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("forecast");
  tcase_add_test (cases, sweep);
  tcase_add_test (cases, reading);
  tcase_add_test (cases, gram);
  tcase_add_test (cases, terms);
  return run_cases (cases, "forecast");
}

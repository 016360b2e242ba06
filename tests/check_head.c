#include <config.h>

#include "../src/learn/head.h"

#include "../src/base/random.h"
#include "learning.h"

#include <math.h>
#include <string.h>

enum { ROWS = 5, LAYERS = 3 };

static const size_t shapes[][LAYERS + 1] = { { 4, 2 }, { 6, 5, 2 }, { 7, 4, 3, 3 }, { 3, 9, 12 } };
static const size_t layers[] = { 1, 2, 3, 2 };
enum { SHAPES = sizeof layers / sizeof *layers };

static const double class_weight[] = { 0.5, 2, 1.25, 3, 1, 0.75, 1, 4, 1, 1, 1, 0.1 };

/* A head with random parameters, and pre-activations in 64ths, so that a float holds them and their neighbours.  */
static struct head *
make_head (int shape, float *pre, int32_t *label)
{
  struct random generator = random_new (7, (uint64_t) shape);
  struct head *head = head_new (shapes[shape], layers[shape], ROWS);
  ck_assert_ptr_nonnull (head);
  for (size_t i = 0; i < head->count; i++)
    head->parameter[i] = (double) random_normal (&generator);
  for (size_t i = 0; i < ROWS * head->width[0]; i++)
    pre[i] = roundf (64 * random_normal (&generator)) / 64;
  for (int i = 0; i < ROWS; i++)
    label[i] = (int32_t) random_below (&generator, head->width[head->layers]);
  return head;
}

static double
mean_loss (struct head *head, const float *pre, const int32_t *label, const double *weight)
{
  uint64_t correct;
  head_forward (head, pre, ROWS);
  return head_loss (head, label, weight, ROWS, &correct) / ROWS;
}

/* Central differences in double: their error is near step^2 and rounding / step.  */
START_TEST (gradients_are_finite_differences)
{
  static const double step = 1.0 / (1 << 17);
  static const float pre_step = 1.0f / (1 << 12);
  float pre[ROWS * 16], delta[ROWS * 16];
  int32_t label[ROWS];
  const double *weight = _i % 2 ? class_weight : NULL;
  struct head *head = make_head (_i / 2, pre, label);
  mean_loss (head, pre, label, weight);
  head_backward (head, label, weight, ROWS, delta);
  for (size_t i = 0; i < head->count; i++)
    {
      double kept = head->parameter[i];
      head->parameter[i] = kept + step;
      double above = mean_loss (head, pre, label, weight);
      head->parameter[i] = kept - step;
      double below = mean_loss (head, pre, label, weight);
      head->parameter[i] = kept;
      ck_assert_double_eq_tol (head->gradient[i], (above - below) / (2 * step), 1e-8);
    }
  for (size_t i = 0; i < ROWS * head->width[0]; i++)
    {
      float kept = pre[i];
      pre[i] = kept + pre_step;
      double above = mean_loss (head, pre, label, weight);
      pre[i] = kept - pre_step;
      double below = mean_loss (head, pre, label, weight);
      pre[i] = kept;
      ck_assert_double_eq_tol ((double) delta[i], (above - below) / (2 * (double) pre_step), 2e-6);
    }
  head_free (head);
}
END_TEST

/* Two classes with logits a and b: log p = -log (1 + exp (b - a)), by hand; also where exp alone would overflow.  */
START_TEST (probabilities_by_hand)
{
  const size_t width[] = { 2, 2 };
  const float pre[] = { 1, 3, 0, 2000, -1, -1 }; /* a ReLU makes the last row zeros */
  const double expected[] = { -log1p (exp (2)), -log1p (exp (-2)), -2000, 0, -log (2), -log (2) };
  const int32_t label[] = { 0, 1, 1 };
  struct head *head = head_new (width, 1, 3);
  head_kernel (head, 1)[0] = head_kernel (head, 1)[3] = 1; /* the identity */
  const double *logarithm = head_forward (head, pre, 3);
  for (int i = 0; i < 6; i++)
    ck_assert_double_eq_tol (logarithm[i], expected[i], 1e-12);
  uint64_t correct;
  ck_assert_double_eq_tol (head_loss (head, label, NULL, 3, &correct), log1p (exp (2)) + log (2), 1e-12);
  ck_assert_uint_eq (correct, 1); /* equal probabilities count as the first class */
  ck_assert_double_eq_tol (head_loss (head, label, class_weight, 3, &correct), 0.5 * log1p (exp (2)) + 2 * log (2),
                           1e-12);
  ck_assert_double_eq (head_squares (head), 2);
  head_free (head);
}
END_TEST

/* Two steps with gradient 1 from weight 1, by hand from the definition in sgd.h, with rate 0.1 and momentum 0.5.  */
START_TEST (updates_by_hand)
{
  static const struct {
    bool nesterov;
    double l2, bias, kernel;
  } cases[] = {
    { false, 0, 1 - 0.1 - 0.15, 1 - 0.1 - 0.15 },
    { true, 0, 1 - 0.15 - 0.175, 1 - 0.15 - 0.175 },
    /* g = 1 + 2 l2 w: 2, then 1.8; v: -0.2, then -0.1 - 0.18 */
    { false, 0.5, 1 - 0.1 - 0.15, 1 - 0.2 - 0.28 },
  };
  const size_t width[] = { 1, 1 };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct sgd sgd = { 0.1, 0.5, cases[i].l2, cases[i].nesterov };
      struct head *head = head_new (width, 1, 1);
      ck_assert_uint_eq (head->count, 3);
      for (int j = 0; j < 3; j++)
        head->parameter[j] = head->gradient[j] = 1;
      head_update (head, &sgd);
      head_update (head, &sgd);
      ck_assert_double_eq_tol (head->parameter[0], cases[i].bias, 1e-15);
      ck_assert_double_eq_tol (head->parameter[1], cases[i].kernel, 1e-15);
      ck_assert_double_eq_tol (head->parameter[2], cases[i].bias, 1e-15);
      head_free (head);
    }
}
END_TEST

/* Keras's InverseTimeDecay (1e-3, 1, 1e-3 / 25): 1e-3 / (1 + 4e-5 step).  */
START_TEST (rate_decays_with_time)
{
  ck_assert_double_eq (sgd_rate (1e-3, 1e-3 / 25, 0), 1e-3);
  ck_assert_double_eq_tol (sgd_rate (1e-3, 1e-3 / 25, 25000), 0.5e-3, 1e-15);
  ck_assert_double_eq (sgd_rate (0.5, 0, 1000), 0.5);
}
END_TEST

START_TEST (a_nan_reaches_the_loss)
{
  float pre[ROWS * 16];
  int32_t label[ROWS];
  struct head *head = make_head (1, pre, label);
  pre[3] = NAN;
  ck_assert (isnan (mean_loss (head, pre, label, NULL)));
  head_free (head);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("head");
  tcase_add_loop_test (cases, gradients_are_finite_differences, 0, 2 * SHAPES);
  tcase_add_test (cases, probabilities_by_hand);
  tcase_add_test (cases, updates_by_hand);
  tcase_add_test (cases, rate_decays_with_time);
  tcase_add_test (cases, a_nan_reaches_the_loss);
  return run_cases (cases, "head");
}

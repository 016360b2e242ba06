#include <config.h>

#include "../src/learn/head.h"

#include "../src/base/random.h"
#include "learning.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { ROWS = 5, LAYERS = 3, UNITS_MOST = 20 };

static const size_t shapes[][LAYERS + 1] = { { 4, 2 }, { 6, 5, 2 }, { 7, 4, 3, 3 }, { 3, 9, 12 }, { 18, 20, 17 } };
static const size_t layers[] = { 1, 2, 3, 2, 2 };
enum { SHAPES = sizeof layers / sizeof *layers };

static const double class_weight[] = { 0.5, 2, 1.25, 3, 1, 0.75, 1, 4, 1, 1, 1, 0.1, 1, 2, 1, 1, 5 };

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
mean_loss (struct head *head, const float *pre, const int32_t *label, const double *weight,
           const struct dropout *dropout)
{
  uint64_t correct;
  head_forward_training (head, pre, ROWS, dropout);
  return head_loss (head, label, weight, ROWS, &correct) / ROWS;
}

/* Central differences in double: their error is near step^2 and rounding / step.  Also with masks, which stay.  */
START_TEST (gradients_are_finite_differences)
{
  static const double step = 1.0 / (1 << 17);
  static const float pre_step = 1.0f / (1 << 12);
  float pre[ROWS * UNITS_MOST], delta[ROWS * UNITS_MOST];
  int32_t label[ROWS];
  const double *weight = _i & 1 ? class_weight : NULL;
  const struct dropout dropout = { _i & 2 ? 0.25 : 0, 42, 9 };
  struct head *head = make_head (_i / 4, pre, label);
  mean_loss (head, pre, label, weight, &dropout);
  head_backward (head, label, weight, ROWS, delta);
  for (size_t i = 0; i < head->count; i++)
    {
      double kept = head->parameter[i];
      head->parameter[i] = kept + step;
      double above = mean_loss (head, pre, label, weight, &dropout);
      head->parameter[i] = kept - step;
      double below = mean_loss (head, pre, label, weight, &dropout);
      head->parameter[i] = kept;
      ck_assert_double_eq_tol (head->gradient[i], (above - below) / (2 * step), 1e-8);
    }
  for (size_t i = 0; i < ROWS * head->width[0]; i++)
    {
      float kept = pre[i];
      pre[i] = kept + pre_step;
      double above = mean_loss (head, pre, label, weight, &dropout);
      pre[i] = kept - pre_step;
      double below = mean_loss (head, pre, label, weight, &dropout);
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

/* A head of two hidden layers of 5 and 3 units, whose outputs are all 1 where nothing is dropped.  */
static struct head *
make_ones (void)
{
  static const size_t width[] = { 5, 3, 2 };
  struct head *head = head_new (width, 2, 3);
  ck_assert_ptr_nonnull (head);
  for (int i = 0; i < 5; i++)
    head->parameter[i] = 1;
  for (int i = 0; i < 3; i++)
    head_bias (head, 1)[i] = 1;
  return head;
}

/* The masks of seed 42, rate 0.5 and steps 0 and 3, from tests/reference/make_training.py's dropout_masks.  */
START_TEST (masks_are_the_reference)
{
  static const uint64_t steps[] = { 0, 3 };
  static const double first[][15] = { { 2, 2, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 2, 0, 2 },
                                      { 2, 0, 0, 2, 0, 0, 2, 0, 0, 2, 0, 0, 2, 2, 0 } };
  static const double second[][9] = { { 2, 2, 0, 0, 2, 2, 0, 0, 0 }, { 0, 2, 2, 2, 2, 2, 2, 2, 0 } };
  const float pre[15] = { 0 };
  struct head *head = make_ones ();
  for (int i = 0; i < 2; i++)
    {
      const struct dropout dropout = { 0.5, 42, steps[i] };
      head_forward_training (head, pre, 3, &dropout);
      for (int j = 0; j < 15; j++)
        ck_assert_double_eq (head->output[0][j], first[i][j]);
      for (int j = 0; j < 9; j++)
        ck_assert_double_eq (head->output[1][j], second[i][j]);
    }
  head_forward (head, pre, 3); /* none where nothing is trained */
  for (int j = 0; j < 15; j++)
    ck_assert_double_eq (head->output[0][j], 1);
  ck_assert_double_eq (head->scale, 1);
  head_free (head);
}
END_TEST

/* Over 2,000 steps of 15 units: the rate within 5 standard deviations, sqrt (0.3 0.7 / 30,000) = 0.0026 each.  */
START_TEST (the_rate_is_what_is_dropped)
{
  const float pre[15] = { 0 };
  struct head *head = make_ones ();
  int dropped = 0;
  for (uint64_t step = 0; step < 2000; step++)
    {
      const struct dropout dropout = { 0.3, 7, step };
      head_forward_training (head, pre, 3, &dropout);
      for (int j = 0; j < 15; j++)
        {
          dropped += head->output[0][j] == 0;
          ck_assert (head->output[0][j] == 0 || fabs (head->output[0][j] - 1 / 0.7) < 1e-15);
        }
    }
  ck_assert_double_eq_tol (dropped / 30000.0, 0.3, 5 * 0.0026);
  head_free (head);
}
END_TEST

START_TEST (a_row_has_the_same_bits_in_any_batch)
{
  float pre[ROWS * UNITS_MOST];
  int32_t label[ROWS];
  double all[ROWS * UNITS_MOST];
  struct head *head = make_head (4, pre, label);
  size_t classes = head->width[2];
  memcpy (all, head_forward (head, pre, ROWS), ROWS * classes * sizeof *all);
  for (size_t row = 0; row < ROWS; row++)
    ck_assert_mem_eq (head_forward (head, pre + row * head->width[0], 1), all + row * classes, classes * sizeof *all);
  head_free (head);
}
END_TEST

START_TEST (kept_parameters_come_back)
{
  struct head *head = make_ones ();
  struct state_part part[STATE_PARTS];
  ck_assert_uint_eq (head_state (head, part), 2);
  ck_assert_str_eq (part[0].name, "head_parameters");
  ck_assert_str_eq (part[1].name, "head_velocity");
  ck_assert_ptr_eq (part[0].values, head->parameter);
  ck_assert_ptr_eq (part[1].values, head->velocity);
  ck_assert_int_eq (head_use_keeping (head), 0);
  ck_assert_uint_eq (head_state (head, part), 3);
  ck_assert_str_eq (part[2].name, "head_kept");
  ck_assert_ptr_eq (part[2].values, head->kept);
  for (int i = 0; i < 3; i++)
    {
      ck_assert_int_eq (part[i].type, STATE_DOUBLE);
      ck_assert_uint_eq (part[i].count, 5 + 5 * 3 + 3 + 3 * 2 + 2);
      ck_assert_uint_eq (part[i].width, 0);
    }
  head->velocity[4] = 3;
  head_keep (head);
  for (size_t i = 0; i < head->count; i++)
    head->parameter[i] -= 7;
  head_restore (head);
  ck_assert_double_eq (head->parameter[4], 1);
  ck_assert_double_eq (head_kernel (head, 1)[0], 0);
  ck_assert_double_eq (head_bias (head, 1)[2], 1);
  ck_assert_double_eq (head->velocity[4], 3);
  ck_assert_double_eq (((double *) part[2].values)[4], 1);
  head_free (head);
}
END_TEST

/* Some steps of head number *NUMBER; its parameters afterwards, to be freed.  */
static void *
train_alone (void *number)
{
  static const struct sgd sgd = { 0.01, 0.9, 0.001, false };
  float pre[ROWS * UNITS_MOST], delta[ROWS * UNITS_MOST];
  int32_t label[ROWS];
  struct head *head = make_head (*(int *) number, pre, label);
  for (uint64_t step = 0; step < 3000; step++)
    {
      const struct dropout dropout = { 0.2, 5, step };
      head_forward_training (head, pre, ROWS, &dropout);
      head_backward (head, label, NULL, ROWS, delta);
      head_update (head, &sgd);
    }
  double *parameters = malloc (head->count * sizeof *parameters);
  memcpy (parameters, head->parameter, head->count * sizeof *parameters);
  head_free (head);
  return parameters;
}

START_TEST (heads_learn_side_by_side)
{
  int number[SHAPES];
  double *alone[SHAPES];
  pthread_t thread[SHAPES];
  for (int i = 0; i < SHAPES; i++)
    {
      number[i] = i;
      alone[i] = train_alone (&number[i]);
    }
  for (int i = 0; i < SHAPES; i++)
    ck_assert_int_eq (pthread_create (&thread[i], NULL, train_alone, &number[i]), 0);
  for (int i = 0; i < SHAPES; i++)
    {
      void *together;
      size_t count = shapes[i][0];
      for (size_t layer = 1; layer <= layers[i]; layer++)
        count += (shapes[i][layer - 1] + 1) * shapes[i][layer];
      ck_assert_int_eq (pthread_join (thread[i], &together), 0);
      ck_assert_mem_eq (together, alone[i], count * sizeof (double));
      free (together);
      free (alone[i]);
    }
}
END_TEST

START_TEST (a_nan_reaches_the_loss)
{
  float pre[ROWS * UNITS_MOST];
  int32_t label[ROWS];
  struct head *head = make_head (1, pre, label);
  pre[3] = NAN;
  ck_assert (isnan (mean_loss (head, pre, label, NULL, NULL)));
  head_free (head);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("head");
  tcase_add_loop_test (cases, gradients_are_finite_differences, 0, 4 * SHAPES);
  tcase_add_test (cases, probabilities_by_hand);
  tcase_add_test (cases, updates_by_hand);
  tcase_add_test (cases, masks_are_the_reference);
  tcase_add_test (cases, the_rate_is_what_is_dropped);
  tcase_add_test (cases, a_row_has_the_same_bits_in_any_batch);
  tcase_add_test (cases, kept_parameters_come_back);
  tcase_add_test (cases, heads_learn_side_by_side);
  tcase_add_test (cases, a_nan_reaches_the_loss);
  return run_cases (cases, "head");
}

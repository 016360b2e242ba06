#include <config.h>

#include "../src/learn/searchspace.h"

#include "../src/base/memory.h"
#include "support.h"

#include <math.h>

static struct searchspace
space_of (const char *const text[AXES])
{
  struct searchspace space = { .base = train_defaults () };
  for (enum axis_name i = 0; i < AXES; i++)
    if (text[i])
      ck_assert_msg (searchspace_set (&space, i, text[i]) == 0, "%s", error_message ());
  return space;
}

static struct train_options
options_at (const struct searchspace *space, const struct point *point)
{
  struct train_options options;
  ck_assert_int_eq (searchspace_apply (space, point, &options), 0);
  return options;
}

/* itertools.product (lr, epochs, hidden), written down.  */
START_TEST (the_grid_is_all_combinations_in_order)
{
  static const char *const text[AXES] = { [AXIS_LR] = "0.1,1e-3", [AXIS_EPOCHS] = "5", [AXIS_HIDDEN] = "8/16,4,2/3" };
  static const struct {
    double rate;
    size_t layers;
    uint64_t first;
  } expected[] = { { 0.1, 1, 8 }, { 0.1, 3, 16 }, { 0.1, 1, 3 }, { 1e-3, 1, 8 }, { 1e-3, 3, 16 }, { 1e-3, 1, 3 } };
  struct searchspace space = space_of (text);
  struct point *point;
  size_t count;
  ck_assert_int_eq (searchspace_points (&space, 0, 42, &point, &count), 0);
  ck_assert_uint_eq (count, 6);
  for (size_t i = 0; i < count; i++)
    {
      struct train_options options = options_at (&space, &point[i]);
      ck_assert_double_eq (options.schedule.rate, expected[i].rate);
      ck_assert_uint_eq (options.hidden_count, expected[i].layers);
      ck_assert_uint_eq (options.hidden[0], expected[i].first);
      ck_assert_uint_eq (options.epochs, 5);
      ck_assert_uint_eq (options.batch, 32);
      ck_assert_double_eq (options.momentum, 0.9);
    }
  ck_assert (axis_varies (&space.axis[AXIS_LR]));
  ck_assert (!axis_varies (&space.axis[AXIS_EPOCHS]) && axis_given (&space.axis[AXIS_EPOCHS]));
  ck_assert (!axis_given (&space.axis[AXIS_BATCH]));
  memory_free (point);
  searchspace_free (&space);
}
END_TEST

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

enum { DRAWS = 4000 };

/* The largest distance between the distribution of VALUE, which it sorts, and the uniform one on [0, 1], by the
   definition of Kolmogorov and Smirnov.  */
static double
distance_from_uniform (double *value)
{
  double distance = 0;
  qsort (value, DRAWS, sizeof *value, compare);
  for (int i = 0; i < DRAWS; i++)
    distance = fmax (distance, fmax (value[i] - i / (double) DRAWS, (i + 1) / (double) DRAWS - value[i]));
  return distance;
}

/* 1.63 / sqrt (n) is exceeded once in a hundred samples (Smirnov 1948); three significant digits move a value by 0.0025
   of itself at most, which is as much of a range from 0.1 to 1, and on the logarithmic scales here less.  */
static const double bound = 1.63 / 63.2455532033676 + 0.0025;

START_TEST (draws_follow_their_distributions)
{
  static const char *const text[AXES] = {
    [AXIS_LR] = "1e-4:1e-1", [AXIS_MOMENTUM] = "0.1:0.9", [AXIS_L2] = "1e-6:0.5", [AXIS_DROPOUT] = "0.1:0.6"
  };
  struct searchspace space = space_of (text);
  struct point *point;
  static double value[4][DRAWS];
  size_t count;
  ck_assert_int_eq (searchspace_points (&space, DRAWS, 7, &point, &count), 0);
  ck_assert_uint_eq (count, DRAWS);
  for (size_t i = 0; i < count; i++)
    {
      struct train_options options = options_at (&space, &point[i]);
      value[0][i] = log (options.schedule.rate / 1e-4) / log (1e3);
      value[1][i] = (options.momentum - 0.1) / 0.8;
      value[2][i] = log (options.l2 / 1e-6) / log (5e5);
      value[3][i] = (options.dropout - 0.1) / 0.5;
    }
  double together = 0; /* lr and momentum */
  for (size_t i = 0; i < count; i++)
    together += (value[0][i] - 0.5) * (value[1][i] - 0.5) / DRAWS;
  ck_assert_double_lt (fabs (together) * 12, 5 / sqrt (DRAWS)); /* their correlation, 5 standard deviations */
  for (int i = 0; i < 4; i++)
    {
      ck_assert_double_lt (distance_from_uniform (value[i]), bound);
      ck_assert_double_ge (value[i][0], 0);
      ck_assert_double_le (value[i][DRAWS - 1], 1);
    }
  memory_free (point);
  searchspace_free (&space);
}
END_TEST

/* Whole numbers, both ends among them, and the values of lists, each as often as the others; a draw depends on its
   number and the seed alone.  */
START_TEST (whole_numbers_and_lists_are_drawn_evenly)
{
  static const char *const text[AXES] = {
    [AXIS_EPOCHS] = "3:6", [AXIS_BATCH] = "16,32,64", [AXIS_SCHEDULE] = "constant,step:5:0.5"
  };
  struct searchspace space = space_of (text);
  struct point *point, *other;
  int epochs[4] = { 0 }, small = 0, step = 0;
  size_t count;
  ck_assert_int_eq (searchspace_points (&space, DRAWS, 7, &point, &count), 0);
  for (size_t i = 0; i < count; i++)
    {
      struct train_options options = options_at (&space, &point[i]);
      ck_assert (options.epochs >= 3 && options.epochs <= 6);
      epochs[options.epochs - 3]++;
      small += options.batch == 16;
      step += options.schedule.kind == SCHEDULE_STEP && options.schedule.every == 5;
    }
  for (int i = 0; i < 4; i++) /* 5 standard deviations of a binomial distribution are 137, 149 and 158 */
    ck_assert_int_lt (abs (epochs[i] - DRAWS / 4), 137);
  ck_assert_int_lt (abs (small - DRAWS / 3), 149);
  ck_assert_int_lt (abs (step - DRAWS / 2), 158);
  ck_assert_int_eq (searchspace_points (&space, 10, 7, &other, &count), 0);
  ck_assert_mem_eq (point, other, 10 * sizeof *point);
  memory_free (other);
  ck_assert_int_eq (searchspace_points (&space, 10, 8, &other, &count), 0);
  ck_assert (memcmp (point, other, 10 * sizeof *point));
  memory_free (other);
  memory_free (point);
  searchspace_free (&space);
}
END_TEST

/* Where all are lists no combination comes twice, and there are no more than the grid has.  */
START_TEST (combinations_of_lists_are_drawn_once)
{
  static const char *const text[AXES] = { [AXIS_LR] = "0.1,0.2,0.3,0.4,0.5", [AXIS_BATCH] = "1,2,3,4" };
  struct searchspace space = space_of (text);
  for (size_t trials = 7; trials < 30; trials += 13)
    {
      struct point *point;
      size_t count;
      uint32_t seen = 0;
      ck_assert_int_eq (searchspace_points (&space, trials, 42, &point, &count), 0);
      ck_assert_uint_eq (count, trials < 20 ? trials : 20);
      for (size_t i = 0; i < count; i++)
        seen |= 1U << (int) (point[i].value[AXIS_LR] * 4 + point[i].value[AXIS_BATCH]);
      ck_assert_int_eq (__builtin_popcount (seen), (int) count);
      memory_free (point);
    }
  struct point *drawn[2];
  size_t count;
  for (uint64_t seed = 0; seed < 2; seed++)
    ck_assert_int_eq (searchspace_points (&space, 10, seed, &drawn[seed], &count), 0);
  ck_assert (memcmp (drawn[0], drawn[1], 10 * sizeof *drawn[0]));
  memory_free (drawn[0]);
  memory_free (drawn[1]);
  searchspace_free (&space);
}
END_TEST

START_TEST (three_digits_can_be_written_down)
{
  static const char *const text[AXES] = {
    [AXIS_LR] = "1e-4:1e-1", [AXIS_HIDDEN] = "8,4", [AXIS_SCHEDULE] = "cosine:2"
  };
  struct searchspace space = space_of (text);
  struct point *point;
  size_t count;
  ck_assert_int_eq (searchspace_points (&space, 0, 42, &point, &count), 0);
  ck_assert_uint_eq (count, SEARCHSPACE_RANDOM);
  for (size_t i = 0; i < count; i++)
    {
      struct train_options options = options_at (&space, &point[i]);
      char *rate = axis_text (AXIS_LR, &options), *hidden = axis_text (AXIS_HIDDEN, &options);
      char *schedule = axis_text (AXIS_SCHEDULE, &options), digits[32];
      snprintf (digits, sizeof digits, "%.3g", options.schedule.rate);
      ck_assert_double_eq (strtod (digits, NULL), options.schedule.rate);
      ck_assert_str_eq (rate, digits);
      ck_assert_str_eq (hidden, "8,4");
      ck_assert_str_eq (schedule, "cosine:2");
      free (rate);
      free (hidden);
      free (schedule);
    }
  memory_free (point);
  searchspace_free (&space);
}
END_TEST

START_TEST (what_is_no_value_is_refused)
{
  static const struct {
    enum axis_name axis;
    const char *text, *message;
  } cases[] = {
    { AXIS_LR, "0.1,", "--lr takes values such as A,B,C without empty ones, not '0.1,'" },
    { AXIS_LR, "0.1,x", "--lr" },
    { AXIS_LR, "0", "--lr must be larger than 0, not 0" },
    { AXIS_LR, "0.1:0.01", "--lr takes a range LOW:HIGH with LOW below HIGH, not '0.1:0.01'" },
    { AXIS_LR, "1:2:3", "--lr takes a list such as A,B,C or a range LOW:HIGH, not '1:2:3'" },
    { AXIS_L2, "0:0.1", "--l2 is drawn evenly on a logarithmic scale, so its range begins above 0, not at '0'" },
    { AXIS_MOMENTUM, "0.5:1", "--momentum must be from 0 to below 1, not 1" },
    { AXIS_EPOCHS, "0,5", "--epochs" },
    { AXIS_EPOCHS, "1.5:5", "--epochs" },
    { AXIS_HIDDEN, "8/", "--hidden takes values such as A/B/C without empty ones, not '8/'" },
    { AXIS_HIDDEN, "8,,4", "--hidden" },
    { AXIS_HIDDEN, "8:16", "--hidden" },
    { AXIS_HIDDEN, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "--hidden takes up to 16 sizes, not 17" },
    { AXIS_SCHEDULE, "constant,never", "--schedule takes constant, time" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct searchspace space = { .base = train_defaults () };
      error_clear ();
      ck_assert_msg (searchspace_set (&space, cases[i].axis, cases[i].text) == -1, "%s", cases[i].text);
      ck_assert_int_eq (error_status (), ERROR_USAGE);
      ck_assert_msg (strstr (error_message (), cases[i].message) != NULL, "%s", error_message ());
      ck_assert (!axis_given (&space.axis[cases[i].axis]));
    }
}
END_TEST

START_TEST (the_default_search_is_random)
{
  struct searchspace space = { .base = train_defaults () };
  ck_assert_msg (searchspace_use_defaults (&space) == 0, "%s", error_message ());
  ck_assert (space.axis[AXIS_LR].range && searchspace_has_range (&space));
  ck_assert (!axis_given (&space.axis[AXIS_EPOCHS]));
  searchspace_free (&space);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("searchspace");
  tcase_add_test (cases, the_grid_is_all_combinations_in_order);
  tcase_add_test (cases, draws_follow_their_distributions);
  tcase_add_test (cases, whole_numbers_and_lists_are_drawn_evenly);
  tcase_add_test (cases, combinations_of_lists_are_drawn_once);
  tcase_add_test (cases, three_digits_can_be_written_down);
  tcase_add_test (cases, what_is_no_value_is_refused);
  tcase_add_test (cases, the_default_search_is_random);
  return run_cases (cases, "searchspace");
}

/* Random numbers against independent computations (reference/make_random.py), and their distributions.  */
#include <config.h>

#include "../src/base/random.h"

#include "support.h"

#include <math.h>
#include <stdbool.h>

/* The published test vector of SplitMix64, from state 1234567.  */
START_TEST (published_numbers)
{
  static const uint64_t expected[] = { UINT64_C (6457827717110365317), UINT64_C (3203168211198807973),
                                       UINT64_C (9817491932198370423), UINT64_C (4593380528125082431),
                                       UINT64_C (16408922859458223821) };
  struct random random = { 1234567 };
  for (int i = 0; i < 5; i++)
    ck_assert_uint_eq (random_bits (&random), expected[i]);
}
END_TEST

static const struct {
  uint64_t seed, stream, bits[4];
} streams[] = {
  { 0,
    0,
    { UINT64_C (13830413928045401970), UINT64_C (6869446166584666695), UINT64_C (8084911050856847527),
      UINT64_C (17600346874777673004) } },
  { 42,
    1,
    { UINT64_C (7751733518890752471), UINT64_C (14316121206410387171), UINT64_C (1811939730984798874),
      UINT64_C (13683576510310534383) } },
  { UINT64_MAX,
    UINT64_MAX,
    { UINT64_C (4974456408400324330), UINT64_C (7746790114410969408), UINT64_C (7079472726672893951),
      UINT64_C (15052651373926959483) } },
};

START_TEST (streams_of_a_seed)
{
  struct random random = random_new (streams[_i].seed, streams[_i].stream);
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq (random_bits (&random), streams[_i].bits[i]);
}
END_TEST

static const struct {
  uint64_t limit, value[6];
} limits[] = {
  { 1, { 0 } },
  { 10, { 6, 4, 9, 7, 7, 6 } },
  { UINT64_C (3) << 62,
    { UINT64_C (8938268119018427217), UINT64_C (13295076117510078613), UINT64_C (8873994531566272759),
      UINT64_C (10065786493239671897), UINT64_C (10900833932071926145), UINT64_C (8129985591928676124) } },
  { UINT64_MAX,
    { UINT64_C (11917690825357902956), UINT64_C (7859139246182503751), UINT64_C (17726768156680104817),
      UINT64_C (13062616427680036683), UINT64_C (14709468802116916183), UINT64_C (11831992708755030345) } },
};

START_TEST (below_limits)
{
  struct random random = random_new (42, 5);
  for (int i = 0; i < 6; i++)
    ck_assert_uint_eq (random_below (&random, limits[_i].limit), limits[_i].value[i]);
}
END_TEST

/* Pearson's statistic of COUNT (n) against equal shares of their sum.  */
static double
chi_square (const unsigned *count, size_t n)
{
  double sum = 0, statistic = 0;
  for (size_t i = 0; i < n; i++)
    sum += count[i];
  for (size_t i = 0; i < n; i++)
    statistic += pow (count[i] - sum / (double) n, 2) / (sum / (double) n);
  return statistic;
}

/* Of 3 * 2^62 numbers, 2^64 / limit draws each: taking the remainder would favour the lowest third, and a product
   without rejection every third number, two to one.  By chance 13.8 is passed once in a thousand, but the seed is
   fixed.  */
START_TEST (below_is_unbiased)
{
  struct random random = random_new (42, 7);
  unsigned thirds[3] = { 0 }, remainders[3] = { 0 };
  for (int i = 0; i < 30000; i++)
    {
      uint64_t value = random_below (&random, UINT64_C (3) << 62);
      ck_assert_uint_lt (value, UINT64_C (3) << 62);
      thirds[value >> 62]++;
      remainders[value % 3]++;
    }
  ck_assert_double_lt (chi_square (thirds, 3), 13.8);
  ck_assert_double_lt (chi_square (remainders, 3), 13.8);
}
END_TEST

START_TEST (skipping_is_drawing)
{
  for (uint64_t skipped = 0; skipped < 50; skipped++)
    {
      struct random drawn = random_new (42, 8), jumped = drawn, twice = drawn;
      for (uint64_t i = 0; i < skipped; i++)
        random_bits (&drawn);
      random_skip (&jumped, skipped);
      random_skip (&twice, skipped / 3);
      random_skip (&twice, skipped - skipped / 3);
      uint64_t bits = random_bits (&drawn);
      ck_assert_uint_eq (random_bits (&jumped), bits);
      ck_assert_uint_eq (random_bits (&twice), bits);
    }
}
END_TEST

START_TEST (uniform_is_the_highest_24_bits)
{
  struct random random = random_new (42, 9), bits = random;
  double sum = 0;
  for (int i = 0; i < 1000000; i++)
    {
      float value = random_uniform (&random);
      ck_assert (value >= 0 && value < 1);
      ck_assert (value == (float) (random_bits (&bits) >> 40) / 16777216.0f);
      sum += value;
    }
  ck_assert_double_eq_tol (sum / 1000000, 0.5, 0.0015); /* five standard errors */
}
END_TEST

/* The states before which the bits are all 0 and all 1, from make_random.py.  */
static const struct random lowest = { -UINT64_C (0x9e3779b97f4a7c15) }, highest = { UINT64_C (3558559446808474027) };

START_TEST (ends_of_the_ranges)
{
  struct random low = lowest, high = highest;
  ck_assert_uint_eq (random_bits (&low), 0);
  ck_assert_uint_eq (random_bits (&high), UINT64_MAX);
  low = lowest, high = highest;
  ck_assert (random_uniform (&low) == 0.0f);
  ck_assert (random_uniform (&high) == 1.0f - 0x1p-24f);
  low = lowest, high = highest;
  ck_assert (random_normal (&low) == 0.0f);
  ck_assert (isfinite (random_normal (&high)));
  low = lowest, high = highest;
  ck_assert_uint_eq (random_below (&low, 1), 0); /* below a power of two nothing is rejected */
  ck_assert_uint_eq (random_below (&high, 1000), 999);
}
END_TEST

/* Moments within five standard errors of a million draws, and the share within one deviation, erf (1 / sqrt (2)).  */
START_TEST (normal_moments)
{
  enum { DRAWS = 1000000 };
  struct random random = random_new (42, 10), skipped = random;
  double sum[5] = { 0 };
  int within = 0;
  for (int i = 0; i < DRAWS; i++)
    {
      double value = random_normal (&random);
      for (int power = 1; power <= 4; power++)
        sum[power] += pow (value, power);
      within += fabs (value) < 1;
    }
  ck_assert_double_eq_tol (sum[1] / DRAWS, 0, 5 * 0.001);
  ck_assert_double_eq_tol (sum[2] / DRAWS, 1, 5 * sqrt (2.0 / DRAWS));
  ck_assert_double_eq_tol (sum[3] / DRAWS, 0, 5 * sqrt (15.0 / DRAWS));
  ck_assert_double_eq_tol (sum[4] / DRAWS, 3, 5 * sqrt (96.0 / DRAWS));
  ck_assert_double_eq_tol ((double) within / DRAWS, erf (sqrt (0.5)), 5 * 0.0005);
  random_skip (&skipped, 2 * DRAWS);
  ck_assert_uint_eq (random_bits (&random), random_bits (&skipped));
}
END_TEST

START_TEST (shuffled_like_reference)
{
  static const uint64_t expected[] = { 6, 1, 8, 3, 11, 4, 10, 5, 0, 2, 9, 7 };
  uint64_t order[12];
  struct random random = random_new (42, 6);
  for (uint64_t i = 0; i < 12; i++)
    order[i] = i;
  random_shuffle (&random, order, 12);
  ck_assert_mem_eq (order, expected, sizeof expected);
}
END_TEST

START_TEST (shuffles_are_permutations)
{
  enum { MOST = 300 };
  struct random random = random_new (42, 11);
  for (size_t n = 0; n < MOST; n++)
    {
      uint64_t order[MOST];
      bool seen[MOST] = { false };
      for (size_t i = 0; i < n; i++)
        order[i] = i;
      random_shuffle (&random, order, n);
      for (size_t i = 0; i < n; i++)
        {
          ck_assert_uint_lt (order[i], n);
          ck_assert (!seen[order[i]]);
          seen[order[i]] = true;
        }
    }
}
END_TEST

/* All 24 orders of 4 are equally likely; 49.7 has a probability of one in a thousand with 23 degrees of freedom.  */
START_TEST (shuffles_are_uniform)
{
  struct random random = random_new (42, 12);
  unsigned count[256] = { 0 }, found[24];
  for (int i = 0; i < 48000; i++)
    {
      uint64_t order[4] = { 0, 1, 2, 3 };
      random_shuffle (&random, order, 4);
      count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
  size_t orders = 0;
  for (int i = 0; i < 256; i++)
    if (count[i])
      {
        ck_assert_uint_lt (orders, 24);
        found[orders++] = count[i];
      }
  ck_assert_uint_eq (orders, 24);
  ck_assert_double_lt (chi_square (found, 24), 49.7);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("random");
  tcase_add_test (cases, published_numbers);
  tcase_add_loop_test (cases, streams_of_a_seed, 0, sizeof streams / sizeof *streams);
  tcase_add_loop_test (cases, below_limits, 0, sizeof limits / sizeof *limits);
  tcase_add_test (cases, below_is_unbiased);
  tcase_add_test (cases, skipping_is_drawing);
  tcase_add_test (cases, uniform_is_the_highest_24_bits);
  tcase_add_test (cases, ends_of_the_ranges);
  tcase_add_test (cases, normal_moments);
  tcase_add_test (cases, shuffled_like_reference);
  tcase_add_test (cases, shuffles_are_permutations);
  tcase_add_test (cases, shuffles_are_uniform);
  return run_cases (cases, "random");
}

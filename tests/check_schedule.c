#include <config.h>

#include "../src/learn/schedule.h"

#include "support.h"

#include <math.h>

static const struct schedule base = { .rate = 0.5, .decay = 0.01, .steps_per_epoch = 10, .steps = 120 };

static struct schedule
parsed (const char *text)
{
  struct schedule schedule = base;
  ck_assert_msg (schedule_parse (text, &schedule) == 0, "%s: %s", text, error_message ());
  return schedule;
}

static void
check_rate (const char *text, uint64_t step, double expected)
{
  struct schedule schedule = parsed (text);
  ck_assert_double_eq_tol (schedule_rate (&schedule, step), expected, 1e-15);
}

/* From the definitions, at steps where the cosine is known.  */
START_TEST (rates_by_hand)
{
  check_rate ("constant", 0, 0.5);
  check_rate ("constant", 119, 0.5);
  check_rate ("time", 0, 0.5);
  check_rate ("time", 100, 0.25);
  check_rate ("cosine", 0, 0.5);
  check_rate ("cosine", 40, 0.375); /* (1 + cos 60 degrees) / 2 = 3 / 4 */
  check_rate ("cosine", 60, 0.25);
  check_rate ("cosine", 80, 0.125);
  check_rate ("cosine", 120, 0);
  check_rate ("cosine", 500, 0);
  check_rate ("cosine:3", 0, 0);
  check_rate ("cosine:3", 15, 0.25);
  check_rate ("cosine:3", 30, 0.5);
  check_rate ("cosine:3", 60, 0.375); /* a third of the 90 steps that are left */
  check_rate ("cosine:3", 75, 0.25);
  check_rate ("cosine:12", 119, 0.5 * 119 / 120); /* all steps rise */
  check_rate ("cosine:12", 120, 0);
  check_rate ("step:4:0.5", 39, 0.5);
  check_rate ("step:4:0.5", 40, 0.25);
  check_rate ("step:4:0.5", 119, 0.125);
  check_rate ("step", 99, 0.5);
  check_rate ("step", 100, 0.05);
}
END_TEST

/* float32 values of Keras 3.15's InverseTimeDecay (1e-3, 1, 4e-5), CosineDecay (0, 625, warmup_target=1e-3,
   warmup_steps=125) and ExponentialDecay (1e-3, 250, 0.3, staircase=True).  */
START_TEST (rates_are_those_of_keras)
{
  static const struct {
    const char *text;
    uint64_t step;
    double rate;
  } cases[] = {
    { "time", 0, 0.00100000005 },           { "time", 77, 0.000996929477 },
    { "time", 250, 0.000990099041 },        { "time", 312, 0.000987673877 },
    { "time", 749, 0.000970911526 },        { "cosine:5", 0, 0 },
    { "cosine:5", 77, 0.000616000034 },     { "cosine:5", 250, 0.000904508517 },
    { "cosine:5", 312, 0.000794908381 },    { "cosine:5", 749, 6.31809272e-09 },
    { "step:10:0.3", 0, 0.00100000005 },    { "step:10:0.3", 77, 0.00100000005 },
    { "step:10:0.3", 250, 0.000300000014 }, { "step:10:0.3", 312, 0.000300000014 },
    { "step:10:0.3", 749, 9.00000086e-05 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct schedule schedule = parsed (cases[i].text);
      schedule.rate = 1e-3;
      schedule.decay = 4e-5;
      schedule.steps_per_epoch = 25;
      schedule.steps = 750;
      ck_assert_double_eq_tol (schedule_rate (&schedule, cases[i].step), cases[i].rate, 2e-10);
    }
}
END_TEST

START_TEST (texts_come_back)
{
  static const char *const texts[] = { "constant", "time", "cosine", "cosine:2", "step:7:0.3" };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct schedule schedule = parsed (texts[i]);
      char *text = schedule_text (&schedule);
      ck_assert_str_eq (text, texts[i]);
      ck_assert_double_eq (schedule.rate, 0.5);
      ck_assert_uint_eq (schedule.steps, 120);
      free (text);
    }
  struct schedule schedule = parsed ("step");
  char *text = schedule_text (&schedule);
  ck_assert_str_eq (text, "step:10:0.1");
  free (text);
}
END_TEST

START_TEST (bad_texts_are_refused)
{
  static const char list[] = "--schedule takes constant, time, cosine[:WARMUP] or step[:EPOCHS:FACTOR], not '";
  static const struct {
    const char *text, *message;
  } cases[] = {
    { "", list },
    { "Cosine", list },
    { "constant:1", list },
    { "time:", list },
    { "cosine:1:2", list },
    { "step:5", list },
    { "cosine:", "--schedule cosine:WARMUP takes a whole number from 0 to 1073741824, not ''" },
    { "cosine:-1", "--schedule cosine:WARMUP takes a whole number from 0 to 1073741824, not '-1'" },
    { "step:0:0.5", "--schedule step:EPOCHS takes a whole number from 1 to 1073741824, not '0'" },
    { "step:5:x", "--schedule step:EPOCHS:FACTOR takes a number, not 'x'" },
    { "step:5:0.5:1", "--schedule step:EPOCHS:FACTOR takes a number, not '0.5:1'" },
    { "step:5:nan", "--schedule step:EPOCHS:FACTOR takes a number, not 'nan'" },
    { "step:5:0", "--schedule's FACTOR must be larger than 0, not 0" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct schedule schedule = base;
      char *expected = cases[i].message == list ? text_new ("%s%s'", list, cases[i].text) : NULL;
      ck_assert_int_eq (schedule_parse (cases[i].text, &schedule), -1);
      ck_assert_int_eq (error_status (), ERROR_USAGE);
      ck_assert_str_eq (error_message (), expected ? expected : cases[i].message);
      free (expected);
    }
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("schedule");
  tcase_add_test (cases, rates_by_hand);
  tcase_add_test (cases, rates_are_those_of_keras);
  tcase_add_test (cases, texts_come_back);
  tcase_add_test (cases, bad_texts_are_refused);
  return run_cases (cases, "schedule");
}

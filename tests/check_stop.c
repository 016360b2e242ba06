/* Being asked to stop.  Each test has a process of its own, whose signals it changes.  */
#include <config.h>

#include "../src/base/stop.h"

#include "../src/base/clock.h"
#include "support.h"

#include <signal.h>

static const int signals[] = { SIGTERM, SIGINT, SIGUSR1 };

START_TEST (a_signal_asks)
{
  stop_watch (0);
  ck_assert (!stop_requested ());
  raise (signals[_i]);
  ck_assert (stop_requested ());
  ck_assert (stop_requested ());
}
END_TEST

START_TEST (a_signal_may_come_again)
{
  stop_watch (0);
  raise (SIGTERM);
  raise (SIGTERM);
  raise (SIGUSR1);
  ck_assert (stop_requested ());
}
END_TEST

START_TEST (a_second_sigint_ends_the_process)
{
  stop_watch (0);
  raise (SIGINT);
  ck_assert (stop_requested ());
  raise (SIGINT);
}
END_TEST

START_TEST (a_deadline_asks)
{
  double begun = clock_seconds ();
  stop_watch (0.2);
  stop_watch (0); /* does nothing any more */
  while (!stop_requested ())
    {
      ck_assert_double_lt (clock_seconds (), begun + 10);
      usleep (1000);
    }
  ck_assert_double_ge (clock_seconds (), begun + 0.2);
  ck_assert (stop_requested ());
}
END_TEST

START_TEST (nobody_asks)
{
  ck_assert (!stop_requested ());
  stop_watch (1000);
  usleep (10000);
  ck_assert (!stop_requested ());
}
END_TEST

START_TEST (together_a_request_waits_for_the_others)
{
  stop_watch (0);
  stop_together ();
  raise (SIGUSR1);
  ck_assert (stop_pending ());
  ck_assert (!stop_requested ());
  stop_agree ();
  ck_assert (stop_requested ());
}
END_TEST

START_TEST (together_a_deadline_waits_for_the_others)
{
  stop_watch (0.01);
  stop_together ();
  usleep (20000);
  ck_assert (!stop_requested ());
  ck_assert (stop_pending ());
  ck_assert (!stop_requested ());
}
END_TEST

START_TEST (together_another_may_have_been_asked)
{
  stop_watch (0);
  stop_together ();
  stop_agree ();
  ck_assert (!stop_pending ());
  ck_assert (stop_requested ());
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("stop");
  tcase_add_loop_test (cases, a_signal_asks, 0, sizeof signals / sizeof *signals);
  tcase_add_test (cases, a_signal_may_come_again);
  tcase_add_test_raise_signal (cases, a_second_sigint_ends_the_process, SIGINT);
  tcase_add_test (cases, a_deadline_asks);
  tcase_add_test (cases, nobody_asks);
  tcase_add_test (cases, together_a_request_waits_for_the_others);
  tcase_add_test (cases, together_a_deadline_waits_for_the_others);
  tcase_add_test (cases, together_another_may_have_been_asked);
  return run_cases (cases, "stop");
}

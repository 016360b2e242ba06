/* The team of threads: every task once, failures carried to the caller.  */
#include <config.h>

#include "../src/base/workers.h"

#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

enum { COUNT = 10000, MOST_THREADS = 5 };

struct tally {
  atomic_int done[COUNT];
  atomic_int of_worker[MOST_THREADS]; /* tasks now running, at most one */
  atomic_int mistakes;
};

static int
count_task (void *context, size_t index, int worker)
{
  struct tally *tally = context;
  if (worker < 0 || worker >= MOST_THREADS || atomic_fetch_add (&tally->of_worker[worker], 1) > 0)
    atomic_fetch_add (&tally->mistakes, 1);
  atomic_fetch_add (&tally->done[index], 1);
  if (worker >= 0 && worker < MOST_THREADS)
    atomic_fetch_sub (&tally->of_worker[worker], 1);
  return 0;
}

START_TEST (every_task_once)
{
  static const size_t counts[] = { COUNT, 0, 1, 3, COUNT };
  int threads = _i;
  struct workers *workers = workers_new (threads);
  ck_assert_int_eq (workers_count (workers), threads);
  for (size_t loop = 0; loop < sizeof counts / sizeof *counts; loop++)
    {
      struct tally tally = { 0 };
      ck_assert_int_eq (workers_run (workers, counts[loop], count_task, &tally), 0);
      for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq (atomic_load (&tally.done[i]), i < counts[loop]);
      ck_assert_int_eq (atomic_load (&tally.mistakes), 0);
    }
  workers_free (workers);
  workers_free (NULL);
}
END_TEST

/* Loops so short that some threads sleep through them.  */
START_TEST (many_short_loops)
{
  struct workers *workers = workers_new (MOST_THREADS);
  struct tally tally = { 0 };
  for (int loop = 0; loop < 5000; loop++)
    ck_assert_int_eq (workers_run (workers, 3, count_task, &tally), 0);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq (atomic_load (&tally.done[i]), 5000);
  ck_assert_int_eq (atomic_load (&tally.mistakes), 0);
  workers_free (workers);
}
END_TEST

struct meeting {
  atomic_int arrived;
  int wanted;
};

/* Goes on when all have come: tasks run at the same time or never end.  */
static int
meet (void *context, size_t index, int worker)
{
  struct meeting *meeting = context;
  (void) index, (void) worker;
  atomic_fetch_add (&meeting->arrived, 1);
  while (atomic_load (&meeting->arrived) < meeting->wanted)
    usleep (100);
  return 0;
}

START_TEST (tasks_run_side_by_side)
{
  struct workers *workers = workers_new (3);
  struct meeting meeting = { .wanted = 3 };
  ck_assert_int_eq (workers_run (workers, 3, meet, &meeting), 0);
  workers_free (workers);
}
END_TEST

static atomic_int slow_done;

/* The other thread's task ends long after the caller's.  */
static int
meet_and_linger (void *context, size_t index, int worker)
{
  meet (context, index, worker);
  if (worker > 0)
    {
      usleep (50000);
      atomic_store (&slow_done, 1);
    }
  return 0;
}

START_TEST (the_caller_waits_for_all)
{
  struct workers *workers = workers_new (2);
  for (int loop = 0; loop < 3; loop++)
    {
      struct meeting meeting = { .wanted = 2 };
      atomic_store (&slow_done, 0);
      ck_assert_int_eq (workers_run (workers, 2, meet_and_linger, &meeting), 0);
      ck_assert_int_eq (atomic_load (&slow_done), 1);
    }
  workers_free (workers);
}
END_TEST

static atomic_int begun;

static int
fail_at_seven (void *context, size_t index, int worker)
{
  (void) context, (void) worker;
  atomic_fetch_add (&begun, 1);
  return index == 7 ? error_usage ("task %zu failed", index) : 0;
}

START_TEST (a_failure_ends_the_loop)
{
  struct workers *workers = workers_new (1);
  ck_assert_int_eq (workers_run (workers, COUNT, fail_at_seven, NULL), -1);
  ck_assert_str_eq (error_message (), "task 7 failed");
  ck_assert_int_eq (error_status (), ERROR_USAGE);
  ck_assert_int_eq (atomic_load (&begun), 8);
  ck_assert_int_eq (workers_run (workers, 7, fail_at_seven, NULL), 0); /* the next loop knows nothing of it */
  ck_assert_int_eq (atomic_load (&begun), 8 + 7);
  workers_free (workers);
}
END_TEST

static int
fail_soon (void *context, size_t index, int worker)
{
  (void) context, (void) worker;
  atomic_fetch_add (&begun, 1);
  usleep (1000);
  return index == 5 ? error_set ("task %zu failed", index) : 0;
}

START_TEST (a_failure_ends_the_loop_of_all_threads)
{
  struct workers *workers = workers_new (4);
  ck_assert_int_eq (workers_run (workers, COUNT, fail_soon, NULL), -1);
  ck_assert_str_eq (error_message (), "task 5 failed");
  ck_assert_int_lt (atomic_load (&begun), 1000); /* all would take some seconds */
  workers_free (workers);
}
END_TEST

static atomic_int helper_failed;

/* The caller's own tasks wait until another thread's has failed.  */
static int
fail_elsewhere (void *context, size_t index, int worker)
{
  (void) context, (void) index;
  if (worker > 0)
    {
      error_stopped ("stopped in a helper");
      atomic_store (&helper_failed, 1);
      return -1;
    }
  while (!atomic_load (&helper_failed))
    usleep (100);
  return 0;
}

START_TEST (an_error_is_carried_to_the_caller)
{
  struct workers *workers = workers_new (2);
  ck_assert_int_eq (workers_run (workers, 2, fail_elsewhere, NULL), -1);
  ck_assert_str_eq (error_message (), "stopped in a helper");
  ck_assert_int_eq (error_status (), ERROR_STOPPED);
  workers_free (workers);
}
END_TEST

static atomic_int failures;

/* All tasks meet and then fail, one after the other.  */
static int
fail_in_turn (void *context, size_t index, int worker)
{
  meet (context, index, worker);
  while (atomic_load (&failures) < 2 - (int) index)
    usleep (100);
  error_set ("task %zu failed", index);
  if (index < 2)
    usleep (100000); /* until the one after has handed its error in */
  atomic_fetch_add (&failures, 1);
  return -1;
}

START_TEST (the_lowest_error_wins)
{
  struct workers *workers = workers_new (3);
  struct meeting meeting = { .wanted = 3 };
  ck_assert_int_eq (workers_run (workers, 3, fail_in_turn, &meeting), -1);
  ck_assert_str_eq (error_message (), "task 0 failed");
  workers_free (workers);
}
END_TEST

struct asker {
  struct workers *workers;
  struct tally *tally;
};

static void *
ask_often (void *argument)
{
  struct asker *asker = argument;
  for (int loop = 0; loop < 500; loop++)
    if (workers_run (asker->workers, 3, count_task, asker->tally))
      return argument;
  return NULL;
}

/* Two threads ask for loops of one team at the same time.  */
START_TEST (loops_take_turns)
{
  static struct tally tally;
  struct asker asker = { workers_new (2), &tally };
  pthread_t other;
  void *failed;
  ck_assert_int_eq (pthread_create (&other, NULL, ask_often, &asker), 0);
  ck_assert_ptr_null (ask_often (&asker));
  ck_assert_int_eq (pthread_join (other, &failed), 0);
  ck_assert_ptr_null (failed);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq (atomic_load (&tally.done[i]), 1000);
  ck_assert_int_eq (atomic_load (&tally.mistakes), 0);
  workers_free (asker.workers);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("workers");
  tcase_add_loop_test (cases, every_task_once, 1, MOST_THREADS + 1);
  tcase_add_test (cases, many_short_loops);
  tcase_add_test (cases, tasks_run_side_by_side);
  tcase_add_test (cases, the_caller_waits_for_all);
  tcase_add_test (cases, a_failure_ends_the_loop);
  tcase_add_test (cases, a_failure_ends_the_loop_of_all_threads);
  tcase_add_test (cases, an_error_is_carried_to_the_caller);
  tcase_add_test (cases, the_lowest_error_wins);
  tcase_add_test (cases, loops_take_turns);
  return run_cases (cases, "workers");
}

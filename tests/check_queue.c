/* The bounded queue: order, waiting, and closing.  */
#include <config.h>

#include "../src/base/queue.h"

#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

static struct queue *queue;

/* Long enough for a thread that does not wait to get through.  */
static void
pause_a_little (void)
{
  usleep (50000);
}

START_TEST (first_in_first_out)
{
  int items[3];
  queue = queue_new (3);
  for (int round = 0; round < 5; round++) /* around the ring, out of step with its size */
    {
      for (int i = 0; i < 2 + round % 2; i++)
        ck_assert_int_eq (queue_push (queue, &items[i]), 0);
      for (int i = 0; i < 2 + round % 2; i++)
        ck_assert_ptr_eq (queue_pop (queue), &items[i]);
    }
  queue_free (queue);
  queue_free (NULL);
}
END_TEST

START_TEST (closed)
{
  int items[2];
  queue = queue_new (3);
  ck_assert_int_eq (queue_push (queue, &items[0]), 0);
  ck_assert_int_eq (queue_push (queue, &items[1]), 0);
  queue_close (queue);
  queue_close (queue);
  ck_assert_int_eq (queue_push (queue, &items[0]), -1);
  ck_assert_int_eq (error_status (), 0);
  ck_assert_ptr_eq (queue_pop (queue), &items[0]); /* what was in it comes out */
  ck_assert_ptr_eq (queue_pop (queue), &items[1]);
  ck_assert_ptr_null (queue_pop (queue));
  ck_assert_ptr_null (queue_pop (queue));
  queue_free (queue);
}
END_TEST

static atomic_int pushed, popped, refused, ended;

static void *
push_three (void *argument)
{
  for (int i = 0; i < 3; i++)
    if (queue_push (queue, argument))
      atomic_fetch_add (&refused, 1);
    else
      atomic_fetch_add (&pushed, 1);
  return NULL;
}

static void *
pop_until_closed (void *argument)
{
  (void) argument;
  while (queue_pop (queue))
    atomic_fetch_add (&popped, 1);
  atomic_fetch_add (&ended, 1);
  return NULL;
}

START_TEST (a_full_queue_makes_the_producer_wait)
{
  int item;
  pthread_t thread;
  queue = queue_new (1);
  ck_assert_int_eq (pthread_create (&thread, NULL, push_three, &item), 0);
  for (int taken = 0; taken < 2; taken++)
    {
      pause_a_little ();
      ck_assert_int_eq (atomic_load (&pushed), 1 + taken);
      ck_assert_ptr_eq (queue_pop (queue), &item);
    }
  ck_assert_ptr_eq (queue_pop (queue), &item);
  ck_assert_int_eq (pthread_join (thread, NULL), 0);
  ck_assert_int_eq (atomic_load (&pushed), 3);
  queue_free (queue);
}
END_TEST

START_TEST (closing_wakes_all_producers)
{
  enum { THREADS = 3 };
  int item;
  pthread_t thread[THREADS];
  queue = queue_new (1);
  ck_assert_int_eq (queue_push (queue, &item), 0);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&thread[i], NULL, push_three, &item), 0);
  pause_a_little ();
  queue_close (queue);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_join (thread[i], NULL), 0);
  ck_assert_int_eq (atomic_load (&refused), 3 * THREADS);
  ck_assert_ptr_eq (queue_pop (queue), &item);
  ck_assert_ptr_null (queue_pop (queue));
  queue_free (queue);
}
END_TEST

START_TEST (closing_wakes_all_consumers)
{
  enum { THREADS = 3 };
  int item;
  pthread_t thread[THREADS];
  queue = queue_new (2);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&thread[i], NULL, pop_until_closed, NULL), 0);
  pause_a_little ();
  ck_assert_int_eq (atomic_load (&ended), 0);
  ck_assert_int_eq (queue_push (queue, &item), 0);
  queue_close (queue);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_join (thread[i], NULL), 0);
  ck_assert_int_eq (atomic_load (&popped), 1);
  ck_assert_int_eq (atomic_load (&ended), THREADS);
  queue_free (queue);
}
END_TEST

enum { PRODUCERS = 3, EACH = 20000 };

static unsigned char made[PRODUCERS][EACH];

static void *
push_all (void *argument)
{
  unsigned char *mine = argument;
  for (int i = 0; i < EACH; i++)
    queue_push (queue, mine + i);
  return NULL;
}

/* Counts every item, and checks that those of one producer come in order.  */
static void *
count_all (void *argument)
{
  unsigned char *item, *last[PRODUCERS] = { NULL };
  intptr_t *disorder = argument;
  while ((item = queue_pop (queue)))
    {
      size_t producer = (size_t) (item - made[0]) / EACH;
      *disorder += item <= last[producer];
      last[producer] = item;
      __atomic_fetch_add (item, 1, __ATOMIC_RELAXED);
    }
  return NULL;
}

START_TEST (each_item_once)
{
  enum { CONSUMERS = 3 };
  pthread_t producer[PRODUCERS], consumer[CONSUMERS];
  intptr_t disorder[CONSUMERS] = { 0 };
  queue = queue_new (7);
  for (int i = 0; i < CONSUMERS; i++)
    ck_assert_int_eq (pthread_create (&consumer[i], NULL, count_all, &disorder[i]), 0);
  for (int i = 0; i < PRODUCERS; i++)
    ck_assert_int_eq (pthread_create (&producer[i], NULL, push_all, made[i]), 0);
  for (int i = 0; i < PRODUCERS; i++)
    ck_assert_int_eq (pthread_join (producer[i], NULL), 0);
  queue_close (queue);
  for (int i = 0; i < CONSUMERS; i++)
    {
      ck_assert_int_eq (pthread_join (consumer[i], NULL), 0);
      ck_assert_int_eq (disorder[i], 0);
    }
  for (int i = 0; i < PRODUCERS; i++)
    for (int j = 0; j < EACH; j++)
      ck_assert_uint_eq (made[i][j], 1);
  queue_free (queue);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("queue");
  tcase_add_test (cases, first_in_first_out);
  tcase_add_test (cases, closed);
  tcase_add_test (cases, a_full_queue_makes_the_producer_wait);
  tcase_add_test (cases, closing_wakes_all_producers);
  tcase_add_test (cases, closing_wakes_all_consumers);
  tcase_add_test (cases, each_item_once);
  return run_cases (cases, "queue");
}

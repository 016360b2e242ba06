/* Filling ahead: every item once and in order, never into a buffer in use, errors at their item, no thread left.  */
#include <config.h>

#include "../src/base/ahead.h"

#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

enum { NEVER = 1000 };

struct filler {
  atomic_size_t begun, done; /* fills */
  size_t failing;            /* the item whose fill fails, or NEVER */
  pthread_t thread;          /* of the last fill */
};

static int
fill (void *context, size_t index, void *buffer)
{
  struct filler *filler = context;
  filler->thread = pthread_self ();
  atomic_fetch_add (&filler->begun, 1);
  *(volatile size_t *) buffer = NEVER;
  usleep (1000); /* so that a buffer which is filled too early is seen */
  if (index == filler->failing)
    return error_usage ("item %zu is bad", index);
  *(size_t *) buffer = index;
  atomic_fetch_add (&filler->done, 1);
  return 0;
}

/* Takes COUNT items through one buffer, or two.  */
static void
check_order (size_t count, bool two)
{
  size_t buffer[2] = { 0 };
  struct filler filler = { .failing = NEVER };
  struct ahead *ahead = ahead_new (count, &buffer[0], two ? &buffer[1] : NULL, fill, &filler);
  ck_assert_ptr_nonnull (ahead);
  for (size_t i = 0; i < count; i++)
    {
      const size_t *item = ahead_next (ahead);
      ck_assert_ptr_nonnull (item);
      usleep ((useconds_t) (i % 3 * 2000)); /* the next one is being filled, or is full */
      ck_assert_uint_eq (*item, i);
      ck_assert_uint_le (atomic_load (&filler.begun), i + (two ? 2 : 1));
    }
  ahead_free (ahead);
  ck_assert_uint_eq (atomic_load (&filler.done), count);
}

START_TEST (every_item_in_order)
{
  static const size_t counts[] = { 0, 1, 2, 3, 20 };
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    {
      check_order (counts[i], false);
      check_order (counts[i], true);
    }
}
END_TEST

/* While an item is in use the next one is filled, by another thread; with one buffer it is not.  */
START_TEST (the_next_item_is_filled_meanwhile)
{
  size_t buffer[2];
  struct filler filler = { .failing = NEVER }, alone = { .failing = NEVER };
  struct ahead *ahead = ahead_new (3, &buffer[0], &buffer[1], fill, &filler);
  ck_assert_ptr_nonnull (ahead_next (ahead));
  while (atomic_load (&filler.done) < 2)
    usleep (100); /* for ever, if nothing is read ahead */
  ck_assert (!pthread_equal (filler.thread, pthread_self ()));
  ahead_free (ahead);
  ahead = ahead_new (3, &buffer[0], NULL, fill, &alone);
  ck_assert_ptr_nonnull (ahead_next (ahead));
  usleep (10000);
  ck_assert_uint_eq (atomic_load (&alone.begun), 1);
  ck_assert (pthread_equal (alone.thread, pthread_self ()));
  ahead_free (ahead);
}
END_TEST

START_TEST (an_error_comes_at_its_item)
{
  for (int two = 0; two < 2; two++)
    {
      size_t buffer[2];
      struct filler filler = { .failing = 3 };
      struct ahead *ahead = ahead_new (9, &buffer[0], two ? &buffer[1] : NULL, fill, &filler);
      error_clear ();
      for (size_t i = 0; i < 3; i++)
        {
          const size_t *item = ahead_next (ahead);
          ck_assert_ptr_nonnull (item);
          usleep (3000); /* the failure has happened when the item before it is taken */
          ck_assert_uint_eq (*item, i);
        }
      ck_assert_int_eq (error_status (), 0);
      ck_assert_ptr_null (ahead_next (ahead));
      ck_assert_str_eq (error_message (), "item 3 is bad");
      ck_assert_int_eq (error_status (), ERROR_USAGE);
      ahead_free (ahead);
      ck_assert_uint_eq (atomic_load (&filler.begun), 4);
    }
}
END_TEST

/* Before the first item, with the next one in hand, with the next one full.  */
START_TEST (giving_up_leaves_no_thread)
{
  int threads = settled_threads ();
  ck_assert_int_ge (threads, 1);
  for (int taken = 0; taken < 3; taken++)
    for (int pause = 0; pause < 3; pause++)
      {
        size_t buffer[2];
        struct filler filler = { .failing = NEVER };
        struct ahead *ahead = ahead_new (9, &buffer[0], &buffer[1], fill, &filler);
        ck_assert_int_eq (count_threads (), threads + 1);
        for (int i = 0; i < taken; i++)
          ck_assert_ptr_nonnull (ahead_next (ahead));
        usleep ((useconds_t) pause * 1500);
        ahead_free (ahead);
        ck_assert_uint_eq (atomic_load (&filler.begun), atomic_load (&filler.done));
        assert_threads (threads);
      }
  ahead_free (NULL);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("ahead");
  tcase_add_test (cases, every_item_in_order);
  tcase_add_test (cases, the_next_item_is_filled_meanwhile);
  tcase_add_test (cases, an_error_comes_at_its_item);
  tcase_add_test (cases, giving_up_leaves_no_thread);
  return run_cases (cases, "ahead");
}

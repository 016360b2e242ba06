/* Counted memory: what it hands out, what it counts, and what it refuses.  */
#include <config.h>

#include "../src/base/memory.h"

#include "../src/base/workers.h"
#include "support.h"

#include <stdint.h>

START_TEST (buffers_are_zeroed_and_aligned)
{
  static const size_t sizes[] = { 0, 1, 63, 64, 65, 1000, 1 << 20 };
  for (int round = 0; round < 2; round++) /* the second round gets the first one's memory, which is not zero */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      {
        unsigned char *buffer = memory_new (sizes[i], 1);
        ck_assert_ptr_nonnull (buffer);
        ck_assert_uint_eq ((uintptr_t) buffer % 64, 0);
        for (size_t byte = 0; byte < sizes[i]; byte++)
          ck_assert_uint_eq (buffer[byte], 0);
        memset (buffer, 0xff, sizes[i]);
        memory_free (buffer);
      }
}
END_TEST

START_TEST (bytes_and_their_peak)
{
  ck_assert_uint_eq (memory_bytes (), 0);
  memory_reset_peak ();
  void *first = memory_new (10, 100), *second = memory_new (7, 3);
  ck_assert_uint_eq (memory_bytes (), 1021);
  memory_free (first);
  ck_assert_uint_eq (memory_bytes (), 21);
  ck_assert_uint_eq (memory_peak_bytes (), 1021);
  first = memory_new (5, 1);
  ck_assert_uint_eq (memory_peak_bytes (), 1021); /* 26 are less */
  memory_reset_peak ();
  ck_assert_uint_eq (memory_peak_bytes (), 26);
  memory_free (first);
  memory_free (second);
  memory_free (NULL);
  ck_assert_uint_eq (memory_bytes (), 0);
  ck_assert_uint_eq (memory_peak_bytes (), 26);
}
END_TEST

START_TEST (what_is_too_large_is_refused)
{
  char *message = text_new ("a buffer's size overflows: %zu x 2; ask for less", SIZE_MAX);
  ck_assert_ptr_null (memory_new (SIZE_MAX, 2));
  ck_assert_str_eq (error_message (), message);
  free (message);
  for (size_t less = 0; less < 200; less++) /* room for the size and the alignment would overflow */
    ck_assert_ptr_null (memory_new (SIZE_MAX - less, 1));
  ck_assert_ptr_null (memory_new (SIZE_MAX / 2, 1));
  message =
    text_new ("no memory for a buffer of %zu bytes; give the job more memory or ask for smaller batches", SIZE_MAX / 2);
  ck_assert_str_eq (error_message (), message);
  free (message);
  ck_assert_uint_eq (memory_bytes (), 0);
}
END_TEST

START_TEST (products)
{
  size_t product;
  ck_assert_int_eq (memory_multiply (SIZE_MAX / 3, 3, "rows", &product), 0);
  ck_assert_uint_eq (product, SIZE_MAX / 3 * 3);
  ck_assert_int_eq (memory_multiply (0, SIZE_MAX, "rows", &product), 0);
  ck_assert_uint_eq (product, 0);
  char *message = text_new ("rows overflows: %zu x 4; ask for less", SIZE_MAX / 3);
  ck_assert_int_eq (memory_multiply (SIZE_MAX / 3, 4, "rows", &product), -1);
  ck_assert_str_eq (error_message (), message);
  free (message);
}
END_TEST

static int
take_and_give_back (void *context, size_t index, int worker)
{
  (void) context, (void) worker;
  void *buffer = memory_new (index + 1, 1);
  memory_free (buffer);
  return buffer ? 0 : -1;
}

START_TEST (threads_are_counted_together)
{
  enum { TASKS = 20000, THREADS = 4 };
  struct workers *workers = workers_new (THREADS);
  memory_reset_peak ();
  ck_assert_int_eq (workers_run (workers, TASKS, take_and_give_back, NULL), 0);
  ck_assert_uint_eq (memory_bytes (), 0);
  ck_assert_uint_ge (memory_peak_bytes (), TASKS); /* the largest one alone */
  ck_assert_uint_le (memory_peak_bytes (), THREADS * TASKS);
  workers_free (workers);
}
END_TEST

START_TEST (resident_peak_holds_what_was_touched)
{
  enum { BYTES = 64 << 20 };
  uint64_t before = memory_peak_resident_bytes ();
  void *buffer = memory_new (BYTES, 1);
  memset (buffer, 1, BYTES);
  ck_assert_uint_gt (memory_peak_resident_bytes (),
                     before + BYTES / 2); /* what was resident before may have grown less */
  memory_free (buffer);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("memory");
  tcase_add_test (cases, buffers_are_zeroed_and_aligned);
  tcase_add_test (cases, bytes_and_their_peak);
  tcase_add_test (cases, what_is_too_large_is_refused);
  tcase_add_test (cases, products);
  tcase_add_test (cases, threads_are_counted_together);
  tcase_add_test (cases, resident_peak_holds_what_was_touched);
  return run_cases (cases, "memory");
}

/* Lists in nameless files.  */
#include <config.h>

#include "../src/base/spool.h"
#include "support.h"

START_TEST (what_is_appended_is_mapped)
{
  char *path = scratch_path ("list");
  int before = count_entries (scratch);
  struct spool *spool = spool_new (path);
  ck_assert_msg (spool != NULL, "%s", error_message ());
  ck_assert_int_eq (count_entries (scratch), before); /* it has no name */
  for (uint32_t i = 0; i < 100000; i++)
    ck_assert_int_eq (spool_append (spool, &i, sizeof i), 0);
  ck_assert_uint_eq (spool_bytes (spool), 400000);
  uint32_t *map = spool_map (spool);
  for (uint32_t i = 0; i < 100000; i++)
    ck_assert_uint_eq (map[i], i);
  map[7] = 0; /* may be changed */
  ck_assert_ptr_eq (spool_map (spool), map);
  spool_free (spool);
  free (path);
}
END_TEST

START_TEST (nothing_and_room)
{
  char *path = scratch_path ("list");
  struct spool *empty = spool_new (path), *room = spool_new (path);
  ck_assert_ptr_nonnull (spool_map (empty));
  ck_assert_uint_eq (spool_bytes (empty), 0);
  ck_assert_int_eq (spool_reserve (room, 5000), 0);
  char *map = spool_map (room);
  memset (map, 1, 5000);
  ck_assert_uint_eq (spool_bytes (room), 5000);
  spool_free (empty);
  spool_free (room);
  free (path);
}
END_TEST

START_TEST (no_place)
{
  char *path = scratch_path ("none/list");
  ck_assert_ptr_null (spool_new (path));
  ck_assert_msg (strstr (error_message (), "No such file or directory") != NULL, "%s", error_message ());
  free (path);
}
END_TEST

/* More than any disk has: an error, not a signal at the first touch.  */
START_TEST (no_room)
{
  char *path = scratch_path ("list");
  struct spool *spool = spool_new (path);
  ck_assert_int_eq (spool_reserve (spool, (uint64_t) 1 << 60), -1);
  spool_free (spool);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("spool");
  tcase_add_test (cases, what_is_appended_is_mapped);
  tcase_add_test (cases, nothing_and_room);
  tcase_add_test (cases, no_place);
  tcase_add_test (cases, no_room);
  return run_cases (cases, "spool");
}

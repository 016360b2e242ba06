#include <config.h>

#include "../src/learn/shuffle.h"

#include "../src/base/memory.h"
#include "learning.h"

#include <stdbool.h>
#include <string.h>

static uint64_t
integer_of (const json_t *object, const char *key)
{
  return (uint64_t) json_integer_value (json_object_get (object, key));
}

static enum shuffle_kind
kind_of (const json_t *object)
{
  const char *name = json_string_value (json_object_get (object, "kind"));
  return !strcmp (name, "window") ? SHUFFLE_WINDOW : !strcmp (name, "full") ? SHUFFLE_FULL : SHUFFLE_NONE;
}

/* The orders that tests/reference/make_training.py computes on its own.  */
START_TEST (orders_are_the_reference)
{
  json_t *root = reference_json ("training.json"), *orders = json_object_get (root, "orders"), *item;
  size_t index;
  ck_assert_uint_gt (json_array_size (orders), 0);
  json_array_foreach (orders, index, item)
  {
    struct shuffle shuffle = { kind_of (item), integer_of (item, "rows"), integer_of (item, "tile_rows"),
                               integer_of (item, "window_rows"), integer_of (item, "seed") };
    const json_t *expected = json_object_get (item, "order");
    struct order order;
    ck_assert_int_eq (order_new (&order, &shuffle), 0);
    ck_assert_int_eq (shuffle_epoch (&shuffle, integer_of (item, "epoch"), &order), 0);
    ck_assert_uint_eq (json_array_size (expected), shuffle.rows);
    for (size_t i = 0; i < shuffle.rows; i++)
      ck_assert_int_eq (json_integer_value (json_array_get (expected, i)), (int64_t) order.row[i]);
    order_free (&order);
  }
  json_decref (root);
}
END_TEST

START_TEST (windows_hold_whole_tiles_and_all_rows)
{
  struct shuffle shuffle = { SHUFFLE_WINDOW, 1003, 10, 95, 42 }; /* 10 tiles to a window, the last tile of 3 */
  struct order order;
  bool seen[1003] = { false };
  ck_assert_int_eq (order_new (&order, &shuffle), 0);
  ck_assert_int_eq (shuffle_epoch (&shuffle, 4, &order), 0);
  ck_assert_uint_eq (shuffle_largest_window (&shuffle), 100);
  ck_assert_uint_eq (order.windows, 11);
  ck_assert_uint_eq (order.window_end[10], 1003);
  for (size_t window = 0, begin = 0; window < order.windows; begin = (size_t) order.window_end[window++])
    {
      unsigned in_tile[101] = { 0 };
      ck_assert_uint_le (order.window_end[window] - begin, 100);
      for (size_t i = begin; i < order.window_end[window]; i++)
        {
          ck_assert (!seen[order.row[i]]);
          seen[order.row[i]] = true;
          in_tile[order.row[i] / 10]++;
        }
      for (int tile = 0; tile < 101; tile++)
        ck_assert (in_tile[tile] == 0 || in_tile[tile] == (tile == 100 ? 3 : 10));
    }
  order_free (&order);
}
END_TEST

START_TEST (epochs_and_seeds_differ_and_repeat)
{
  static const enum shuffle_kind kinds[] = { SHUFFLE_WINDOW, SHUFFLE_FULL };
  struct shuffle shuffle = { kinds[_i], 600, 32, 64, 42 };
  struct order first, other;
  ck_assert_int_eq (order_new (&first, &shuffle), 0);
  ck_assert_int_eq (order_new (&other, &shuffle), 0);
  shuffle_epoch (&shuffle, 0, &first);
  shuffle_epoch (&shuffle, 1, &other);
  ck_assert_mem_ne (first.row, other.row, 600 * sizeof *first.row);
  shuffle_epoch (&shuffle, 0, &other);
  ck_assert_mem_eq (first.row, other.row, 600 * sizeof *first.row);
  shuffle.seed = 43;
  shuffle_epoch (&shuffle, 0, &other);
  ck_assert_mem_ne (first.row, other.row, 600 * sizeof *first.row);
  order_free (&first);
  order_free (&other);
}
END_TEST

/* Each of the 6 orders of 3 rows comes up about as often as the others: chi-squared with 5 degrees of freedom is below
   20.5 but once in a thousand.  */
START_TEST (full_is_uniform)
{
  enum { EPOCHS = 6000 };
  struct shuffle shuffle = { SHUFFLE_FULL, 3, 1, 3, 42 };
  struct order order;
  int count[9] = { 0 };
  double chi_squared = 0;
  ck_assert_int_eq (order_new (&order, &shuffle), 0);
  for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
    {
      shuffle_epoch (&shuffle, epoch, &order);
      count[order.row[0] * 3 + order.row[1]]++;
    }
  for (int i = 0; i < 9; i++)
    if (i % 4) /* 0, 4 and 8 would have a row twice */
      chi_squared += (count[i] - EPOCHS / 6.0) * (count[i] - EPOCHS / 6.0) / (EPOCHS / 6.0);
  ck_assert_double_lt (chi_squared, 20.5);
  order_free (&order);
}
END_TEST

START_TEST (reading_in_order_takes_whole_chunks)
{
  struct shuffle shuffle = shuffle_in_order (1000, 24, 32);
  ck_assert_uint_eq (shuffle_largest_window (&shuffle), 48);
  ck_assert_uint_eq (shuffle_tile_rows (0), 32);
  ck_assert_uint_eq (shuffle_tile_rows (40), 40);
  ck_assert_uint_eq (shuffle_tile_rows (100000), 512);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("shuffle");
  tcase_add_test (cases, orders_are_the_reference);
  tcase_add_test (cases, windows_hold_whole_tiles_and_all_rows);
  tcase_add_loop_test (cases, epochs_and_seeds_differ_and_repeat, 0, 2);
  tcase_add_test (cases, full_is_uniform);
  tcase_add_test (cases, reading_in_order_takes_whole_chunks);
  return run_cases (cases, "shuffle");
}

/* Batches are the order's rows, with the values and labels that the samples have; nothing outlives a walk.  */
#include <config.h>

#include "../src/learn/rows.h"

#include "../src/base/stop.h"
#include "store_support.h"

#include <signal.h>

enum { ROWS = 30, COLUMNS = 10 };

struct setting {
  struct shuffle shuffle;
  size_t batch;
  bool ahead;
  int threads; /* that inflate; 0 leaves it to HDF5 */
};

/* What a visitor has seen.  */
struct seen {
  const struct order *order;
  size_t batch, rows;
  size_t failing; /* the visit that fails, or with STOPPING asks to stop; from 1, 0 for none */
  bool stopping;
  size_t visits;
};

static void
check_batch (const struct seen *seen, const struct batch *batch, size_t position)
{
  for (size_t i = 0; i < batch->rows; i++)
    {
      uint64_t row = batch->row[i];
      ck_assert_uint_eq (row, seen->order->row[position + i]);
      ck_assert_int_eq (batch->label[i], sample_label (row, 2));
      for (uint64_t j = 0; j < COLUMNS; j++)
        ck_assert_float_eq (batch->values[i * COLUMNS + j], sample_value (row, j));
    }
}

static int
visit (void *context, const struct batch *batch, const struct batch *next)
{
  struct seen *seen = context;
  size_t rows = seen->order->window_end[seen->order->windows - 1], left = rows - seen->rows;
  ck_assert_uint_eq (batch->rows, left < seen->batch ? left : seen->batch);
  left -= batch->rows;
  ck_assert_uint_eq (next->rows, left < seen->batch ? left : seen->batch);
  check_batch (seen, batch, seen->rows);
  check_batch (seen, next, seen->rows + batch->rows);
  seen->rows += batch->rows;
  if (++seen->visits != seen->failing)
    return 0;
  return seen->stopping ? raise (SIGUSR1) : error_usage ("visit %zu is enough", seen->visits);
}

static struct featfile *
open_sample (const char *path)
{
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  return file;
}

/* The result of walking over PATH once for each of EPOCHS; SEEN is that of the last one.  */
static int
walk (const char *path, const struct setting *setting, uint64_t epochs, struct seen *seen)
{
  const struct shuffle *shuffle = &setting->shuffle;
  struct featfile *file = open_sample (path);
  struct workers *readers = setting->threads ? workers_new (setting->threads) : NULL;
  struct seen template = *seen;
  struct order order;
  int result = 0;
  ck_assert_int_eq (readers ? featfile_use_workers (file, readers) : 0, 0);
  struct rows *rows = rows_new (
    file, &(struct rows_plan){ setting->batch, shuffle_largest_window (shuffle), setting->ahead, 0, COLUMNS });
  ck_assert_msg (rows != NULL, "%s", error_message ());
  ck_assert_int_eq (order_new (&order, shuffle), 0);
  int threads = settled_threads ();
  for (uint64_t epoch = 0; epoch < epochs && result == 0; epoch++)
    {
      *seen = template;
      seen->order = &order;
      seen->batch = setting->batch;
      ck_assert_int_eq (shuffle_epoch (shuffle, epoch, &order), 0);
      result = rows_walk (rows, &order, 0, visit, seen);
      assert_threads (threads);
    }
  rows_free (rows);
  order_free (&order);
  featfile_close (file);
  workers_free (readers);
  return result;
}

static void
write_sample (const char *path, uint64_t rows)
{
  struct featinfo info = sample_info (rows);
  ck_assert_msg (sample_write (path, &info, 0, rows, NULL, 0) == 0, "%s", error_message ());
  featinfo_free (&info);
}

/* With batches in which windows end, that windows fill, and larger than a window and than the file.  */
START_TEST (batches_are_the_order)
{
  static const enum shuffle_kind kinds[] = { SHUFFLE_WINDOW, SHUFFLE_FULL, SHUFFLE_NONE };
  static const uint64_t windows[] = { 1, 8, 11, ROWS, 1000 };
  static const size_t batches[] = { 1, 7, 8, 20, ROWS, 1000 };
  char *path = scratch_path ("x.h5");
  write_sample (path, ROWS);
  for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
      for (int ahead = 0; ahead < 2; ahead++)
        {
          struct setting setting = { { kinds[_i], ROWS, 4, windows[w], 42 }, batches[b], ahead, (int) (b % 3) };
          struct seen seen = { 0 };
          ck_assert_msg (walk (path, &setting, 3, &seen) == 0, "%s", error_message ());
          ck_assert_uint_eq (seen.rows, ROWS);
        }
  free (path);
}
END_TEST

START_TEST (one_row)
{
  char *path = scratch_path ("x.h5");
  struct setting setting = { { SHUFFLE_WINDOW, 1, 4, 512, 42 }, 32, true, 1 };
  struct seen seen = { 0 };
  write_sample (path, 1);
  ck_assert_msg (walk (path, &setting, 2, &seen) == 0, "%s", error_message ());
  ck_assert_uint_eq (seen.rows, 1);
  ck_assert_uint_eq (seen.visits, 1);
  free (path);
}
END_TEST

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
assert_error (int status, const char *format, const char *path)
{
  char *message = text_new (format, path);
  ck_assert_str_eq (error_message (), message);
  ck_assert_int_eq (error_status (), status);
  free (message);
}

/* Rows 12 to 15 are damaged, in the third window of 6.  The batches before are seen, but for the one that comes
   together with the damaged one; the message is that of reading at once.  */
START_TEST (damage_ends_the_walk)
{
  char *path = scratch_path ("x.h5");
  struct setting setting = { { SHUFFLE_NONE, ROWS, 4, 6, 42 }, 3, _i, 2 };
  struct seen seen = { 0 };
  sample_write_damaged (path, ROWS);
  ck_assert_int_eq (walk (path, &setting, 1, &seen), -1);
  ck_assert_uint_eq (seen.rows, 9);
  char *found = text_new ("%s", error_message ());
  struct featfile *file = open_sample (path);
  struct workers *readers = workers_new (1);
  float values[6 * COLUMNS];
  ck_assert_int_eq (featfile_use_workers (file, readers), 0);
  ck_assert_int_eq (featfile_read (file, 12, 6, 0, COLUMNS, values), -1);
  ck_assert_str_eq (found, error_message ());
  ck_assert_ptr_nonnull (strstr (found, "chunk (3, 1) of '/features' of '"));
  free (found);
  featfile_close (file);
  workers_free (readers);
  free (path);
}
END_TEST

START_TEST (a_visitor_may_give_up)
{
  char *path = scratch_path ("x.h5");
  struct setting setting = { { SHUFFLE_WINDOW, ROWS, 4, 4, 42 }, 4, _i, 2 };
  write_sample (path, ROWS);
  for (size_t visits = 1; visits <= 8; visits++)
    {
      struct seen seen = { .failing = visits };
      char number[2] = { (char) ('0' + visits), '\0' };
      ck_assert_int_eq (walk (path, &setting, 1, &seen), -1);
      ck_assert_uint_eq (seen.visits, visits);
      assert_error (ERROR_USAGE, "visit %s is enough", number);
    }
  free (path);
}
END_TEST

START_TEST (a_signal_ends_the_walk)
{
  char *path = scratch_path ("x.h5");
  struct setting setting = { { SHUFFLE_WINDOW, ROWS, 4, 4, 42 }, 4, true, 2 };
  struct seen seen = { .failing = 3, .stopping = true };
  write_sample (path, ROWS);
  stop_watch (0);
  ck_assert_int_eq (walk (path, &setting, 1, &seen), -1);
  ck_assert_uint_eq (seen.visits, 3);
  assert_error (ERROR_STOPPED, "reading '%s' was stopped; run the same command again", path);
  free (path);
}
END_TEST

/* The second epoch comes from memory: the file has been cut off meanwhile.  */
START_TEST (a_whole_file_is_read_once)
{
  static const struct {
    uint64_t window_rows;
    int result;
  } cases[] = { { ROWS, 0 }, { ROWS - 4, -1 } };
  for (int i = 0; i < 2; i++)
    {
      char *path = scratch_path ("x.h5");
      struct shuffle shuffle = { SHUFFLE_FULL, ROWS, 4, cases[i].window_rows, 42 };
      struct seen seen = { .batch = 7 };
      struct order order;
      write_sample (path, ROWS);
      struct workers *readers = workers_new (2);
      struct featfile *file = open_sample (path);
      ck_assert_int_eq (featfile_use_workers (file, readers), 0);
      struct rows *rows =
        rows_new (file, &(struct rows_plan){ 7, shuffle_largest_window (&shuffle), true, 0, COLUMNS });
      ck_assert_int_eq (order_new (&order, &shuffle), 0);
      ck_assert_int_eq (shuffle_epoch (&shuffle, 0, &order), 0);
      seen.order = &order;
      ck_assert_int_eq (rows_walk (rows, &order, 0, visit, &seen), 0);
      ck_assert_int_eq (truncate (path, 100), 0);
      ck_assert_int_eq (shuffle_epoch (&shuffle, 1, &order), 0);
      seen = (struct seen){ .batch = 7, .order = &order };
      ck_assert_int_eq (rows_walk (rows, &order, 0, visit, &seen), cases[i].result);
      rows_free (rows);
      order_free (&order);
      featfile_close (file);
      workers_free (readers);
      free (path);
    }
}
END_TEST

/* rows_bytes, and besides 8 bytes for each row's number, 4 for its label in a batch, and 4 for its label in the
   file.  */
START_TEST (memory_is_as_told)
{
  static const struct {
    uint64_t window_rows;
    bool ahead;
    uint64_t windows;
  } cases[] = { { 8, false, 1 }, { 8, true, 2 }, { ROWS, false, 1 }, { ROWS, true, 1 } };
  char *path = scratch_path ("x.h5");
  write_sample (path, ROWS);
  struct featfile *file = open_sample (path);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      uint64_t before = memory_bytes (), window = cases[i].window_rows, windows = cases[i].windows;
      const struct rows_plan plan = { 5, window, cases[i].ahead, 0, COLUMNS },
                             counted = { 5, window, windows == 2, 0, COLUMNS };
      struct rows *rows = rows_new (file, &plan);
      uint64_t numbers = 8 * (windows * window + 2 * 5) + 4 * (2 * 5) + 4 * ROWS;
      ck_assert_uint_eq (memory_bytes () - before, 4 * COLUMNS * (windows * window + 2 * 5) + numbers);
      ck_assert_double_eq (rows_bytes (&counted), 4.0 * COLUMNS * (double) (windows * window + 2 * 5));
      rows_free (rows);
      ck_assert_uint_eq (memory_bytes (), before);
    }
  featfile_close (file);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("rows");
  tcase_add_loop_test (cases, batches_are_the_order, 0, 3);
  tcase_add_test (cases, one_row);
  tcase_add_loop_test (cases, damage_ends_the_walk, 0, 2);
  tcase_add_loop_test (cases, a_visitor_may_give_up, 0, 2);
  tcase_add_test (cases, a_whole_file_is_read_once);
  tcase_add_test (cases, memory_is_as_told);
  tcase_add_test (cases, a_signal_ends_the_walk); /* last: being asked to stop stays */
  return run_cases (cases, "rows");
}

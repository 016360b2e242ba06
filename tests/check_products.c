#include <config.h>

#include "../src/learn/products.h"

#include "../src/base/stop.h"
#include "../src/learn/factor.h"
#include "matrices.h"

#include <math.h>
#include <signal.h>

static const struct problem {
  size_t rows[2]; /* of one or two files; K's columns are the rows of the first */
  size_t columns, units;
  float density;
  struct layout layout;
} problems[] = {
  { { 1, 0 }, 1, 1, 1, { 0, 0, false } },
  { { 1, 3 }, 257, 3, 0.2F, { 0, 0, false } },
  { { 70, 0 }, 257, 64, 0.14F, { 7, 100, false } },
  { { 70, 33 }, 1000, 65, 0.14F, { 7, 100, false } },
  { { 67, 5 }, 800, 20, 0.3F, { 1, 800, false } },
  { { 67, 5 }, 800, 20, 0.3F, { 0, 0, false } },
  { { 66, 70 }, 900, 130, 0.14F, { 16, 300, true } },
  { { 5, 9 }, 300, 2, 1, { 0, 0, true } },
  { { 5, 1030 }, 60, 2, 0.5F, { 32, 60, false } },
  { { 9, 9 }, 513, 7, 0, { 4, 4, false } },
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* A problem with its matrices.  */
struct data {
  struct problem problem;
  size_t rows;                           /* N */
  float *values, *kernel, *coefficients; /* (N, d), (d, h), (n, h) */
  struct featfile *file[2];
};

static float *
draw (uint64_t stream, size_t count)
{
  struct random generator = random_new (6, stream);
  float *values = memory_new (count, sizeof *values);
  for (size_t i = 0; i < count; i++)
    values[i] = random_normal (&generator);
  return values;
}

static struct data
make_data (struct problem problem)
{
  struct data data = { .problem = problem, .rows = problem.rows[0] + problem.rows[1] };
  int32_t *label = memory_new (data.rows, sizeof *label);
  data.values = sparse_values (3, data.rows, problem.columns, problem.density);
  data.kernel = draw (0, problem.columns * problem.units);
  data.coefficients = draw (1, problem.rows[0] * problem.units);
  data.file[0] = make_matrix ("a.h5", data.values, label, problem.rows[0], problem.columns, problem.layout);
  if (problem.rows[1])
    data.file[1] = make_matrix ("b.h5", data.values + problem.rows[0] * problem.columns, label, problem.rows[1],
                                problem.columns, problem.layout);
  memory_free (label);
  return data;
}

static void
free_data (struct data *data)
{
  featfile_close (data->file[0]);
  if (data->file[1])
    featfile_close (data->file[1]);
  memory_free (data->values);
  memory_free (data->kernel);
  memory_free (data->coefficients);
}

/* The walk over the columns from FIRST on, of both files or the first one alone, in slabs of WIDTH columns, as memory
   allows where WIDTH is 0.  */
static struct slabs
walk_of (const struct data *data, bool both, uint64_t first, size_t width)
{
  struct slabs slabs =
    slabs_of (data->file, both && data->file[1] ? 2 : 1, first, data->problem.columns - first, 1 << 20);
  if (width)
    {
      slabs.width = width;
      slabs.ahead = width < slabs.columns;
    }
  return slabs;
}

struct results {
  struct table inner;
  struct projection projection[2]; /* through the kernel, and through it times two */
  float *combined;                 /* (columns, h) */
};

/* The coefficients in strips of 64 units.  */
static float *
strips_of (const struct data *data)
{
  size_t rows = data->problem.rows[0], units = data->problem.units, strips = (units + PANEL_WIDTH - 1) / PANEL_WIDTH;
  float *strip = memory_new (strips * rows * PANEL_WIDTH, sizeof *strip);
  for (size_t i = 0; i < rows; i++)
    for (size_t unit = 0; unit < units; unit++)
      strip[(unit / PANEL_WIDTH * rows + i) * PANEL_WIDTH + unit % PANEL_WIDTH] = data->coefficients[i * units + unit];
  return strip;
}

static struct results
compute (const struct data *data, uint64_t first, size_t width, int threads)
{
  size_t units = data->problem.units, columns = data->problem.columns - (size_t) first;
  struct results results = { .combined = memory_new (columns * units, sizeof (float)) };
  struct workers *workers = workers_new (threads);
  struct slabs all = walk_of (data, true, first, width), training = walk_of (data, false, first, width);
  float *strips = strips_of (data), *twice = memory_new (columns * units, sizeof *twice);
  double waited = 0;
  for (size_t i = 0; i < columns * units; i++)
    twice[i] = 2 * data->kernel[first * units + i];
  ck_assert_int_eq (table_new (&results.inner, data->rows, data->problem.rows[0]), 0);
  for (int i = 0; i < 2; i++)
    {
      results.projection[i].kernel = i ? twice : data->kernel + first * units;
      ck_assert_int_eq (table_new (&results.projection[i].table, data->rows, units), 0);
      results.projection[i].table.values[0] = 5; /* whatever was there */
    }
  uint64_t before = memory_bytes ();
  memory_reset_peak ();
  ck_assert_int_eq (products_compute (&all, &results.inner, results.projection, 2, workers, &waited), 0);
  ck_assert_double_le ((double) (memory_peak_bytes () - before), products_bytes (&all, threads));
  memcpy (results.combined, data->kernel + first * units, columns * units * sizeof *results.combined);
  ck_assert_int_eq (products_combine (&training, strips, -0.75, results.combined, units, workers, &waited), 0);
  ck_assert_double_ge (waited, 0);
  memory_free (strips);
  memory_free (twice);
  workers_free (workers);
  return results;
}

static void
free_results (struct results *results)
{
  table_free (&results->inner);
  table_free (&results->projection[0].table);
  table_free (&results->projection[1].table);
  memory_free (results->combined);
}

/* FOUND is the sum of COUNT terms LEFT RIGHT, which lie so far apart, and of BEGIN: to 1e-6 of the terms' sizes.  */
static void
check_sum (const char *what, float found, double begin, const float *left, size_t left_apart, const float *right,
           size_t right_apart, size_t count)
{
  double sum = begin, size = fabs (begin);
  for (size_t i = 0; i < count; i++)
    {
      double term = (double) left[i * left_apart] * (double) right[i * right_apart];
      sum += term;
      size += fabs (term);
    }
  ck_assert_msg (fabs ((double) found - sum) <= 1e-6 * size, "%s: %.9g, not %.9g", what, (double) found, sum);
}

static void
check_results (const struct data *data, uint64_t first, const struct results *results)
{
  size_t n = data->problem.rows[0], units = data->problem.units, columns = data->problem.columns;
  size_t count = columns - (size_t) first;
  const float *x = data->values + first, *kernel = data->kernel + first * units;
  const struct table *inner = &results->inner;
  for (size_t i = 0; i < data->rows; i++)
    for (size_t j = 0; j < n; j++)
      check_sum ("K", inner->values[i * inner->stride + j], 0, x + i * columns, 1, x + j * columns, 1, count);
  for (size_t i = 0; i < data->rows; i++)
    for (size_t unit = 0; unit < units; unit++)
      {
        const struct table *once = &results->projection[0].table, *twice = &results->projection[1].table;
        float value = once->values[i * once->stride + unit];
        check_sum ("X W", value, 0, x + i * columns, 1, kernel + unit, units, count);
        ck_assert (twice->values[i * twice->stride + unit] == 2 * value);
      }
  for (size_t k = 0; k < count; k++)
    for (size_t unit = 0; unit < units; unit++)
      check_sum ("X'A", results->combined[k * units + unit], -0.75 * (double) kernel[k * units + unit], x + k, columns,
                 data->coefficients + unit, units, n);
}

START_TEST (products_are_plain_loops)
{
  struct data data = make_data (problems[_i]);
  struct results results = compute (&data, 0, 0, 2);
  check_results (&data, 0, &results);
  free_results (&results);
  free_data (&data);
}
END_TEST

/* A rank's share: some of the columns.  */
START_TEST (a_share_of_the_columns_is_its_own)
{
  for (uint64_t first = 256; first < 1000; first += 512)
    {
      struct data data = make_data (problems[3]);
      struct results results = compute (&data, first, 256, 2);
      check_results (&data, first, &results);
      free_results (&results);
      free_data (&data);
    }
}
END_TEST

static void
check_same_table (const struct table *a, const struct table *b)
{
  size_t rows = (a->rows + 3) / 4 * 4;
  ck_assert_uint_eq (a->stride, b->stride);
  ck_assert_mem_eq (a->values, b->values, rows * a->stride * sizeof *a->values);
}

/* The same bits from slabs of any width, read ahead or not, by any number of threads.  */
START_TEST (bits_do_not_depend_on_slabs_or_threads)
{
  static const size_t widths[] = { 256, 512, 768, 1024 };
  struct data data = make_data (problems[_i]);
  struct results usual = compute (&data, 0, 0, 1);
  for (size_t i = 0; i < 4; i++)
    {
      struct results other = compute (&data, 0, widths[i], (int) i + 1);
      check_same_table (&usual.inner, &other.inner);
      check_same_table (&usual.projection[0].table, &other.projection[0].table);
      ck_assert_mem_eq (usual.combined, other.combined,
                        data.problem.columns * data.problem.units * sizeof *usual.combined);
      free_results (&other);
    }
  free_results (&usual);
  free_data (&data);
}
END_TEST

/* What fills up a table's rows is zero: the engine multiplies by it.  */
START_TEST (tables_are_filled_up_with_zeros)
{
  struct data data = make_data (problems[3]);
  struct results results = compute (&data, 0, 0, 2);
  const struct table *table = &results.projection[0].table;
  ck_assert_uint_eq (table->stride, 128);
  for (size_t i = 0; i < 104; i++)
    for (size_t j = i < data.rows ? 65 : 0; j < table->stride; j++)
      ck_assert (table->values[i * table->stride + j] == 0);
  free_results (&results);
  free_data (&data);
}
END_TEST

/* What a walk sees, put together again.  */
struct seen {
  float *values; /* (N, d) */
  size_t columns, widest;
  uint64_t next;
};

static int
see_slab (void *context, const struct slab *slab)
{
  struct seen *seen = context;
  ck_assert_uint_eq (slab->first, seen->next);
  seen->next += slab->columns;
  seen->widest = slab->columns > seen->widest ? slab->columns : seen->widest;
  for (size_t i = 0; i < slab->rows; i++)
    memcpy (seen->values + i * seen->columns + slab->first, slab->values + i * slab->columns,
            slab->columns * sizeof *slab->values);
  return 0;
}

/* Each value once, in slabs that keep to the bytes that they were given, where a slab of the least width fits.  */
START_TEST (slabs_are_the_features)
{
  static const double bytes[] = { 0, 1, 300000, 1000000, 1e9 };
  struct data data = make_data (problems[_i]);
  size_t rows = data.rows, columns = data.problem.columns;
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
    {
      struct slabs slabs = slabs_of (data.file, data.file[1] ? 2 : 1, 0, columns, bytes[i]);
      struct seen seen = { .values = memory_new (rows * columns, sizeof (float)), .columns = columns };
      double waited = 0, least = 2 * (double) rows * SLAB_COLUMNS * sizeof (float);
      uint64_t before = memory_bytes ();
      memory_reset_peak ();
      ck_assert_int_eq (slabs_walk (&slabs, see_slab, &seen, &waited), 0);
      ck_assert_double_le ((double) (memory_peak_bytes () - before), slabs_bytes (&slabs));
      ck_assert_double_le (slabs_bytes (&slabs), fmax (least, bytes[i]));
      ck_assert_uint_eq (slabs.width % SLAB_COLUMNS, 0);
      ck_assert_uint_eq (seen.next, columns);
      ck_assert_uint_le (seen.widest, slabs.width);
      ck_assert_mem_eq (seen.values, data.values, rows * columns * sizeof (float));
      memory_free (seen.values);
    }
  free_data (&data);
}
END_TEST

static int
fail_at_once (void *context, const struct slab *slab)
{
  (void) context, (void) slab;
  return error_set ("seen enough");
}

START_TEST (walks_end_early)
{
  struct data data = make_data (problems[3]);
  struct slabs slabs = walk_of (&data, true, 0, 256);
  uint64_t before = memory_bytes ();
  int threads = settled_threads ();
  double waited = 0;
  ck_assert_int_eq (slabs_walk (&slabs, fail_at_once, NULL, &waited), -1);
  ck_assert_str_eq (error_message (), "seen enough");
  stop_watch (0);
  raise (SIGTERM);
  ck_assert_int_eq (slabs_walk (&slabs, fail_at_once, NULL, &waited), -1);
  ck_assert_int_eq (error_status (), ERROR_STOPPED);
  ck_assert_ptr_nonnull (strstr (error_message (), "a.h5' was stopped; run the same command again"));
  ck_assert_uint_eq (memory_bytes (), before);
  assert_threads (threads);
  free_data (&data);
}
END_TEST

START_TEST (sizes_that_overflow_are_refused)
{
  struct table table;
  ck_assert_int_eq (table_new (&table, SIZE_MAX / 8, SIZE_MAX / 8), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "overflows"));
  uint64_t before = memory_bytes ();
  ck_assert_int_eq (table_new (&table, 5, 65), 0);
  ck_assert_double_le ((double) (memory_bytes () - before), table_bytes (5, 65));
  table_free (&table);
  ck_assert_uint_eq (memory_bytes (), before);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("products");
  tcase_add_loop_test (cases, products_are_plain_loops, 0, PROBLEMS);
  tcase_add_test (cases, a_share_of_the_columns_is_its_own);
  tcase_add_loop_test (cases, bits_do_not_depend_on_slabs_or_threads, 0, PROBLEMS);
  tcase_add_test (cases, tables_are_filled_up_with_zeros);
  tcase_add_loop_test (cases, slabs_are_the_features, 0, PROBLEMS);
  tcase_add_test (cases, walks_end_early);
  tcase_add_test (cases, sizes_that_overflow_are_refused);
  return run_cases (cases, "products");
}

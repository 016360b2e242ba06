#include <config.h>

#include "../src/learn/gram.h"

#include "matrices.h"

#include <math.h>

enum { EPOCHS = 3, NEVER = -1 };

/* n training rows and some more; trained on all n, or on each but every fifth.  */
static const struct problem {
  size_t rows, others, columns, units, batch;
  bool subset;
  struct sgd sgd;
} problems[] = {
  { 1, 1, 1, 1, 1, false, { 0.01, 0.9, 0, false } },
  { 70, 9, 300, 20, 16, false, { 0.01, 0, 0, false } },
  { 70, 9, 300, 64, 16, false, { 0.01, 0.9, 0, true } },
  { 300, 40, 200, 65, 32, false, { 0.01, 0.9, 0.02, false } },
  { 300, 40, 200, 65, 32, false, { 0.01, 0.9, 0.02, true } },
  { 300, 40, 200, 20, 32, true, { 0.01, 0.9, 0.02, true } },
  { 45, 600, 100, 7, 1, true, { 0.003, 0.9, 0.02, false } },
  { 700, 3, 100, 130, 300, true, { 0.03, 0.9, 0.02, false } },
  { 700, 3, 100, 3, 512, false, { 0.03, 0.5, 0, false } },
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

struct data {
  struct problem problem;
  size_t all, trained;            /* N; m */
  float *values, *kernel;         /* (N, d); W0 (d, h) */
  uint64_t *training, *looked_at; /* (m), (N - m) */
  struct featfile *file;          /* of the n rows */
  struct table inner;
  struct projection projection;
  struct slabs slabs;
  double squares; /* of W0 */
};

/* What a run leaves: all pre-activations in the order in which they came, and W.  */
struct log {
  size_t count;
  double *pre;           /* (count) */
  double squares[1000];  /* after each step, with L2 */
  float *kernel, *final; /* W as kept after the first epoch, and at the end */
};

static void
multiply_products (struct data *data)
{
  size_t columns = data->problem.columns;
  for (size_t i = 0; i < data->all; i++)
    for (size_t j = 0; j < data->problem.rows; j++)
      {
        double sum = 0;
        for (size_t k = 0; k < columns; k++)
          sum += (double) data->values[i * columns + k] * (double) data->values[j * columns + k];
        data->inner.values[i * data->inner.stride + j] = (float) sum;
      }
  struct table *table = &data->projection.table;
  for (size_t i = 0; i < data->all; i++)
    for (size_t unit = 0; unit < table->columns; unit++)
      {
        double sum = 0;
        for (size_t k = 0; k < columns; k++)
          sum += (double) data->values[i * columns + k] * (double) data->kernel[k * table->columns + unit];
        table->values[i * table->stride + unit] = (float) sum;
      }
}

static struct data
make_data (struct problem problem)
{
  struct data data = { .problem = problem, .all = problem.rows + problem.others };
  struct random generator = random_new (4, 0);
  size_t weights = problem.columns * problem.units, looked_at = 0;
  int32_t *label = memory_new (problem.rows, sizeof *label);
  data.values = sparse_values (9, data.all, problem.columns, 0.2F);
  data.kernel = memory_new (weights, sizeof (float));
  for (size_t i = 0; i < weights; i++)
    {
      data.kernel[i] = 0.1F * random_normal (&generator);
      data.squares += (double) data.kernel[i] * (double) data.kernel[i];
    }
  data.training = memory_new (data.all, sizeof (uint64_t));
  data.looked_at = memory_new (data.all, sizeof (uint64_t));
  for (size_t i = 0; i < data.all; i++)
    if (i < problem.rows && !(problem.subset && i % 5 == 2))
      data.training[data.trained++] = i;
    else
      data.looked_at[looked_at++] = i;
  data.file = make_matrix ("a.h5", data.values, label, problem.rows, problem.columns, (struct layout){ 0, 0, false });
  data.slabs = slabs_of (&data.file, 1, 0, problem.columns, 1 << 20);
  ck_assert_int_eq (table_new (&data.inner, data.all, problem.rows), 0);
  ck_assert_int_eq (table_new (&data.projection.table, data.all, problem.units), 0);
  multiply_products (&data);
  memory_free (label);
  return data;
}

static void
free_data (struct data *data)
{
  memory_free (data->values);
  memory_free (data->kernel);
  memory_free (data->training);
  memory_free (data->looked_at);
  featfile_close (data->file);
  table_free (&data->inner);
  table_free (&data->projection.table);
}

static struct log
new_log (const struct data *data)
{
  size_t weights = data->problem.columns * data->problem.units;
  return (struct log){ .pre = memory_new (EPOCHS * data->all * data->problem.units, sizeof (double)),
                       .kernel = memory_new (weights, sizeof (float)),
                       .final = memory_new (weights, sizeof (float)) };
}

static void
free_log (struct log *log)
{
  memory_free (log->pre);
  memory_free (log->kernel);
  memory_free (log->final);
}

/* The order of an epoch, (m).  */
static uint64_t *
order_of (const struct data *data, uint64_t epoch)
{
  struct random generator = random_new (5, epoch);
  uint64_t *order = memory_new (data->trained, sizeof *order);
  memcpy (order, data->training, data->trained * sizeof *order);
  random_shuffle (&generator, order, data->trained);
  return order;
}

/* The gradient at the pre-activations of step number STEP, (batch, h): made up.  */
static float *
delta_of (const struct data *data, size_t step)
{
  struct random generator = random_new (6, step);
  float *delta = memory_new (data->problem.batch * data->problem.units, sizeof *delta);
  for (size_t i = 0; i < data->problem.batch * data->problem.units; i++)
    delta[i] = 0.1F * random_normal (&generator);
  return delta;
}

/* The rate changes from step to step.  */
static struct sgd
sgd_of (const struct data *data, size_t step)
{
  struct sgd sgd = data->problem.sgd;
  sgd.rate /= 1 + 0.1 * (double) step;
  return sgd;
}

static size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

static void
note (struct log *log, const float *pre, size_t count)
{
  for (size_t i = 0; i < count; i++)
    log->pre[log->count++] = (double) pre[i];
}

struct run {
  const struct data *data;
  struct workers *workers;
  struct first_layer *layer;
  struct log *log;
  size_t step;         /* so far */
  long stop;           /* before this step the engine is replaced by another one with its state; NEVER */
  float *kernel, *pre; /* (d, h), (batch, h) */
};

static struct first_layer *
new_engine (const struct run *run)
{
  static double waited;
  const struct data *data = run->data;
  struct gram_setup setup = { .inner = &data->inner,
                              .projected = &data->projection.table,
                              .training = data->problem.subset ? data->training : NULL,
                              .rows = data->trained,
                              .batch = data->problem.batch,
                              .slabs = data->problem.subset ? NULL : &data->slabs,
                              .kernel = data->problem.subset ? NULL : run->kernel,
                              .squares = data->squares,
                              .keeping = true,
                              .waited = &waited };
  struct first_layer *layer = gram_new (&setup, run->workers);
  ck_assert_msg (layer != NULL, "%s", error_message ());
  return layer;
}

static size_t
bytes_of (const struct state_part *part)
{
  return (size_t) part->count * (part->type == STATE_FLOAT || part->type == STATE_LABEL ? 4 : 8);
}

/* Another engine takes over, as one that goes on from a checkpoint.  */
static void
replace_engine (struct run *run)
{
  struct first_layer *old = run->layer;
  struct state_part from[STATE_PARTS], to[STATE_PARTS];
  run->layer = new_engine (run);
  size_t count = old->state (old, from);
  ck_assert_uint_eq (run->layer->state (run->layer, to), count);
  for (size_t i = 0; i < count; i++)
    {
      ck_assert_str_eq (from[i].name, to[i].name);
      ck_assert_uint_eq (from[i].count, to[i].count);
      memcpy (to[i].values, from[i].values, bytes_of (&from[i]));
    }
  old->free (old);
}

static struct batch
batch_of (const struct run *run, const uint64_t *order, size_t first, size_t count)
{
  return (struct batch){ smaller (run->data->problem.batch, count - first), order + first, NULL, NULL };
}

static void
look_at (struct run *run, const uint64_t *order, size_t count)
{
  struct pass_rows rows = { order, count, 0, smaller (run->data->problem.batch, count), false };
  ck_assert_int_eq (run->layer->begin (run->layer, &rows), 0);
  for (size_t first = 0; first < count; first += run->data->problem.batch)
    {
      struct batch batch = batch_of (run, order, first, count);
      ck_assert_int_eq (run->layer->step (run->layer, NULL, NULL, NULL, &batch, run->pre, NULL), 0);
      note (run->log, run->pre, batch.rows * run->data->problem.units);
    }
}

static void
begin_at (struct run *run, const uint64_t *order, size_t first)
{
  size_t count = run->data->trained;
  struct pass_rows rows = { order, count, first, smaller (run->data->problem.batch, count), true };
  struct batch batch = batch_of (run, order, first, count);
  ck_assert_int_eq (run->layer->begin (run->layer, &rows), 0);
  ck_assert_int_eq (run->layer->step (run->layer, NULL, NULL, NULL, &batch, run->pre, NULL), 0);
}

static void
train_on (struct run *run, const uint64_t *order)
{
  const struct data *data = run->data;
  size_t count = data->trained, size = smaller (data->problem.batch, count);
  begin_at (run, order, 0);
  for (size_t first = 0; first < count; first += size, run->step++)
    {
      if (run->stop == (long) run->step)
        {
          replace_engine (run);
          begin_at (run, order, first);
        }
      struct batch batch = batch_of (run, order, first, count), next = { 0 };
      struct sgd sgd = sgd_of (data, run->step);
      float *delta = delta_of (data, run->step);
      note (run->log, run->pre, batch.rows * data->problem.units);
      if (first + size < count)
        next = batch_of (run, order, first + size, count);
      ck_assert_int_eq (run->layer->step (run->layer, &batch, delta, &sgd, next.rows ? &next : NULL, run->pre,
                                          sgd.l2 > 0 ? &run->log->squares[run->step] : NULL),
                        0);
      memory_free (delta);
    }
}

/* A training with KEPT or the last weights at its end, where it is asked for them.  */
static void
run_engine (const struct data *data, int threads, long stop, bool kept, struct log *log)
{
  size_t weights = data->problem.columns * data->problem.units;
  struct run run = { data,
                     workers_new (threads),
                     NULL,
                     log,
                     0,
                     stop,
                     memory_new (weights, sizeof (float)),
                     memory_new (data->problem.batch * data->problem.units, sizeof (float)) };
  memcpy (run.kernel, data->kernel, weights * sizeof (float));
  run.layer = new_engine (&run);
  for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
    {
      uint64_t *order = order_of (data, epoch);
      train_on (&run, order);
      look_at (&run, data->looked_at, data->all - data->trained);
      if (epoch == 0)
        ck_assert_int_eq (run.layer->keep (run.layer), 0);
      memory_free (order);
    }
  if (!data->problem.subset)
    ck_assert_int_eq (run.layer->finish (run.layer, kept), 0);
  memcpy (kept ? log->kernel : log->final, run.kernel, weights * sizeof (float));
  run.layer->free (run.layer);
  workers_free (run.workers);
  memory_free (run.kernel);
  memory_free (run.pre);
}

/* The same by weights and velocity themselves, in double.  */
struct plain {
  const struct data *data;
  double *weights, *velocity;
  struct log *log;
  size_t step;
};

static void
plain_look (struct plain *plain, const uint64_t *order, size_t count)
{
  size_t columns = plain->data->problem.columns, units = plain->data->problem.units;
  for (size_t row = 0; row < count; row++)
    for (size_t unit = 0; unit < units; unit++)
      {
        double sum = 0;
        for (size_t k = 0; k < columns; k++)
          sum += (double) plain->data->values[order[row] * columns + k] * plain->weights[k * units + unit];
        plain->log->pre[plain->log->count++] = sum;
      }
}

static void
plain_step (struct plain *plain, const uint64_t *order, size_t count)
{
  size_t columns = plain->data->problem.columns, units = plain->data->problem.units;
  struct sgd sgd = sgd_of (plain->data, plain->step);
  float *delta = delta_of (plain->data, plain->step);
  double squares = 0;
  for (size_t i = 0; i < columns * units; i++)
    {
      double gradient = 2 * sgd.l2 * plain->weights[i];
      for (size_t row = 0; row < count; row++)
        gradient +=
          (double) plain->data->values[order[row] * columns + i / units] * (double) delta[row * units + i % units];
      plain->velocity[i] = sgd.momentum * plain->velocity[i] - sgd.rate * gradient;
      plain->weights[i] += sgd.nesterov ? sgd.momentum * plain->velocity[i] - sgd.rate * gradient : plain->velocity[i];
      squares += plain->weights[i] * plain->weights[i];
    }
  plain->log->squares[plain->step++] = squares;
  memory_free (delta);
}

static void
run_plain (const struct data *data, struct log *log)
{
  size_t weights = data->problem.columns * data->problem.units;
  struct plain plain = { data, memory_new (weights, sizeof (double)), memory_new (weights, sizeof (double)), log, 0 };
  for (size_t i = 0; i < weights; i++)
    plain.weights[i] = (double) data->kernel[i];
  for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
    {
      uint64_t *order = order_of (data, epoch);
      for (size_t first = 0; first < data->trained; first += data->problem.batch)
        {
          size_t count = smaller (data->problem.batch, data->trained - first);
          plain_look (&plain, order + first, count);
          plain_step (&plain, order + first, count);
        }
      plain_look (&plain, data->looked_at, data->all - data->trained);
      for (size_t i = 0; epoch == 0 && i < weights; i++)
        log->kernel[i] = (float) plain.weights[i];
      memory_free (order);
    }
  for (size_t i = 0; i < weights; i++)
    log->final[i] = (float) plain.weights[i];
  memory_free (plain.weights);
  memory_free (plain.velocity);
}

/* FOUND (count) is EXPECTED to 1e-5 of the largest.  */
static void
check_kernel (const char *what, const float *found, const float *expected, size_t count)
{
  double largest = 0, difference = 0;
  for (size_t i = 0; i < count; i++)
    {
      largest = fmax (largest, fabs ((double) expected[i]));
      difference = fmax (difference, fabs ((double) found[i] - (double) expected[i]));
    }
  ck_assert_msg (difference <= 1e-5 * largest, "%s: %.3g apart, the largest is %.3g", what, difference, largest);
}

START_TEST (steps_are_those_of_the_weights)
{
  struct data data = make_data (problems[_i]);
  struct log expected = new_log (&data), found = new_log (&data), kept = new_log (&data);
  size_t weights = data.problem.columns * data.problem.units;
  double largest = 0;
  run_plain (&data, &expected);
  run_engine (&data, 2, NEVER, false, &found);
  run_engine (&data, 2, NEVER, true, &kept);
  ck_assert_uint_eq (found.count, expected.count);
  for (size_t i = 0; i < found.count; i++)
    largest = fmax (largest, fabs (expected.pre[i]));
  for (size_t i = 0; i < found.count; i++)
    ck_assert_msg (fabs (found.pre[i] - expected.pre[i]) <= 1e-5 * largest, "%zu of %zu: %.9g, not %.9g", i,
                   found.count, found.pre[i], expected.pre[i]);
  for (size_t i = 0; data.problem.sgd.l2 > 0 && i < EPOCHS * ((data.trained - 1) / data.problem.batch + 1); i++)
    ck_assert_double_eq_tol (found.squares[i], expected.squares[i], 1e-5 * expected.squares[i]);
  if (!data.problem.subset)
    {
      check_kernel ("the last weights", found.final, expected.final, weights);
      check_kernel ("the kept weights", kept.kernel, expected.kernel, weights);
    }
  free_log (&expected);
  free_log (&found);
  free_log (&kept);
  free_data (&data);
}
END_TEST

/* The same bits by any number of threads, and where another engine goes on at any step.  */
START_TEST (bits_do_not_depend_on_threads_or_stops)
{
  struct data data = make_data (problems[_i]);
  struct log usual = new_log (&data);
  size_t steps = EPOCHS * ((data.trained - 1) / data.problem.batch + 1);
  run_engine (&data, 1, NEVER, false, &usual);
  for (size_t stop = 0; stop <= steps; stop += steps > 40 ? 7 : 1)
    {
      struct log other = new_log (&data);
      run_engine (&data, (int) stop % 3 + 1, (long) stop, false, &other);
      ck_assert_uint_eq (other.count, usual.count);
      ck_assert_mem_eq (other.pre, usual.pre, usual.count * sizeof *usual.pre);
      ck_assert_mem_eq (other.squares, usual.squares, sizeof usual.squares);
      ck_assert_mem_eq (other.final, usual.final, data.problem.columns * data.problem.units * sizeof *usual.final);
      free_log (&other);
    }
  free_log (&usual);
  free_data (&data);
}
END_TEST

START_TEST (bytes_are_bounded)
{
  struct data data = make_data (problems[_i]);
  struct run run = { .data = &data, .workers = workers_new (3) };
  uint64_t before = memory_bytes ();
  run.layer = new_engine (&run);
  ck_assert_double_le ((double) (memory_bytes () - before),
                       gram_bytes ((double) data.trained, (double) data.problem.units, data.problem.batch, true));
  run.layer->free (run.layer);
  ck_assert_uint_eq (memory_bytes (), before);
  workers_free (run.workers);
  free_data (&data);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("gram");
  tcase_add_loop_test (cases, steps_are_those_of_the_weights, 0, PROBLEMS);
  tcase_add_loop_test (cases, bits_do_not_depend_on_threads_or_stops, 0, PROBLEMS);
  tcase_add_loop_test (cases, bytes_are_bounded, 0, PROBLEMS);
  return run_cases (cases, "gram");
}

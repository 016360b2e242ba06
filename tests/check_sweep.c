#include <config.h>

#include "../src/learn/sweep.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "learning.h"

#include <math.h>
#include <string.h>

enum { STEPS = 3 };

/* The first layers to try.  Blocks have 32 features, and of more than 64 blocks a slab has several.  */
struct shape {
  uint64_t columns, units;
  size_t batch; /* rows of the largest batch; the others have fewer */
  float share;  /* of the features that are not zero */
  double momentum, l2;
  bool nesterov;
};

static const struct shape shapes[] = {
  { 1, 1, 70, 0.3f, 0.9, 0, false },    { 63, 5, 70, 0.3f, 0.9, 0.02, true },  { 64, 16, 70, 0.3f, 0, 0, false },
  { 65, 33, 70, 0.3f, 0.9, 0, true },   { 5000, 3, 70, 0.3f, 0.9, 0, false },  { 5000, 3, 70, 1, 0.9, 0.02, true },
  { 97, 300, 32, 0.14f, 0.9, 0, true }, { 97, 300, 32, 1, 0.9, 0, false },     { 130, 256, 512, 0.14f, 0.9, 0, false },
  { 130, 256, 512, 1, 0.5, 0, true },   { 200, 1000, 1, 0.14f, 0, 0, true },   { 40, 4096, 3, 0.5f, 0.9, 0.01, false },
  { 3000, 17, 6, 0.9f, 0, 0.02, true }, { 2113, 64, 33, 0.05f, 0.9, 0, false }
};
enum { SHAPES = sizeof shapes / sizeof *shapes, LARGEST = 4 /* of several blocks a slab */ };

struct problem {
  struct shape shape;
  float *kernel, *values, *delta; /* (d, h), (STEPS + 1, batch, d), (STEPS, batch, h) */
};

static struct problem
make_problem (int index)
{
  struct shape shape = shapes[index];
  struct problem problem = { .shape = shape };
  struct random generator = random_new (3, (uint64_t) index);
  size_t kernel = (size_t) (shape.columns * shape.units), values = (STEPS + 1) * shape.batch * (size_t) shape.columns;
  size_t delta = STEPS * shape.batch * (size_t) shape.units;
  problem.kernel = memory_new (kernel, sizeof (float));
  problem.values = memory_new (values, sizeof (float));
  problem.delta = memory_new (delta, sizeof (float));
  for (size_t i = 0; i < kernel; i++)
    problem.kernel[i] = random_normal (&generator);
  for (size_t i = 0; i < values; i++)
    problem.values[i] = random_uniform (&generator) < shape.share ? random_normal (&generator) : 0;
  for (size_t i = 0; i < delta; i++)
    problem.delta[i] = 0.1f * random_normal (&generator);
  return problem;
}

static void
free_problem (struct problem *problem)
{
  memory_free (problem->kernel);
  memory_free (problem->values);
  memory_free (problem->delta);
}

/* The first batch is the largest, and the next ones are ragged.  */
static struct batch
batch_of (const struct problem *problem, int step)
{
  const struct shape *shape = &problem->shape;
  size_t rows[STEPS + 1] = { shape->batch, (shape->batch + 7) / 8, 1, shape->batch - shape->batch / 16 };
  return (struct batch){ rows[step], NULL, NULL,
                         problem->values + (size_t) step * shape->batch * (size_t) shape->columns };
}

static const float *
delta_of (const struct problem *problem, int step)
{
  return problem->delta + (size_t) step * problem->shape.batch * problem->shape.units;
}

/* The rate changes from step to step, as decay makes it.  */
static struct sgd
sgd_of (const struct problem *problem, int step)
{
  const struct shape *shape = &problem->shape;
  return (struct sgd){ 0.1 / (1 + step), shape->momentum, shape->l2, shape->nesterov };
}

static struct first_layer *
engine_of (const struct problem *problem, bool keeping, struct workers *workers)
{
  const struct shape *shape = &problem->shape;
  struct first_layer *layer =
    sweep_new (problem->kernel, shape->columns, shape->units, shape->batch, true, keeping, workers);
  ck_assert_msg (layer != NULL, "%s", error_message ());
  return layer;
}

/* All steps by plain loops in double, each from its definition in sgd.h: KERNEL is updated in place, PRE (batch, h)
   becomes the last batch's pre-activations, and the sum of the squares of the weights is returned.  */
static double
expect (const struct problem *problem, double *kernel, double *pre)
{
  size_t columns = (size_t) problem->shape.columns, units = (size_t) problem->shape.units;
  double *velocity = memory_new (columns * units, sizeof *velocity), squares = 0;
  struct batch last = batch_of (problem, STEPS);
  for (int step = 0; step < STEPS; step++)
    {
      struct batch batch = batch_of (problem, step);
      struct sgd sgd = sgd_of (problem, step);
      const float *delta = delta_of (problem, step);
      for (size_t i = 0; i < columns * units; i++)
        {
          double g = 2 * sgd.l2 * kernel[i];
          for (size_t row = 0; row < batch.rows; row++)
            g += (double) batch.values[row * columns + i / units] * (double) delta[row * units + i % units];
          velocity[i] = sgd.momentum * velocity[i] - sgd.rate * g;
          kernel[i] += sgd.nesterov ? sgd.momentum * velocity[i] - sgd.rate * g : velocity[i];
        }
    }
  for (size_t row = 0; row < last.rows; row++)
    for (size_t unit = 0; unit < units; unit++)
      {
        pre[row * units + unit] = 0;
        for (size_t i = 0; i < columns; i++)
          pre[row * units + unit] += (double) last.values[row * columns + i] * kernel[i * units + unit];
      }
  for (size_t i = 0; i < columns * units; i++)
    squares += kernel[i] * kernel[i];
  memory_free (velocity);
  return squares;
}

/* Steps FIRST to END of LAYER; PRE (batch, h) becomes the pre-activations of batch END.  Returns the squares.  */
static double
run_steps (struct first_layer *layer, const struct problem *problem, int first, int end, float *pre)
{
  double squares = -1;
  for (int step = first; step < end; step++)
    {
      struct batch batch = batch_of (problem, step), next = batch_of (problem, step + 1);
      struct sgd sgd = sgd_of (problem, step);
      ck_assert_int_eq (layer->step (layer, &batch, delta_of (problem, step), &sgd, &next, pre, &squares), 0);
    }
  return squares;
}

/* All of them by an engine.  */
static double
run (struct problem *problem, int threads, float *pre)
{
  struct workers *workers = workers_new (threads);
  struct first_layer *layer = engine_of (problem, false, workers);
  ck_assert_ptr_null (layer->begin);
  struct batch batch = batch_of (problem, 0);
  ck_assert_int_eq (layer->step (layer, NULL, NULL, NULL, &batch, pre, NULL), 0);
  double squares = run_steps (layer, problem, 0, STEPS, pre);
  ck_assert_int_eq (layer->finish (layer, false), 0);
  layer->free (layer);
  workers_free (workers);
  return squares;
}

/* For one sum in float of COUNT terms near 1.  */
static double
tolerance (size_t count)
{
  return 1e-5 + 1e-6 * (double) count;
}

START_TEST (steps_are_their_definition)
{
  struct problem problem = make_problem (_i);
  const struct shape *shape = &problem.shape;
  size_t count = (size_t) (shape->columns * shape->units), last = shape->batch * (size_t) shape->units;
  double *kernel = memory_new (count, sizeof *kernel), *pre = memory_new (last, sizeof *pre);
  float *found = memory_new (last, sizeof *found);
  for (size_t i = 0; i < count; i++)
    kernel[i] = (double) problem.kernel[i];
  double squares = expect (&problem, kernel, pre), found_squares = run (&problem, 2, found);
  for (size_t i = 0; i < count; i++)
    ck_assert_double_eq_tol ((double) problem.kernel[i], kernel[i], tolerance (shape->batch / 16));
  for (size_t i = 0; i < batch_of (&problem, STEPS).rows * shape->units; i++)
    ck_assert_double_eq_tol ((double) found[i], pre[i], tolerance ((size_t) shape->columns));
  ck_assert_double_eq_tol (found_squares, squares, 1e-5 * squares);
  memory_free (kernel);
  memory_free (pre);
  memory_free (found);
  free_problem (&problem);
}
END_TEST

/* Of one thread, of two and of three.  */
START_TEST (bits_do_not_depend_on_threads)
{
  float *pre[3], *kernel[3];
  double squares[3];
  for (int i = 0; i < 3; i++)
    {
      struct problem problem = make_problem (_i);
      size_t units = (size_t) problem.shape.units;
      pre[i] = memory_new (problem.shape.batch * units, sizeof (float));
      squares[i] = run (&problem, i + 1, pre[i]);
      kernel[i] = problem.kernel;
      problem.kernel = NULL;
      ck_assert_mem_eq (pre[i], pre[0], batch_of (&problem, STEPS).rows * units * sizeof (float));
      ck_assert_mem_eq (kernel[i], kernel[0], (size_t) problem.shape.columns * units * sizeof (float));
      ck_assert_double_eq (squares[i], squares[0]);
      free_problem (&problem);
    }
  for (int i = 0; i < 3; i++)
    {
      memory_free (pre[i]);
      memory_free (kernel[i]);
    }
}
END_TEST

/* A row has the same pre-activations alone and among others.  */
START_TEST (bits_do_not_depend_on_the_batch)
{
  struct problem problem = make_problem (_i);
  size_t units = (size_t) problem.shape.units;
  struct workers *workers = workers_new (2);
  struct first_layer *layer = engine_of (&problem, false, workers);
  struct batch batch = batch_of (&problem, 0);
  float *together = memory_new (problem.shape.batch * units, sizeof (float)),
        *alone = memory_new (units, sizeof (float));
  ck_assert_int_eq (layer->step (layer, NULL, NULL, NULL, &batch, together, NULL), 0);
  for (size_t row = 0; row < problem.shape.batch; row += 5)
    {
      struct batch one = { 1, NULL, NULL, batch.values + row * problem.shape.columns };
      ck_assert_int_eq (layer->step (layer, NULL, NULL, NULL, &one, alone, NULL), 0);
      ck_assert_mem_eq (alone, together + row * units, units * sizeof (float));
    }
  layer->free (layer);
  workers_free (workers);
  memory_free (together);
  memory_free (alone);
  free_problem (&problem);
}
END_TEST

/* An update alone and then a look at the next batch give what the fused step gives, and the same squares.  */
START_TEST (a_fused_step_is_its_two_halves)
{
  struct problem problems[2] = { make_problem (_i), make_problem (_i) };
  struct sgd sgd = sgd_of (&problems[0], 0);
  struct batch batch = batch_of (&problems[0], 0), next = batch_of (&problems[0], 1);
  size_t bytes = problems[0].shape.batch * (size_t) problems[0].shape.units * sizeof (float);
  float *pre[2] = { memory_new (bytes, 1), memory_new (bytes, 1) };
  double squares[3];
  struct workers *workers = workers_new (2);
  struct first_layer *layer[2] = { engine_of (&problems[0], false, workers), engine_of (&problems[1], false, workers) };
  ck_assert_int_eq (layer[0]->step (layer[0], &batch, problems[0].delta, &sgd, &next, pre[0], &squares[0]), 0);
  ck_assert_int_eq (layer[1]->step (layer[1], &batch, problems[1].delta, &sgd, NULL, NULL, &squares[1]), 0);
  ck_assert_int_eq (layer[1]->step (layer[1], NULL, NULL, NULL, &next, pre[1], &squares[2]), 0);
  ck_assert_mem_eq (pre[0], pre[1], bytes);
  ck_assert_double_eq (squares[0], squares[1]);
  ck_assert_double_eq (squares[0], squares[2]);
  for (int i = 0; i < 2; i++)
    {
      layer[i]->free (layer[i]);
      memory_free (pre[i]);
      free_problem (&problems[i]);
    }
  workers_free (workers);
}
END_TEST

/* The weights that were kept come back, whatever was done since; the weights of now are not touched.  */
START_TEST (kept_weights_come_back)
{
  struct problem problem = make_problem (_i);
  size_t bytes = (size_t) (problem.shape.columns * problem.shape.units) * sizeof (float);
  float *kept = memory_new (bytes, 1), *now = memory_new (bytes, 1);
  float *pre = memory_new (problem.shape.batch * (size_t) problem.shape.units, sizeof (float));
  struct workers *workers = workers_new (2);
  struct first_layer *layer = engine_of (&problem, true, workers);
  run_steps (layer, &problem, 0, 1, pre);
  ck_assert_int_eq (layer->keep (layer), 0);
  run_steps (layer, &problem, 1, 2, pre);
  ck_assert_int_eq (layer->keep (layer), 0);
  memcpy (kept, problem.kernel, bytes);
  run_steps (layer, &problem, 2, 3, pre);
  memcpy (now, problem.kernel, bytes);
  ck_assert_mem_ne (now, kept, bytes);
  ck_assert_int_eq (layer->finish (layer, false), 0);
  ck_assert_mem_eq (problem.kernel, now, bytes);
  ck_assert_int_eq (layer->finish (layer, true), 0);
  ck_assert_mem_eq (problem.kernel, kept, bytes);
  layer->free (layer);
  workers_free (workers);
  memory_free (kept);
  memory_free (now);
  memory_free (pre);
  free_problem (&problem);
}
END_TEST

/* What the state lists is all that a new engine needs to go on to the same bits, kept weights included.  */
START_TEST (steps_go_on_from_the_state)
{
  static const char *const names[] = { "kernel", "velocity", "kept" };
  struct problem problems[2] = { make_problem (_i), make_problem (_i) };
  const struct shape *shape = &problems[0].shape;
  size_t bytes = (size_t) (shape->columns * shape->units) * sizeof (float);
  size_t pre_bytes = shape->batch * (size_t) shape->units * sizeof (float);
  float *pre[2] = { memory_new (pre_bytes, 1), memory_new (pre_bytes, 1) };
  struct workers *workers = workers_new (2);
  struct first_layer *layer[2] = { engine_of (&problems[0], true, workers), engine_of (&problems[1], true, workers) };
  memset (problems[1].kernel, 0, bytes);
  run_steps (layer[0], &problems[0], 0, 1, pre[0]);
  ck_assert_int_eq (layer[0]->keep (layer[0]), 0);
  run_steps (layer[0], &problems[0], 1, 2, pre[0]);
  struct state_part part[2][STATE_PARTS];
  for (int i = 0; i < 2; i++)
    ck_assert_uint_eq (layer[i]->state (layer[i], part[i]), 3);
  for (int i = 0; i < 3; i++)
    {
      ck_assert_str_eq (part[0][i].name, names[i]);
      ck_assert_int_eq (part[0][i].type, STATE_FLOAT);
      ck_assert_uint_eq (part[0][i].count, shape->columns);
      ck_assert_uint_eq (part[0][i].width, shape->units);
      memcpy (part[1][i].values, part[0][i].values, bytes);
    }
  for (int i = 0; i < 2; i++)
    run_steps (layer[i], &problems[i], 2, 3, pre[i]);
  ck_assert_mem_eq (pre[1], pre[0], batch_of (&problems[0], STEPS).rows * shape->units * sizeof (float));
  ck_assert_mem_eq (problems[1].kernel, problems[0].kernel, bytes);
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq (layer[i]->finish (layer[i], true), 0);
  ck_assert_mem_eq (problems[1].kernel, problems[0].kernel, bytes);
  for (int i = 0; i < 2; i++)
    {
      layer[i]->free (layer[i]);
      memory_free (pre[i]);
      free_problem (&problems[i]);
    }
  workers_free (workers);
}
END_TEST

/* Without keeping there is nothing kept, without training no velocity; and the bytes follow.  */
START_TEST (only_what_is_asked_for_is_held)
{
  struct problem problem = make_problem (LARGEST);
  const struct shape *shape = &problem.shape;
  double kernel = (double) (shape->columns * shape->units * sizeof (float));
  struct workers *workers = workers_new (2);
  for (int way = 0; way < 3; way++)
    {
      bool training = way > 0, keeping = way > 1;
      uint64_t before = memory_bytes ();
      struct state_part part[STATE_PARTS];
      struct first_layer *layer =
        sweep_new (problem.kernel, shape->columns, shape->units, shape->batch, training, keeping, workers);
      double expected = sweep_bytes (shape->columns, shape->units, shape->batch, training, keeping);
      ck_assert_uint_eq (layer->state (layer, part), (size_t) way + 1);
      ck_assert_double_ge ((double) (memory_bytes () - before), expected);
      ck_assert_double_eq (expected - sweep_bytes (shape->columns, shape->units, shape->batch, false, false),
                           way * kernel);
      layer->free (layer);
      ck_assert_uint_eq (memory_bytes (), before);
    }
  workers_free (workers);
  free_problem (&problem);
}
END_TEST

/* A rank's share of the features may be empty.  */
START_TEST (no_features_give_zeros)
{
  float kernel = 1, value = 1, delta[2] = { 1, 1 }, pre[2] = { 5, 5 };
  double squares = 5;
  struct sgd sgd = { 0.1, 0.9, 0.1, false };
  struct batch batch = { 1, NULL, NULL, &value };
  struct workers *workers = workers_new (2);
  struct first_layer *layer = sweep_new (&kernel, 0, 2, 1, true, true, workers);
  ck_assert_ptr_nonnull (layer);
  ck_assert_int_eq (layer->step (layer, &batch, delta, &sgd, &batch, pre, &squares), 0);
  ck_assert_float_eq (pre[0], 0);
  ck_assert_float_eq (pre[1], 0);
  ck_assert_double_eq (squares, 0);
  ck_assert_int_eq (layer->keep (layer), 0);
  ck_assert_int_eq (layer->finish (layer, true), 0);
  ck_assert_float_eq (kernel, 1);
  layer->free (layer);
  workers_free (workers);
}
END_TEST

START_TEST (sizes_that_overflow_are_refused)
{
  float kernel;
  struct workers *workers = workers_new (1);
  ck_assert_ptr_null (sweep_new (&kernel, SIZE_MAX / 2, 8, 1, true, false, workers));
  ck_assert_ptr_nonnull (strstr (error_message (), "overflows"));
  workers_free (workers);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("sweep");
  tcase_add_loop_test (cases, steps_are_their_definition, 0, SHAPES);
  tcase_add_loop_test (cases, bits_do_not_depend_on_threads, 0, SHAPES);
  tcase_add_loop_test (cases, bits_do_not_depend_on_the_batch, 0, SHAPES);
  tcase_add_loop_test (cases, a_fused_step_is_its_two_halves, 0, SHAPES);
  tcase_add_loop_test (cases, kept_weights_come_back, 0, SHAPES);
  tcase_add_loop_test (cases, steps_go_on_from_the_state, 0, SHAPES);
  tcase_add_test (cases, only_what_is_asked_for_is_held);
  tcase_add_test (cases, no_features_give_zeros);
  tcase_add_test (cases, sizes_that_overflow_are_refused);
  return run_cases (cases, "sweep");
}

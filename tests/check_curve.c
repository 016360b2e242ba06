#include <config.h>

#include "../src/learn/checkup.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "../src/learn/train.h"
#include "learning.h"

#include <math.h>

enum { COLUMNS = 300, TRAINING = 120, VALIDATION = 50 };

/* Two overlapping classes, a third of the rows of the second one.  */
static struct featfile *
make_file (const char *name, size_t rows, uint64_t stream)
{
  struct random random = random_new (11, stream);
  float *values = memory_new (rows * COLUMNS, sizeof *values);
  int32_t *labels = memory_new (rows, sizeof *labels);
  for (size_t i = 0; i < rows; i++)
    {
      labels[i] = (int32_t) (i % 3 == 1);
      for (size_t j = 0; j < COLUMNS; j++)
        values[i * COLUMNS + j] = random_normal (&random) + (j < 10 ? 0.5F * (float) labels[i] : 0);
    }
  char *path = scratch_path (name);
  write_features (path, values, labels, rows, COLUMNS, 16);
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  free (path);
  memory_free (values);
  memory_free (labels);
  return file;
}

static struct checkup_options
curve_options (void)
{
  struct checkup_options options = checkup_defaults ();
  options.curve = true;
  options.train.hidden_count = 1;
  options.train.hidden[0] = 8;
  options.train.epochs = 3;
  options.train.schedule.rate = 0.01;
  return options;
}

static struct checkup
check (const struct collection *collection, const struct checkup_options *options, int threads)
{
  struct workers *workers = workers_new (threads);
  struct checkup checkup;
  ck_assert_msg (checkup_run (&checkup, collection, options, workers) == 0, "%s", error_message ());
  workers_free (workers);
  return checkup;
}

static void
assert_close (double a, double b)
{
  ck_assert_double_eq_tol (a, b, 1e-5 * fabs (b));
}

/* The last point's first draw is what train does, for all the options that the curve takes.  */
START_TEST (test_train)
{
  static const double l2[] = { 0, 0.01 }, dropout[] = { 0, 0.3 };
  struct collection collection = { 0 };
  ck_assert_int_eq (collection_add (&collection, make_file ("training.h5", TRAINING, 0), "training"), 0);
  ck_assert_int_eq (collection_add (&collection, make_file ("validation.h5", VALIDATION, 1), "validation"), 0);
  ck_assert_int_eq (collection_read_labels (&collection), 0);
  struct workers *workers = workers_new (2);
  for (int i = 0; i < 2; i++)
    {
      struct checkup_options options = curve_options ();
      struct train_report report;
      options.train.l2 = l2[i];
      options.train.dropout = dropout[i];
      options.train.engine = ENGINE_SWEEP;
      struct checkup checkup = check (&collection, &options, 2);
      struct model *model = train (&options.train, collection.file[0], collection.file[1], workers, &report);
      ck_assert_msg (model != NULL, "%s", error_message ());
      const struct curve_point *all = &checkup.curve.point[CURVE_POINTS - 1];
      const struct epoch *last = &model->history.epoch[model->history.count - 1];
      ck_assert_uint_eq (all->rows, TRAINING);
      ck_assert_uint_eq (all->epochs, 3);
      assert_close (all->draw[0].loss, last->loss);
      assert_close (all->draw[0].accuracy, last->accuracy);
      assert_close (all->draw[0].val_loss, last->val_loss);
      assert_close (all->draw[0].val_accuracy, last->val_accuracy);
      ck_assert_double_ne (all->draw[1].val_loss, all->draw[0].val_loss);
      ck_assert (!checkup.held_out);
      model_free (model);
      checkup_free (&checkup);
    }
  workers_free (workers);
  collection_free (&collection);
}
END_TEST

/* 80 and 40 rows of the classes: of 10, 20, 40, 70 and 100 % of each, and as many steps as 3 epochs of 4 of them.  */
START_TEST (test_sizes)
{
  static const uint64_t rows[] = { 12, 24, 48, 84, 120 }, epochs[] = { 12, 12, 6, 4, 3 };
  struct collection collection = { 0 };
  ck_assert_int_eq (collection_add (&collection, make_file ("validation.h5", VALIDATION, 1), "validation"), 0);
  ck_assert_int_eq (collection_add (&collection, make_file ("training.h5", TRAINING, 0), "training"), 0);
  ck_assert_int_eq (collection_read_labels (&collection), 0);
  struct checkup_options options = curve_options ();
  struct checkup one = check (&collection, &options, 1), three = check (&collection, &options, 3);
  ck_assert_mem_eq (one.curve.point[0].draw, three.curve.point[0].draw, sizeof one.curve.point[0].draw);
  for (int i = 0; i < CURVE_POINTS; i++)
    {
      const struct curve_point *point = &one.curve.point[i];
      double a = point->draw[0].val_loss, b = point->draw[1].val_loss, c = point->draw[2].val_loss;
      ck_assert_uint_eq (point->rows, rows[i]);
      ck_assert_uint_eq (point->epochs, epochs[i]);
      ck_assert_double_eq_tol (point->val_loss, (a + b + c) / 3, 1e-12);
      double variance = ((a - b) * (a - b) + (a - c) * (a - c) + (b - c) * (b - c)) / 6; /* by all differences */
      ck_assert_double_eq_tol (point->val_loss_deviation, sqrt (variance), 1e-12);
    }
  checkup_free (&one);
  checkup_free (&three);
  collection_free (&collection);
}
END_TEST

/* A fifth of each class is held out where there is no validation file: 16 of 80 and 8 of 40 rows.  */
START_TEST (test_held_out)
{
  struct collection collection = { 0 };
  ck_assert_int_eq (collection_add (&collection, make_file ("training.h5", TRAINING, 0), "training"), 0);
  ck_assert_int_eq (collection_read_labels (&collection), 0);
  struct checkup_options options = curve_options ();
  struct checkup checkup = check (&collection, &options, 2);
  ck_assert (checkup.held_out);
  ck_assert_uint_eq (checkup.curve.point[CURVE_POINTS - 1].rows, 96);
  for (int i = 0; i < CURVE_DRAWS; i++)
    {
      double right = 24 * checkup.curve.point[0].draw[i].val_accuracy;
      ck_assert_double_eq_tol (right, round (right), 1e-9);
    }
  checkup_free (&checkup);

  struct workers *workers = workers_new (1);
  options.train.memory_bytes = memory_bytes () + 200000;
  ck_assert_int_eq (checkup_run (&checkup, &collection, &options, workers), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "--curve needs "));
  checkup_free (&checkup);
  workers_free (workers);
  collection_free (&collection);
}
END_TEST

/* A law is found again in values that follow it; by hand, values that rise or fall too steeply give the nearest
   law.  */
START_TEST (test_powerlaw)
{
  static const double rows[] = { 100, 200, 400, 700, 1000 };
  double loss[5];
  const struct powerlaw law = { 0.2, 3, 0.5 };
  ck_assert_double_eq_tol (powerlaw_at (&law, 400), 0.2 + 3 / 20.0, 1e-15);
  for (int i = 0; i < 5; i++)
    loss[i] = powerlaw_at (&law, rows[i]);
  struct powerlaw found = powerlaw_fit (rows, loss, 5);
  ck_assert_double_eq_tol (found.a, 0.2, 1e-9);
  ck_assert_double_eq_tol (found.b, 3, 1e-8);
  ck_assert_double_eq_tol (found.c, 0.5, 1e-12);
  for (int i = 0; i < 5; i++)
    loss[i] = rows[i];
  found = powerlaw_fit (rows, loss, 5);
  ck_assert_double_eq_tol (found.a, 480, 1e-9); /* their mean */
  ck_assert_double_eq (found.b, 0);
  for (int i = 0; i < 5; i++)
    loss[i] = 5 / rows[i] - 0.001;
  found = powerlaw_fit (rows, loss, 5);
  ck_assert_double_eq (found.a, 0);
  ck_assert_double_gt (found.c, 1);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("curve");
  tcase_add_test (cases, test_train);
  tcase_add_test (cases, test_sizes);
  tcase_add_test (cases, test_held_out);
  tcase_add_test (cases, test_powerlaw);
  return run_cases (cases, "curve");
}

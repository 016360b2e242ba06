#include <config.h>

#include "../src/learn/train.h"

#include "../src/base/progress.h"
#include "matrices.h"
#include "plain_training.h"
#include "seed_shape.h"

/* One training; 0 stands for what most of them have.  */
struct problem {
  const char *name;
  hsize_t rows, others, columns; /* 75, 40, 300; OTHERS are those of validation */
  float density;                 /* 0.2 */
  struct layout layout;
  int32_t classes; /* 3 */
  bool empty;      /* some columns and rows are all zeros */
  size_t hidden_count;
  uint64_t hidden[3]; /* 20, 6 */
  size_t batch;       /* 16 */
  uint64_t epochs;    /* 4 */
  uint64_t patience;
  double rate; /* 0.01 */
  double momentum, l2, dropout;
  bool nesterov, balanced, from;
  const char *schedule; /* constant */
  enum shuffle_kind shuffle;
};

static const struct problem problems[] = {
  { .name = "a ragged last batch" },
  { .name = "whole batches", .rows = 64, .others = 32 },
  { .name = "momentum", .momentum = 0.9 },
  { .name = "Nesterov", .momentum = 0.9, .nesterov = true },
  { .name = "Nesterov without momentum", .nesterov = true },
  { .name = "decay", .momentum = 0.9, .schedule = "time" },
  { .name = "cosine", .momentum = 0.9, .schedule = "cosine" },
  { .name = "cosine after a warm-up", .momentum = 0.9, .schedule = "cosine:2" },
  { .name = "steps", .momentum = 0.9, .schedule = "step:1:0.3" },
  { .name = "L2", .l2 = 0.01 },
  { .name = "L2 and momentum", .l2 = 0.01, .momentum = 0.9 },
  { .name = "L2 and Nesterov", .l2 = 0.02, .momentum = 0.9, .nesterov = true, .schedule = "time" },
  { .name = "class weights", .balanced = true, .momentum = 0.9 },
  { .name = "dropout", .dropout = 0.4, .momentum = 0.9 },
  { .name = "dropout in three layers", .dropout = 0.2, .hidden_count = 3, .hidden = { 65, 17, 5 }, .momentum = 0.9 },
  { .name = "one hidden layer", .hidden_count = 1, .hidden = { 64 }, .momentum = 0.9 },
  { .name = "one unit", .hidden_count = 1, .hidden = { 1 }, .momentum = 0.9, .classes = 2 },
  { .name = "two classes", .classes = 2, .momentum = 0.9, .shuffle = SHUFFLE_FULL },
  { .name = "a thousand classes", .classes = 1000, .rows = 300, .hidden = { 40, 30 }, .momentum = 0.9, .batch = 64 },
  { .name = "one row a step", .batch = 1, .rows = 37, .others = 5, .rate = 0.003, .momentum = 0.9, .l2 = 0.01 },
  { .name = "256 rows a step", .batch = 256, .rows = 600, .others = 300, .momentum = 0.9, .l2 = 0.01 },
  { .name = "512 rows a step", .batch = 512, .rows = 700, .others = 600, .columns = 90, .momentum = 0.9, .l2 = 0.01 },
  { .name = "fewer rows than a batch", .batch = 512, .momentum = 0.9, .l2 = 0.01 },
  { .name = "more rows to validate", .batch = 100, .rows = 30, .others = 260, .momentum = 0.9 },
  { .name = "several groups of steps", .rows = 600, .batch = 32, .momentum = 0.9, .nesterov = true, .l2 = 0.001 },
  { .name = "float16", .layout = { 16, 64, true }, .momentum = 0.9 },
  { .name = "tiles", .layout = { 8, 100, false }, .momentum = 0.9, .columns = 1000, .rate = 0.003 },
  { .name = "whole rows as chunks", .layout = { 1, 1000, false }, .momentum = 0.9, .columns = 1000, .rate = 0.003 },
  { .name = "no zeros", .density = 1, .rate = 0.001, .momentum = 0.9 },
  { .name = "columns and rows of zeros", .empty = true, .momentum = 0.9, .l2 = 0.01 },
  { .name = "nothing but zeros", .density = 1e-9F, .momentum = 0.9, .l2 = 0.01 },
  { .name = "in the file's order", .shuffle = SHUFFLE_NONE, .momentum = 0.9 },
  { .name = "the best weights", .patience = 2, .epochs = 60, .rate = 0.03, .momentum = 0.9 },
  { .name = "the best weights, L2", .patience = 3, .epochs = 60, .rate = 0.03, .momentum = 0.9, .l2 = 0.003 },
  { .name = "from a model", .from = true, .momentum = 0.9, .l2 = 0.01 },
  { .name = "without validation", .others = 1, .momentum = 0.9 },
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* What a problem is trained on.  */
struct data {
  struct featfile *file[2];
  struct plain_data plain[2];
  struct model *from;
};

static struct problem
complete (struct problem problem)
{
  problem.rows = problem.rows ? problem.rows : 75;
  problem.others = problem.others ? problem.others : 40;
  problem.columns = problem.columns ? problem.columns : 300;
  problem.density = problem.density > 0 ? problem.density : 0.2F;
  problem.classes = problem.classes ? problem.classes : 3;
  problem.batch = problem.batch ? problem.batch : 16;
  problem.epochs = problem.epochs ? problem.epochs : 4;
  problem.rate = problem.rate > 0 ? problem.rate : 0.01;
  problem.schedule = problem.schedule ? problem.schedule : "constant";
  if (problem.hidden_count == 0)
    {
      problem.hidden_count = 2;
      if (problem.hidden[0] == 0)
        memcpy (problem.hidden, (uint64_t[]){ 20, 6 }, 2 * sizeof *problem.hidden);
    }
  return problem;
}

static struct train_options
options_of (const struct problem *problem)
{
  struct train_options options = train_defaults ();
  options.hidden_count = problem->hidden_count;
  memcpy (options.hidden, problem->hidden, sizeof problem->hidden);
  options.epochs = problem->epochs;
  options.batch = problem->batch;
  ck_assert_int_eq (schedule_parse (problem->schedule, &options.schedule), 0);
  options.schedule.rate = problem->rate;
  options.schedule.decay = 0.01;
  options.momentum = problem->momentum;
  options.l2 = problem->l2;
  options.dropout = problem->dropout;
  options.nesterov = problem->nesterov;
  options.balanced = problem->balanced;
  options.shuffle = problem->shuffle;
  options.patience = problem->patience;
  return options;
}

/* Labels that the features tell, but for each fifth.  The last class is that of the first row.  */
static int32_t *
make_labels (const float *values, size_t rows, size_t columns, int32_t classes)
{
  int32_t *label = memory_new (rows, sizeof *label);
  for (size_t i = 0; i < rows; i++)
    {
      double sum = 0;
      for (size_t j = 0; j < columns; j++)
        sum += (double) values[i * columns + j] * (j % 3 == 0 ? 1.5 : 0.3);
      label[i] = i % 5 == 4 || columns < 10 ? (int32_t) (i * 7) % classes : (int32_t) (8 * sum) % classes;
    }
  label[0] = classes - 1;
  return label;
}

static void
make_split (struct data *data, const struct problem *problem, int split)
{
  hsize_t rows = split ? problem->others : problem->rows;
  float *values = sparse_values ((uint64_t) split + 1, (size_t) rows, (size_t) problem->columns, problem->density);
  for (hsize_t i = 0; problem->empty && i < rows * problem->columns; i++)
    if (i / problem->columns % 4 == 1 || i % problem->columns % 5 < 2)
      values[i] = 0;
  int32_t *label = make_labels (values, (size_t) rows, (size_t) problem->columns, problem->classes);
  data->file[split] =
    make_matrix (split ? "validation.h5" : "training.h5", values, label, rows, problem->columns, problem->layout);
  data->plain[split] = (struct plain_data){ values, label, rows };
}

static struct model *
initial_model (const struct problem *problem, const struct featfile *file, uint64_t seed)
{
  uint64_t width[PLAIN_LAYERS + 1] = { problem->columns };
  size_t layers = problem->hidden_count + 1;
  memcpy (width + 1, problem->hidden, problem->hidden_count * sizeof *width);
  width[layers] = (uint64_t) problem->classes;
  struct model *model = model_new (width, layers, &featfile_info (file)->classes, &featfile_info (file)->provenance);
  model_initialise (model, seed);
  return model;
}

static void
free_data (struct data *data)
{
  for (int i = 0; i < 2; i++)
    {
      featfile_close (data->file[i]);
      memory_free ((void *) data->plain[i].values);
      memory_free ((void *) data->plain[i].label);
    }
  model_free (data->from);
}

/* Both are within 1e-5 of the larger.  */
static void
check_number (const char *engine, const char *what, size_t epoch, double found, double expected)
{
  ck_assert_msg (fabs (found - expected) <= 1e-5 * fabs (expected) || (isnan (found) && isnan (expected)),
                 "%s, epoch %zu, %s: %.9g, not %.9g", engine, epoch, what, found, expected);
}

static void
check_history (const char *engine, const struct history *history, const struct epoch *expected, size_t count)
{
  ck_assert_msg (history->count == count, "%s: %zu epochs, not %zu", engine, history->count, count);
  for (size_t i = 0; i < count; i++)
    {
      const struct epoch *epoch = &history->epoch[i];
      check_number (engine, "loss", i + 1, epoch->loss, expected[i].loss);
      check_number (engine, "accuracy", i + 1, epoch->accuracy, expected[i].accuracy);
      check_number (engine, "val_loss", i + 1, epoch->val_loss, expected[i].val_loss);
      check_number (engine, "val_accuracy", i + 1, epoch->val_accuracy, expected[i].val_accuracy);
    }
}

/* FOUND (count) is EXPECTED to 1e-5 of the largest.  */
static void
check_weights (const char *engine, const char *what, size_t layer, const float *found,
               const struct plain_part *expected)
{
  double largest = 0, difference = 0;
  for (size_t i = 0; i < expected->rows * expected->units; i++)
    {
      largest = fmax (largest, fabs (expected->value[i]));
      difference = fmax (difference, fabs ((double) found[i] - expected->value[i]));
    }
  ck_assert_msg (difference <= 1e-5 * largest, "%s, %s of layer %zu: %.3g apart, the largest is %.3g", engine, what,
                 layer, difference, largest);
}

static struct model *
run (const struct train_options *options, const struct data *data, int threads)
{
  struct train_report report;
  struct workers *workers = workers_new (threads);
  struct model *model =
    train (options, data->file[0], data->plain[1].rows > 1 ? data->file[1] : NULL, workers, &report);
  ck_assert_msg (model != NULL, "%s", error_message ());
  workers_free (workers);
  return model;
}

/* One engine against what PLAIN, which is through, has.  */
static void
check_engine (enum engine_kind engine, struct train_options options, const struct data *data, const struct plain *plain,
              const struct epoch *history, size_t epochs)
{
  const char *name = engine == ENGINE_GRAM ? "gram" : "sweep";
  options.engine = engine;
  struct model *model = run (&options, data, 2);
  check_history (name, &model->history, history, epochs);
  for (size_t i = 0; i < model->layers; i++)
    {
      check_weights (name, "kernel", i, model->layer[i].kernel, &plain->kernel[i]);
      check_weights (name, "bias", i, model->layer[i].bias, &plain->bias[i]);
    }
  model_free (model);
}

static void
make_data (struct data *data, const struct problem *problem, struct train_options *options)
{
  make_split (data, problem, 0);
  make_split (data, problem, 1);
  if (!problem->from)
    return;
  options->from = data->from = initial_model (problem, data->file[0], 7);
  options->from_name = "other.h5";
  options->hidden_count = 0;
}

/* Against the plain trainer.  */
START_TEST (engines_are_the_plain_trainer)
{
  struct problem problem = complete (problems[_i]);
  struct train_options options = options_of (&problem);
  struct data data = { 0 };
  struct workers *workers = workers_new (1);
  struct epoch *history = memory_new ((size_t) problem.epochs, sizeof *history);
  progress_be_quiet ();
  make_data (&data, &problem, &options);
  struct model *initial = initial_model (&problem, data.file[0], problem.from ? 7 : options.seed);
  struct plain_data none = { 0 };
  struct plain plain = plain_new (&options, initial, data.plain[0], problem.others > 1 ? data.plain[1] : none,
                                  problem.layout.chunk_rows ? problem.layout.chunk_rows : 32, workers);
  size_t epochs = plain_run (&plain, history);
  if (problem.patience)
    ck_assert_uint_lt (epochs, problem.epochs);
  check_engine (ENGINE_SWEEP, options, &data, &plain, history, epochs);
  check_engine (ENGINE_GRAM, options, &data, &plain, history, epochs);
  plain_free (&plain);
  model_free (initial);
  free_data (&data);
  memory_free (history);
  workers_free (workers);
}
END_TEST

static void
check_same (const struct model *a, const struct model *b)
{
  ck_assert_uint_eq (a->history.count, b->history.count);
  for (size_t i = 0; i < a->layers; i++)
    {
      size_t outputs = (size_t) a->layer[i].outputs, kernel = (size_t) a->layer[i].inputs * outputs;
      ck_assert_mem_eq (a->layer[i].kernel, b->layer[i].kernel, kernel * sizeof (float));
      ck_assert_mem_eq (a->layer[i].bias, b->layer[i].bias, outputs * sizeof (float));
    }
  for (size_t i = 0; i < a->history.count; i++)
    {
      ck_assert (a->history.epoch[i].loss == b->history.epoch[i].loss);
      ck_assert (a->history.epoch[i].val_loss == b->history.epoch[i].val_loss);
    }
}

/* The same bits from any number of threads, and, of the gram engine, from any memory that is enough for it.  */
START_TEST (bits_do_not_depend_on_threads_or_memory)
{
  struct problem problem = complete ((struct problem){ .name = "bits",
                                                       .rows = 300,
                                                       .columns = 3000,
                                                       .rate = 0.001,
                                                       .layout = { 8, 500, false },
                                                       .momentum = 0.9,
                                                       .l2 = 0.01,
                                                       .dropout = 0.1,
                                                       .patience = 2 });
  struct train_options options = options_of (&problem);
  struct data data = { 0 };
  struct model *model[6];
  make_data (&data, &problem, &options);
  for (int i = 0; i < 6; i++)
    {
      options.engine = i < 3 ? ENGINE_SWEEP : ENGINE_GRAM;
      options.memory_bytes = i == 5 ? memory_bytes () + 4700000 : 0;
      model[i] = run (&options, &data, i % 3 + 1);
      check_same (model[i / 3 * 3], model[i]);
    }
  for (int i = 0; i < 6; i++)
    model_free (model[i]);
  free_data (&data);
}
END_TEST

/* As wide as ResNet-50's features, with few rows.  */
START_TEST (engines_are_the_plain_trainer_on_wide_rows)
{
  struct seed_shape shape = { .rows = { 80, 32 }, .epochs = 3 };
  double difference[3];
  seed_shape_compare (&shape, 2, difference);
  for (uint64_t i = 0; i < shape.epochs; i++)
    ck_assert_double_le (difference[i], 1e-5);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("engines");
  tcase_add_loop_test (cases, engines_are_the_plain_trainer, 0, PROBLEMS);
  tcase_add_test (cases, bits_do_not_depend_on_threads_or_memory);
  tcase_add_test (cases, engines_are_the_plain_trainer_on_wide_rows);
  return run_cases (cases, "engines");
}

#include <config.h>

#include "../src/learn/train.h"

#include "../src/base/memory.h"
#include "../src/base/progress.h"
#include "../src/base/random.h"
#include "../src/base/stop.h"
#include "../src/learn/evaluate.h"
#include "learning.h"

#include <math.h>
#include <signal.h>
#include <string.h>

static double
number_of (const json_t *object, const char *key)
{
  return json_number_value (json_object_get (object, key));
}

static struct train_options
options_of (const json_t *item)
{
  const json_t *hidden = json_object_get (item, "hidden");
  const char *shuffle = json_string_value (json_object_get (item, "shuffle"));
  struct train_options options = train_defaults ();
  options.hidden_count = json_array_size (hidden);
  for (size_t i = 0; i < options.hidden_count; i++)
    options.hidden[i] = (uint64_t) json_integer_value (json_array_get (hidden, i));
  options.epochs = (uint64_t) number_of (item, "epochs");
  options.batch = (size_t) number_of (item, "batch");
  ck_assert_msg (schedule_parse (json_string_value (json_object_get (item, "schedule")), &options.schedule) == 0, "%s",
                 error_message ());
  options.schedule.rate = number_of (item, "rate");
  options.momentum = number_of (item, "momentum");
  options.schedule.decay = number_of (item, "decay");
  options.l2 = number_of (item, "l2");
  options.dropout = number_of (item, "dropout");
  options.nesterov = json_is_true (json_object_get (item, "nesterov"));
  options.balanced = json_is_true (json_object_get (item, "balanced"));
  options.seed = (uint64_t) number_of (item, "seed");
  options.shuffle = !strcmp (shuffle, "window") ? SHUFFLE_WINDOW
                    : !strcmp (shuffle, "full") ? SHUFFLE_FULL
                                                : SHUFFLE_NONE;
  return options;
}

static struct featfile *
open_reference (const char *name)
{
  struct featfile *file = featfile_open (reference_path (name));
  ck_assert_msg (file != NULL, "%s", error_message ());
  return file;
}

/* The reference file NAME, or a copy of it that is labelled by row number: [factor, offset, classes] in ITEM mean
   (factor row + offset) modulo classes.  */
static struct featfile *
open_features (const json_t *item, const char *name)
{
  int factor, offset, classes;
  struct featfile *file = open_reference (name);
  json_t *labels = json_object_get (item, "labels");
  if (json_is_null (labels))
    return file;
  ck_assert_int_eq (json_unpack (labels, "[i, i, i!]", &factor, &offset, &classes), 0);
  const struct featinfo *info = featfile_info (file);
  char *path = scratch_path (name);
  float *values = memory_new ((size_t) (info->rows * info->columns), sizeof *values);
  int32_t *label = memory_new ((size_t) info->rows, sizeof *label);
  ck_assert_int_eq (featfile_read (file, 0, info->rows, 0, info->columns, values), 0);
  for (uint64_t i = 0; i < info->rows; i++)
    label[i] = (factor * (int32_t) i + offset) % classes;
  write_features (path, values, label, info->rows, info->columns, 8);
  memory_free (values);
  memory_free (label);
  featfile_close (file);
  file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  free (path);
  return file;
}

static struct model *
run (const struct train_options *options, struct featfile *training, struct featfile *validation, int threads)
{
  struct train_report report;
  struct workers *workers = workers_new (threads);
  struct model *model = train (options, training, validation, workers, &report);
  workers_free (workers);
  if (model)
    ck_assert_double_ge (report.wall_seconds, report.epochs_seconds);
  return model;
}

static void
check_history (const struct model *model, const json_t *item)
{
  const json_t *history = json_object_get (item, "history");
  ck_assert_uint_eq (model->history.count, json_array_size (history));
  for (size_t i = 0; i < model->history.count; i++)
    {
      const struct epoch *epoch = &model->history.epoch[i];
      const double found[] = { epoch->loss, epoch->accuracy, epoch->val_loss, epoch->val_accuracy };
      ck_assert_uint_eq (epoch->number, i + 1);
      for (size_t j = 0; j < 4; j++)
        {
          double expected = json_number_value (json_array_get (json_array_get (history, i), j));
          ck_assert_msg (fabs (found[j] - expected) <= 1e-5 * expected, "%s, epoch %zu, value %zu: %.9g, not %.9g",
                         json_string_value (json_object_get (item, "name")), i + 1, j, found[j], expected);
        }
    }
}

/* Every so-many-th of all weights, kernel and bias layer after layer.  */
static void
check_weights (const struct model *model, const json_t *item)
{
  const json_t *weights = json_object_get (item, "weights");
  size_t step = (size_t) number_of (item, "weight_step"), index = 0, checked = 0;
  for (size_t i = 0; i < model->layers; i++)
    {
      const struct model_layer *layer = &model->layer[i];
      size_t kernel = (size_t) (layer->inputs * layer->outputs), all = kernel + (size_t) layer->outputs;
      for (size_t j = 0; j < all; j++, index++)
        if (index % step == 0)
          {
            double found = (double) (j < kernel ? layer->kernel[j] : layer->bias[j - kernel]);
            ck_assert_double_eq_tol (found, json_number_value (json_array_get (weights, checked++)), 1e-6);
          }
    }
  ck_assert_uint_eq (checked, json_array_size (weights));
}

/* One case by one engine.  Evaluating afterwards gives its last validation loss once more.  */
static void
check_case (const json_t *item, enum engine_kind engine)
{
  struct evaluation evaluation;
  struct train_options options = options_of (item);
  options.engine = engine;
  struct featfile *training = open_features (item, "training_features.h5");
  struct featfile *validation = open_features (item, "training_validation.h5");
  struct workers *workers = workers_new (2);
  struct model *model = run (&options, training, validation, 2);
  ck_assert_msg (model != NULL, "%s", error_message ());
  check_history (model, item);
  check_weights (model, item);
  ck_assert_int_eq (evaluate (model, "model.h5", validation, workers, &evaluation), 0);
  if (options.l2 == 0)
    ck_assert_double_eq_tol (evaluation.loss, model->history.epoch[model->history.count - 1].val_loss, 1e-6);
  evaluation_free (&evaluation);
  model_free (model);
  featfile_close (training);
  featfile_close (validation);
  workers_free (workers);
}

/* Losses, accuracies and final weights of the independent NumPy implementation in tests/reference/make_training.py,
   which tests/peers/keras_training.py compares with Keras.  The engine is 1 + _i.  */
START_TEST (training_is_the_reference)
{
  json_t *root = reference_json ("training.json"), *cases = json_object_get (root, "cases"), *item;
  size_t index;
  ck_assert_uint_gt (json_array_size (cases), 0);
  progress_be_quiet ();
  json_array_foreach (cases, index, item) check_case (item, ENGINE_SWEEP + _i);
  json_decref (root);
}
END_TEST

enum { ROWS = 75, COLUMNS = 900 };

/* ROWS rows of COLUMNS features in chunks of CHUNK_ROWS rows, with labels 0 and 1 that they tell, but for each
   WRONG-th row, whose label is the other one; 0 for none.  */
static struct featfile *
make_labelled (const char *name, hsize_t chunk_rows, float scale, int wrong)
{
  static float values[ROWS * COLUMNS];
  int32_t label[ROWS];
  struct random generator = random_new (11, 0);
  for (int i = 0; i < ROWS; i++)
    {
      label[i] = (int32_t) random_below (&generator, 2);
      for (int j = 0; j < COLUMNS; j++)
        values[i * COLUMNS + j] =
          random_uniform (&generator) < 0.2f + 0.1f * (float) label[i] ? scale * random_uniform (&generator) : 0;
      label[i] ^= wrong && i % wrong == 0;
    }
  char *path = scratch_path (name);
  write_features (path, values, label, ROWS, COLUMNS, chunk_rows);
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  free (path);
  return file;
}

static struct featfile *
make_features (const char *name, hsize_t chunk_rows, float scale)
{
  return make_labelled (name, chunk_rows, scale, 0);
}

static struct train_options
small_options (void)
{
  struct train_options options = train_defaults ();
  options.engine = ENGINE_SWEEP;
  options.hidden[0] = 20;
  options.hidden[1] = 6;
  options.epochs = 2;
  options.batch = 16;
  options.schedule.rate = 0.01;
  return options;
}

static void
check_same_model (const struct model *a, const struct model *b)
{
  ck_assert_uint_eq (a->layers, b->layers);
  ck_assert_uint_eq (a->history.count, b->history.count);
  for (size_t i = 0; i < a->layers; i++)
    {
      size_t count = (size_t) (a->layer[i].inputs * a->layer[i].outputs);
      ck_assert_mem_eq (a->layer[i].kernel, b->layer[i].kernel, count * sizeof (float));
      ck_assert_mem_eq (a->layer[i].bias, b->layer[i].bias, (size_t) a->layer[i].outputs * sizeof (float));
    }
  for (size_t i = 0; i < a->history.count; i++)
    ck_assert_double_eq (a->history.epoch[i].loss, b->history.epoch[i].loss);
}

START_TEST (bits_do_not_depend_on_threads)
{
  struct train_options options = small_options ();
  options.engine = ENGINE_SWEEP + _i;
  struct featfile *file = make_features ("a.h5", 10, 1);
  struct model *model[3];
  for (int i = 0; i < 3; i++)
    {
      model[i] = run (&options, file, file, i + 1);
      check_same_model (model[0], model[i]);
    }
  ck_assert_double_lt (model[0]->history.epoch[1].loss, model[0]->history.epoch[0].loss);
  for (int i = 0; i < 3; i++)
    model_free (model[i]);
  options.seed = 43;
  struct model *a = run (&options, file, NULL, 1);
  ck_assert (isnan (a->history.epoch[0].val_loss));
  options.seed = 42;
  struct model *b = run (&options, file, NULL, 1);
  ck_assert_double_ne (a->history.epoch[0].loss, b->history.epoch[0].loss);
  model_free (a);
  model_free (b);
  featfile_close (file);
}
END_TEST

/* The same order gives the same bits, whether the rows lie in chunks or not, and whether they fit in memory or not.  */
START_TEST (bits_do_not_depend_on_reading)
{
  struct train_options options = small_options ();
  options.shuffle = SHUFFLE_FULL;
  progress_be_quiet ();
  struct featfile *chunked = make_features ("a.h5", 10, 1), *whole = make_features ("b.h5", 0, 1);
  struct model *a = run (&options, chunked, NULL, 1), *b = run (&options, whole, NULL, 1);
  check_same_model (a, b);
  /* kernel and velocity, shares of 15 slabs, the rows of two batches and of a window: all 75 would not fit */
  options.memory_bytes = memory_bytes () + 4 * (2 * COLUMNS * 20 + 15 * 16 * 20 + COLUMNS * (16 + 32 + 10));
  struct model *c = run (&options, chunked, NULL, 1);
  ck_assert_msg (c != NULL, "%s", error_message ());
  check_same_model (a, c);
  model_free (a);
  model_free (b);
  model_free (c);
  featfile_close (chunked);
  featfile_close (whole);
}
END_TEST

static void
fails_with (const struct train_options *options, struct featfile *training, struct featfile *validation, int status,
            const char *text)
{
  error_clear ();
  ck_assert_ptr_null (run (options, training, validation, 1));
  ck_assert_msg (strstr (error_message (), text) != NULL, "'%s' is not in '%s'", text, error_message ());
  ck_assert_int_eq (error_status (), status);
}

/* Trains on FILE in the room that OPTIONS leave.  Returns the most that was held meanwhile.  */
static uint64_t
peak_of (const struct train_options *options, struct featfile *file, struct model **model)
{
  memory_reset_peak ();
  uint64_t before = memory_bytes ();
  *model = run (options, file, file, 2);
  ck_assert_msg (*model != NULL, "%s", error_message ());
  return memory_peak_bytes () - before;
}

/* Windows of 20 rows, for training and for validation: each is read ahead where another one fits, and that is all
   that room changes.  Room is kept to.  */
START_TEST (room_decides_what_is_read_ahead)
{
  enum { WINDOW = 4 * 20 * COLUMNS, NUMBERS = 8 * 20 };
  enum { OTHER = 1 << 15 }; /* the head and what threads work with: it grows with neither rows nor columns */
  struct train_options options = small_options ();
  struct featfile *file = make_features ("a.h5", 10, 1);
  struct model *model[4];
  uint64_t peak[4];
  options.shuffle = SHUFFLE_NONE;
  /* kernel and velocity, shares of 15 slabs, pre-activations and their gradient; for training and for validation two
     batches, a window, and for each row a label and a place in the order */
  uint64_t least =
    4 * (2 * COLUMNS * 20 + 15 * 16 * 20 + 2 * 16 * 20) + 2 * (4 * COLUMNS * 2 * 16 + WINDOW + ROWS * (4 + 8));
  for (uint64_t i = 0; i < 4; i++)
    {
      options.memory_bytes = i < 3 ? memory_bytes () + least + i * WINDOW : 0;
      peak[i] = peak_of (&options, file, &model[i]);
      check_same_model (model[0], model[i]);
    }
  ck_assert_uint_eq (peak[1] - peak[0], WINDOW + NUMBERS);
  ck_assert_uint_eq (peak[2] - peak[1], WINDOW + NUMBERS);
  ck_assert_uint_eq (peak[3], peak[2]);
  ck_assert_uint_le (peak[0], least + OTHER);
  for (int i = 0; i < 4; i++)
    model_free (model[i]);
  options.memory_bytes = memory_bytes () + least - 1;
  fails_with (&options, file, file, ERROR_FAILED, "training needs ");
  featfile_close (file);
}
END_TEST

/* A batch larger than the file is all of its rows: one step an epoch.  */
START_TEST (a_batch_may_be_larger_than_the_file)
{
  struct train_options options = small_options ();
  struct featfile *file = make_features ("a.h5", 10, 1);
  options.shuffle = SHUFFLE_NONE;
  options.batch = ROWS;
  struct model *a = run (&options, file, NULL, 1);
  options.batch = 100000;
  struct model *b = run (&options, file, NULL, 1);
  check_same_model (a, b);
  model_free (a);
  model_free (b);
  featfile_close (file);
}
END_TEST

START_TEST (training_goes_on_from_a_model)
{
  struct train_options options = small_options ();
  struct featfile *file = make_features ("a.h5", 10, 1);
  options.momentum = options.schedule.decay = 0;
  options.shuffle = SHUFFLE_NONE;
  options.epochs = 1;
  struct model *first = run (&options, file, NULL, 1);
  options.from = first;
  options.from_name = "first.h5";
  options.hidden_count = 0; /* as the model has them */
  struct model *second = run (&options, file, NULL, 1);
  options.from = NULL;
  options.hidden_count = 2;
  options.epochs = 2;
  struct model *both = run (&options, file, NULL, 1);
  ck_assert_double_eq_tol (second->history.epoch[0].loss, both->history.epoch[1].loss,
                           1e-6); /* the head passed through float */
  options.from = first;
  options.hidden[1] = 7;
  ck_assert_ptr_null (run (&options, file, NULL, 1));
  ck_assert_str_eq (error_message (),
                    "'first.h5' has other hidden layers than --hidden asks for; leave --hidden out to "
                    "go on with its own");
  model_free (first);
  model_free (second);
  model_free (both);
  featfile_close (file);
}
END_TEST

/* On rows of which a third has wrong labels the loss soon rises; the model is then that of its smallest.  At this rate
   it wavers before, so that patience is tried and renewed.  */
START_TEST (patience_keeps_the_best_weights)
{
  struct train_options options = small_options ();
  struct evaluation evaluation;
  struct featfile *training = make_features ("a.h5", 10, 1), *validation = make_labelled ("b.h5", 10, 1, 3);
  struct workers *workers = workers_new (1);
  options.epochs = 50;
  options.schedule.rate = 0.05;
  options.patience = 2;
  struct model *model = run (&options, training, validation, 1);
  ck_assert_msg (model != NULL, "%s", error_message ());
  size_t best = 0;
  for (size_t i = 1; i < model->history.count; i++)
    if (model->history.epoch[i].val_loss < model->history.epoch[best].val_loss)
      best = i;
  ck_assert_uint_lt (model->history.count, 50);
  ck_assert_uint_eq (model->history.count, best + 1 + 2);
  ck_assert_int_eq (evaluate (model, "model.h5", validation, workers, &evaluation), 0);
  ck_assert_double_eq_tol (evaluation.loss, model->history.epoch[best].val_loss, 1e-6);
  evaluation_free (&evaluation);
  model_free (model);
  featfile_close (training);
  featfile_close (validation);
  workers_free (workers);
}
END_TEST

START_TEST (a_loss_that_is_no_number_stops_training)
{
  struct train_options options = small_options ();
  struct featfile *file = make_features ("a.h5", 10, 1e30f);
  options.schedule.rate = 1e20;
  fails_with (&options, file, NULL, ERROR_FAILED, "the loss is no longer a number in epoch 1 at step ");
  ck_assert_ptr_nonnull (strstr (error_message (), "try --lr 1e+19"));
  featfile_close (file);
}
END_TEST

START_TEST (memory_too_small_is_refused)
{
  struct train_options options = small_options ();
  struct featfile *file = make_features ("a.h5", 10, 1);
  options.hidden[0] = 10000;
  options.memory_bytes = memory_bytes () + 4000000;
  fails_with (&options, file, NULL, ERROR_FAILED, "ask for a first layer of ");
  unsigned fitting;
  ck_assert_int_eq (sscanf (strstr (error_message (), "layer of "), "layer of %u units", &fitting), 1);
  options.epochs = 1;
  options.hidden[0] = fitting;
  memory_reset_peak ();
  struct model *model = run (&options, file, NULL, 1);
  ck_assert_msg (model != NULL, "%s", error_message ());
  ck_assert_uint_lt (memory_peak_bytes (), 2 * options.memory_bytes);
  model_free (model);
  options.hidden[0] = fitting + 1;
  fails_with (&options, file, NULL, ERROR_FAILED, "ask for a first layer of ");
  options.memory_bytes = 1000;
  fails_with (&options, file, NULL, ERROR_FAILED, "ask for smaller batches (--batch)");
  featfile_close (file);
}
END_TEST

START_TEST (unfit_features_are_refused)
{
  static const float values[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  static const int32_t zeros[4], classes[4] = { 0, 1, 2, 0 }, two[4] = { 0, 1, 1, 0 };
  struct train_options options = small_options ();
  char *a = scratch_path ("a.h5"), *b = scratch_path ("b.h5"), *c = scratch_path ("c.h5"), *d = scratch_path ("d.h5");
  write_features (a, values, zeros, 4, 2, 0);
  write_features (b, values, two, 4, 2, 0);
  write_features (c, values, two, 4, 1, 0);
  write_features (d, values, classes, 4, 2, 0);
  struct featfile *one_class = featfile_open (a), *good = featfile_open (b), *narrow = featfile_open (c);
  struct featfile *three = featfile_open (d);
  fails_with (&options, one_class, NULL, ERROR_FAILED, "has 1 class, and it takes two to tell them apart");
  fails_with (&options, good, narrow, ERROR_FAILED, "a row has 2 features in '");
  fails_with (&options, good, three, ERROR_FAILED, "the classes are '0, 1' in '");
  struct model *model = run (&options, three, good, 1); /* fewer classes mean the same */
  ck_assert_msg (model != NULL, "%s", error_message ());
  model_free (model);
  featfile_close (one_class);
  featfile_close (good);
  featfile_close (narrow);
  featfile_close (three);
  free (a);
  free (b);
  free (c);
  free (d);
}
END_TEST

START_TEST (bad_options_are_refused)
{
  struct featfile *file = make_features ("a.h5", 10, 1);
  struct train_options options;
#define REFUSED(FIELD, VALUE, TEXT)                                                                                    \
  options = small_options ();                                                                                          \
  options.FIELD = VALUE;                                                                                               \
  fails_with (&options, file, NULL, ERROR_USAGE, TEXT)
  REFUSED (epochs, 0, "--epochs");
  REFUSED (batch, 0, "--batch");
  REFUSED (schedule.rate, 0, "--lr");
  REFUSED (schedule.rate, (double) NAN, "--lr");
  REFUSED (momentum, 1, "--momentum");
  REFUSED (schedule.decay, -1, "--decay");
  REFUSED (l2, -1, "--l2");
  REFUSED (dropout, 1, "--dropout");
  REFUSED (dropout, (double) NAN, "--dropout");
  REFUSED (hidden[1], 0, "--hidden");
  REFUSED (hidden_count, 17, "--hidden");
  REFUSED (patience, 1, "--early-stop needs validation features");
#undef REFUSED
  options = small_options ();
  options.hidden[0] = UINT64_MAX / 2;
  error_clear ();
  ck_assert_ptr_null (run (&options, file, NULL, 1));
  ck_assert_ptr_nonnull (strstr (error_message (), "overflows"));
  featfile_close (file);
}
END_TEST

START_TEST (a_signal_stops_training)
{
  struct train_options options = small_options ();
  struct featfile *file = make_features ("a.h5", 10, 1);
  stop_watch (0);
  raise (SIGUSR1);
  fails_with (&options, file, NULL, ERROR_STOPPED, "was stopped in epoch 1; run the same command again");
  featfile_close (file);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("train");
  tcase_add_loop_test (cases, training_is_the_reference, 0, 2);
  tcase_add_loop_test (cases, bits_do_not_depend_on_threads, 0, 2);
  tcase_add_test (cases, bits_do_not_depend_on_reading);
  tcase_add_test (cases, room_decides_what_is_read_ahead);
  tcase_add_test (cases, a_batch_may_be_larger_than_the_file);
  tcase_add_test (cases, training_goes_on_from_a_model);
  tcase_add_test (cases, patience_keeps_the_best_weights);
  tcase_add_test (cases, a_loss_that_is_no_number_stops_training);
  tcase_add_test (cases, memory_too_small_is_refused);
  tcase_add_test (cases, unfit_features_are_refused);
  tcase_add_test (cases, bad_options_are_refused);
  tcase_add_test (cases, a_signal_stops_training);
  return run_cases (cases, "train");
}

#include <config.h>

#include "../src/learn/checkpoint.h"

#include "../src/base/progress.h"
#include "../src/base/stop.h"
#include "../src/learn/train.h"
#include "matrices.h"

#include <math.h>

/* Instead of src/base/stop.c: the test's own thread is asked to stop when it looks for the LEFTth time.  */
static _Thread_local long left = -1, looks;

void
stop_watch (double seconds)
{
  (void) seconds;
}

bool
stop_requested (void)
{
  looks++;
  return left > 0 && --left == 0;
}

void
stop_together (void)
{
}

bool
stop_pending (void)
{
  return false;
}

void
stop_agree (void)
{
}

enum { COLUMNS = 200, FLIPS = 500 };

static const struct problem {
  size_t rows, others, batch;
  int32_t classes;
  uint64_t epochs, patience;
  double l2, dropout;
  bool nesterov, balanced;
  const char *schedule;
} problems[] = {
  { 75, 40, 16, 2, 3, 0, 0, 0, false, false, "time" },
  { 75, 40, 16, 3, 6, 2, 0.01, 0.3, true, true, "cosine:1" },
  { 650, 100, 100, 2, 2, 1, 0.01, 0.3, false, false, "step:1:0.5" }, /* several groups of the gram engine an epoch */
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

struct data {
  struct train_options options;
  struct featfile *file[2];
  char *checkpoint;
};

static struct featfile *
make_split (const char *name, const struct problem *problem, size_t rows, uint64_t seed)
{
  float *values = sparse_values (seed, rows, COLUMNS, 0.3F);
  int32_t *label = memory_new (rows, sizeof *label);
  for (size_t i = 0; i < rows; i++)
    label[i] = (int32_t) i % problem->classes;
  struct featfile *file = make_matrix (name, values, label, rows, COLUMNS, (struct layout){ 16, 50, false });
  memory_free (values);
  memory_free (label);
  return file;
}

static struct data
make_data (const struct problem *problem, enum engine_kind engine)
{
  struct data data = { .options = train_defaults (), .checkpoint = scratch_path ("model.h5.checkpoint") };
  struct train_options *options = &data.options;
  progress_be_quiet ();
  options->hidden[0] = 20;
  options->hidden[1] = 6;
  options->epochs = problem->epochs;
  options->batch = problem->batch;
  options->patience = problem->patience;
  options->l2 = problem->l2;
  options->dropout = problem->dropout;
  options->nesterov = problem->nesterov;
  options->balanced = problem->balanced;
  ck_assert_int_eq (schedule_parse (problem->schedule, &options->schedule), 0);
  options->schedule.rate = 0.01;
  options->engine = engine;
  data.file[0] = make_split ("training.h5", problem, problem->rows, 1);
  data.file[1] = make_split ("validation.h5", problem, problem->others, 2);
  return data;
}

static void
free_data (struct data *data)
{
  featfile_close (data->file[0]);
  featfile_close (data->file[1]);
  free (data->checkpoint);
}

/* Trains with the checkpoint until the LOOK-th time that it asks whether to stop; to its end where LOOK is -1.  */
static struct model *
run (const struct data *data, int threads, long look, struct train_report *report)
{
  struct train_options options = data->options;
  struct workers *workers = workers_new (threads);
  options.checkpoint = data->checkpoint;
  left = look;
  looks = 0;
  struct model *model = train (&options, data->file[0], data->file[1], workers, report);
  workers_free (workers);
  return model;
}

static struct model *
finish (const struct data *data, int threads, struct train_report *report)
{
  struct model *model = run (data, threads, -1, report);
  ck_assert_msg (model != NULL, "%s", error_message ());
  return model;
}

static bool
same_number (double a, double b)
{
  return memcmp (&a, &b, sizeof a) == 0 || (isnan (a) && isnan (b));
}

/* All but the seconds.  */
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
      const struct epoch *x = &a->history.epoch[i], *y = &b->history.epoch[i];
      ck_assert_uint_eq (x->number, y->number);
      ck_assert (same_number (x->loss, y->loss) && same_number (x->accuracy, y->accuracy));
      ck_assert (same_number (x->val_loss, y->val_loss) && same_number (x->val_accuracy, y->val_accuracy));
      ck_assert (same_number (x->auc, y->auc) && same_number (x->val_auc, y->val_auc));
    }
}

static void
begin_anew (const struct data *data)
{
  remove (data->checkpoint);
}

/* Stopped whenever it looks, and gone on with another number of threads; and stopped again and again.  */
START_TEST (a_stopped_training_goes_on_to_the_same_bits)
{
  struct data data = make_data (&problems[_i / 2], _i % 2 ? ENGINE_GRAM : ENGINE_SWEEP);
  struct train_report report;
  struct model *whole = finish (&data, 1, &report);
  long all = looks;
  ck_assert_int_ge (all, (long) whole->history.count * 3);
  for (long look = 1; look <= all; look++)
    {
      begin_anew (&data);
      ck_assert_ptr_null (run (&data, (int) look % 2 + 1, look, &report));
      ck_assert_int_eq (error_status (), ERROR_STOPPED);
      bool kept = file_exists (data.checkpoint);
      ck_assert_ptr_nonnull (strstr (error_message (), look == all && _i % 2
                                                         ? "was stopped; run" /* while W is put together */
                                                       : kept ? "was stopped in epoch "
                                                              : "was stopped before its first epoch"));
      ck_assert (look < all || kept);
      struct model *model = finish (&data, (int) look % 3 + 1, &report);
      ck_assert_int_eq (report.resumed_epoch > 0, kept);
      check_same (whole, model);
      model_free (model);
    }
  begin_anew (&data);
  struct model *model = NULL;
  for (int stops = 0; !model; stops++)
    {
      ck_assert_int_le (stops, (int) all);
      model = run (&data, stops % 3 + 1, 3 + stops % 4, &report);
    }
  check_same (whole, model);
  model_free (model);
  model_free (whole);
  free_data (&data);
}
END_TEST

/* Where the last epoch was saved and the model was not written, nothing is trained again.  A run saves after its first
   epoch at least, so each one begins later.  */
START_TEST (a_training_that_is_over_goes_on_to_its_model)
{
  struct data data = make_data (&problems[0], _i ? ENGINE_GRAM : ENGINE_SWEEP);
  struct train_report report;
  struct model *whole = finish (&data, 1, &report);
  for (uint64_t before = 0; before <= data.options.epochs; before = report.resumed_epoch)
    {
      struct model *model = finish (&data, 2, &report);
      ck_assert_uint_gt (report.resumed_epoch, before);
      check_same (whole, model);
      model_free (model);
    }
  ck_assert_uint_eq (report.resumed_epoch, data.options.epochs + 1);
  model_free (whole);
  free_data (&data);
}
END_TEST

/* A checkpoint of the middle of the second epoch.  */
static void
stop_halfway (const struct data *data)
{
  struct train_report report;
  begin_anew (data);
  ck_assert_ptr_null (run (data, 1, 12, &report));
  ck_assert_int_eq (error_status (), ERROR_STOPPED);
  ck_assert (file_exists (data->checkpoint));
}

static void
check_refusal (const struct data *data, const char *text)
{
  ck_assert_int_eq (error_status (), ERROR_FAILED);
  ck_assert_msg (strstr (error_message (), text) != NULL, "'%s' does not say '%s'", error_message (), text);
  ck_assert_msg (strstr (error_message (), data->checkpoint) != NULL, "'%s' does not name the file", error_message ());
  ck_assert_msg (strstr (error_message (), "; remove it, or give --force, to begin anew") != NULL,
                 "'%s' does not say what to do", error_message ());
}

static void
refuses (const struct data *data, const char *text)
{
  struct train_report report;
  error_clear ();
  ck_assert_ptr_null (run (data, 1, -1, &report));
  check_refusal (data, text);
}

/* --force begins anew, whatever lies there.  */
static void
begins_anew_by_force (struct data *data)
{
  struct train_report report;
  data->options.anew = true;
  struct model *forced = finish (data, 1, &report);
  ck_assert_uint_eq (report.resumed_epoch, 0);
  begin_anew (data);
  data->options.anew = false;
  struct model *whole = finish (data, 1, &report);
  check_same (whole, forced);
  model_free (whole);
  model_free (forced);
}

START_TEST (another_recipe_is_refused)
{
  struct data data = make_data (&problems[1], ENGINE_GRAM);
#define REFUSED(FIELD, VALUE, TEXT)                                                                                    \
  do                                                                                                                   \
    {                                                                                                                  \
      struct data other = data;                                                                                        \
      other.options.FIELD = VALUE;                                                                                     \
      refuses (&other, "' was trained with " TEXT " is asked for; ");                                                  \
    }                                                                                                                  \
  while (0)
  stop_halfway (&data);
  REFUSED (schedule.rate, 0.02, "lr 0.01, and 0.02");
  REFUSED (schedule.warmup, 2, "schedule \"cosine:1\", and \"cosine:2\"");
  REFUSED (momentum, 0.5, "momentum 0.9, and 0.5");
  REFUSED (l2, 0, "l2 0.01, and 0.0");
  REFUSED (dropout, 0.5, "dropout 0.3, and 0.5");
  REFUSED (nesterov, false, "nesterov true, and false");
  REFUSED (balanced, false, "class-weight \"balanced\", and none");
  REFUSED (batch, 8, "batch 16, and 8");
  REFUSED (epochs, 9, "epochs 6, and 9");
  REFUSED (patience, 4, "early-stop 2, and 4");
  REFUSED (seed, 7, "seed 42, and 7");
  REFUSED (shuffle, SHUFFLE_FULL, "shuffle \"window\", and \"full\"");
  REFUSED (hidden[1], 7, "hidden [20,6], and [20,7]");
  REFUSED (hidden_count, 1, "hidden [20,6], and [20]");
#undef REFUSED
  begins_anew_by_force (&data);
  free_data (&data);
}
END_TEST

START_TEST (other_features_are_refused)
{
  struct data data = make_data (&problems[1], ENGINE_SWEEP), other = data;
  struct problem longer = problems[1];
  stop_halfway (&data);
  longer.rows++;
  other.file[0] = make_split ("longer.h5", &longer, longer.rows, 1);
  refuses (&other, "' was trained with training \"/features, /labels, ");
  refuses (&other, " 75 rows\", and \"/features, /labels, ");
  featfile_close (other.file[0]);
  other.file[0] = data.file[0];
  other.file[1] = make_split ("longer.h5", &longer, longer.rows, 1);
  refuses (&other, "' was trained with validation \"/features, /labels, ");
  featfile_close (other.file[1]);
  free_data (&data);
}
END_TEST

/* The engine is that of the checkpoint.  */
START_TEST (the_engine_stays)
{
  struct data data = make_data (&problems[0], _i ? ENGINE_GRAM : ENGINE_SWEEP);
  struct train_report report;
  stop_halfway (&data);
  data.options.engine = _i ? ENGINE_SWEEP : ENGINE_GRAM;
  struct model *model = finish (&data, 1, &report);
  ck_assert_str_eq (report.engine, _i ? "gram" : "sweep");
  ck_assert_uint_eq (report.resumed_epoch, 2);
  model_free (model);
  free_data (&data);
}
END_TEST

static void
change_version (const char *path)
{
  int version = CHECKPOINT_VERSION + 1;
  hid_t file = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t attribute = H5Aopen (file, "checkpoint_format_version", H5P_DEFAULT);
  ck_assert_int_ge (H5Awrite (attribute, H5T_NATIVE_INT, &version), 0);
  H5Aclose (attribute);
  ck_assert_int_ge (H5Fclose (file), 0);
}

/* Puts a dataset of LENGTH numbers in the place of NAME; none where LENGTH is 0.  */
static void
replace_dataset (const char *path, const char *name, hsize_t length)
{
  hid_t file = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert_int_ge (H5Ldelete (file, name, H5P_DEFAULT), 0);
  if (length)
    {
      hid_t space = H5Screate_simple (1, &length, NULL);
      H5Dclose (H5Dcreate2 (file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      H5Sclose (space);
    }
  ck_assert_int_ge (H5Fclose (file), 0);
}

START_TEST (another_form_is_refused)
{
  struct data data = make_data (&problems[0], ENGINE_GRAM);
  stop_halfway (&data);
  change_version (data.checkpoint);
  refuses (&data, "is no checkpoint that this slabfit reads");
  stop_halfway (&data);
  replace_dataset (data.checkpoint, "/engine/recurrence", 3);
  refuses (&data, "/recurrence in '");
  stop_halfway (&data);
  replace_dataset (data.checkpoint, "/head/head_parameters", 0);
  refuses (&data, "is cut short or damaged");
  write_text (data.checkpoint, "no checkpoint");
  refuses (&data, "is cut short or damaged");
  begins_anew_by_force (&data);
  free_data (&data);
}
END_TEST

/* Cut anywhere, or with a bit that is flipped: refused, or, where nobody reads that byte, without harm.  */
START_TEST (damage_is_refused)
{
  struct data data = make_data (&problems[0], _i ? ENGINE_GRAM : ENGINE_SWEEP);
  size_t length;
  stop_halfway (&data);
  char *bytes = file_read (data.checkpoint, 1 << 24, &length);
  for (size_t i = 0; i < 40; i++)
    {
      ck_assert_int_eq (file_write (data.checkpoint, bytes, i * (length - 1) / 39), 0);
      refuses (&data, "is cut short or damaged");
    }
  struct train_report report;
  begin_anew (&data);
  struct model *whole = finish (&data, 1, &report), *model;
  int refused = 0;
  for (size_t i = 0; i < FLIPS; i++)
    {
      char *byte = bytes + (i < 48 ? i : i * (length - 1) / (FLIPS - 1));
      *byte ^= (char) (1 << i % 8);
      ck_assert_int_eq (file_write (data.checkpoint, bytes, length), 0);
      error_clear ();
      if ((model = run (&data, 1, -1, &report)))
        check_same (whole, model); /* the byte was not in use */
      else
        check_refusal (&data, "is cut short or damaged");
      refused += !model;
      model_free (model);
      *byte ^= (char) (1 << i % 8);
    }
  ck_assert_int_gt (refused, FLIPS / 2);
  model_free (whole);
  free (bytes);
  begins_anew_by_force (&data);
  free_data (&data);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("checkpoint");
  tcase_add_loop_test (cases, a_stopped_training_goes_on_to_the_same_bits, 0, 2 * PROBLEMS);
  tcase_add_loop_test (cases, a_training_that_is_over_goes_on_to_its_model, 0, 2);
  tcase_add_test (cases, another_recipe_is_refused);
  tcase_add_test (cases, other_features_are_refused);
  tcase_add_loop_test (cases, the_engine_stays, 0, 2);
  tcase_add_test (cases, another_form_is_refused);
  tcase_add_loop_test (cases, damage_is_refused, 0, 2);
  return run_cases (cases, "checkpoint");
}

#include <config.h>

#include "../src/learn/gramcache.h"

#include "../src/base/progress.h"
#include "../src/learn/train.h"
#include "matrices.h"

#include <sys/stat.h>

enum { ROWS = 75, OTHERS = 40, COLUMNS = 200, FLIPS = 100 };

struct data {
  struct train_options options;
  struct featfile *file[2];
  char *cache;
};

/* The file NAME; each SEED has other values, and the file has the same size.  */
static struct featfile *
make_split (const char *name, size_t rows, uint64_t seed)
{
  float *values = sparse_values (seed, rows, COLUMNS, 0.3F);
  int32_t *label = memory_new (rows, sizeof *label);
  for (size_t i = 0; i < rows; i++)
    label[i] = (int32_t) i % 2;
  struct featfile *file = make_matrix (name, values, label, rows, COLUMNS, (struct layout){ 0, 0, false });
  memory_free (values);
  memory_free (label);
  return file;
}

static struct data
make_data (void)
{
  struct data data = { .options = train_defaults (), .cache = scratch_path ("gram.h5") };
  progress_be_quiet ();
  data.options.hidden[0] = 20;
  data.options.epochs = 2;
  data.options.schedule.rate = 0.01;
  data.options.engine = ENGINE_GRAM;
  data.file[0] = make_split ("training.h5", ROWS, 1);
  data.file[1] = make_split ("validation.h5", OTHERS, 2);
  return data;
}

static void
free_data (struct data *data)
{
  featfile_close (data->file[0]);
  featfile_close (data->file[1]);
  free (data->cache);
}

static struct model *
run (const struct data *data, bool with_cache)
{
  struct train_options options = data->options;
  struct train_report report;
  struct workers *workers = workers_new (2);
  options.cache = with_cache ? data->cache : NULL;
  struct model *model = train (&options, data->file[0], data->file[1], workers, &report);
  workers_free (workers);
  return model;
}

static struct model *
finish (const struct data *data, bool with_cache)
{
  struct model *model = run (data, with_cache);
  ck_assert_msg (model != NULL, "%s", error_message ());
  return model;
}

static bool
same (const struct model *a, const struct model *b)
{
  size_t count = (size_t) (a->layer[0].inputs * a->layer[0].outputs);
  return memcmp (a->layer[0].kernel, b->layer[0].kernel, count * sizeof (float)) == 0
         && a->history.epoch[1].loss == b->history.epoch[1].loss
         && a->history.epoch[1].val_loss == b->history.epoch[1].val_loss;
}

/* Trains with the cache and without; whether both give the same bits.  */
static bool
agrees (const struct data *data)
{
  struct model *with = finish (data, true), *without = finish (data, false);
  bool result = same (with, without);
  model_free (with);
  model_free (without);
  return result;
}

static ino_t
number_of (const char *path)
{
  struct stat status;
  ck_assert_int_eq (stat (path, &status), 0);
  return status.st_ino;
}

/* K of the file, (ROWS + OTHERS, ROWS).  */
static void
move_products (const char *path, bool write, float *products)
{
  hid_t file = H5Fopen (path, write ? H5F_ACC_RDWR : H5F_ACC_RDONLY, H5P_DEFAULT);
  hid_t dataset = H5Dopen2 (file, "products", H5P_DEFAULT);
  hid_t space = H5Dget_space (dataset);
  ck_assert_int_eq (H5Sget_simple_extent_npoints (space), (ROWS + OTHERS) * ROWS);
  H5Sclose (space);
  ck_assert_int_ge (write ? H5Dwrite (dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, products)
                          : H5Dread (dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, products),
                    0);
  H5Dclose (dataset);
  ck_assert_int_ge (H5Fclose (file), 0);
}

/* The file holds what plain loops over the features give.  */
START_TEST (the_file_holds_the_products)
{
  static float products[ROWS + OTHERS][ROWS];
  struct data data = make_data ();
  model_free (finish (&data, true));
  move_products (data.cache, false, products[0]);
  float *training = sparse_values (1, ROWS, COLUMNS, 0.3F), *validation = sparse_values (2, OTHERS, COLUMNS, 0.3F);
  for (size_t i = 0; i < ROWS + OTHERS; i++)
    for (size_t j = 0; j < ROWS; j++)
      {
        double sum = 0;
        const float *row = i < ROWS ? training + i * COLUMNS : validation + (i - ROWS) * COLUMNS;
        for (size_t k = 0; k < COLUMNS; k++)
          sum += (double) row[k] * (double) training[j * COLUMNS + k];
        ck_assert_double_eq_tol ((double) products[i][j], sum, 1e-6 * sum);
      }
  memory_free (training);
  memory_free (validation);
  free_data (&data);
}
END_TEST

/* The same bits with the file, made or read, as without.  A value of it that is changed changes the result: it is
   read, and neither is it written again.  */
START_TEST (the_next_training_reads_it)
{
  static float products[ROWS + OTHERS][ROWS];
  struct data data = make_data ();
  ck_assert (agrees (&data));
  ino_t first = number_of (data.cache);
  ck_assert (agrees (&data));
  data.options.epochs = 3; /* whatever else is asked for */
  data.options.hidden[0] = 9;
  ck_assert (agrees (&data));
  move_products (data.cache, false, products[0]);
  products[3][4] += 1;
  move_products (data.cache, true, products[0]);
  ck_assert (!agrees (&data));
  ck_assert_uint_eq (number_of (data.cache), first);
  free_data (&data);
}
END_TEST

/* Features of other bytes under the same names, of training or of validation: it is made anew.  */
START_TEST (other_features_make_it_anew)
{
  struct data data = make_data ();
  ck_assert (agrees (&data));
  ino_t first = number_of (data.cache);
  featfile_close (data.file[_i]);
  data.file[_i] = make_split (_i ? "validation.h5" : "training.h5", _i ? OTHERS : ROWS, 3);
  ck_assert (agrees (&data));
  ino_t second = number_of (data.cache);
  ck_assert_uint_ne (second, first);
  ck_assert (agrees (&data));
  ck_assert_uint_eq (number_of (data.cache), second);
  ck_assert_int_eq (count_entries (scratch), 3);
  free_data (&data);
}
END_TEST

static void
refuses (const struct data *data, const char *text)
{
  ck_assert_ptr_null (run (data, true));
  ck_assert_int_eq (error_status (), ERROR_FAILED);
  ck_assert_msg (strstr (error_message (), text) != NULL, "'%s' does not say '%s'", error_message (), text);
  ck_assert_msg (strstr (error_message (), data->cache) != NULL, "'%s' does not name the file", error_message ());
}

/* Nothing of somebody else's is replaced.  */
START_TEST (a_foreign_file_is_refused)
{
  struct data data = make_data ();
  write_text (data.cache, "something else");
  refuses (&data, "is cut short or damaged; remove it, or leave --cache out");
  assert_contents (data.cache, "something else");
  featfile_close (make_split ("gram.h5", 5, 1));
  ino_t first = number_of (data.cache);
  refuses (&data, "' does not hold inner products that this slabfit reads; remove it, or leave --cache out");
  ck_assert_uint_eq (number_of (data.cache), first);
  free_data (&data);
}
END_TEST

START_TEST (damage_is_refused)
{
  struct data data = make_data ();
  size_t length;
  model_free (finish (&data, true));
  char *bytes = file_read (data.cache, 1 << 24, &length);
  for (size_t i = 0; i < 20; i++)
    {
      ck_assert_int_eq (file_write (data.cache, bytes, i * (length - 1) / 19), 0);
      refuses (&data, "is cut short or damaged; remove it, or leave --cache out");
    }
  struct model *whole = finish (&data, false), *model;
  int refused = 0;
  for (int i = 0; i < FLIPS; i++)
    {
      char *byte = bytes + (size_t) i * (length - 1) / (FLIPS - 1);
      *byte ^= 1;
      ck_assert_int_eq (file_write (data.cache, bytes, length), 0);
      if ((model = run (&data, true)))
        ck_assert (same (model, whole)); /* the byte was not in use */
      else
        ck_assert_ptr_nonnull (strstr (error_message (), "is cut short or damaged; remove it, or leave --cache out"));
      refused += !model;
      model_free (model);
      *byte ^= 1;
    }
  ck_assert_int_gt (refused, FLIPS / 2);
  model_free (whole);
  free (bytes);
  free_data (&data);
}
END_TEST

/* A folder that nobody can make files in, for the superuser, too.  */
START_TEST (a_folder_that_takes_no_files_is_refused)
{
  struct data data = make_data ();
  free (data.cache);
  data.cache = text_new ("/proc/gram.h5");
  refuses (&data, "cannot create '/proc/gram.h5': ");
  free_data (&data);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("gramcache");
  tcase_add_test (cases, the_file_holds_the_products);
  tcase_add_test (cases, the_next_training_reads_it);
  tcase_add_loop_test (cases, other_features_make_it_anew, 0, 2);
  tcase_add_test (cases, a_foreign_file_is_refused);
  tcase_add_test (cases, damage_is_refused);
  tcase_add_test (cases, a_folder_that_takes_no_files_is_refused);
  return run_cases (cases, "gramcache");
}

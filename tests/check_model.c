#include <config.h>

#include "../src/learn/modelfile.h"

#include "../src/base/file.h"
#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "../src/learn/predictor.h"
#include "learning.h"

#include <math.h>
#include <string.h>

static struct model *
make_model (void)
{
  static const uint64_t width[] = { 10, 7, 4, 3 };
  struct names classes = { 0 };
  struct provenance provenance = {
    .rank = 1, .shape = { 10 }, .layer = "output", .pool = "avg", .preprocess = "keras", .precision = "f32"
  };
  struct random generator = random_new (1, 1);
  memset (provenance.backbone_sha256, 'a', 64);
  names_add (&classes, "crème");
  names_add (&classes, "b");
  names_add (&classes, "c c");
  struct model *model = model_new (width, 3, &classes, &provenance);
  ck_assert_ptr_nonnull (model);
  names_free (&classes);
  model_initialise (model, 42);
  for (size_t i = 0; i < model->layers; i++)
    for (uint64_t j = 0; j < model->layer[i].outputs; j++)
      model->layer[i].bias[j] = random_normal (&generator);
  model->history.count = 2;
  model->history.epoch = calloc (2, sizeof *model->history.epoch);
  model->history.epoch[0] = (struct epoch){ 1, 0.7, 0.5, NAN, NAN, NAN, NAN, 1.5 };
  model->history.epoch[1] = (struct epoch){ 2, 0.6, 0.75, 0.65, 0.625, 0.8, 0.7, 1.25 };
  model->training = strdup ("{\"epochs\":2}");
  model->command = strdup ("slabfit train F -o model.h5");
  return model;
}

/* make_model written as NAME; the path is to be freed.  */
static char *
make_file (const char *name)
{
  char *path = scratch_path (name);
  struct model *model = make_model ();
  ck_assert_msg (modelfile_write (model, path) == 0, "%s", error_message ());
  model_free (model);
  return path;
}

/* The first and last draw of layer 0 and the first of layer 1 for seed 42, by tests/reference/make_training.py:
     >>> glorot (42, 0, 1000, 256).ravel ()[[0, -1]], glorot (42, 1, 256, 16)[0, 0]
   and the bounds sqrt (6 / (inputs + outputs)) by hand.  */
START_TEST (initial_weights_are_glorots)
{
  static const uint64_t width[] = { 1000, 256, 16, 2 };
  struct names classes = { 0 };
  struct provenance provenance = { 0 };
  struct model *model = model_new (width, 3, &classes, &provenance);
  model_initialise (model, 42);
  for (size_t i = 0; i < 2; i++)
    {
      const struct model_layer *layer = &model->layer[i];
      size_t count = (size_t) (layer->inputs * layer->outputs);
      double limit = sqrt (6.0 / (double) (layer->inputs + layer->outputs)), sum = 0, squares = 0;
      for (size_t j = 0; j < count; j++)
        {
          double weight = (double) layer->kernel[j];
          ck_assert_double_le (fabs (weight), limit * (1 + 1e-7));
          sum += weight;
          squares += weight * weight;
        }
      /* a uniform variable's mean is 0 and its variance limit^2 / 3; four standard errors */
      ck_assert_double_le (fabs (sum / (double) count), 4 * limit / sqrt (3 * (double) count));
      ck_assert_double_eq_tol (squares / (double) count, limit * limit / 3,
                               4 * limit * limit * sqrt (4.0 / 45 / (double) count));
    }
  ck_assert_float_eq (model->layer[0].kernel[0], -0.00553182419f);
  ck_assert_float_eq (model->layer[0].kernel[255999], -0.0539386421f);
  ck_assert_float_eq (model->layer[1].kernel[0], 0.0845552012f);
  model_free (model);
}
END_TEST

START_TEST (a_model_comes_back)
{
  char *path = make_file ("model.h5");
  struct model *wrote = make_model (), *read = modelfile_read (path);
  ck_assert_msg (read != NULL, "%s", error_message ());
  ck_assert_uint_eq (read->layers, 3);
  for (size_t i = 0; i < 3; i++)
    {
      const struct model_layer *a = &wrote->layer[i], *b = &read->layer[i];
      ck_assert_uint_eq (a->inputs, b->inputs);
      ck_assert_uint_eq (a->outputs, b->outputs);
      ck_assert_mem_eq (a->kernel, b->kernel, (size_t) (a->inputs * a->outputs) * sizeof (float));
      ck_assert_mem_eq (a->bias, b->bias, (size_t) a->outputs * sizeof (float));
    }
  ck_assert (names_equal (&wrote->classes, &read->classes));
  ck_assert_int_eq (provenance_compare (&wrote->provenance, "a", &read->provenance, "b", ""), 0);
  ck_assert_str_eq (read->provenance.preprocess, "keras");
  ck_assert_uint_eq (read->history.count, 2);
  ck_assert (isnan (read->history.epoch[0].val_loss));
  ck_assert_double_eq (read->history.epoch[1].val_accuracy, 0.625);
  ck_assert_uint_eq (read->history.epoch[1].number, 2);
  ck_assert_str_eq (read->training, wrote->training);
  ck_assert_str_eq (read->command, wrote->command);
  ck_assert_str_eq (read->version, PACKAGE_VERSION);
  model_free (wrote);
  model_free (read);
  free (path);
}
END_TEST

static char *
read_attribute (hid_t file, const char *name)
{
  char *text = calloc (1, 4096);
  hid_t attribute = H5Aopen (file, name, H5P_DEFAULT), type = H5Aget_type (attribute);
  ck_assert_uint_lt (H5Tget_size (type), 4096);
  ck_assert_int_ge (H5Aread (attribute, type, text), 0);
  H5Tclose (type);
  H5Aclose (attribute);
  return text;
}

/* The names and keys are Keras's; tests/peers/keras_model.py opens such a file in Keras itself.  */
START_TEST (keras_finds_what_it_wants)
{
  char *path = make_file ("model.h5");
  hid_t file = H5Fopen (path, H5F_ACC_RDONLY, H5P_DEFAULT);
  char *text = read_attribute (file, "model_config");
  json_t *config = json_loads (text, 0, NULL), *layers;
  const char *class_name, *input, *name, *activation;
  int columns, units;
  ck_assert_int_eq (json_unpack (config, "{s:s, s:{s:o}}", "class_name", &class_name, "config", "layers", &layers), 0);
  ck_assert_str_eq (class_name, "Sequential");
  ck_assert_uint_eq (json_array_size (layers), 4);
  ck_assert_int_eq (json_unpack (json_array_get (layers, 0), "{s:s, s:{s:[n, i]}}", "class_name", &input, "config",
                                 "batch_input_shape", &columns),
                    0);
  ck_assert_str_eq (input, "InputLayer");
  ck_assert_int_eq (columns, 10);
  ck_assert_int_eq (json_unpack (json_array_get (layers, 3), "{s:{s:s, s:i, s:s}}", "config", "name", &name, "units",
                                 &units, "activation", &activation),
                    0);
  ck_assert_str_eq (name, "dense_2");
  ck_assert_int_eq (units, 3);
  ck_assert_str_eq (activation, "softmax");
  ck_assert_int_gt (H5Lexists (file, "model_weights/dense_1/dense_1/kernel:0", H5P_DEFAULT), 0);
  hid_t group = H5Gopen2 (file, "model_weights", H5P_DEFAULT);
  char *layer_names = read_attribute (group, "layer_names");
  ck_assert_str_eq (layer_names, "dense"); /* padded to the length of dense_1 */
  free (layer_names);
  free (text);
  json_decref (config);
  H5Gclose (group);
  H5Fclose (file);
  free (path);
}
END_TEST

static void
refuses (const char *path, const char *text)
{
  error_clear ();
  ck_assert_ptr_null (modelfile_read (path));
  ck_assert_msg (strstr (error_message (), text) != NULL, "'%s' is not in '%s'", text, error_message ());
  ck_assert_msg (strstr (error_message (), path) != NULL, "no file name in '%s'", error_message ());
}

static void
set_version (const char *path, int version)
{
  hid_t file = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t attribute = H5Aopen (file, "model_format_version", H5P_DEFAULT);
  ck_assert_int_ge (H5Awrite (attribute, H5T_NATIVE_INT, &version), 0);
  H5Aclose (attribute);
  H5Fclose (file);
}

static void
delete_link (const char *path, const char *name)
{
  hid_t file = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert_int_ge (H5Ldelete (file, name, H5P_DEFAULT), 0);
  H5Fclose (file);
}

static void
put_nan (const char *path)
{
  static float kernel[10 * 7];
  kernel[69] = NAN;
  hid_t file = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t dataset = H5Dopen2 (file, "model_weights/dense/dense/kernel:0", H5P_DEFAULT);
  ck_assert_int_ge (H5Dwrite (dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, kernel), 0);
  H5Dclose (dataset);
  H5Fclose (file);
}

START_TEST (other_files_are_refused)
{
  static const float values[4] = { 1, 2, 3, 4 };
  static const int32_t label[2] = { 0, 1 };
  char *missing = scratch_path ("none.h5"), *text = scratch_path ("text.h5"), *features = scratch_path ("features.h5");
  ck_assert_int_eq (file_write (text, "hello", 5), 0);
  write_features (features, values, label, 2, 2, 0);
  refuses (missing, "No such file");
  refuses (text, "is not an HDF5 file");
  refuses (features, "is not a model that slabfit wrote");
  free (missing);
  free (text);
  free (features);
}
END_TEST

START_TEST (damaged_models_are_refused)
{
  char *later = make_file ("later.h5"), *weightless = make_file ("weightless.h5"), *nan = make_file ("nan.h5");
  char *empty = make_file ("empty.h5"), *cut = make_file ("cut.h5");
  set_version (later, 2);
  refuses (later, "is a model of format version 2, later than 1, which this slabfit reads; install a newer slabfit");
  delete_link (weightless, "model_weights/dense_1/dense_1/bias:0");
  refuses (weightless, "cut short or damaged");
  delete_link (empty, "model_weights");
  refuses (empty, "cut short or damaged");
  put_nan (nan);
  refuses (nan, "value 69 of /model_weights/dense/dense/kernel:0");
  ck_assert_int_eq (truncate (cut, 3000), 0);
  refuses (cut, "cut");
  free (later);
  free (weightless);
  free (nan);
  free (empty);
  free (cut);
}
END_TEST

/* A kernel that does not fit the layer below.  */
START_TEST (shapes_must_fit)
{
  char *path = make_file ("model.h5");
  hsize_t size[2] = { 6, 4 };
  delete_link (path, "model_weights/dense_1/dense_1/kernel:0");
  hid_t file = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate_simple (2, size, NULL);
  hid_t dataset = H5Dcreate2 (file, "model_weights/dense_1/dense_1/kernel:0", H5T_IEEE_F32LE, space, H5P_DEFAULT,
                              H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose (dataset);
  H5Sclose (space);
  H5Fclose (file);
  refuses (path, "is (6, 4), which does not fit its neighbours");
  free (path);
}
END_TEST

START_TEST (a_model_is_written_whole_or_not_at_all)
{
  struct model *model = make_model ();
  char *path = scratch_path ("none/model.h5");
  ck_assert_int_eq (modelfile_write (model, path), -1);
  ck_assert_msg (strstr (error_message (), "none/model.h5': No such file or directory; check the path") != NULL, "%s",
                 error_message ());
  ck_assert (!file_exists (path));
  model_free (model);
  free (path);
}
END_TEST

/* Probabilities of two rows by plain loops, for any number of threads and size of batch.  */
START_TEST (predictions_are_their_definition)
{
  struct model *model = make_model ();
  struct random generator = random_new (5, 5);
  float values[20], pair[6], one[3];
  for (int i = 0; i < 20; i++)
    values[i] = random_uniform (&generator) < 0.5f ? random_normal (&generator) : 0;
  struct workers *two_threads = workers_new (2), *one_thread = workers_new (1);
  struct predictor *two = predictor_new (model, 2, two_threads), *single = predictor_new (model, 1, one_thread);
  struct batch batch = { .rows = 2, .values = values };
  ck_assert_int_eq (predictor_run (two, &batch, pair), 0);
  for (int row = 0; row < 2; row++)
    {
      double in[10], out[10], sum = 0;
      for (int i = 0; i < 10; i++)
        in[i] = (double) values[row * 10 + i];
      for (size_t i = 0; i < 3; i++, memcpy (in, out, sizeof in))
        for (size_t k = 0; k < model->layer[i].outputs; k++)
          {
            out[k] = (double) model->layer[i].bias[k];
            for (size_t j = 0; j < model->layer[i].inputs; j++)
              out[k] += in[j] * (double) model->layer[i].kernel[j * model->layer[i].outputs + k];
            out[k] = i < 2 ? fmax (out[k], 0) : exp (out[k]);
          }
      sum = in[0] + in[1] + in[2];
      batch = (struct batch){ .rows = 1, .values = values + row * 10 };
      ck_assert_int_eq (predictor_run (single, &batch, one), 0);
      for (int k = 0; k < 3; k++)
        {
          ck_assert_double_eq_tol ((double) pair[row * 3 + k], in[k] / sum, 1e-6);
          ck_assert_float_eq (pair[row * 3 + k], one[k]);
        }
    }
  ck_assert_int_eq (predictor_class ((float[]){ 0.25f, 0.5f, 0.5f }, 3), 1);
  predictor_free (two);
  predictor_free (single);
  workers_free (two_threads);
  workers_free (one_thread);
  model_free (model);
}
END_TEST

START_TEST (features_made_otherwise_are_refused)
{
  static const float values[20];
  static const int32_t label[2] = { 0, 1 };
  struct model *model = make_model ();
  char *path = scratch_path ("features.h5");
  write_features (path, values, label, 2, 10, 0);
  hid_t file = H5Fopen (path, H5F_ACC_RDWR, H5P_DEFAULT);
  struct provenance other = model->provenance;
  strcpy (other.preprocess, "torchvision");
  ck_assert_int_eq (provenance_write (&other, file, path), 0);
  H5Fclose (file);
  struct featfile *features = featfile_open (path);
  ck_assert_msg (features != NULL, "%s", error_message ());
  ck_assert_int_eq (model_check_features (model, "model.h5", features), -1);
  char *expected = text_new ("preprocess is 'keras' in 'model.h5' and 'torchvision' in '%s'; use features that were "
                             "extracted in the same way",
                             path);
  ck_assert_str_eq (error_message (), expected);
  free (expected);
  featfile_close (features);
  model_free (model);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("model");
  tcase_add_test (cases, initial_weights_are_glorots);
  tcase_add_test (cases, a_model_comes_back);
  tcase_add_test (cases, keras_finds_what_it_wants);
  tcase_add_test (cases, other_files_are_refused);
  tcase_add_test (cases, damaged_models_are_refused);
  tcase_add_test (cases, shapes_must_fit);
  tcase_add_test (cases, a_model_is_written_whole_or_not_at_all);
  tcase_add_test (cases, predictions_are_their_definition);
  tcase_add_test (cases, features_made_otherwise_are_refused);
  return run_cases (cases, "model");
}

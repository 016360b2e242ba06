#include <config.h>

#include "modelfile.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/hdf.h"
#include "keras.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keras keeps the names of layers in attributes, one string each, and of each layer's weights.  */
enum { NAME_BYTES = KERAS_NAME_BYTES + 16 };

static int
write_weights (hid_t group, const struct model_layer *layer, const char *path)
{
  hsize_t size[2] = { layer->inputs, layer->outputs };
  if (hdf_write_dataset (group, "kernel:0", H5T_IEEE_F32LE, 2, size, layer->kernel, path)
      || hdf_write_dataset (group, "bias:0", H5T_IEEE_F32LE, 1, size + 1, layer->bias, path))
    return -1;
  return 0;
}

/* LAYER/LAYER/{kernel:0, bias:0} in PARENT, and the attribute weight_names of the outer one.  */
static int
write_layer (hid_t parent, const struct model_layer *layer, size_t index, const char *path)
{
  char name[KERAS_NAME_BYTES], weight[NAME_BYTES];
  struct names names = { 0 };
  int result = -1;
  hid_t outer = -1, inner = -1;
  keras_layer_name (index, name);
  outer = H5Gcreate2 (parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (outer >= 0)
    inner = H5Gcreate2 (outer, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (inner < 0)
    {
      hdf_write_failed ("write the model to", path);
      goto done;
    }
  snprintf (weight, sizeof weight, "%s/kernel:0", name);
  if (names_add (&names, weight))
    goto done;
  snprintf (weight, sizeof weight, "%s/bias:0", name);
  if (names_add (&names, weight) || hdf_write_names (outer, "weight_names", &names, path))
    goto done;
  result = write_weights (inner, layer, path);
done:
  names_free (&names);
  if (inner >= 0)
    H5Gclose (inner);
  if (outer >= 0)
    H5Gclose (outer);
  return result;
}

static int
write_layers (hid_t file, const struct model *model, const char *path)
{
  struct names names = { 0 };
  int result = -1;
  hid_t group = H5Gcreate2 (file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (group < 0)
    return hdf_write_failed ("write the model to", path);
  for (size_t i = 0; i < model->layers; i++)
    {
      char name[KERAS_NAME_BYTES];
      keras_layer_name (i, name);
      if (names_add (&names, name) || write_layer (group, &model->layer[i], i, path))
        goto done;
    }
  result = hdf_write_names (group, "layer_names", &names, path);
done:
  names_free (&names);
  H5Gclose (group);
  return result;
}

static int
write_keras_attributes (hid_t file, const struct model *model, const char *path)
{
  char *model_config = keras_model_config (model), *training_config = keras_training_config ();
  int result = -1;
  if (model_config && training_config && !hdf_write_text (file, "model_config", model_config, path)
      && !hdf_write_text (file, "training_config", training_config, path)
      && !hdf_write_text (file, "keras_version", "2.15.0", path) /* whose form this is */
      && !hdf_write_text (file, "backend", "tensorflow", path))
    result = 0;
  free (model_config);
  free (training_config);
  return result;
}

static int
write_all (hid_t file, const void *context, const char *path)
{
  const struct model *model = context;
  if (write_keras_attributes (file, model, path)
      || hdf_write_integer (file, "model_format_version", H5T_STD_I32LE, MODELFILE_VERSION, path)
      || hdf_write_names (file, "classes", &model->classes, path)
      || hdf_write_text (file, "training", model->training ? model->training : "", path)
      || hdf_write_text (file, "version", model->version, path)
      || hdf_write_text (file, "command", model->command ? model->command : "", path)
      || provenance_write (&model->provenance, file, path) || history_write (&model->history, file, path)
      || write_layers (file, model, path))
    return -1;
  return 0;
}

int
modelfile_write (const struct model *model, const char *path)
{
  return hdf_write_whole (path, write_all, model);
}

static void
name_weights (size_t layer, const char *weights, char name[2 * NAME_BYTES])
{
  char keras[KERAS_NAME_BYTES];
  keras_layer_name (layer, keras);
  snprintf (name, 2 * NAME_BYTES, "model_weights/%s/%s/%s", keras, keras, weights);
}

/* WIDTH (layers + 1): the features, and each layer's units; checked to fit together.  */
static int
read_widths (hid_t file, size_t layers, uint64_t *width, const char *path)
{
  for (size_t i = 0; i < layers; i++)
    {
      char name[2 * NAME_BYTES];
      hsize_t kernel[2], bias;
      name_weights (i, "bias:0", name);
      if (hdf_read_shape (file, name, 1, &bias, path))
        return -1;
      name_weights (i, "kernel:0", name);
      if (hdf_read_shape (file, name, 2, kernel, path))
        return -1;
      if (kernel[0] == 0 || kernel[1] == 0 || kernel[1] != bias || (i > 0 && kernel[0] != width[i]))
        return error_set ("/%s in '%s' is (%" PRIu64 ", %" PRIu64 "), which does not fit its neighbours; the "
                          "model is damaged: train it again",
                          name, path, (uint64_t) kernel[0], (uint64_t) kernel[1]);
      width[i] = kernel[0];
      width[i + 1] = kernel[1];
    }
  return 0;
}

static int
read_floats (hid_t file, size_t layer, const char *weights, float *values, uint64_t count, const char *path)
{
  char name[2 * NAME_BYTES];
  name_weights (layer, weights, name);
  if (hdf_read_dataset (file, name, H5T_NATIVE_FLOAT, values, path))
    return -1;
  for (uint64_t i = 0; i < count; i++)
    if (!isfinite (values[i]))
      return error_set ("value %" PRIu64 " of /%s in '%s' is not a finite number; the model is damaged: train it again",
                        i, name, path);
  return 0;
}

static int
read_weights (hid_t file, struct model *model, const char *path)
{
  for (size_t i = 0; i < model->layers; i++)
    {
      struct model_layer *layer = &model->layer[i];
      if (read_floats (file, i, "kernel:0", layer->kernel, layer->inputs * layer->outputs, path)
          || read_floats (file, i, "bias:0", layer->bias, layer->outputs, path))
        return -1;
    }
  return 0;
}

static int
check_version (hid_t file, const char *path)
{
  int64_t version;
  if (hdf_read_integer (file, "model_format_version", &version, path))
    return -1;
  if (version < 1)
    return error_set ("'%s' is not a model that slabfit wrote; give the file that slabfit train made", path);
  if (version > MODELFILE_VERSION)
    return error_set ("'%s' is a model of format version %" PRId64 ", later than %d, which this slabfit reads; install "
                      "a newer slabfit",
                      path, version, MODELFILE_VERSION);
  return 0;
}

static int
count_layers (hid_t file, size_t *layers, const char *path)
{
  struct names names = { 0 };
  hid_t group = H5Gopen2 (file, "model_weights", H5P_DEFAULT);
  if (group < 0)
    return hdf_read_failed ("read the model in", path);
  int result = hdf_read_names (group, "layer_names", &names, path);
  *layers = names.count;
  if (result == 0 && names.count < 2)
    result = error_set ("/model_weights in '%s' has %zu layers, fewer than 2; the model is damaged: train it again",
                        path, names.count);
  names_free (&names);
  H5Gclose (group);
  return result;
}

/* Everything but the weights, which decide the shapes.  */
static int
read_attributes (hid_t file, struct model *model, const char *path)
{
  if (hdf_read_text_new (file, "training", &model->training, path)
      || hdf_read_text_new (file, "command", &model->command, path)
      || hdf_read_text (file, "version", model->version, sizeof model->version, path))
    return -1;
  return history_read (&model->history, file, path);
}

static struct model *
read_model (hid_t file, const uint64_t *width, size_t layers, const char *path)
{
  struct names classes = { 0 };
  struct provenance provenance;
  struct model *model = NULL;
  if (hdf_read_names (file, "classes", &classes, path) || provenance_read (&provenance, file, path))
    goto done;
  if (classes.count != width[layers])
    {
      error_set ("'%s' names %zu classes but its last layer has %" PRIu64 " outputs; the model is damaged: train it "
                 "again",
                 path, classes.count, width[layers]);
      goto done;
    }
  model = model_new (width, layers, &classes, &provenance);
  if (model && (read_attributes (file, model, path) || read_weights (file, model, path)))
    {
      model_free (model);
      model = NULL;
    }
done:
  names_free (&classes);
  return model;
}

static hid_t
open_file (const char *path)
{
  hid_t access = hdf_file_access (false), file = H5Fopen (path, H5F_ACC_RDONLY, access);
  if (file < 0)
    {
      if (file_exists (path) && hdf_failed_as_foreign ())
        error_set ("'%s' is not an HDF5 file; give the file that slabfit train made", path);
      else
        hdf_read_failed ("open", path);
    }
  if (access >= 0)
    H5Pclose (access);
  return file;
}

bool
modelfile_is_model (const char *path)
{
  hid_t file = H5Fopen (path, H5F_ACC_RDONLY, H5P_DEFAULT);
  bool is_model = file >= 0 && H5Lexists (file, "model_weights", H5P_DEFAULT) > 0;
  if (file >= 0)
    H5Fclose (file);
  return is_model;
}

struct model *
modelfile_read (const char *path)
{
  struct model *model = NULL;
  uint64_t *width = NULL;
  size_t layers = 0;
  hid_t file = open_file (path);
  if (file < 0)
    return NULL;
  if (check_version (file, path) || count_layers (file, &layers, path))
    goto done;
  width = calloc (layers + 1, sizeof *width);
  if (!width)
    error_set ("no memory for the %zu layers of '%s'; give the job more memory", layers, path);
  else if (read_widths (file, layers, width, path) == 0)
    model = read_model (file, width, layers, path);
done:
  free (width);
  H5Fclose (file);
  return model;
}

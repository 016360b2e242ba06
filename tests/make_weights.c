/* make_weights FILE KIND [JSON]: weights of a whole ResNet-50, by the formula of tests/reference/make_backbones.py.

     torchvision    safetensors with torchvision's names, the classifier's too
     keras          Keras's HDF5 without the classifier, as save_weights wrote it before Keras 3
     keras-old      the same with the names before keras-applications 1.0.8

   The text of the file JSON becomes the description of the model, as Keras writes it beside the weights.  */
#include <config.h>

#include "../src/base/random.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 6, CLASSES = 1000, LAYER_BYTES = 64, TEXT_BYTES = 128, ARRAYS_LIMIT = 400 };
enum part { KERNEL, BIAS, GAMMA, BETA, MEAN, VARIANCE };

/* A convolution and its normalisation.  The stem is stage 1; number 0 is a shortcut's.  */
struct unit {
  int index, stage, block, number, inputs, outputs, size;
};

struct array {
  char layer[LAYER_BYTES], name[TEXT_BYTES];
  int rank;
  hsize_t size[4];
  float *value;
};

static struct array array[ARRAYS_LIMIT];
static size_t arrays;
static bool keras, old_names;

static size_t
array_values (const struct array *this)
{
  size_t count = 1;
  for (int i = 0; i < this->rank; i++)
    count *= this->size[i];
  return count;
}

/* Uniform in [-1, 1), times 2^-SHIFT.  */
static float
draw (struct random *random, int shift)
{
  return ((float) (random_bits (random) >> 40) - 0x1p23f) * 0x1p-23f / (float) (1 << shift);
}

static void
fill_kernel (float *value, int stream, int outputs, int inputs, int area, int shift)
{
  struct random random = random_new (SEED, (uint64_t) stream);
  for (int rest = inputs * area; rest > 1; rest /= 4)
    shift++;
  for (int output = 0; output < outputs; output++)
    for (int input = 0; input < inputs; input++)
      for (int i = 0; i < area; i++, value++)
        {
          float drawn = draw (&random, shift);
          *value = input % 2 ? -value[-area] : drawn;
        }
}

static void
fill_vector (float *value, const struct unit *unit, enum part part)
{
  struct random random = random_new (SEED, (uint64_t) (8 * unit->index) + part);
  for (int i = 0; i < unit->outputs; i++)
    {
      float drawn = draw (&random, 0);
      if (part == GAMMA)
        value[i] = (drawn + (drawn < 0 ? -1.0f : 1.0f)) * (unit->number == 3 ? 0.0625f : 0.5f);
      else if (part == VARIANCE)
        value[i] = (drawn + 1) * 0x1p-18f;
      else
        value[i] = drawn * (part == BETA ? 0.125f : 0x1p-11f);
    }
}

/* VALUE (outputs, inputs, area) as Keras has it, (area, inputs, outputs), in place.  */
static void
transpose (float *value, size_t outputs, size_t inputs, size_t area)
{
  size_t bytes = outputs * inputs * area * sizeof *value;
  float *copy = malloc (bytes);
  if (!copy)
    abort ();
  memcpy (copy, value, bytes);
  for (size_t output = 0; output < outputs; output++)
    for (size_t input = 0; input < inputs; input++)
      for (size_t i = 0; i < area; i++)
        value[(i * inputs + input) * outputs + output] = copy[(output * inputs + input) * area + i];
  free (copy);
}

/* "conv2_block1_1_conv", "res2a_branch2a" or "layer1.0.conv1", and the like for the normalisation.  */
static void
write_layer (char layer[LAYER_BYTES], const struct unit *unit, bool normalisation)
{
  int stage = unit->stage, block = unit->block, number = unit->number;
  const char *kind = normalisation ? "bn" : "conv";
  if (keras && old_names && stage == 1)
    strcpy (layer, normalisation ? "bn_conv1" : "conv1");
  else if (keras && old_names && number == 0)
    snprintf (layer, LAYER_BYTES, "%s%d%c_branch1", normalisation ? "bn" : "res", stage, 'a' + block - 1);
  else if (keras && old_names)
    snprintf (layer, LAYER_BYTES, "%s%d%c_branch2%c", normalisation ? "bn" : "res", stage, 'a' + block - 1,
              'a' + number - 1);
  else if (keras && stage == 1)
    snprintf (layer, LAYER_BYTES, "conv1_%s", kind);
  else if (keras)
    snprintf (layer, LAYER_BYTES, "conv%d_block%d_%d_%s", stage, block, number, kind);
  else if (stage == 1)
    snprintf (layer, LAYER_BYTES, "%s1", kind);
  else if (number == 0)
    snprintf (layer, LAYER_BYTES, "layer%d.%d.downsample.%d", stage - 1, block - 1, normalisation);
  else
    snprintf (layer, LAYER_BYTES, "layer%d.%d.%s%d", stage - 1, block - 1, kind, number);
}

static void
write_name (struct array *this, enum part part)
{
  static const char *const torchvision[] = { "weight", "bias", "weight", "bias", "running_mean", "running_var" };
  static const char *const now[] = { "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance" };
  static const char *const old[] = { "W", "b", "gamma", "beta", "running_mean", "running_std" };
  if (!keras)
    snprintf (this->name, sizeof this->name, "%s.%s", this->layer, torchvision[part]);
  else if (old_names)
    snprintf (this->name, sizeof this->name, "%s_%s_1:0", this->layer, old[part]);
  else
    snprintf (this->name, sizeof this->name, "%s/%s:0", this->layer, now[part]);
}

static struct array *
add_array (int rank, const hsize_t *size)
{
  struct array *this = &array[arrays++];
  this->rank = rank;
  memcpy (this->size, size, (size_t) rank * sizeof *size);
  this->value = malloc (array_values (this) * sizeof *this->value);
  if (!this->value)
    abort ();
  return this;
}

static void
add_unit (const struct unit *unit)
{
  const hsize_t outputs = (hsize_t) unit->outputs, inputs = (hsize_t) unit->inputs, size = (hsize_t) unit->size;
  struct array *kernel = keras ? add_array (4, (hsize_t[]){ size, size, inputs, outputs })
                               : add_array (4, (hsize_t[]){ outputs, inputs, size, size });
  write_layer (kernel->layer, unit, false);
  write_name (kernel, KERNEL);
  int shift = 6 + (keras && unit->stage == 1 ? 6 : 0);
  fill_kernel (kernel->value, 8 * unit->index, unit->outputs, unit->inputs, unit->size * unit->size, shift);
  if (keras)
    transpose (kernel->value, outputs, inputs, size * size);
  for (enum part part = keras ? BIAS : GAMMA; part <= VARIANCE; part++)
    {
      struct array *vector = add_array (1, &outputs);
      write_layer (vector->layer, unit, part >= GAMMA);
      write_name (vector, part);
      fill_vector (vector->value, unit, part);
    }
}

static void
add_classifier (int index)
{
  struct array *kernel = add_array (2, (hsize_t[]){ CLASSES, 2048 }), *bias = add_array (1, (hsize_t[]){ CLASSES });
  struct random random = random_new (SEED, (uint64_t) (8 * index) + BIAS);
  strcpy (kernel->name, "fc.weight");
  fill_kernel (kernel->value, 8 * index, CLASSES, 2048, 1, 0);
  strcpy (bias->name, "fc.bias");
  for (int i = 0; i < CLASSES; i++)
    bias->value[i] = draw (&random, 0);
}

static void
add_network (void)
{
  static const int blocks[] = { 3, 4, 6, 3 };
  int index = 0, inputs = 64;
  add_unit (&(struct unit){ index++, 1, 1, 0, 3, 64, 7 });
  for (int stage = 2; stage <= 5; stage++)
    for (int block = 1, width = 16 << stage; block <= blocks[stage - 2]; block++, inputs = 4 * width)
      {
        if (block == 1)
          add_unit (&(struct unit){ index++, stage, block, 0, inputs, 4 * width, 1 });
        add_unit (&(struct unit){ index++, stage, block, 1, inputs, width, 1 });
        add_unit (&(struct unit){ index++, stage, block, 2, width, width, 3 });
        add_unit (&(struct unit){ index++, stage, block, 3, width, 4 * width, 1 });
      }
  if (!keras)
    add_classifier (index);
}

/* The length of the header as 8 bytes, little endian; the header, JSON; the values.  */
static int
write_safetensors (const char *path)
{
  char *header = NULL;
  size_t length, offset = 0;
  FILE *text = open_memstream (&header, &length), *file = fopen (path, "wb");
  if (!text || !file)
    return -1;
  for (size_t i = 0; i < arrays; i++)
    {
      size_t end = offset + 4 * array_values (&array[i]);
      fprintf (text, "%s\"%s\": {\"dtype\": \"F32\", \"shape\": [", i ? ", " : "{", array[i].name);
      for (int k = 0; k < array[i].rank; k++)
        fprintf (text, "%s%d", k ? ", " : "", (int) array[i].size[k]);
      fprintf (text, "], \"data_offsets\": [%zu, %zu]}", offset, end);
      offset = end;
    }
  fputs ("}", text);
  fclose (text);
  for (int i = 0; i < 8; i++)
    fputc ((int) (length >> 8 * i & 255), file);
  fwrite (header, 1, length, file);
  for (size_t i = 0; i < arrays; i++)
    fwrite (array[i].value, sizeof (float), array_values (&array[i]), file);
  free (header);
  return ferror (file) | fclose (file);
}

/* The strings TEXT (count, TEXT_BYTES) as h5py writes a list of bytes.  */
static herr_t
write_strings (hid_t where, const char *name, const char *text, hsize_t count)
{
  hid_t type = H5Tcopy (H5T_C_S1), space = H5Screate_simple (1, &count, NULL);
  H5Tset_size (type, TEXT_BYTES);
  H5Tset_strpad (type, H5T_STR_NULLPAD);
  hid_t attribute = H5Acreate2 (where, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t result = H5Awrite (attribute, type, text);
  H5Aclose (attribute);
  H5Sclose (space);
  H5Tclose (type);
  return result;
}

static herr_t
write_dataset (hid_t group, const struct array *this)
{
  hid_t links = H5Pcreate (H5P_LINK_CREATE), space = H5Screate_simple (this->rank, this->size, NULL);
  H5Pset_create_intermediate_group (links, 1);
  hid_t dataset = H5Dcreate2 (group, this->name, H5T_IEEE_F32LE, space, links, H5P_DEFAULT, H5P_DEFAULT);
  herr_t result = H5Dwrite (dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, this->value);
  H5Dclose (dataset);
  H5Sclose (space);
  H5Pclose (links);
  return result;
}

/* The root's attribute model_config: the text of the file PATH.  */
static herr_t
write_description (hid_t file, const char *path)
{
  static char text[1 << 15];
  FILE *stream = fopen (path, "r");
  size_t length = stream ? fread (text, 1, sizeof text, stream) : 0;
  if (stream)
    fclose (stream);
  if (length == 0 || length == sizeof text)
    return -1;
  hid_t type = H5Tcopy (H5T_C_S1), space = H5Screate (H5S_SCALAR);
  H5Tset_size (type, length);
  hid_t attribute = H5Acreate2 (file, "model_config", type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t result = H5Awrite (attribute, type, text);
  H5Aclose (attribute);
  H5Sclose (space);
  H5Tclose (type);
  return result;
}

/* The root's attribute layer_names; for each layer a group, its attribute weight_names and its datasets.  */
static int
write_keras (const char *path, const char *description)
{
  static char layers[ARRAYS_LIMIT][TEXT_BYTES], weights[ARRAYS_LIMIT][TEXT_BYTES];
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  size_t count = 0;
  herr_t result = file < 0 ? -1 : 0;
  for (size_t first = 0, end; first < arrays && result >= 0; first = end)
    {
      for (end = first; end < arrays && !strcmp (array[end].layer, array[first].layer); end++)
        strcpy (weights[end - first], array[end].name);
      strcpy (layers[count++], array[first].layer);
      hid_t group = H5Gcreate2 (file, array[first].layer, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      result = write_strings (group, "weight_names", weights[0], end - first);
      for (size_t i = first; i < end && result >= 0; i++)
        result = write_dataset (group, &array[i]);
      H5Gclose (group);
    }
  if (result >= 0)
    result = write_strings (file, "layer_names", layers[0], count);
  if (result >= 0 && description)
    result = write_description (file, description);
  return H5Fclose (file) < 0 || result < 0 ? -1 : 0;
}

int
main (int count, char **argument)
{
  if (count < 3 || count > 4)
    {
      fputs ("usage: make_weights FILE torchvision|keras|keras-old [JSON]\n", stderr);
      return 2;
    }
  keras = strcmp (argument[2], "torchvision") != 0;
  old_names = !strcmp (argument[2], "keras-old");
  add_network ();
  int result = keras ? write_keras (argument[1], argument[3]) : write_safetensors (argument[1]);
  for (size_t i = 0; i < arrays; i++)
    free (array[i].value);
  return result ? EXIT_FAILURE : EXIT_SUCCESS;
}

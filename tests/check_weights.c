#include <config.h>

#include "../src/backbone/weights.h"

#include "../src/backbone/element.h"
#include "weights_support.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

static bool
ends_in (const char *text, const char *end)
{
  size_t length = strlen (text);
  return length >= strlen (end) && !strcmp (text + length - strlen (end), end);
}

/* The file of the bytes DATA (LENGTH), which has to fail likewise.  */
__attribute__ ((format (printf, 3, 0))) static void
assert_bytes_fail (const void *data, size_t length, const char *format)
{
  char *path = scratch_path ("made-up");
  ck_assert_int_eq (file_write (path, data, length), 0);
  assert_fails (path, format);
  free (path);
}

static void
check_array (const struct weights *weights, const json_t *array, const char *file)
{
  const char *name = json_string_value (json_object_get (array, "name"));
  const json_t *shape = json_object_get (array, "shape"), *values = json_object_get (array, "values");
  const struct weight *weight = weights_find (weights, name);
  ck_assert_msg (weight != NULL, "%s: no %s", file, name);
  ck_assert_msg ((size_t) weight->rank == json_array_size (shape), "%s: the rank of %s", file, name);
  for (int i = 0; i < weight->rank; i++)
    ck_assert_int_eq (weight->size[i], json_integer_value (json_array_get (shape, (size_t) i)));
  ck_assert_uint_eq (weight_values (weight), json_array_size (values));
  for (size_t i = 0; i < weight_values (weight); i++)
    ck_assert_msg (weight->value[i] == (float) json_number_value (json_array_get (values, i)), "%s: %s[%zu] is %g",
                   file, name, i, (double) weight->value[i]);
}

/* The names, shapes and values are those that Keras, PyTorch and NumPy have (make_weights.py).  */
START_TEST (every_kind)
{
  const char *file;
  json_t *arrays, *root = json_load_file (reference_path ("weights.json"), 0, NULL);
  size_t files = 0;
  ck_assert_ptr_nonnull (root);
  json_object_foreach (root, file, arrays)
  {
    struct weights weights;
    bool keras = ends_in (file, ".h5") || ends_in (file, ".keras");
    ck_assert_msg (weights_read (&weights, reference_path (file)) == 0, "%s: %s", file, error_message ());
    ck_assert_msg (weights.keras == keras, "%s", file);
    ck_assert_msg (weights.count == json_array_size (arrays), "%s has %zu arrays", file, weights.count);
    for (size_t i = 0; i < weights.count; i++)
      check_array (&weights, json_array_get (arrays, i), file);
    ck_assert_ptr_null (weights_find (&weights, "nothing"));
    weights_free (&weights);
    files++;
  }
  ck_assert_uint_ge (files, 16);
  json_decref (root);
}
END_TEST

static void
check_config (const char *file, const char *name)
{
  struct weights weights;
  ck_assert_int_eq (weights_read (&weights, reference_path (file)), 0);
  if (name)
    {
      json_t *config = json_loads (weights.config, 0, NULL);
      json_t *inner = json_object_get (config, "config");
      ck_assert_str_eq (json_string_value (json_object_get (config, "class_name")), "Functional");
      ck_assert_str_eq (json_string_value (json_object_get (inner, "name")), name);
      json_decref (config);
    }
  else
    ck_assert_ptr_null (weights.config);
  weights_free (&weights);
}

START_TEST (configurations)
{
  check_config ("weights-keras2-model.h5", "inner");
  check_config ("weights-keras3-nested.h5", "whole");
  check_config ("weights-keras3-nested.keras", "whole");
  check_config ("weights-keras2.h5", NULL);
  check_config ("weights-keras3.weights.h5", NULL);
}
END_TEST

/* The dataset NAME of one value.  */
static void
make_value (hid_t group, const char *name, float value)
{
  hid_t space = H5Screate_simple (1, (hsize_t[]){ 1 }, NULL);
  hid_t dataset = H5Dcreate2 (group, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge (H5Dwrite (dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value), 0);
  H5Dclose (dataset);
  H5Sclose (space);
}

/* The attribute NAME, of COUNT texts.  */
static void
make_texts (hid_t object, const char *name, size_t count, const char *const *text)
{
  hid_t type = H5Tcopy (H5T_C_S1), space = H5Screate_simple (1, (hsize_t[]){ count }, NULL);
  H5Tset_size (type, H5T_VARIABLE);
  hid_t attribute = H5Acreate2 (object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge (H5Awrite (attribute, type, text), 0);
  H5Aclose (attribute);
  H5Sclose (space);
  H5Tclose (type);
}

static void
make_layer (hid_t file, const char *name, float value)
{
  char *path = text_new ("layers/%s/vars", name);
  hid_t group = make_group (file, path);
  make_value (group, "0", value);
  H5Gclose (group);
  free (path);
}

/* The twelve layers of a class stand in the model's order, which is not the alphabet's; two layers of the same name in
   two networks are told apart; classes that are not known have numbers.  */
START_TEST (numbered_layers)
{
  char *path = scratch_path ("a.weights.h5");
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  struct weights weights;
  for (int i = 0; i < 12; i++)
    {
      char name[32];
      snprintf (name, sizeof name, i ? "conv2d_%d" : "conv2d", i);
      make_layer (file, name, (float) i);
    }
  make_layer (file, "functional/layers/conv2d_2", 50);
  make_layer (file, "functional/layers/conv2d_20", 51);
  make_layer (file, "functional/layers/functional/layers/conv2d_2", 52);
  make_layer (file, "rescaling", 60);
  H5Gclose (make_group (file, "optimizer/vars"));
  H5Gclose (make_group (file, "metrics/mean/vars"));
  H5Fclose (file);
  ck_assert_msg (weights_read (&weights, path) == 0, "%s", error_message ());
  ck_assert_uint_eq (weights.count, 16);
  for (int i = 0; i < 12; i++)
    {
      char name[32];
      snprintf (name, sizeof name, i ? "conv2d_%d/kernel" : "conv2d/kernel", i);
      ck_assert_str_eq (weights.weight[i].name, name);
      ck_assert_float_eq (weights.weight[i].value[0], (float) i);
    }
  ck_assert_float_eq (weights_find (&weights, "functional/conv2d_2/kernel")->value[0], 50);
  ck_assert_float_eq (weights_find (&weights, "conv2d_20/kernel")->value[0], 51);
  ck_assert_float_eq (weights_find (&weights, "functional/functional/conv2d_2/kernel")->value[0], 52);
  ck_assert_float_eq (weights_find (&weights, "rescaling/0")->value[0], 60);
  weights_free (&weights);
  free (path);
}
END_TEST

/* A model of two networks whose layers have the same names, as lists.  */
START_TEST (twins)
{
  static const char *const layers[] = { "left", "right" };
  static const char *const names[] = { "a/kernel:0", "a/bias:0", "b/kernel:0" };
  char *path = scratch_path ("a.h5");
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  struct weights weights;
  make_texts (file, "layer_names", 2, layers);
  for (int i = 0; i < 2; i++)
    {
      hid_t group = make_group (file, layers[i]);
      make_texts (group, "weight_names", 3, names);
      H5Gclose (make_group (group, "a"));
      H5Gclose (make_group (group, "b"));
      for (int k = 0; k < 3; k++)
        make_value (group, names[k], (float) (10 * i + k));
      H5Gclose (group);
    }
  H5Fclose (file);
  ck_assert_msg (weights_read (&weights, path) == 0, "%s", error_message ());
  ck_assert_uint_eq (weights.count, 6);
  ck_assert_float_eq (weights_find (&weights, "a/bias")->value[0], 1);
  ck_assert_float_eq (weights_find (&weights, "b/kernel")->value[0], 2);
  ck_assert_float_eq (weights_find (&weights, "right/a/bias")->value[0], 11);
  ck_assert_float_eq (weights_find (&weights, "right/b/kernel")->value[0], 12);
  weights_free (&weights);
  free (path);
}
END_TEST

/* A dataset of SIZE values, none written; with EXTERNAL they would be another file's bytes.  */
static void
make_hollow (const char *path, hsize_t size, bool external)
{
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
        group = make_group (file, "layers/dense/vars");
  hid_t space = H5Screate_simple (1, &size, NULL), create = H5Pcreate (H5P_DATASET_CREATE);
  if (external)
    H5Pset_external (create, "/etc/passwd", 0, size * sizeof (float));
  hid_t dataset = H5Dcreate2 (group, "0", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT);
  ck_assert_int_ge (dataset, 0);
  H5Dclose (dataset);
  H5Pclose (create);
  H5Sclose (space);
  H5Gclose (group);
  H5Fclose (file);
}

/* Groups that lie in each other twice over, without a circle: the ways to the last one double with each.  */
static void
make_maze (const char *path)
{
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), group = make_group (file, "layers");
  for (int i = 0; i < 20; i++)
    {
      hid_t below = make_group (group, "one");
      H5Lcreate_hard (group, "one", group, "two", H5P_DEFAULT, H5P_DEFAULT);
      H5Gclose (group);
      group = below;
    }
  H5Gclose (group);
  H5Fclose (file);
}

START_TEST (bad_keras)
{
  static const char *const names[] = { "conv1" };
  char *path = scratch_path ("a.h5"), *other = scratch_path ("b.h5");
  assert_fails (reference_path ("store-gzip.h5"), "'%s' holds no weights; check that it is the right file");
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  make_texts (file, "layer_names", 1, names);
  H5Fclose (file);
  assert_fails (path, "'%s' is damaged or cut short: it lists the layer 'conv1' and does not hold it; copy or download "
                      "it again");
  make_hollow (path, 4, false);
  assert_fails (path, "'%s' is damaged or cut short: the values of 'dense/kernel' are not in it; copy or download it "
                      "again");
  make_hollow (path, (hsize_t) 1 << 40, false);
  assert_fails (path,
                "'%s' is damaged or cut short: 'dense/kernel' is said to be larger than such a file can hold; copy "
                "or download it again");
  make_hollow (path, 4, true);
  assert_fails (path, "'%s' is damaged or cut short: the values of 'dense/kernel' are not in it; copy or download it "
                      "again");
  file = H5Fcreate (other, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  make_layer (file, "dense", 1);
  H5Fclose (file);
  file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external (other, "layers", file, "layers", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose (file);
  assert_fails (path, "'%s' is damaged or cut short: the values of 'dense/kernel' are not in it; copy or download it "
                      "again");
  file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t group = make_group (file, "layers");
  H5Lcreate_hard (file, "layers", group, "one", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_hard (file, "layers", group, "two", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose (group);
  H5Fclose (file);
  assert_fails (path, "'%s' is damaged or cut short: its groups lie in each other without end; copy or download it "
                      "again");
  make_maze (path);
  assert_fails (path, "'%s' is damaged or cut short: its groups lie in each other without end; copy or download it "
                      "again");
  free (other);
  free (path);
}
END_TEST

/* HEADER behind its length, and BYTES bytes of zeros behind it; the message is to be FORMAT.  */
__attribute__ ((format (printf, 3, 0))) static void
assert_header_fails (const char *header, size_t bytes, const char *format)
{
  size_t length = strlen (header);
  char *data = calloc (8 + length + bytes, 1);
  data[0] = (char) length;
  data[1] = (char) (length >> 8);
  memcpy (data + 8, header, length);
  assert_bytes_fail (data, 8 + length + bytes, format);
  free (data);
}

START_TEST (bad_safetensors)
{
  static const char elsewhere[] =
    "'%s' is damaged or cut short: 'a' does not lie where its header says; copy or download it again";
  static const char undescribed[] =
    "'%s' is damaged or cut short: its header does not describe 'a'; copy or download it again";
  assert_bytes_fail ("\377\377\377\377\377\377\377\377{}", 10,
                     "'%s' is damaged or cut short: its header is said to have 18446744073709551615 bytes; copy or "
                     "download it again");
  assert_bytes_fail ("\100\0\0\0\0\0\0\0{}", 10,
                     "'%s' is damaged or cut short: its header is said to have 64 bytes; copy or download it again");
  assert_header_fails ("{}", 0, "'%s' holds no weights; check that it is the right file");
  assert_header_fails ("{\"__metadata__\": {\"a\": \"b\"}}", 0,
                       "'%s' holds no weights; check that it is the right file");
  assert_header_fails ("{\"a\": 1}", 0, undescribed);
  assert_header_fails ("{\"a\": {\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [0, 4]}}", 4, undescribed);
  assert_header_fails ("{\"a\": {\"dtype\": \"F32\", \"shape\": [1.5], \"data_offsets\": [0, 4]}}", 4, undescribed);
  assert_header_fails ("{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 0]}}", 4, undescribed);
  assert_header_fails ("{\"a\": {\"dtype\": \"F32\", \"shape\": [1,1,1,1,1,1,1,1,1], \"data_offsets\": [0, 4]}}", 4,
                       undescribed);
  assert_header_fails ("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}", 8, elsewhere);
  assert_header_fails ("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}", 7, elsewhere);
  assert_header_fails ("{\"a\": {\"dtype\": \"F32\", \"shape\": [4294967296, 4294967296], \"data_offsets\": [0, 0]}}",
                       8, elsewhere);
  assert_header_fails ("{\"a\": {\"dtype\": \"F8_E4M3\", \"shape\": [1], \"data_offsets\": [0, 1]}}", 1,
                       "'a' in '%s' has the type F8_E4M3, which slabfit does not read; save it as float32");
  assert_header_fails ("{\"a\": {}, \"a\": {}}", 1,
                       "'%s' is damaged or cut short: its header is no JSON; copy or download it "
                       "again");
}
END_TEST

START_TEST (bad_torch)
{
  assert_fails (
    reference_path ("weights-whole.pth"),
    "'%s' refers to 'torch.nn.modules.linear.Linear', which no state dict needs: it holds a whole network or "
    "other objects, and nothing of it was run; save the state dict alone, in Python: torch.save "
    "(network.state_dict (), 'weights.pth')");
  assert_fails (reference_path ("weights-program.pth"),
                "'%s' is a whole network in TorchScript, no file of weights; it needs no building: give it to slabfit "
                "backbone wrap");
  assert_bytes_fail ("\200\2K\1.", 5,
                     "'%s' is a pickle, and not one that torch.save wrote; save a state dict, in Python: torch.save "
                     "(network.state_dict (), 'weights.pth')");
}
END_TEST

/* The reference file NAME with the first place that has the bytes FROM (LENGTH) changed to TO fails with a message that
   has PART.  */
static void
assert_change_fails (const char *name, const void *from, const void *to, size_t length, const char *part)
{
  size_t bytes;
  unsigned char *data = reference_read (name, &bytes), *place = memmem (data, bytes, from, length);
  char *path = scratch_path ("changed");
  struct weights weights;
  ck_assert_ptr_nonnull (place);
  memcpy (place, to, length);
  ck_assert_int_eq (file_write (path, data, bytes), 0);
  ck_assert_int_eq (weights_read (&weights, path), -1);
  ck_assert_msg (strstr (error_message (), path) && strstr (error_message (), part), "%s", error_message ());
  free (path);
  free (data);
}

/* A tensor that is larger than its storage, or begins behind its first element; a storage of less bytes than it says; a
   wrong type; values that are not those of the checksum.  */
START_TEST (false_tensors)
{
  static const char file[] = "weights-sequential.pth", outside[] = "the tensor '0.weight' does not lie in its storage";
  struct weights weights;
  float changed[4];
  assert_change_fails (file, "K\2K\3K\3K\3", "K\3K\3K\3K\3", 8, outside);
  assert_change_fails (file, "K\33K\11K\3K\1", "K\34K\11K\3K\1", 8, outside);
  assert_change_fails (file, "QK\0(", "QK\1(", 4, outside);
  assert_change_fails (file, "cpuq\7K\66", "cpuq\7K\67", 7, "has 216 bytes, less than its 55 elements need");
  assert_change_fails (file, "\nFloatStorage", "\nXXXXXStorage", 13,
                       "is a torch.XXXXXStorage, which slabfit does not read; save it as float32");
  ck_assert_int_eq (weights_read (&weights, reference_path ("weights-zip.pth")), 0);
  memcpy (changed, weights.weight[0].value, sizeof changed);
  changed[3] += 1;
  assert_change_fails ("weights-zip.pth", weights.weight[0].value, changed, sizeof changed, "CRC");
  weights_free (&weights);
}
END_TEST

/* DATA (*LENGTH, in room for 64 more) with FROM changed to TO at its first place.  */
static void
replace (unsigned char *data, size_t *length, const void *from, size_t from_length, const void *to, size_t to_length)
{
  unsigned char *place = memmem (data, *length, from, from_length);
  ck_assert_ptr_nonnull (place);
  memmove (place + to_length, place + from_length, *length - (size_t) (place - data) - from_length);
  memcpy (place, to, to_length);
  *length += to_length - from_length;
}

/* A tensor of 1 x 3 x 3 x 3 from element 1 on with the strides 2^63 - 1, 8, 3 and 1: along a dimension of size 1 any
   will do, and nothing may overflow, as -fsanitize=undefined sees.  */
START_TEST (strides_of_single_elements)
{
  size_t length;
  unsigned char *data = reference_read ("weights-sequential.pth", &length);
  char *path = scratch_path ("a.pth");
  struct weights plain, strided;
  ck_assert_int_eq (weights_read (&plain, reference_path ("weights-sequential.pth")), 0);
  data = realloc (data, length + 64);
  replace (data, &length, "K\2K\3K\3K\3", 8, "K\1K\3K\3K\3", 8);
  replace (data, &length, "QK\0(", 4, "QK\1(", 4);
  replace (data, &length, "K\33K\11K\3K\1", 8, "\212\10\377\377\377\377\377\377\377\177K\10K\3K\1", 16);
  ck_assert_int_eq (file_write (path, data, length), 0);
  ck_assert_msg (weights_read (&strided, path) == 0, "%s", error_message ());
  ck_assert_uint_eq (weight_values (&strided.weight[0]), 27);
  for (int i = 0; i < 27; i++)
    ck_assert_float_eq (strided.weight[0].value[i], plain.weight[0].value[1 + i / 9 * 8 + i % 9]);
  weights_free (&strided);
  weights_free (&plain);
  free (path);
  free (data);
}
END_TEST

START_TEST (other_files)
{
  static const char unknown[] = "'%s' is no file of weights that slabfit knows (Keras .h5, .weights.h5 and .keras, "
                                "safetensors, PyTorch .pth); check that it is the right file and whole";
  char tar[512] = "pickle";
  memcpy (tar + 257, "ustar", 5);
  assert_bytes_fail ("", 0, unknown);
  assert_bytes_fail ("\211HDF\r\n\032", 7, unknown);
  assert_bytes_fail ("layer,value\n", 12, unknown);
  assert_bytes_fail ("<!DOCTYPE html>\n", 16, "'%s' is a page of HTML or XML; download the file itself");
  assert_bytes_fail ("version https://git-lfs.github.com/spec/v1\n", 43,
                     "'%s' is a pointer of Git LFS; fetch the file itself (git lfs pull)");
  assert_bytes_fail (tar, sizeof tar,
                     "'%s' is a tar file, as PyTorch wrote before 2017; load it by PyTorch and save it again");
  assert_fails (scratch, "cannot read '%s': Is a directory; check the path and the file system");
  assert_fails ("none.h5", "cannot open '%s': No such file or directory; check the path");
}
END_TEST

/* PATH can be read, or there is a message that names it.  */
static bool
read_or_told (const char *path)
{
  struct weights weights;
  error_clear ();
  if (weights_read (&weights, path) == 0)
    {
      weights_free (&weights);
      return true;
    }
  ck_assert_msg (strstr (error_message (), path) != NULL, "%s", error_message ());
  return false;
}

/* The byte at PLACE of the file PATH becomes BYTE, without waiting for the disk as file_write does.  */
static void
put_byte (const char *path, size_t place, unsigned char byte)
{
  int descriptor = open (path, O_WRONLY);
  ck_assert_int_ge (descriptor, 0);
  ck_assert_int_eq (pwrite (descriptor, &byte, 1, (off_t) place), 1);
  close (descriptor);
}

/* The reference file NAME with every STEP-th byte inverted, or one bit of it; then cut at each such place, where it
   cannot be read.  */
static void
damage (const char *name, size_t step)
{
  size_t length;
  unsigned char *data = reference_read (name, &length);
  char *path = scratch_path ("damaged");
  ck_assert_int_eq (file_write (path, data, length), 0);
  for (size_t i = 0; i < length; i += step)
    {
      put_byte (path, i, (unsigned char) ~data[i]);
      read_or_told (path);
      put_byte (path, i, (unsigned char) (data[i] ^ 1 << i % 8));
      read_or_told (path);
      put_byte (path, i, data[i]);
    }
  ck_assert (read_or_told (path));
  for (size_t i = (length - 1) / step * step + step; i >= step; i -= step)
    {
      ck_assert_int_eq (truncate (path, (off_t) (i - step)), 0);
      ck_assert_msg (!read_or_told (path), "%s cut to %zu bytes was read", name, i - step);
    }
  free (path);
  free (data);
}

START_TEST (damaged_bytes)
{
  static const char *const files[] = { "weights.safetensors", "weights-sequential.pth", "weights-zip.pth" };
  damage (files[_i], 1);
}
END_TEST

START_TEST (damaged_some)
{
  static const char *const files[] = { "weights-sequential-odd.pth", "weights-sequential-checkpoint.pth",
                                       "weights-zip-odd.pth", "weights-protocol4.pth" };
  damage (files[_i], 7);
}
END_TEST

/* Files that HDF5 reads: where it crashes the message tells.  */
START_TEST (damaged_hdf5)
{
  static const char *const files[] = { "weights-keras1.h5", "weights-keras2.h5", "weights-keras3.weights.h5",
                                       "weights-keras3-nested.keras" };
  damage (files[_i], 97);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("weights");
  tcase_add_test (cases, every_kind);
  tcase_add_test (cases, configurations);
  tcase_add_test (cases, numbered_layers);
  tcase_add_test (cases, twins);
  tcase_add_test (cases, bad_keras);
  tcase_add_test (cases, bad_safetensors);
  tcase_add_test (cases, bad_torch);
  tcase_add_test (cases, false_tensors);
  tcase_add_test (cases, strides_of_single_elements);
  tcase_add_test (cases, other_files);
  tcase_add_loop_test (cases, damaged_bytes, 0, 3);
  tcase_add_loop_test (cases, damaged_some, 0, 4);
  tcase_add_loop_test (cases, damaged_hdf5, 0, 4);
  return run_cases (cases, "weights");
}

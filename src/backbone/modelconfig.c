#include <config.h>

#include "modelconfig.h"

#include "../base/error.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The layers of nested networks as well, each "class_name" with its "config"; NAME may be NULL for any.  The first one
   that is called so, has the class and comes behind SKIP others.  */
static const json_t *
find_layer (const json_t *network, const char *class, const char *name, size_t *skip)
{
  const json_t *layers = json_object_get (json_object_get (network, "config"), "layers");
  for (size_t i = 0; i < json_array_size (layers); i++)
    {
      const json_t *layer = json_array_get (layers, i), *config = json_object_get (layer, "config");
      const char *is = json_string_value (json_object_get (layer, "class_name"));
      const char *called = json_string_value (json_object_get (config, "name"));
      if (is && !strcmp (is, class) && (!name || (called && !strcmp (called, name))) && (*skip)-- == 0)
        return config;
      const json_t *inner = find_layer (layer, class, name, skip);
      if (inner)
        return inner;
    }
  return NULL;
}

/* Whether all numbers in VALUE, alone or in lists of lists, are NUMBER.  */
static bool
is_all (const json_t *value, int number)
{
  bool all = json_is_array (value) ? json_array_size (value) > 0 : json_is_integer (value);
  if (!json_is_array (value))
    return all && json_integer_value (value) == number;
  for (size_t i = 0; all && i < json_array_size (value); i++)
    all = is_all (json_array_get (value, i), number);
  return all;
}

/* Whether KEY of CONFIG is TEXT; DEFAULTED where it is not there.  */
static bool
is_text (const json_t *config, const char *key, const char *text, bool defaulted)
{
  const char *value = json_string_value (json_object_get (config, key));
  return value ? !strcmp (value, text) : defaulted;
}

static bool
is_number (const json_t *config, const char *key, int number, bool defaulted)
{
  const json_t *value = json_object_get (config, key);
  return value ? is_all (value, number) : defaulted;
}

/* "" where the convolution CONFIG does what UNIT does, else the key in which it differs.  */
static const char *
compare_convolution (const json_t *config, const struct resnet_unit *unit)
{
  const char *padding = unit->stage == 1 ? "valid" : "same"; /* of 1 x 1 it says nothing */
  if (!is_text (config, "data_format", "channels_last", true))
    return "data_format";
  if (!is_number (config, "strides", unit->stride, false))
    return "strides";
  if (unit->kernel > 1 && !is_text (config, "padding", padding, false))
    return "padding";
  if (!is_number (config, "dilation_rate", 1, true))
    return "dilation_rate";
  if (!is_number (config, "groups", 1, true))
    return "groups";
  return is_text (config, "activation", "linear", true) ? "" : "activation";
}

static const char *
compare_normalisation (const json_t *config, double *epsilon)
{
  const json_t *axis = json_object_get (config, "axis");
  *epsilon = json_number_value (json_object_get (config, "epsilon"));
  if (!is_all (axis, 3) && !is_all (axis, -1))
    return "axis";
  return *epsilon > 0 && isfinite (*epsilon) ? "" : "epsilon";
}

static int
refuse (const char *path, const char *layer, const char *key, const struct resnet *resnet)
{
  return error_set ("the layer '%s' of the model in '%s' is not that of %s: its %s differs; bring the network as "
                    "TorchScript ('slabfit backbone wrap')",
                    layer, path, resnet->name, key);
}

static int
check_unit (const json_t *network, const struct resnet *resnet, const struct naming *naming,
            const struct resnet_unit *unit, double *epsilon, const char *path)
{
  char name[NAMING_NAME_BYTES];
  for (int normalisation = 0; normalisation < 2; normalisation++)
    {
      naming->layer (resnet, unit, normalisation, name);
      const json_t *layer = find_layer (network, normalisation ? "BatchNormalization" : "Conv2D", name, &(size_t){ 0 });
      if (!layer)
        return refuse (path, name, "class", resnet);
      const char *differs = normalisation ? compare_normalisation (layer, epsilon) : compare_convolution (layer, unit);
      if (*differs)
        return refuse (path, name, differs, resnet);
    }
  return 0;
}

/* What stands between the units: a padding of 3 before the first convolution, one of 1 before the pooling, ReLU.  */
static int
check_between (const json_t *network, const struct resnet *resnet, const char *path)
{
  const json_t *layer;
  bool stem = false, before_pool = false;
  for (size_t i = 0; (layer = find_layer (network, "ZeroPadding2D", NULL, &(size_t){ i })); i++)
    {
      stem = stem || is_number (layer, "padding", 3, false);
      before_pool = before_pool || is_number (layer, "padding", 1, false);
    }
  layer = find_layer (network, "MaxPooling2D", NULL, &(size_t){ 0 });
  if (!stem || !before_pool || !is_number (layer, "pool_size", 3, false) || !is_number (layer, "strides", 2, false)
      || !is_text (layer, "padding", "valid", false))
    return refuse (path, stem ? "pool1_pool" : "conv1_pad", "padding", resnet);
  for (size_t i = 0; (layer = find_layer (network, "Activation", NULL, &(size_t){ i })); i++)
    if (!is_text (layer, "activation", "relu", false) && !is_text (layer, "activation", "softmax", false)
        && !is_text (layer, "activation", "sigmoid", false)) /* the last two are a classifier's */
      return refuse (path, json_string_value (json_object_get (layer, "name")), "activation", resnet);
  return 0;
}

int
modelconfig_check (const char *config, const struct resnet *resnet, const struct naming *naming,
                   const struct resnet_unit *unit, size_t count, double *epsilon, const char *path)
{
  json_error_t error;
  json_t *network = json_loads (config, 0, &error);
  if (!network)
    return error_set ("the model's description in '%s' is not JSON: %s; give a whole file", path, error.text);
  int result = check_between (network, resnet, path);
  for (size_t i = 0; result == 0 && i < count; i++)
    result = check_unit (network, resnet, naming, &unit[i], &epsilon[i], path);
  json_decref (network);
  return result;
}

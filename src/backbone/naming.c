#include <config.h>

#include "naming.h"

#include <stdio.h>
#include <string.h>

/* keras.applications, and keras-applications since 1.0.8.  */
static void
name_keras (const struct resnet *resnet, const struct resnet_unit *unit, bool normalisation, char *name)
{
  char unit_name[RESNET_NAME_BYTES];
  (void) resnet;
  resnet_unit_name (unit, unit_name);
  snprintf (name, NAMING_NAME_BYTES, "%s_%s", unit_name, normalisation ? "bn" : "conv");
}

/* Keras 3's files without the layers' names: numbers by class in the order of the network's layers, in which a shortcut
   stands before the third convolution of its block.  */
static void
name_numbered (const struct resnet *resnet, const struct resnet_unit *unit, bool normalisation, char *name)
{
  static const int first_block[] = { 2, 0, 1, 3 };
  const char *class = normalisation ? "batch_normalization" : "conv2d";
  int place = unit->stage > 1;
  for (int stage = 2; stage < unit->stage; stage++)
    place += 3 * resnet->blocks[stage - 2] + 1;
  if (unit->block > 1)
    place += 3 * unit->block - 3 + unit->number;
  else if (unit->stage > 1)
    place += first_block[unit->number];
  snprintf (name, NAMING_NAME_BYTES, place ? "%s_%d" : "%s", class, place);
}

/* Caffe's names, which Keras had before keras-applications 1.0.8.  BLOCK is a letter, mostly.  */
static void
name_branch (const struct resnet_unit *unit, bool normalisation, const char *block, char *name)
{
  static const char *const branches[] = { "1", "2a", "2b", "2c" };
  if (unit->stage == 1)
    snprintf (name, NAMING_NAME_BYTES, normalisation ? "bn_conv1" : "conv1");
  else
    snprintf (name, NAMING_NAME_BYTES, "%s%d%s_branch%s", normalisation ? "bn" : "res", unit->stage, block,
              branches[unit->number]);
}

static void
name_lettered (const struct resnet *resnet, const struct resnet_unit *unit, bool normalisation, char *name)
{
  (void) resnet;
  name_branch (unit, normalisation, (char[]){ (char) ('a' + unit->block - 1), '\0' }, name);
}

/* The same for deeper networks, where the blocks of the long stages are a, b1, b2, ...  */
static void
name_lettered_deep (const struct resnet *resnet, const struct resnet_unit *unit, bool normalisation, char *name)
{
  char block[16];
  if ((unit->stage != 3 && unit->stage != 4) || unit->block == 1)
    name_lettered (resnet, unit, normalisation, name);
  else
    {
      snprintf (block, sizeof block, "b%d", unit->block - 1);
      name_branch (unit, normalisation, block, name);
    }
}

/* torchvision and timm.  */
static void
name_torchvision (const struct resnet *resnet, const struct resnet_unit *unit, bool normalisation, char *name)
{
  (void) resnet;
  const char *kind = normalisation ? "bn" : "conv";
  if (unit->stage == 1)
    snprintf (name, NAMING_NAME_BYTES, "%s1", kind);
  else if (unit->number == 0)
    snprintf (name, NAMING_NAME_BYTES, "layer%d.%d.downsample.%d", unit->stage - 1, unit->block - 1, normalisation);
  else
    snprintf (name, NAMING_NAME_BYTES, "layer%d.%d.%s%d", unit->stage - 1, unit->block - 1, kind, unit->number);
}

/* Hugging Face's transformers.  */
static void
name_transformers (const struct resnet *resnet, const struct resnet_unit *unit, bool normalisation, char *name)
{
  (void) resnet;
  const char *kind = normalisation ? "normalization" : "convolution";
  if (unit->stage == 1)
    snprintf (name, NAMING_NAME_BYTES, "embedder.embedder.%s", kind);
  else if (unit->number == 0)
    snprintf (name, NAMING_NAME_BYTES, "encoder.stages.%d.layers.%d.shortcut.%s", unit->stage - 2, unit->block - 1,
              kind);
  else
    snprintf (name, NAMING_NAME_BYTES, "encoder.stages.%d.layers.%d.layer.%d.%s", unit->stage - 2, unit->block - 1,
              unit->number - 1, kind);
}

#define KERAS_PARTS                                                                                                    \
  {                                                                                                                    \
    "/kernel", "/bias", "/gamma", "/beta", "/moving_mean", "/moving_variance"                                          \
  }
#define TORCH_PARTS                                                                                                    \
  {                                                                                                                    \
    ".weight", ".bias", ".weight", ".bias", ".running_mean", ".running_var"                                            \
  }

/* preprocessor_config.json of microsoft/resnet-50: 224 / 0.875 pixels by Pillow's BICUBIC, of which 224 are kept.  */
#define TRANSFORMERS_PREPROCESS                                                                                        \
  "resize=256,crop=224,interp=bicubic,centre=floor,order=rgb,scale=1/255,mean=0.485:0.456:0.406,std=0.229:0.224:0.225"

/* The epsilons: keras/src/applications/resnet.py, which takes weights of the old names as well; torch.nn.BatchNorm2d's
   default.  */
const struct naming namings[] = {
  { "Keras", RESNET_KERAS, 1.001e-5, "keras", name_keras, KERAS_PARTS },
  { "Keras", RESNET_KERAS, 1.001e-5, "keras", name_numbered, KERAS_PARTS },
  { "Keras before 2019", RESNET_KERAS, 1.001e-5, "keras", name_lettered_deep, KERAS_PARTS },
  { "Keras before 2019", RESNET_KERAS, 1.001e-5, "keras", name_lettered, KERAS_PARTS },
  { "torchvision", RESNET_TORCHVISION, 1e-5, "torchvision", name_torchvision, TORCH_PARTS },
  { "Hugging Face", RESNET_TORCHVISION, 1e-5, TRANSFORMERS_PREPROCESS, name_transformers, TORCH_PARTS },
  { 0 },
};

void
naming_write (const struct naming *naming, const struct resnet *resnet, const struct resnet_unit *unit,
              enum naming_part part, char *name)
{
  naming->layer (resnet, unit, part >= NAMING_GAMMA, name);
  size_t length = strlen (name);
  snprintf (name + length, NAMING_NAME_BYTES - length, "%s", naming->part[part]);
}

/* Whether a weight is called NAME, alone or behind a prefix that ends in a dot or slash.  */
static bool
find_ending (const struct weights *weights, const char *name, char *prefix)
{
  size_t length = strlen (name);
  for (size_t i = 0; i < weights->count; i++)
    {
      const char *full = weights->weight[i].name;
      size_t before = strlen (full) - length;
      if (strlen (full) < length || strcmp (full + before, name) || before >= NAMING_NAME_BYTES)
        continue;
      if (before && full[before - 1] != '.' && full[before - 1] != '/')
        continue;
      memcpy (prefix, full, before);
      prefix[before] = '\0';
      return true;
    }
  return false;
}

const struct naming *
naming_recognise (const struct weights *weights, char *prefix)
{
  /* The second block of conv3 is where lettered names part; all networks have it.  */
  const struct resnet_unit unit = { .stage = 3, .block = 2, .number = 1 };
  const struct resnet *resnet = resnet_find ("resnet50");
  char name[NAMING_NAME_BYTES];
  for (const struct naming *naming = namings; naming->program; naming++)
    {
      naming_write (naming, resnet, &unit, NAMING_KERNEL, name);
      if (find_ending (weights, name, prefix))
        return naming;
    }
  return NULL;
}

bool
naming_has_numbers (const struct naming *naming)
{
  return naming->layer == name_numbered;
}

/* Whether a part of NAME is "dense" or, as Keras numbers its layers, "dense_12".  */
static bool
has_dense (const char *name)
{
  static const char dense[] = "dense";
  for (const char *part = name; part; part = strchr (part, '/'))
    {
      part += *part == '/';
      if (strncmp (part, dense, sizeof dense - 1))
        continue;
      const char *end = part + sizeof dense - 1;
      if (end[0] == '_')
        end += 1 + strspn (end + 1, "0123456789");
      if (*end == '/')
        return true;
    }
  return false;
}

bool
naming_is_left_out (const char *name, bool *classifier)
{
  static const char *const layers[] = { "fc.", "fc1000/", "predictions/", "probs/", "classifier.1." };
  static const char counter[] = "num_batches_tracked";
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    {
      const char *place = strstr (name, layers[i]);
      if (place && (place == name || place[-1] == '.' || place[-1] == '/'))
        return *classifier = true;
    }
  if (has_dense (name))
    return *classifier = true;
  size_t length = strlen (name);
  return length >= sizeof counter - 1 && !strcmp (name + length - (sizeof counter - 1), counter);
}

int
naming_shape (const struct naming *naming, const struct resnet_unit *unit, enum naming_part part,
              int64_t size[NETWORK_RANK])
{
  int64_t kernel = unit->kernel, inputs = unit->inputs, outputs = unit->outputs;
  if (part != NAMING_KERNEL)
    {
      size[0] = outputs;
      return 1;
    }
  if (naming->structure == RESNET_KERAS)
    memcpy (size, (int64_t[]){ kernel, kernel, inputs, outputs }, 4 * sizeof *size);
  else
    memcpy (size, (int64_t[]){ outputs, inputs, kernel, kernel }, 4 * sizeof *size);
  return 4;
}

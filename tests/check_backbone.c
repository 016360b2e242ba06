/* Building a residual network from weights: its structure, the names of its arrays, folding, and what is refused.  The
   numbers of parameters are those that torchvision and Keras publish for their networks; the names are theirs.  What
   the whole network computes is compared with both in cli-parity.sh.  libtorch is touched only in Check's forked
   children.  */
#include <config.h>

#include "../src/backbone/backbone.h"
#include "../src/backbone/folding.h"
#include "../src/backbone/modelconfig.h"
#include "support.h"

#include <math.h>

static struct resnet_unit unit[RESNET_UNITS];

/* Of the arrays that are trained: kernels, gammas and betas; with a classifier of 1000 classes.  */
static int64_t
count_parameters (size_t units, bool all)
{
  int64_t count = 2048 * 1000 + 1000;
  for (size_t i = 0; i < units; i++)
    {
      int64_t outputs = unit[i].outputs;
      count += outputs * unit[i].inputs * unit[i].kernel * unit[i].kernel + (all ? 5 : 2) * outputs;
    }
  return count;
}

START_TEST (parameters_are_as_published)
{
  static const struct {
    const char *name;
    int64_t torchvision, keras; /* the latter with biases, means and variances: Model.count_params () */
    size_t units;
  } published[] = {
    { "resnet50", 25557032, 25636712, 53 },
    { "resnet101", 44549160, 44707176, 104 },
    { "resnet152", 60192808, 60419944, 155 },
  };
  for (size_t i = 0; i < 3; i++)
    {
      const struct resnet *resnet = resnet_find (published[i].name);
      ck_assert_uint_eq (resnet_units (resnet, RESNET_TORCHVISION, unit), published[i].units);
      ck_assert_int_eq (count_parameters (published[i].units, false), published[i].torchvision);
      ck_assert_uint_eq (resnet_units (resnet, RESNET_KERAS, unit), published[i].units);
      ck_assert_int_eq (count_parameters (published[i].units, true), published[i].keras);
    }
}
END_TEST

/* The one of RESNET that is called so.  */
static struct resnet_unit
find_unit (const char *resnet, enum resnet_structure structure, const char *name)
{
  char is[RESNET_NAME_BYTES];
  size_t count = resnet_units (resnet_find (resnet), structure, unit);
  for (size_t i = 0; i < count; i++)
    {
      resnet_unit_name (&unit[i], is);
      if (!strcmp (is, name))
        return unit[i];
    }
  ck_abort_msg ("no unit %s", name);
}

/* Keras's model.summary (), and print (torchvision.models.resnet50 ()).  */
START_TEST (stages_halve_the_map)
{
  static const struct {
    const char *name;
    int keras, torchvision, padding;
  } strides[] = {
    { "conv1", 2, 2, 3 },          { "conv2_block1_0", 1, 1, 0 }, { "conv2_block1_1", 1, 1, 0 },
    { "conv3_block1_0", 2, 2, 0 }, { "conv3_block1_1", 2, 1, 0 }, { "conv3_block1_2", 1, 2, 1 },
    { "conv3_block2_1", 1, 1, 0 }, { "conv5_block1_1", 2, 1, 0 }, { "conv5_block3_2", 1, 1, 1 },
  };
  for (size_t i = 0; i < sizeof strides / sizeof *strides; i++)
    {
      struct resnet_unit keras = find_unit ("resnet50", RESNET_KERAS, strides[i].name);
      ck_assert_int_eq (keras.stride, strides[i].keras);
      ck_assert_int_eq (keras.padding, strides[i].padding);
      ck_assert_int_eq (find_unit ("resnet50", RESNET_TORCHVISION, strides[i].name).stride, strides[i].torchvision);
    }
}
END_TEST

START_TEST (layers_have_the_names_of_both)
{
  static const struct {
    const char *text, *keras, *torchvision;
    size_t units; /* before its end */
  } layers[] = {
    { "conv1", "conv1_relu", "relu", 1 },
    { "relu", "conv1_relu", "relu", 1 },
    { "conv2", "conv2_block3_out", "layer1", 11 },
    { "conv3_block1_out", "conv3_block1_out", "layer2.0", 15 },
    { "conv4_block6_out", "conv4_block6_out", "layer3", 43 },
    { "layer3.5", "conv4_block6_out", "layer3", 43 },
    { "layer3.0", "conv4_block1_out", "layer3.0", 28 },
    { "layer4", "conv5_block3_out", "layer4", 53 },
    { "conv5", "conv5_block3_out", "layer4", 53 },
  };
  const struct resnet *resnet = resnet_find ("resnet50");
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    for (int structure = RESNET_KERAS; structure <= RESNET_TORCHVISION; structure++)
      {
        struct resnet_layer layer;
        size_t units = resnet_units (resnet, (enum resnet_structure) structure, unit);
        ck_assert_int_eq (resnet_parse_layer (resnet, (enum resnet_structure) structure, layers[i].text, &layer), 0);
        ck_assert_str_eq (layer.name, structure == RESNET_KERAS ? layers[i].keras : layers[i].torchvision);
        ck_assert_uint_eq (resnet_units_before (unit, units, &layer), layers[i].units);
      }
}
END_TEST

START_TEST (other_layers_are_refused)
{
  static const char *const wrong[] = {
    "", "conv6", "conv4_block7_out", "layer5", "layer3.6", "layer0", "fc", "conv2_"
  };
  struct resnet_layer layer;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    {
      ck_assert_int_eq (resnet_parse_layer (resnet_find ("resnet50"), RESNET_KERAS, wrong[i], &layer), -1);
      ck_assert_int_eq (error_status (), ERROR_USAGE);
    }
  resnet_parse_layer (resnet_find ("resnet152"), RESNET_KERAS, "fc", &layer);
  ck_assert_str_eq (error_message (),
                    "resnet152 has no layer 'fc'; give conv1 to conv5, or a block as conv4_block36_out or "
                    "layer3.35");
}
END_TEST

/* The namings, by their place in the table.  */
enum { KERAS, NUMBERED, DEEP, LETTERED, TORCHVISION, TRANSFORMERS };

/* Names as they stand in the files of each program: keras.applications 3.15, whose layers were counted by class;
   keras-applications 1.0.7; torchvision 0.29; microsoft/resnet-50.  */
static const struct {
  int naming;
  const char *resnet, *unit;
  enum naming_part part;
  const char *name;
} names[] = {
  { KERAS, "resnet50", "conv1", NAMING_KERNEL, "conv1_conv/kernel" },
  { KERAS, "resnet50", "conv1", NAMING_VARIANCE, "conv1_bn/moving_variance" },
  { KERAS, "resnet152", "conv4_block36_2", NAMING_BIAS, "conv4_block36_2_conv/bias" },
  { KERAS, "resnet50", "conv3_block1_0", NAMING_GAMMA, "conv3_block1_0_bn/gamma" },
  { NUMBERED, "resnet50", "conv1", NAMING_KERNEL, "conv2d/kernel" },
  { NUMBERED, "resnet50", "conv1", NAMING_BETA, "batch_normalization/beta" },
  { NUMBERED, "resnet50", "conv2_block1_1", NAMING_KERNEL, "conv2d_1/kernel" },
  { NUMBERED, "resnet50", "conv2_block1_2", NAMING_BIAS, "conv2d_2/bias" },
  { NUMBERED, "resnet50", "conv2_block1_0", NAMING_KERNEL, "conv2d_3/kernel" },
  { NUMBERED, "resnet50", "conv2_block1_3", NAMING_MEAN, "batch_normalization_4/moving_mean" },
  { NUMBERED, "resnet50", "conv2_block2_1", NAMING_KERNEL, "conv2d_5/kernel" },
  { NUMBERED, "resnet50", "conv3_block1_1", NAMING_KERNEL, "conv2d_11/kernel" },
  { NUMBERED, "resnet50", "conv5_block3_3", NAMING_KERNEL, "conv2d_52/kernel" },
  { NUMBERED, "resnet101", "conv5_block3_3", NAMING_KERNEL, "conv2d_103/kernel" },
  { LETTERED, "resnet50", "conv1", NAMING_KERNEL, "conv1/kernel" },
  { LETTERED, "resnet50", "conv1", NAMING_GAMMA, "bn_conv1/gamma" },
  { LETTERED, "resnet50", "conv2_block1_0", NAMING_KERNEL, "res2a_branch1/kernel" },
  { LETTERED, "resnet50", "conv4_block6_2", NAMING_MEAN, "bn4f_branch2b/moving_mean" },
  { LETTERED, "resnet50", "conv5_block3_3", NAMING_BIAS, "res5c_branch2c/bias" },
  { DEEP, "resnet101", "conv2_block3_1", NAMING_KERNEL, "res2c_branch2a/kernel" },
  { DEEP, "resnet101", "conv3_block1_0", NAMING_KERNEL, "res3a_branch1/kernel" },
  { DEEP, "resnet101", "conv3_block2_1", NAMING_KERNEL, "res3b1_branch2a/kernel" },
  { DEEP, "resnet101", "conv4_block23_3", NAMING_BETA, "bn4b22_branch2c/beta" },
  { TORCHVISION, "resnet50", "conv1", NAMING_KERNEL, "conv1.weight" },
  { TORCHVISION, "resnet50", "conv1", NAMING_GAMMA, "bn1.weight" },
  { TORCHVISION, "resnet50", "conv2_block1_0", NAMING_KERNEL, "layer1.0.downsample.0.weight" },
  { TORCHVISION, "resnet50", "conv2_block1_0", NAMING_VARIANCE, "layer1.0.downsample.1.running_var" },
  { TORCHVISION, "resnet50", "conv4_block6_3", NAMING_KERNEL, "layer3.5.conv3.weight" },
  { TORCHVISION, "resnet50", "conv4_block6_3", NAMING_BETA, "layer3.5.bn3.bias" },
  { TRANSFORMERS, "resnet50", "conv1", NAMING_KERNEL, "embedder.embedder.convolution.weight" },
  { TRANSFORMERS, "resnet50", "conv1", NAMING_MEAN, "embedder.embedder.normalization.running_mean" },
  { TRANSFORMERS, "resnet50", "conv3_block1_0", NAMING_KERNEL,
    "encoder.stages.1.layers.0.shortcut.convolution.weight" },
  { TRANSFORMERS, "resnet50", "conv3_block1_0", NAMING_BETA, "encoder.stages.1.layers.0.shortcut.normalization.bias" },
  { TRANSFORMERS, "resnet50", "conv5_block3_2", NAMING_KERNEL, "encoder.stages.3.layers.2.layer.1.convolution.weight" },
};

START_TEST (names_are_as_published)
{
  char name[NAMING_NAME_BYTES];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    {
      const struct naming *naming = &namings[names[i].naming];
      struct resnet_unit named = find_unit (names[i].resnet, naming->structure, names[i].unit);
      naming_write (naming, resnet_find (names[i].resnet), &named, names[i].part, name);
      ck_assert_str_eq (name, names[i].name);
    }
}
END_TEST

/* Keras's default, what keras.applications gives, and torch.nn.BatchNorm2d's default.  */
START_TEST (epsilons_are_as_published)
{
  ck_assert (namings[KERAS].epsilon == 1.001e-5 && namings[NUMBERED].epsilon == 1.001e-5);
  ck_assert (namings[LETTERED].epsilon == 1.001e-5 && namings[DEEP].epsilon == 1.001e-5);
  ck_assert (namings[TORCHVISION].epsilon == 1e-5 && namings[TRANSFORMERS].epsilon == 1e-5);
}
END_TEST

/* Whole weights: zeros, in the names of NAMING behind PREFIX.  */
static struct weights
make_weights (const char *resnet, int naming, const char *prefix)
{
  struct weights weights = { .path = "w", .bytes_limit = UINT64_MAX };
  char name[NAMING_NAME_BYTES], full[2 * NAMING_NAME_BYTES];
  int64_t size[NETWORK_RANK];
  const struct naming *kind = &namings[naming];
  size_t count = resnet_units (resnet_find (resnet), kind->structure, unit);
  for (size_t i = 0; i < count; i++)
    for (int part = 0; part < NAMING_PARTS; part++)
      {
        if (part == NAMING_BIAS && kind->structure == RESNET_TORCHVISION)
          continue;
        naming_write (kind, resnet_find (resnet), &unit[i], (enum naming_part) part, name);
        snprintf (full, sizeof full, "%s%s", prefix, name);
        int rank = naming_shape (kind, &unit[i], (enum naming_part) part, size);
        ck_assert_ptr_nonnull (weights_add (&weights, full, rank, size));
      }
  return weights;
}

static void
assert_matches (const struct weights *weights, const char *resnet, const struct naming *naming)
{
  static struct matching matching;
  int result = matching_find (&matching, weights, resnet_find (resnet), "w");
  ck_assert_msg (result == 0, "%s", error_message ());
  ck_assert_ptr_eq (matching.naming, naming);
}

START_TEST (every_naming_is_recognised)
{
  static const char *const prefixes[] = { "", "", "", "", "module.", "resnet." };
  for (int naming = KERAS; naming <= TRANSFORMERS; naming++)
    {
      const char *resnet = naming == DEEP ? "resnet101" : "resnet50";
      struct weights weights = make_weights (resnet, naming, prefixes[naming]);
      assert_matches (&weights, resnet, &namings[naming]);
      weights_free (&weights);
    }
}
END_TEST

static void
assert_refused (const struct weights *weights, const char *resnet, const char *message)
{
  static struct matching matching;
  ck_assert_int_eq (matching_find (&matching, weights, resnet_find (resnet), "w"), -1);
  ck_assert_str_eq (error_message (), message);
}

START_TEST (classifiers_and_counters_are_left_out)
{
  static const char *const classifiers[] = { "fc.weight",    "fc1000/kernel",  "predictions/bias",  "module.fc.bias",
                                             "dense/kernel", "dense_1/kernel", "head/dense_12/bias" };
  static const char *const others[] = { "dense", "condense/kernel", "dense_block/kernel", "dense_1x/bias", "fcn.bias" };
  static struct matching matching;
  struct weights weights = make_weights ("resnet50", TORCHVISION, "");
  ck_assert_ptr_nonnull (weights_add (&weights, "bn1.num_batches_tracked", 0, NULL));
  ck_assert_int_eq (matching_find (&matching, &weights, resnet_find ("resnet50"), "w"), 0);
  ck_assert (!matching.classifier);
  for (size_t i = 0; i < sizeof classifiers / sizeof *classifiers; i++)
    ck_assert_ptr_nonnull (weights_add (&weights, classifiers[i], 1, (int64_t[]){ 10 }));
  ck_assert_int_eq (matching_find (&matching, &weights, resnet_find ("resnet50"), "w"), 0);
  ck_assert (matching.classifier);
  weights_free (&weights);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    ck_assert_msg (!naming_is_left_out (others[i], &matching.classifier), "%s", others[i]);
}
END_TEST

static struct weight *
weight_of (struct weights *weights, const char *name)
{
  struct weight *weight = (struct weight *) weights_find (weights, name);
  ck_assert_ptr_nonnull (weight);
  return weight;
}

START_TEST (a_wrong_array_is_named)
{
  struct weights weights = make_weights ("resnet50", KERAS, "");
  struct weight *gamma = weight_of (&weights, "conv4_block6_2_bn/gamma");
  gamma->name[0] = 'x';
  assert_refused (&weights, "resnet50",
                  "'w' has no 'conv4_block6_2_bn/gamma' (256), which resnet50 by Keras has; give its whole weights");
  gamma->name[0] = 'c';
  gamma->size[0] = 100;
  assert_refused (&weights, "resnet50",
                  "'conv4_block6_2_bn/gamma' in 'w' is (100), not (256) as in resnet50 by Keras; give the weights of "
                  "resnet50");
  gamma->size[0] = 256;
  struct weight *kernel = weight_of (&weights, "conv1_conv/kernel");
  kernel->size[0] = 3;
  assert_refused (&weights, "resnet50",
                  "'conv1_conv/kernel' in 'w' is (3, 7, 3, 64), not (7, 7, 3, 64) as in resnet50 by Keras; give the "
                  "weights of resnet50");
  kernel->size[0] = 7;
  kernel->value[70] = NAN;
  assert_refused (&weights, "resnet50", "value 70 of 'conv1_conv/kernel' in 'w' is nan; give weights that are finite");
  kernel->value[70] = 0;
  weights_add (&weights, "attention/kernel", 2, (int64_t[]){ 3, 4 });
  assert_refused (&weights, "resnet50",
                  "'w' has 'attention/kernel' (3, 4), which resnet50 by Keras has not; give the weights of resnet50");
  weights_free (&weights);
}
END_TEST

START_TEST (biases_are_all_there_or_none)
{
  struct weights weights = make_weights ("resnet50", LETTERED, "");
  for (size_t i = 0; i < weights.count; i++)
    if (strstr (weights.weight[i].name, "/bias"))
      strcpy (weights.weight[i].name, "probs/");
  assert_matches (&weights, "resnet50", &namings[LETTERED]);
  weights_add (&weights, "res5c_branch2c/bias", 1, (int64_t[]){ 2048 });
  assert_refused (&weights, "resnet50",
                  "'w' has no 'conv1/bias' (64), which resnet50 by Keras before 2019 has; give its whole weights");
  weights_free (&weights);
}
END_TEST

START_TEST (other_networks_are_told_apart)
{
  struct weights weights = make_weights ("resnet101", TORCHVISION, "");
  assert_refused (&weights, "resnet50",
                  "the weights in 'w' look like those of resnet101, not of resnet50; build resnet101");
  weights_free (&weights);
  weights = make_weights ("resnet152", NUMBERED, "");
  assert_refused (&weights, "resnet50",
                  "'w' has another number of convolutions than resnet50; give the weights of resnet50");
  weights_free (&weights);
  weights = make_weights ("resnet50", KERAS, "");
  weights_add (&weights, "conv2_block1_preact_bn/gamma", 1, (int64_t[]){ 64 });
  assert_refused (
    &weights, "resnet50",
    "the weights in 'w' look like those of a ResNet of version 2, not of resnet50; give those of resnet50");
  weights_free (&weights);
  weights = (struct weights){ .path = "w", .bytes_limit = UINT64_MAX };
  weights_add (&weights, "features.0.weight", 4, (int64_t[]){ 64, 3, 3, 3 });
  assert_refused (&weights, "resnet50",
                  "the names in 'w', such as 'features.0.weight' (64, 3, 3, 3), are none of a ResNet by Keras, "
                  "torchvision, timm or Hugging Face; give such weights, or bring the network as TorchScript ('slabfit "
                  "backbone wrap')");
  weights_free (&weights);
}
END_TEST

/* Two blocks of two convolutions in each stage, as torchvision's resnet18 has.  */
START_TEST (a_shallow_network_is_told)
{
  struct weights weights = { .path = "w", .bytes_limit = UINT64_MAX };
  for (int i = 0; i < 16; i++)
    {
      char name[64];
      snprintf (name, sizeof name, "layer%d.%d.conv%d.weight", i / 4 + 1, i / 2 % 2, i % 2 + 1);
      ck_assert_ptr_nonnull (weights_add (&weights, name, 4, (int64_t[]){ 1, 1, 3, 3 }));
    }
  assert_refused (&weights, "resnet50",
                  "the weights in 'w' look like those of resnet18, not of resnet50; give those of resnet50");
  weights.weight[15].name[5] = '9'; /* layer9: one block less */
  weights.weight[14].name[5] = '9';
  assert_refused (
    &weights, "resnet50",
    "the weights in 'w' look like those of a ResNet of 2, 2, 2 and 1 blocks, not of resnet50; give those of "
    "resnet50");
  weights_free (&weights);
}
END_TEST

/* Arrays of a unit with the given values.  */
static void
set_parts (struct weight weight[NAMING_PARTS], const struct weight *part[NAMING_PARTS],
           float *const value[NAMING_PARTS])
{
  for (int i = 0; i < NAMING_PARTS; i++)
    {
      weight[i] = (struct weight){ .name = "array", .value = value[i] };
      part[i] = value[i] ? &weight[i] : NULL;
    }
}

/* With epsilon 0.01 the deviations are 2 and 0.5, so the scales 1.5 and 2.  */
START_TEST (folding_is_as_by_hand)
{
  const struct resnet_unit two = { 1, 0, 0, 1, 2, 1, 1, 0 };
  float kernel[2], bias[2], first[] = { 2, -4 }, added[] = { 1, 1 }, gamma[] = { 3, 1 }, beta[] = { 0.5f, -1 };
  float mean[] = { 1, 2 }, variance[] = { 3.99f, 0.24f };
  float *value[NAMING_PARTS] = { first, NULL, gamma, beta, mean, variance };
  const struct weight *part[NAMING_PARTS];
  struct weight weight[NAMING_PARTS];
  set_parts (weight, part, value);
  ck_assert_int_eq (folding_fold (&two, &namings[TORCHVISION], part, 0.01, kernel, bias, "w"), 0);
  ck_assert_float_eq_tol (kernel[0], 3, 1e-6f);
  ck_assert_float_eq_tol (kernel[1], -8, 1e-6f);
  ck_assert_float_eq_tol (bias[0], -1, 1e-6f);
  ck_assert_float_eq_tol (bias[1], -5, 1e-6f);
  value[NAMING_BIAS] = added;
  set_parts (weight, part, value);
  ck_assert_int_eq (folding_fold (&two, &namings[KERAS], part, 0.01, kernel, bias, "w"), 0);
  ck_assert_float_eq_tol (kernel[1], -8, 1e-6f);
  ck_assert_float_eq_tol (bias[0], 0.5f, 1e-6f);
  ck_assert_float_eq_tol (bias[1], -3, 1e-6f);
}
END_TEST

/* Keras's kernel (3, 3, 2, 2) becomes (2, 2, 3, 3): each value says where it stands.  */
START_TEST (kernels_are_turned)
{
  const struct resnet_unit small = { 2, 1, 2, 2, 2, 3, 1, 1 };
  float from[3][3][2][2], kernel[2][2][3][3], bias[2], one[] = { 1, 1 }, zero[] = { 0, 0 };
  for (int i = 0; i < 36; i++)
    from[i / 12][i / 4 % 3][i / 2 % 2][i % 2] =
      (float) (1000 * (i / 12) + 100 * (i / 4 % 3) + 10 * (i / 2 % 2) + i % 2);
  const struct weight *part[NAMING_PARTS];
  struct weight weight[NAMING_PARTS];
  set_parts (weight, part, (float *[]){ from[0][0][0], zero, one, zero, zero, zero });
  ck_assert_int_eq (folding_fold (&small, &namings[KERAS], part, 1, kernel[0][0][0], bias, "w"), 0);
  for (int i = 0; i < 36; i++)
    {
      int output = i / 18, input = i / 9 % 2, row = i / 3 % 3, column = i % 3;
      ck_assert_float_eq (kernel[output][input][row][column],
                          (float) (1000 * row + 100 * column + 10 * input + output));
    }
}
END_TEST

START_TEST (negative_variances_are_refused)
{
  const struct resnet_unit one = { 1, 0, 0, 1, 2, 1, 1, 0 };
  float ones[] = { 1, 1 }, variance[] = { 0, -0.5f }, kernel[2], bias[2];
  const struct weight *part[NAMING_PARTS];
  struct weight weight[NAMING_PARTS];
  set_parts (weight, part, (float *[]){ ones, NULL, ones, ones, ones, variance });
  ck_assert_int_eq (folding_fold (&one, &namings[TORCHVISION], part, 1, kernel, bias, "w"), -1);
  ck_assert_str_eq (error_message (), "value 1 of 'array' in 'w', a variance, is -0.5; give weights that were trained");
}
END_TEST

/* A description of Keras's ResNet-50 with what matters in it, as keras.applications 3.15 saves it, FROM made TO.  */
static char *
make_config (const char *from, const char *to)
{
  char *text, *changed, name[RESNET_NAME_BYTES];
  size_t bytes, count = resnet_units (resnet_find ("resnet50"), RESNET_KERAS, unit);
  FILE *stream = open_memstream (&text, &bytes);
  fputs ("{\"class_name\": \"Functional\", \"config\": {\"name\": \"resnet50\", \"layers\": [\n", stream);
  for (size_t i = 0; i < count; i++)
    {
      int stride = unit[i].stride;
      resnet_unit_name (&unit[i], name);
      fprintf (
        stream,
        "{\"class_name\": \"Conv2D\", \"config\": {\"name\": \"%s_conv\", \"kernel_size\": [%d, %d], \"strides\": "
        "[%d, %d], \"padding\": \"%s\", \"data_format\": \"channels_last\", \"dilation_rate\": [1, 1], \"groups\": "
        "1, \"activation\": \"linear\"}},\n",
        name, unit[i].kernel, unit[i].kernel, stride, stride, unit[i].kernel == 3 ? "same" : "valid");
      fprintf (stream,
               "{\"class_name\": \"BatchNormalization\", \"config\": {\"name\": \"%s_bn\", \"axis\": 3, \"epsilon\": "
               "1.001e-05}},\n",
               name);
    }
  fputs (
    "{\"class_name\": \"ZeroPadding2D\", \"config\": {\"name\": \"conv1_pad\", \"padding\": [[3, 3], [3, 3]]}},\n"
    "{\"class_name\": \"ZeroPadding2D\", \"config\": {\"name\": \"pool1_pad\", \"padding\": [[1, 1], [1, 1]]}},\n"
    "{\"class_name\": \"Activation\", \"config\": {\"name\": \"conv1_relu\", \"activation\": \"relu\"}},\n"
    "{\"class_name\": \"Activation\", \"config\": {\"name\": \"activation\", \"activation\": \"sigmoid\"}},\n"
    "{\"class_name\": \"MaxPooling2D\", \"config\": {\"name\": \"pool1_pool\", \"pool_size\": [3, 3], \"padding\": "
    "\"valid\", \"strides\": [2, 2]}}]}}\n",
    stream);
  fclose (stream);
  char *place = strstr (text, from);
  ck_assert_ptr_nonnull (place);
  changed = text_new ("%.*s%s%s", (int) (place - text), text, to, place + strlen (from));
  free (text);
  return changed;
}

static int
check_config (const char *from, const char *to, double epsilon[RESNET_UNITS])
{
  char *config = make_config (from, to);
  size_t count = resnet_units (resnet_find ("resnet50"), RESNET_KERAS, unit);
  int result = modelconfig_check (config, resnet_find ("resnet50"), &namings[KERAS], unit, count, epsilon, "w");
  free (config);
  return result;
}

START_TEST (descriptions_give_the_epsilons)
{
  double epsilon[RESNET_UNITS];
  ck_assert_msg (check_config ("", "", epsilon) == 0, "%s", error_message ());
  ck_assert (epsilon[0] == 1.001e-5 && epsilon[52] == 1.001e-5);
  ck_assert_int_eq (check_config ("1.001e-05", "0.001", epsilon), 0);
  ck_assert (epsilon[0] == 1e-3 && epsilon[1] == 1.001e-5);
}
END_TEST

START_TEST (other_descriptions_are_refused)
{
  static const struct {
    const char *from, *to, *layer, *key;
  } changes[] = {
    { "\"strides\": [2, 2]", "\"strides\": [1, 1]", "conv1_conv", "strides" },
    { "channels_last", "channels_first", "conv1_conv", "data_format" },
    { "\"padding\": \"valid\"", "\"padding\": \"same\"", "conv1_conv", "padding" },
    { "\"padding\": \"same\"", "\"padding\": \"valid\"", "conv2_block1_2_conv", "padding" },
    { "[1, 1], \"groups\": 1", "[2, 2], \"groups\": 1", "conv1_conv", "dilation_rate" },
    { "\"groups\": 1", "\"groups\": 2", "conv1_conv", "groups" },
    { "linear", "relu", "conv1_conv", "activation" },
    { "\"axis\": 3", "\"axis\": 1", "conv1_bn", "axis" },
    { "1.001e-05", "0", "conv1_bn", "epsilon" },
    { "conv5_block3_3_conv", "conv5_block3_9_conv", "conv5_block3_3_conv", "class" },
    { "[[3, 3], [3, 3]]", "[[3, 3], [3, 2]]", "conv1_pad", "padding" },
    { "[[1, 1], [1, 1]]", "[[0, 1], [0, 1]]", "pool1_pool", "padding" },
    { "\"activation\": \"relu\"", "\"activation\": \"elu\"", "conv1_relu", "activation" },
  };
  double epsilon[RESNET_UNITS];
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
    {
      char *message = text_new ("the layer '%s' of the model in 'w' is not that of resnet50: its %s differs; bring the "
                                "network as TorchScript ('slabfit backbone wrap')",
                                changes[i].layer, changes[i].key);
      ck_assert_int_eq (check_config (changes[i].from, changes[i].to, epsilon), -1);
      ck_assert_str_eq (error_message (), message);
      free (message);
    }
}
END_TEST

/* What a network's file says of itself.  */
static json_t *
read_description (const char *path)
{
  char error[NETWORK_ERROR_BYTES];
  struct network *network;
  int result = network_open (&network, path, &(struct network_options){ .device = "cpu" }, error);
  ck_assert_msg (result == 0, "%s", error);
  json_t *description = json_loads (network_metadata (network), 0, NULL);
  network_close (network);
  return description;
}

START_TEST (random_backbones_say_what_they_are)
{
  char *path = scratch_path ("a.ts"), again[FILE_SHA256_BYTES];
  const struct backbone_plan plan = { .architecture = "resnet50", .seed = 7, .layer = "layer1" };
  struct backbone_options options = { .output = path, .pool = NETWORK_POOL_AVG };
  struct backbone_report report;
  ck_assert_msg (backbone_build (&options, &plan, &report) == 0, "%s", error_message ());
  json_t *description = read_description (path);
  json_t *expected =
    json_pack ("{s:s, s:s, s:s, s:s, s:s, s:[i], s:s, s:s, s:f}", "architecture", "resnet50", "structure", "keras",
               "layer", "conv2_block3_out", "pool", "avg", "preprocess", "keras", "feature_shape", 256, "weights",
               "random, seed 7", "version", PACKAGE_VERSION, "epsilon", 1.001e-5);
  ck_assert (json_equal (description, expected) && json_equal (report.description, expected));
  ck_assert_int_eq (file_sha256 (path, again), 0);
  ck_assert_str_eq (report.sha256, again);
  backbone_report_free (&report);
  ck_assert_int_eq (backbone_build (&options, &plan, &report), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "' is there already; choose another name or give --force"));
  backbone_report_free (&report);
  options.force = true;
  ck_assert_int_eq (backbone_build (&options, &plan, &report), 0);
  ck_assert_str_eq (report.sha256, again);
  ck_assert_int_eq (count_entries (scratch), 1);
  json_decref (description);
  json_decref (expected);
  backbone_report_free (&report);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("backbone");
  tcase_add_test (cases, parameters_are_as_published);
  tcase_add_test (cases, stages_halve_the_map);
  tcase_add_test (cases, layers_have_the_names_of_both);
  tcase_add_test (cases, other_layers_are_refused);
  tcase_add_test (cases, names_are_as_published);
  tcase_add_test (cases, epsilons_are_as_published);
  tcase_add_test (cases, every_naming_is_recognised);
  tcase_add_test (cases, classifiers_and_counters_are_left_out);
  tcase_add_test (cases, a_wrong_array_is_named);
  tcase_add_test (cases, biases_are_all_there_or_none);
  tcase_add_test (cases, other_networks_are_told_apart);
  tcase_add_test (cases, a_shallow_network_is_told);
  tcase_add_test (cases, folding_is_as_by_hand);
  tcase_add_test (cases, kernels_are_turned);
  tcase_add_test (cases, negative_variances_are_refused);
  tcase_add_test (cases, descriptions_give_the_epsilons);
  tcase_add_test (cases, other_descriptions_are_refused);
  tcase_add_test (cases, random_backbones_say_what_they_are);
  return run_cases (cases, "backbone");
}

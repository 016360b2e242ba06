#include <config.h>

#include "backbone.h"

#include "../../shim/network.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "../base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 4 };

struct architecture {
  const char *name;
  int blocks[STAGES];
};

static const struct architecture architectures[] = {
  { "resnet50", { 3, 4, 6, 3 } },
  { "resnet101", { 3, 4, 23, 3 } },
  { "resnet152", { 3, 8, 36, 3 } },
};

/* The mean square of a pixel of a photograph after caffe's means are taken off: about 70 squared.  The first batch
   normalisation divides by the spread that it gives; so the network works at the scale of trained ones.  */
static const float pixel_mean_square = 4900;

/* The variance of a kernel's draws times its fan in, for an output as spread as the input before its ReLU: the inverse
   of the variance 1/2 - 1/(2 pi) that ReLU leaves of a standard normal, since centred kernels see only that.  */
static const float kernel_gain = 2.934f;

/* Of the last normalisation in a block: keeps the sum of sixteen or more blocks from growing.  */
static const float last_gamma = 0.3f;

/* A convolution and the batch normalisation after it.  */
struct unit {
  const char *name; /* Keras's, without _conv and _bn: "conv2_block1_1" */
  int inputs, outputs, kernel, stride, padding;
  float gamma, variance;
};

/* The TorchScript text and the arrays that it names, as they grow.  */
struct builder {
  FILE *source;
  struct network_tensor *tensor;
  size_t count, room;
  uint64_t seed;
};

static const struct architecture *
find (const char *name)
{
  for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
    if (!strcmp (architectures[i].name, name))
      return &architectures[i];
  error_usage ("there is no architecture '%s'; choose one of %s", name, backbone_architectures ());
  return NULL;
}

const char *
backbone_architectures (void)
{
  return "resnet50, resnet101, resnet152";
}

/* A new array "NAME_SUFFIX" of the builder's, zeroed; NULL with the error set.  */
static float *
add_tensor (struct builder *builder, const char *name, const char *suffix, int rank, const int64_t *size)
{
  if (builder->count == builder->room)
    {
      size_t room = builder->room ? 2 * builder->room : 64;
      struct network_tensor *larger = realloc (builder->tensor, room * sizeof *larger);
      if (!larger)
        {
          error_set ("no memory for the backbone's arrays; give the job more memory");
          return NULL;
        }
      builder->tensor = larger;
      builder->room = room;
    }
  size_t values = 1;
  for (int i = 0; i < rank; i++)
    values *= (size_t) size[i];
  char *full = text_new ("%s_%s", name, suffix);
  float *value = full ? memory_new (values, sizeof *value) : NULL;
  if (!value)
    {
      free (full);
      return NULL;
    }
  struct network_tensor *tensor = &builder->tensor[builder->count++];
  *tensor = (struct network_tensor){ .name = full, .rank = rank, .values = value };
  memcpy (tensor->size, size, (size_t) rank * sizeof *size);
  return value;
}

static int
add_vector (struct builder *builder, const char *name, const char *suffix, int length, float filling)
{
  float *value = add_tensor (builder, name, suffix, 1, (const int64_t[]){ length });
  for (int i = 0; value && i < length; i++)
    value[i] = filling;
  return value ? 0 : -1;
}

/* Draws one filter (fan in) and takes off its mean: what all channels have in common after ReLU, which says nothing of
   the image, then does not pass.  */
static void
draw_filter (struct random *random, float *value, size_t fan_in)
{
  float limit = sqrtf (3 * kernel_gain / (float) fan_in), sum = 0;
  for (size_t i = 0; i < fan_in; i++)
    sum += value[i] = (2 * random_uniform (random) - 1) * limit;
  for (size_t i = 0; i < fan_in; i++)
    value[i] -= sum / (float) fan_in;
}

static int
add_kernel (struct builder *builder, const struct unit *unit)
{
  const int64_t size[] = { unit->outputs, unit->inputs, unit->kernel, unit->kernel };
  size_t fan_in = (size_t) (unit->inputs * unit->kernel * unit->kernel);
  struct random random = random_new (builder->seed, builder->count); /* a stream for each array */
  float *value = add_tensor (builder, unit->name, "conv_kernel", 4, size);
  for (int i = 0; value && i < unit->outputs; i++)
    draw_filter (&random, value + (size_t) i * fan_in, fan_in);
  return value ? 0 : -1;
}

/* OUTPUT = batch_norm (conv (INPUT)), and its arrays.  */
static int
add_unit (struct builder *builder, const struct unit *unit, const char *output, const char *input)
{
  const char *name = unit->name;
  fprintf (builder->source,
           "    %s = torch.batch_norm(torch.conv2d(%s, self.%s_conv_kernel, self.%s_conv_bias, [%d, %d], [%d, %d], "
           "[1, 1], 1), self.%s_bn_gamma, self.%s_bn_beta, self.%s_bn_mean, self.%s_bn_variance, False, 0.0, "
           "1.001e-05, False)\n",
           output, input, name, name, unit->stride, unit->stride, unit->padding, unit->padding, name, name, name, name);
  return add_kernel (builder, unit) || add_vector (builder, name, "conv_bias", unit->outputs, 0)
             || add_vector (builder, name, "bn_gamma", unit->outputs, unit->gamma)
             || add_vector (builder, name, "bn_beta", unit->outputs, 0)
             || add_vector (builder, name, "bn_mean", unit->outputs, 0)
             || add_vector (builder, name, "bn_variance", unit->outputs, unit->variance)
           ? -1
           : 0;
}

/* One bottleneck block: three convolutions beside a shortcut, which the first block of a stage projects.  */
static int
add_block (struct builder *builder, int stage, int block, int inputs)
{
  char name[64];
  int filters = 64 << stage, stride = stage > 0 && block == 0 ? 2 : 1, result = 0;
#define UNIT(number) (snprintf (name, sizeof name, "conv%d_block%d_%d", stage + 2, block + 1, number), name)
  fputs ("    shortcut = x\n", builder->source);
  if (block == 0)
    result = add_unit (builder, &(struct unit){ UNIT (0), inputs, 4 * filters, 1, stride, 0, 1, 1 }, "shortcut", "x");
  result = result || add_unit (builder, &(struct unit){ UNIT (1), inputs, filters, 1, stride, 0, 1, 1 }, "x", "x")
           || add_unit (builder, &(struct unit){ UNIT (2), filters, filters, 3, 1, 1, 1, 1 }, "x", "torch.relu(x)")
           || add_unit (builder, &(struct unit){ UNIT (3), filters, 4 * filters, 1, 1, 0, last_gamma, 1 }, "x",
                        "torch.relu(x)");
#undef UNIT
  fputs ("    x = torch.relu(x + shortcut)\n", builder->source);
  return result ? -1 : 0;
}

static int
add_network (struct builder *builder, const struct architecture *architecture)
{
  int channels = 64;
  const struct unit stem = { "conv1", 3, channels, 7, 2, 3, 1, kernel_gain * pixel_mean_square };
  fputs ("def forward(self, x: Tensor):\n", builder->source);
  if (add_unit (builder, &stem, "x", "x"))
    return -1;
  /* Keras pads with zeros before pooling; after ReLU the padding of max_pool2d gives the same.  */
  fputs ("    x = torch.max_pool2d(torch.relu(x), [3, 3], [2, 2], [1, 1], [1, 1], False)\n", builder->source);
  for (int stage = 0; stage < STAGES; stage++)
    for (int block = 0; block < architecture->blocks[stage]; block++)
      {
        if (add_block (builder, stage, block, channels))
          return -1;
        channels = 256 << stage;
      }
  fputs ("    return x\n", builder->source);
  return 0;
}

static void
builder_free (struct builder *builder)
{
  for (size_t i = 0; i < builder->count; i++)
    {
      free ((char *) builder->tensor[i].name);
      memory_free ((float *) builder->tensor[i].values);
    }
  free (builder->tensor);
}

/* The JSON text that extract reads from the file, to be freed by the caller.  */
static char *
metadata_new (const char *architecture, uint64_t seed, const struct backbone_report *report)
{
  const int64_t *shape = report->feature_shape;
  json_t *object =
    json_pack ("{s:s, s:s, s:[I,I,I], s:s, s:o}", "architecture", architecture, "layer", "output", "feature_shape",
               (json_int_t) shape[0], (json_int_t) shape[1], (json_int_t) shape[2], "preprocess", report->preprocess,
               "weights", json_sprintf ("random, seed %" PRIu64, seed));
  char *text = json_dumps (object, JSON_SORT_KEYS);
  json_decref (object);
  if (!text)
    error_set ("no memory for the backbone's description; give the job more memory");
  return text;
}

static int
write_network (const char *path, const char *source, const struct builder *builder, const char *metadata)
{
  char reason[NETWORK_ERROR_BYTES], *temporary = file_temporary (path);
  if (!temporary)
    return -1;
  int result = 0;
  if (network_build (temporary, source, builder->tensor, builder->count, metadata, reason))
    {
      result = error_set ("cannot write the backbone '%s': %s", path, reason);
      remove (temporary);
    }
  else
    result = file_commit (temporary, path);
  free (temporary);
  return result;
}

int
backbone_build_random (const char *path, const char *name, uint64_t seed, bool force, struct backbone_report *report)
{
  *report = (struct backbone_report){ .feature_shape = { 7, 7, 2048 }, .preprocess = "keras" };
  struct builder builder = { .seed = seed };
  const struct architecture *architecture = find (name);
  char *source = NULL, *metadata = NULL;
  size_t source_bytes;
  if (!architecture)
    return -1;
  if (file_exists (path) && !force)
    return error_set ("'%s' is there already; choose another name or give --force", path);
  builder.source = open_memstream (&source, &source_bytes);
  if (!builder.source)
    return error_set ("no memory for the backbone's text; give the job more memory");
  int result = add_network (&builder, architecture);
  fclose (builder.source);
  if (result == 0 && !(metadata = metadata_new (name, seed, report)))
    result = -1;
  if (result == 0)
    result = write_network (path, source, &builder, metadata);
  if (result == 0)
    result = file_sha256 (path, report->sha256);
  free (metadata);
  free (source);
  builder_free (&builder);
  return result;
}

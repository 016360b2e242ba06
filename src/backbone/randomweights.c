#include <config.h>

#include "randomweights.h"

#include "../base/memory.h"
#include "../base/random.h"
#include "naming.h"

#include <math.h>

/* The mean square of a pixel of a photograph after caffe's means are taken off: about 70 squared.  The first batch
   normalisation divides by the spread that it gives; so the network works at the scale of trained ones.  */
static const float pixel_mean_square = 4900;

/* The variance of a kernel's draws times its fan in, for an output as spread as the input before its ReLU: the inverse
   of the variance 1/2 - 1/(2 pi) that ReLU leaves of a standard normal, since centred kernels see only that.  */
static const float kernel_gain = 2.934f;

/* Of the last normalisation in a block: keeps the sum of sixteen or more blocks from growing.  */
static const float last_gamma = 0.3f;

/* Draws one filter, VALUE (count), and takes off its mean: what all channels have in common after ReLU, which says
   nothing of the image, then does not pass.  */
static void
draw_filter (struct random *random, float *value, size_t count, float limit)
{
  float sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += value[i] = (2 * random_uniform (random) - 1) * limit;
  for (size_t i = 0; i < count; i++)
    value[i] -= sum / (float) count;
}

/* Draws the KERNEL (kernel, kernel, inputs, outputs), filter by filter by way of FILTER (inputs, kernel, kernel).  */
static void
draw_kernel (struct random *random, const struct resnet_unit *unit, float *filter, float *kernel)
{
  size_t area = (size_t) (unit->kernel * unit->kernel), inputs = (size_t) unit->inputs,
         outputs = (size_t) unit->outputs;
  float limit = sqrtf (3 * kernel_gain / (float) (inputs * area));
  for (size_t output = 0; output < outputs; output++)
    {
      draw_filter (random, filter, inputs * area, limit);
      for (size_t input = 0; input < inputs; input++)
        for (size_t place = 0; place < area; place++)
          kernel[(place * inputs + input) * outputs + output] = filter[input * area + place];
    }
}

/* PART of UNIT, zeroed; NULL with the error set.  */
static float *
add_part (struct weights *weights, const struct resnet *resnet, const struct resnet_unit *unit, enum naming_part part)
{
  char name[NAMING_NAME_BYTES];
  int64_t size[NETWORK_RANK];
  const struct naming *keras = &namings[0];
  naming_write (keras, resnet, unit, part, name);
  struct weight *weight = weights_add (weights, name, naming_shape (keras, unit, part, size), size);
  return weight ? weight->value : NULL;
}

static int
draw_unit (struct weights *weights, const struct resnet *resnet, const struct resnet_unit *unit, struct random random)
{
  float *value[NAMING_PARTS],
    *filter = memory_new ((size_t) (unit->inputs * unit->kernel * unit->kernel), sizeof *filter);
  bool whole = filter;
  for (int part = 0; part < NAMING_PARTS; part++)
    whole = whole && (value[part] = add_part (weights, resnet, unit, (enum naming_part) part));
  if (whole)
    draw_kernel (&random, unit, filter, value[NAMING_KERNEL]);
  for (int output = 0; whole && output < unit->outputs; output++)
    {
      value[NAMING_GAMMA][output] = unit->number == 3 ? last_gamma : 1;
      value[NAMING_VARIANCE][output] = unit->stage == 1 ? kernel_gain * pixel_mean_square : 1;
    }
  memory_free (filter);
  return whole ? 0 : -1;
}

int
randomweights_draw (struct weights *weights, const struct resnet *resnet, uint64_t seed)
{
  struct resnet_unit unit[RESNET_UNITS];
  size_t count = resnet_units (resnet, RESNET_KERAS, unit);
  *weights = (struct weights){ .path = resnet->name, .bytes_limit = UINT64_MAX };
  for (size_t i = 0; i < count; i++)
    if (draw_unit (weights, resnet, &unit[i], random_new (seed, NAMING_PARTS * i)))
      {
        weights_free (weights);
        return -1;
      }
  return 0;
}

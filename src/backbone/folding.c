#include <config.h>

#include "folding.h"

#include "../base/error.h"

#include <math.h>

/* One output's kernel (inputs, kernel, kernel), times SCALE.  Keras's lies as (kernel, kernel, inputs, outputs).  */
static void
fold_kernel (const struct resnet_unit *unit, bool keras, const float *from, int output, double scale, float *to)
{
  size_t area = (size_t) (unit->kernel * unit->kernel), inputs = (size_t) unit->inputs,
         outputs = (size_t) unit->outputs;
  size_t first = keras ? (size_t) output : (size_t) output * inputs * area;
  size_t input_step = keras ? outputs : area, place_step = keras ? inputs * outputs : 1;
  for (size_t input = 0; input < inputs; input++)
    for (size_t place = 0; place < area; place++)
      *to++ = (float) (scale * (double) from[first + input * input_step + place * place_step]);
}

int
folding_fold (const struct resnet_unit *unit, const struct naming *naming,
              const struct weight *const part[NAMING_PARTS], double epsilon, float *kernel, float *bias,
              const char *path)
{
  size_t fan_in = (size_t) (unit->inputs * unit->kernel * unit->kernel);
  for (int output = 0; output < unit->outputs; output++)
    {
      double variance = (double) part[NAMING_VARIANCE]->value[output], mean = (double) part[NAMING_MEAN]->value[output];
      double gamma = (double) part[NAMING_GAMMA]->value[output], beta = (double) part[NAMING_BETA]->value[output];
      double added = part[NAMING_BIAS] ? (double) part[NAMING_BIAS]->value[output] : 0;
      if (!(variance >= 0))
        return error_set ("value %d of '%s' in '%s', a variance, is %g; give weights that were trained", output,
                          part[NAMING_VARIANCE]->name, path, variance);
      double scale = gamma / sqrt (variance + epsilon);
      fold_kernel (unit, naming->structure == RESNET_KERAS, part[NAMING_KERNEL]->value, output, scale,
                   kernel + (size_t) output * fan_in);
      bias[output] = (float) (beta + (added - mean) * scale);
    }
  return 0;
}

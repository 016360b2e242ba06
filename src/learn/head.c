#include <config.h>

#include "head.h"

#include "../base/error.h"
#include "../base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int
allocate (struct head *head)
{
  size_t largest = 0, bytes;
  head->count = head->width[0];
  for (size_t layer = 1; layer <= head->layers; layer++)
    {
      size_t values;
      if (memory_multiply (head->width[layer - 1] + 1, head->width[layer], "a hidden layer's size", &values)
          || memory_multiply (head->batch, head->width[layer], "a batch's size", &bytes))
        return -1;
      head->count += values;
    }
  head->parameter = memory_new (head->count, sizeof *head->parameter);
  head->gradient = memory_new (head->count, sizeof *head->gradient);
  head->velocity = memory_new (head->count, sizeof *head->velocity);
  if (!head->parameter || !head->gradient || !head->velocity)
    return -1;
  for (size_t layer = 0; layer <= head->layers; layer++)
    {
      largest = head->width[layer] > largest ? head->width[layer] : largest;
      head->output[layer] = memory_new (head->batch * head->width[layer], sizeof **head->output);
      if (!head->output[layer])
        return -1;
    }
  for (int i = 0; i < 2; i++)
    if (!(head->delta[i] = memory_new (head->batch * largest, sizeof *head->delta[i])))
      return -1;
  return 0;
}

struct head *
head_new (const size_t *width, size_t layers, size_t batch)
{
  struct head *head = calloc (1, sizeof *head);
  size_t *copy = calloc (layers + 1, sizeof *copy);
  double **output = calloc (layers + 1, sizeof *output);
  if (!head || !copy || !output)
    {
      free (head);
      free (copy);
      free (output);
      error_set ("no memory for %zu layers; give the job more memory", layers);
      return NULL;
    }
  memcpy (copy, width, (layers + 1) * sizeof *copy);
  *head = (struct head){ .layers = layers, .width = copy, .batch = batch, .output = output };
  if (allocate (head))
    {
      head_free (head);
      return NULL;
    }
  return head;
}

void
head_free (struct head *head)
{
  if (!head)
    return;
  for (size_t layer = 0; layer <= head->layers; layer++)
    memory_free (head->output[layer]);
  free (head->output);
  free (head->width);
  memory_free (head->parameter);
  memory_free (head->gradient);
  memory_free (head->velocity);
  memory_free (head->delta[0]);
  memory_free (head->delta[1]);
  free (head);
}

/* Where the kernel of later layer LAYER begins among the parameters.  */
static size_t
kernel_offset (const struct head *head, size_t layer)
{
  size_t offset = head->width[0];
  for (size_t below = 1; below < layer; below++)
    offset += (head->width[below - 1] + 1) * head->width[below];
  return offset;
}

static size_t
bias_offset (const struct head *head, size_t layer)
{
  return kernel_offset (head, layer) + head->width[layer - 1] * head->width[layer];
}

double *
head_kernel (struct head *head, size_t layer)
{
  return head->parameter + kernel_offset (head, layer);
}

double *
head_bias (struct head *head, size_t layer)
{
  return head->parameter + bias_offset (head, layer);
}

static void
rectify (double *values, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (values[i] < 0) /* a NaN stays, to be seen in the loss */
      values[i] = 0;
}

/* OUT (rows, outputs) = IN (rows, inputs) KERNEL + BIAS.  */
static void
apply_layer (double *out, const double *in, const double *kernel, const double *bias, size_t rows, size_t inputs,
             size_t outputs)
{
  for (size_t row = 0; row < rows; row++, in += inputs, out += outputs)
    {
      memcpy (out, bias, outputs * sizeof *out);
      for (size_t i = 0; i < inputs; i++)
        for (size_t j = 0; j < outputs; j++)
          out[j] += in[i] * kernel[i * outputs + j];
    }
}

/* Each row's values become log softmax: x - log sum exp x, with the largest x taken out so that nothing overflows.  */
static void
log_softmax (double *values, size_t rows, size_t classes)
{
  for (size_t row = 0; row < rows; row++, values += classes)
    {
      double largest = values[0], sum = 0;
      for (size_t i = 1; i < classes; i++)
        largest = values[i] > largest ? values[i] : largest;
      for (size_t i = 0; i < classes; i++)
        sum += exp (values[i] - largest);
      for (size_t i = 0; i < classes; i++)
        values[i] -= largest + log (sum);
    }
}

const double *
head_forward (struct head *head, const float *pre, size_t rows)
{
  size_t units = head->width[0];
  for (size_t row = 0; row < rows; row++)
    for (size_t unit = 0; unit < units; unit++)
      head->output[0][row * units + unit] = (double) pre[row * units + unit] + head->parameter[unit];
  rectify (head->output[0], rows * units);
  for (size_t layer = 1; layer <= head->layers; layer++)
    {
      apply_layer (head->output[layer], head->output[layer - 1], head_kernel (head, layer), head_bias (head, layer),
                   rows, head->width[layer - 1], head->width[layer]);
      if (layer < head->layers)
        rectify (head->output[layer], rows * head->width[layer]);
    }
  log_softmax (head->output[head->layers], rows, head->width[head->layers]);
  return head->output[head->layers];
}

static size_t
likeliest (const double *values, size_t count)
{
  size_t best = 0;
  for (size_t i = 1; i < count; i++)
    if (values[i] > values[best])
      best = i;
  return best;
}

double
head_loss (const struct head *head, const int32_t *label, const double *class_weight, size_t rows, uint64_t *correct)
{
  size_t classes = head->width[head->layers];
  const double *logarithm = head->output[head->layers];
  double sum = 0;
  *correct = 0;
  for (size_t row = 0; row < rows; row++, logarithm += classes)
    {
      sum -= (class_weight ? class_weight[label[row]] : 1) * logarithm[label[row]];
      *correct += likeliest (logarithm, classes) == (size_t) label[row];
    }
  return sum;
}

double
head_squares (const struct head *head)
{
  double sum = 0;
  for (size_t layer = 1; layer <= head->layers; layer++)
    for (size_t i = kernel_offset (head, layer); i < bias_offset (head, layer); i++)
      sum += head->parameter[i] * head->parameter[i];
  return sum;
}

/* The gradient at the logits: (probability - [is the label]) weight / rows.  */
static void
differentiate_loss (const struct head *head, const int32_t *label, const double *class_weight, size_t rows,
                    double *delta)
{
  size_t classes = head->width[head->layers];
  const double *logarithm = head->output[head->layers];
  for (size_t row = 0; row < rows; row++)
    {
      double weight = (class_weight ? class_weight[label[row]] : 1) / (double) rows;
      for (size_t i = 0; i < classes; i++)
        delta[row * classes + i] = weight * (exp (logarithm[row * classes + i]) - ((size_t) label[row] == i));
    }
}

/* From DELTA (rows, outputs) at the output of LAYER before its ReLU: that layer's parameter gradients, and BELOW (rows,
   inputs) at its input, already through the ReLU that made it.  */
static void
differentiate_layer (struct head *head, size_t layer, size_t rows, const double *delta, double *below)
{
  size_t inputs = head->width[layer - 1], outputs = head->width[layer];
  const double *in = head->output[layer - 1], *kernel = head_kernel (head, layer);
  double *kernel_gradient = head->gradient + kernel_offset (head, layer);
  double *bias_gradient = head->gradient + bias_offset (head, layer);
  for (size_t row = 0; row < rows; row++, in += inputs, below += inputs, delta += outputs)
    {
      for (size_t j = 0; j < outputs; j++)
        bias_gradient[j] += delta[j];
      for (size_t i = 0; i < inputs; i++)
        {
          below[i] = 0;
          if (in[i] > 0)
            for (size_t j = 0; j < outputs; j++)
              {
                kernel_gradient[i * outputs + j] += in[i] * delta[j];
                below[i] += kernel[i * outputs + j] * delta[j];
              }
        }
    }
}

void
head_backward (struct head *head, const int32_t *label, const double *class_weight, size_t rows, float *delta)
{
  size_t units = head->width[0];
  double *above = head->delta[0], *below = head->delta[1];
  memset (head->gradient, 0, head->count * sizeof *head->gradient);
  differentiate_loss (head, label, class_weight, rows, above);
  for (size_t layer = head->layers; layer > 0; layer--)
    {
      differentiate_layer (head, layer, rows, above, below);
      double *kept = above;
      above = below;
      below = kept;
    }
  for (size_t row = 0; row < rows; row++)
    for (size_t unit = 0; unit < units; unit++)
      {
        head->gradient[unit] += above[row * units + unit];
        delta[row * units + unit] = (float) above[row * units + unit];
      }
}

static void
update_range (struct head *head, const struct sgd *sgd, size_t begin, size_t end, double l2)
{
  for (size_t i = begin; i < end; i++)
    {
      double change = -sgd->rate * (head->gradient[i] + 2 * l2 * head->parameter[i]);
      head->velocity[i] = sgd->momentum * head->velocity[i] + change;
      head->parameter[i] += sgd->nesterov ? sgd->momentum * head->velocity[i] + change : head->velocity[i];
    }
}

void
head_update (struct head *head, const struct sgd *sgd)
{
  update_range (head, sgd, 0, head->width[0], 0);
  for (size_t layer = 1; layer <= head->layers; layer++)
    {
      size_t kernel = kernel_offset (head, layer), bias = bias_offset (head, layer);
      update_range (head, sgd, kernel, bias, sgd->l2);
      update_range (head, sgd, bias, bias + head->width[layer], 0);
    }
}

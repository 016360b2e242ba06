#include <config.h>

#include "head.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "../base/vectorised.h"
#include "dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The masks of step t draw from the streams first_stream + STEP_STREAMS t + layer of the seed, far from those of the
   shuffles.  */
enum { STEP_STREAMS = 64 };
static const uint64_t first_stream = (uint64_t) 1 << 40;

static int
allocate (struct head *head)
{
  size_t largest = 0, deepest = head->batch, bytes;
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
  deepest = largest > deepest ? largest : deepest;
  head->panel = memory_new (deepest * DENSE_PANEL, sizeof *head->panel);
  return head->panel ? 0 : -1;
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
  *head = (struct head){ .layers = layers, .width = copy, .batch = batch, .output = output, .scale = 1 };
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
  memory_free (head->panel);
  memory_free (head->kept);
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

/* OUT = the larger of 0 and IN + BIAS, a hidden layer's activation; a NaN stays, to be seen in the loss.  */
VECTORISED static void
activate_first (double *restrict out, const float *restrict in, const double *restrict bias, size_t rows, size_t units)
{
  for (size_t row = 0; row < rows; row++, out += units, in += units)
    for (size_t unit = 0; unit < units; unit++)
      {
        double sum = (double) in[unit] + bias[unit];
        out[unit] = sum < 0 ? 0 : sum;
      }
}

VECTORISED static void
add_bias (double *restrict out, const double *restrict bias, size_t rows, size_t units, bool rectify)
{
  for (size_t row = 0; row < rows; row++, out += units)
    for (size_t unit = 0; unit < units; unit++)
      {
        double sum = out[unit] + bias[unit];
        out[unit] = rectify && sum < 0 ? 0 : sum;
      }
}

/* Drops outputs of hidden layer LAYER and scales up the others.  */
static void
drop (struct head *head, size_t layer, size_t rows, const struct dropout *dropout)
{
  struct random generator = random_new (dropout->seed, first_stream + STEP_STREAMS * dropout->step + layer);
  double *output = head->output[layer], rate = dropout->rate, scale = head->scale;
  size_t count = rows * head->width[layer];
  for (size_t i = 0; i < count; i++)
    output[i] *= (double) random_uniform (&generator) < rate ? 0 : scale;
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
      largest += log (sum);
      for (size_t i = 0; i < classes; i++)
        values[i] -= largest;
    }
}

const double *
head_forward_training (struct head *head, const float *pre, size_t rows, const struct dropout *dropout)
{
  bool dropping = dropout && dropout->rate > 0;
  head->scale = dropping ? 1 / (1 - dropout->rate) : 1;
  activate_first (head->output[0], pre, head->parameter, rows, head->width[0]);
  for (size_t layer = 1; layer <= head->layers; layer++)
    {
      size_t inputs = head->width[layer - 1], outputs = head->width[layer];
      struct operand in = { head->output[layer - 1], inputs, 1 }, kernel = { head_kernel (head, layer), outputs, 1 };
      if (dropping)
        drop (head, layer - 1, rows, dropout);
      dense_multiply (head->output[layer], rows, outputs, inputs, in, kernel, head->panel);
      add_bias (head->output[layer], head_bias (head, layer), rows, outputs, layer < head->layers);
    }
  log_softmax (head->output[head->layers], rows, head->width[head->layers]);
  return head->output[head->layers];
}

const double *
head_forward (struct head *head, const float *pre, size_t rows)
{
  return head_forward_training (head, pre, rows, NULL);
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

/* In sixteen sums, so that the loop can be vectorised.  */
VECTORISED static double
sum_of_squares (const double *restrict values, size_t count)
{
  double sum[16] = { 0 }, all = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int j = 0; j < 16; j++)
      sum[j] += values[i + (size_t) j] * values[i + (size_t) j];
  for (; i < count; i++)
    all += values[i] * values[i];
  for (int j = 0; j < 16; j++)
    all += sum[j];
  return all;
}

double
head_squares (const struct head *head)
{
  double sum = 0;
  for (size_t layer = 1; layer <= head->layers; layer++)
    sum += sum_of_squares (head->parameter + kernel_offset (head, layer), head->width[layer - 1] * head->width[layer]);
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

/* SUM (units) = the sum of the ROWS of DELTA (rows, units).  */
VECTORISED static void
sum_rows (double *restrict sum, const double *restrict delta, size_t rows, size_t units)
{
  memset (sum, 0, units * sizeof *sum);
  for (size_t row = 0; row < rows; row++)
    for (size_t unit = 0; unit < units; unit++)
      sum[unit] += delta[row * units + unit];
}

/* Takes DELTA from a hidden layer's output OUT back to before its ReLU and its mask.  What was dropped is 0 there too,
   so OUT alone tells.  */
VECTORISED static void
differentiate_output (double *restrict delta, const double *restrict out, size_t count, double scale)
{
  for (size_t i = 0; i < count; i++)
    delta[i] = out[i] > 0 ? delta[i] * scale : 0;
}

/* From DELTA (rows, outputs) at the output of LAYER before its ReLU: that layer's parameter gradients, and BELOW (rows,
   inputs) at the output of the layer below before its ReLU.  */
static void
differentiate_layer (struct head *head, size_t layer, size_t rows, const double *delta, double *below)
{
  size_t inputs = head->width[layer - 1], outputs = head->width[layer];
  struct operand above = { delta, outputs, 1 }, turned_input = { head->output[layer - 1], 1, inputs };
  struct operand turned_kernel = { head_kernel (head, layer), 1, outputs };
  dense_multiply (head->gradient + kernel_offset (head, layer), inputs, outputs, rows, turned_input, above,
                  head->panel);
  sum_rows (head->gradient + bias_offset (head, layer), delta, rows, outputs);
  dense_multiply (below, rows, inputs, outputs, above, turned_kernel, head->panel);
  differentiate_output (below, head->output[layer - 1], rows * inputs, head->scale);
}

VECTORISED static void
round_values (float *restrict out, const double *restrict in, size_t count)
{
  for (size_t i = 0; i < count; i++)
    out[i] = sgd_rounded ((float) in[i]);
}

void
head_backward (struct head *head, const int32_t *label, const double *class_weight, size_t rows, float *delta)
{
  size_t units = head->width[0];
  double *above = head->delta[0], *below = head->delta[1];
  differentiate_loss (head, label, class_weight, rows, above);
  for (size_t layer = head->layers; layer > 0; layer--)
    {
      differentiate_layer (head, layer, rows, above, below);
      double *kept = above;
      above = below;
      below = kept;
    }
  sum_rows (head->gradient, above, rows, units);
  round_values (delta, above, rows * units);
}

VECTORISED static void
update_parameters (double *restrict parameter, double *restrict velocity, const double *restrict gradient, size_t count,
                   const struct sgd *sgd, double l2)
{
  double rate = sgd->rate, momentum = sgd->momentum;
  bool nesterov = sgd->nesterov;
  for (size_t i = 0; i < count; i++)
    {
      double change = -rate * (gradient[i] + 2 * l2 * parameter[i]);
      velocity[i] = momentum * velocity[i] + change;
      velocity[i] = velocity[i] < 1e-200 && velocity[i] > -1e-200 ? 0 : velocity[i]; /* as sgd_rounded */
      parameter[i] += nesterov ? momentum * velocity[i] + change : velocity[i];
    }
}

static void
update_range (struct head *head, const struct sgd *sgd, size_t begin, size_t count, double l2)
{
  update_parameters (head->parameter + begin, head->velocity + begin, head->gradient + begin, count, sgd, l2);
}

void
head_update (struct head *head, const struct sgd *sgd)
{
  update_range (head, sgd, 0, head->width[0], 0);
  for (size_t layer = 1; layer <= head->layers; layer++)
    {
      update_range (head, sgd, kernel_offset (head, layer), head->width[layer - 1] * head->width[layer], sgd->l2);
      update_range (head, sgd, bias_offset (head, layer), head->width[layer], 0);
    }
}

int
head_use_keeping (struct head *head)
{
  head->kept = memory_new (head->count, sizeof *head->kept);
  return head->kept ? 0 : -1;
}

void
head_keep (struct head *head)
{
  memcpy (head->kept, head->parameter, head->count * sizeof *head->kept);
}

void
head_restore (struct head *head)
{
  memcpy (head->parameter, head->kept, head->count * sizeof *head->parameter);
}

size_t
head_state (struct head *head, struct state_part *part)
{
  part[0] = (struct state_part){ "head_parameters", head->parameter, STATE_DOUBLE, head->count, 0 };
  part[1] = (struct state_part){ "head_velocity", head->velocity, STATE_DOUBLE, head->count, 0 };
  if (!head->kept)
    return 2;
  part[2] = (struct state_part){ "head_kept", head->kept, STATE_DOUBLE, head->count, 0 };
  return 3;
}

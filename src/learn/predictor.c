#include <config.h>

#include "predictor.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "sweep.h"

#include <math.h>
#include <stdlib.h>

struct predictor {
  struct first_layer *first;
  struct head *head;
  float *pre; /* (batch, h) */
};

struct predictor *
predictor_new (const struct model *model, size_t batch, struct workers *workers)
{
  const struct model_layer *layer = &model->layer[0];
  struct predictor *predictor = calloc (1, sizeof *predictor);
  if (!predictor)
    {
      error_set ("no memory to use a model; give the job more memory");
      return NULL;
    }
  predictor->first = sweep_new (layer->kernel, layer->inputs, layer->outputs, batch, false, false, workers);
  predictor->head = model_head (model, batch);
  predictor->pre = memory_new (batch * (size_t) layer->outputs, sizeof *predictor->pre);
  if (predictor->first && predictor->head && predictor->pre)
    return predictor;
  predictor_free (predictor);
  return NULL;
}

void
predictor_free (struct predictor *predictor)
{
  if (!predictor)
    return;
  if (predictor->first)
    predictor->first->free (predictor->first);
  head_free (predictor->head);
  memory_free (predictor->pre);
  free (predictor);
}

int
predictor_run (struct predictor *predictor, const struct batch *batch, float *probabilities)
{
  struct head *head = predictor->head;
  if (predictor->first->step (predictor->first, NULL, NULL, NULL, batch, predictor->pre, NULL))
    return -1;
  const double *logarithm = head_forward (head, predictor->pre, batch->rows);
  for (size_t i = 0; i < batch->rows * head->width[head->layers]; i++)
    probabilities[i] = (float) exp (logarithm[i]);
  return 0;
}

double
predictor_loss (const struct predictor *predictor, const struct batch *batch)
{
  uint64_t correct;
  return head_loss (predictor->head, batch->label, NULL, batch->rows, &correct);
}

int32_t
predictor_class (const float *probabilities, uint64_t classes)
{
  uint64_t best = 0;
  for (uint64_t i = 1; i < classes; i++)
    if (probabilities[i] > probabilities[best])
      best = i;
  return (int32_t) best;
}

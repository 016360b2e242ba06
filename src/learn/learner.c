#include <config.h>

#include "learner.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "sweep.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct learner {
  struct model *model; /* borrowed, as all to PATH */
  const struct train_options *options;
  const double *class_weight; /* (C), or NULL */
  const char *path;
  struct first_layer *first;
  struct head *head;
  float *pre, *delta; /* (batch, h) */
  uint64_t step;      /* over all epochs, from 0 */

  float *best_kernel;      /* (d, h), where patience is asked for */
  double *best_parameters; /* of the head */
};

/* One walk over rows.  */
struct pass {
  struct learner *learner;
  uint64_t epoch;
  const double *class_weight; /* (C), or NULL */
  uint64_t rows, correct;     /* so far */
  double loss;                /* sum over them */
  double squares;             /* of the first kernel as the present pre-activations saw it, where L2 needs it */
};

static size_t
kernel_size (const struct learner *learner)
{
  const struct model_layer *layer = &learner->model->layer[0];
  return (size_t) (layer->inputs * layer->outputs);
}

static int
allocate (struct learner *learner, size_t batch, struct workers *workers)
{
  const struct model_layer *layer = &learner->model->layer[0];
  size_t values;
  if (memory_multiply (batch, (size_t) layer->outputs, "a batch's pre-activations", &values))
    return -1;
  learner->first = sweep_new (layer->kernel, layer->inputs, layer->outputs, batch, true, workers);
  learner->head = model_head (learner->model, batch);
  learner->pre = memory_new (values, sizeof *learner->pre);
  learner->delta = memory_new (values, sizeof *learner->delta);
  if (!learner->first || !learner->head || !learner->pre || !learner->delta)
    return -1;
  if (!learner->options->patience)
    return 0;
  learner->best_kernel = memory_new (kernel_size (learner), sizeof *learner->best_kernel);
  learner->best_parameters = memory_new (learner->head->count, sizeof *learner->best_parameters);
  return learner->best_kernel && learner->best_parameters ? 0 : -1;
}

struct learner *
learner_new (struct model *model, const struct train_options *options, size_t batch, const double *class_weight,
             const char *path, struct workers *workers)
{
  struct learner *learner = calloc (1, sizeof *learner);
  if (!learner)
    {
      error_set ("no memory to train on '%s'; give the job more memory", path);
      return NULL;
    }
  *learner = (struct learner){ .model = model, .options = options, .class_weight = class_weight, .path = path };
  if (allocate (learner, batch, workers) == 0)
    return learner;
  learner_free (learner);
  return NULL;
}

void
learner_free (struct learner *learner)
{
  if (!learner)
    return;
  if (learner->first)
    learner->first->free (learner->first);
  head_free (learner->head);
  memory_free (learner->pre);
  memory_free (learner->delta);
  memory_free (learner->best_kernel);
  memory_free (learner->best_parameters);
  free (learner);
}

/* Fails where LOSS is no number.  */
static int
check_loss (const struct pass *pass, double loss)
{
  const struct learner *learner = pass->learner;
  double rate = learner->options->rate;
  if (isfinite (loss))
    return 0;
  return error_set ("the loss is no longer a number in epoch %" PRIu64 " at step %" PRIu64 " of training on '%s': the "
                    "learning rate %g is too large for these features; try --lr %g, or features of smaller values",
                    pass->epoch, learner->step + 1, learner->path, rate, rate / 10);
}

/* The loss's L2 term for the weights that the present pre-activations were computed with.  */
static double
penalty (const struct pass *pass)
{
  double l2 = pass->learner->options->l2;
  return l2 > 0 ? l2 * (pass->squares + head_squares (pass->learner->head)) : 0;
}

/* The first layer's step on BATCH by SGD, where they are not NULL, and then the pre-activations of NEXT.  */
static int
sweep_step (struct pass *pass, const struct batch *batch, const struct sgd *sgd, const struct batch *next)
{
  struct learner *learner = pass->learner;
  return learner->first->step (learner->first, batch, learner->delta, sgd, next, learner->pre,
                               learner->options->l2 > 0 ? &pass->squares : NULL);
}

/* Counts the rows of BATCH, whose pre-activations are there.  Returns the sum of their cross-entropies.  */
static double
score_batch (struct pass *pass, const struct batch *batch)
{
  struct learner *learner = pass->learner;
  uint64_t correct;
  head_forward (learner->head, learner->pre, batch->rows);
  double loss = head_loss (learner->head, batch->label, pass->class_weight, batch->rows, &correct);
  pass->rows += batch->rows;
  pass->correct += correct;
  return loss;
}

static int
train_batch (void *context, const struct batch *batch, const struct batch *next)
{
  struct pass *pass = context;
  struct learner *learner = pass->learner;
  const struct train_options *options = learner->options;
  struct sgd sgd = { sgd_rate (options->rate, options->decay, learner->step), options->momentum, options->l2,
                     options->nesterov };
  if (pass->rows == 0 && sweep_step (pass, NULL, NULL, batch))
    return -1;
  double loss = score_batch (pass, batch) + (double) batch->rows * penalty (pass);
  if (check_loss (pass, loss))
    return -1;
  pass->loss += loss;
  head_backward (learner->head, batch->label, pass->class_weight, batch->rows, learner->delta);
  head_update (learner->head, &sgd);
  learner->step++;
  return sweep_step (pass, batch, &sgd, next->rows ? next : NULL);
}

static int
validate_batch (void *context, const struct batch *batch, const struct batch *next)
{
  (void) next;
  struct pass *pass = context;
  if (sweep_step (pass, NULL, NULL, batch))
    return -1;
  pass->loss += score_batch (pass, batch);
  return 0;
}

static int
walk (struct pass *pass, struct rows *rows, const struct order *order, rows_visit *visit, struct score *score)
{
  if (rows_walk (rows, order, visit, pass))
    return error_status () == ERROR_STOPPED
             ? error_stopped ("training on '%s' was stopped in epoch %" PRIu64 "; run the same command again",
                              pass->learner->path, pass->epoch)
             : -1;
  *score = (struct score){ pass->loss / (double) pass->rows, (double) pass->correct / (double) pass->rows };
  return 0;
}

int
learner_train (struct learner *learner, struct rows *rows, const struct order *order, uint64_t epoch,
               struct score *score)
{
  struct pass pass = { .learner = learner, .epoch = epoch, .class_weight = learner->class_weight };
  return walk (&pass, rows, order, train_batch, score);
}

int
learner_validate (struct learner *learner, struct rows *rows, const struct order *order, uint64_t epoch,
                  struct score *score)
{
  struct pass pass = { .learner = learner, .epoch = epoch };
  if (walk (&pass, rows, order, validate_batch, score))
    return -1;
  score->loss += penalty (&pass);
  return check_loss (&pass, score->loss);
}

int
learner_keep (struct learner *learner)
{
  if (learner->first->finish (learner->first))
    return -1;
  memcpy (learner->best_kernel, learner->model->layer[0].kernel, kernel_size (learner) * sizeof (float));
  memcpy (learner->best_parameters, learner->head->parameter, learner->head->count * sizeof (double));
  return 0;
}

int
learner_finish (struct learner *learner)
{
  if (learner->first->finish (learner->first))
    return -1;
  if (learner->options->patience)
    {
      memcpy (learner->model->layer[0].kernel, learner->best_kernel, kernel_size (learner) * sizeof (float));
      memcpy (learner->head->parameter, learner->best_parameters, learner->head->count * sizeof (double));
    }
  model_take_head (learner->model, learner->head);
  return 0;
}

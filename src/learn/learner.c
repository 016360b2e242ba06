#include <config.h>

#include "learner.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "ranking.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where training stands: what a checkpoint keeps of it.  */
struct standing {
  uint64_t step;          /* over all epochs, from 0 */
  uint64_t rows, correct; /* of the training pass in hand; 0 between two */
};

struct learner {
  struct first_layer *first;
  struct head *head;
  const struct train_options *options; /* borrowed, as all to PROGRESS */
  const double *class_weight;          /* (C), or NULL */
  const char *path;
  struct progress *progress; /* NULL where nobody looks */
  float *pre, *delta;        /* (batch, h) */

  struct standing standing;
  double loss;   /* of the pass in hand: sum over its rows */
  uint64_t room; /* rows that a pass may have */

  /* Of two classes, the probability of the second one for each row of a pass, in the order of the pass, and their
     labels: of training, then of validation.  NULL where there are not two.  */
  float *second;  /* (2, room) */
  int32_t *label; /* (2, room) */
  float *work;    /* (room) */
};

/* One walk over a feed.  */
struct pass {
  struct learner *learner;
  uint64_t epoch;
  const double *class_weight; /* (C), or NULL */
  uint64_t rows, correct;     /* so far */
  double loss;                /* sum over them */
  double squares;             /* of the first kernel as the present pre-activations saw it, where L2 needs it */
  size_t outcomes;            /* where those of the pass begin in the learner's */
  bool begun;                 /* whether the first pre-activations are there */
};

static int
allocate (struct learner *learner, size_t batch)
{
  const struct head *head = learner->head;
  size_t values, rows = (size_t) learner->room;
  if (memory_multiply (batch, head->width[0], "a batch's pre-activations", &values))
    return -1;
  learner->pre = memory_new (values, sizeof *learner->pre);
  learner->delta = memory_new (values, sizeof *learner->delta);
  if (!learner->pre || !learner->delta)
    return -1;
  if (head->width[head->layers] != 2)
    return 0;
  learner->second = memory_new (2 * rows, sizeof *learner->second);
  learner->work = memory_new (rows, sizeof *learner->work);
  learner->label = memory_new (2 * rows, sizeof *learner->label);
  return learner->second && learner->work && learner->label ? 0 : -1;
}

struct learner *
learner_new (struct first_layer *first, struct head *head, const struct train_options *options, size_t batch,
             size_t rows, const double *class_weight, const char *path)
{
  struct learner *learner = first && head ? calloc (1, sizeof *learner) : NULL;
  if (learner)
    *learner = (struct learner){
      .first = first, .head = head, .options = options, .class_weight = class_weight, .path = path, .room = rows
    };
  else if (first && head)
    error_set ("no memory to train on '%s'; give the job more memory", path);
  if (learner && allocate (learner, batch) == 0)
    return learner;
  if (learner)
    learner_free (learner);
  else
    {
      if (first)
        first->free (first);
      head_free (head);
    }
  return NULL;
}

void
learner_free (struct learner *learner)
{
  if (!learner)
    return;
  learner->first->free (learner->first);
  head_free (learner->head);
  memory_free (learner->pre);
  memory_free (learner->delta);
  memory_free (learner->second);
  memory_free (learner->work);
  memory_free (learner->label);
  free (learner);
}

void
learner_show_progress (struct learner *learner, struct progress *progress)
{
  learner->progress = progress;
}

/* The learning rate of the step in hand.  */
static double
rate_of (const struct learner *learner)
{
  return schedule_rate (&learner->options->schedule, learner->standing.step);
}

/* Fails where LOSS is no number.  */
static int
check_loss (const struct pass *pass, double loss)
{
  const struct learner *learner = pass->learner;
  double rate = learner->options->schedule.rate;
  if (isfinite (loss))
    return 0;
  return error_set ("the loss is no longer a number in epoch %" PRIu64 " at step %" PRIu64 " of training on '%s': the "
                    "learning rate %g is too large for these features; try --lr %g, or features of smaller values",
                    pass->epoch, learner->standing.step + 1, learner->path, rate, rate / 10);
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
move_first (struct pass *pass, const struct batch *batch, const struct sgd *sgd, const struct batch *next)
{
  struct learner *learner = pass->learner;
  pass->begun = true;
  return learner->first->step (learner->first, batch, learner->delta, sgd, next, learner->pre,
                               learner->options->l2 > 0 ? &pass->squares : NULL);
}

/* Counts the rows of BATCH, whose probabilities are there.  Returns the sum of their cross-entropies.  */
static double
score_batch (struct pass *pass, const struct batch *batch)
{
  struct learner *learner = pass->learner;
  uint64_t correct;
  double loss = head_loss (learner->head, batch->label, pass->class_weight, batch->rows, &correct);
  const double *logarithm = learner->head->output[learner->head->layers];
  for (size_t i = 0; learner->second && i < batch->rows; i++)
    {
      size_t place = pass->outcomes + pass->rows + i;
      learner->second[place] = (float) exp (logarithm[2 * i + 1]);
      learner->label[place] = batch->label[i];
    }
  pass->rows += batch->rows;
  pass->correct += correct;
  return loss;
}

/* Notes how far the training pass has come, with weights that have taken its last step.  */
static void
note_standing (struct learner *learner, const struct pass *pass)
{
  learner->standing.step++;
  learner->standing.rows = pass->rows;
  learner->standing.correct = pass->correct;
  learner->loss = pass->loss;
}

static int
train_batch (void *context, const struct batch *batch, const struct batch *next)
{
  struct pass *pass = context;
  struct learner *learner = pass->learner;
  const struct train_options *options = learner->options;
  struct sgd sgd = { rate_of (learner), options->momentum, options->l2, options->nesterov };
  struct dropout dropout = { options->dropout, options->seed, learner->standing.step };
  if (!pass->begun && move_first (pass, NULL, NULL, batch))
    return -1;
  head_forward_training (learner->head, learner->pre, batch->rows, options->dropout > 0 ? &dropout : NULL);
  double loss = score_batch (pass, batch) + (double) batch->rows * penalty (pass);
  if (check_loss (pass, loss))
    return -1;
  pass->loss += loss;
  head_backward (learner->head, batch->label, pass->class_weight, batch->rows, learner->delta);
  head_update (learner->head, &sgd);
  if (move_first (pass, batch, &sgd, next->rows ? next : NULL))
    return -1;
  note_standing (learner, pass);
  if (learner->progress)
    progress_advance (learner->progress, batch->rows);
  return 0;
}

static int
validate_batch (void *context, const struct batch *batch, const struct batch *next)
{
  (void) next;
  struct pass *pass = context;
  if (move_first (pass, NULL, NULL, batch))
    return -1;
  head_forward (pass->learner->head, pass->learner->pre, batch->rows);
  pass->loss += score_batch (pass, batch);
  return 0;
}

static int
walk (struct pass *pass, const struct feed *feed, bool training, struct score *score)
{
  struct learner *learner = pass->learner;
  struct first_layer *first = learner->first;
  const struct pass_rows rows = { feed->order.row, feed->count, pass->rows, feed->batch, training };
  if ((first->begin && first->begin (first, &rows))
      || feed_walk (feed, pass->rows, training ? train_batch : validate_batch, pass))
    return error_status () == ERROR_STOPPED
             ? error_stopped ("training on '%s' was stopped in epoch %" PRIu64 "; run the same command again",
                              learner->path, pass->epoch)
             : -1;
  double count = (double) pass->rows;
  *score = (struct score){ pass->loss / count, (double) pass->correct / count, NAN };
  if (learner->second)
    score->auc = ranking_auc (learner->second + pass->outcomes, learner->label + pass->outcomes, (size_t) pass->rows,
                              learner->work);
  return 0;
}

int
learner_train (struct learner *learner, const struct feed *feed, uint64_t epoch, struct score *score)
{
  struct standing *standing = &learner->standing;
  struct pass pass = { .learner = learner,
                       .epoch = epoch,
                       .class_weight = learner->class_weight,
                       .rows = standing->rows,
                       .correct = standing->correct,
                       .loss = learner->loss };
  return walk (&pass, feed, true, score);
}

int
learner_validate (struct learner *learner, const struct feed *feed, uint64_t epoch, struct score *score)
{
  struct pass pass = { .learner = learner, .epoch = epoch, .outcomes = (size_t) learner->room };
  if (walk (&pass, feed, false, score))
    return -1;
  score->loss += penalty (&pass);
  return check_loss (&pass, score->loss);
}

void
learner_next_epoch (struct learner *learner)
{
  learner->standing.rows = learner->standing.correct = 0;
  learner->loss = 0;
}

int
learner_keep (struct learner *learner)
{
  head_keep (learner->head);
  return learner->first->keep (learner->first);
}

int
learner_finish (struct learner *learner, bool kept)
{
  if (kept)
    head_restore (learner->head);
  return learner->first->finish (learner->first, kept);
}

struct head *
learner_head (const struct learner *learner)
{
  return learner->head;
}

uint64_t
learner_steps (const struct learner *learner)
{
  return learner->standing.step;
}

size_t
learner_state (struct learner *learner, int list, struct state_part part[STATE_PARTS])
{
  size_t count = 0;
  if (list == 0)
    return learner->first->state (learner->first, part);
  if (list == 1)
    return head_state (learner->head, part);
  part[count++] = (struct state_part){ "standing", &learner->standing, STATE_INTEGER, 3, 0 };
  part[count++] = (struct state_part){ "loss", &learner->loss, STATE_DOUBLE, 1, 0 };
  if (learner->second)
    {
      part[count++] = (struct state_part){ "second", learner->second, STATE_FLOAT, learner->room, 0 };
      part[count++] = (struct state_part){ "label", learner->label, STATE_LABEL, learner->room, 0 };
    }
  return count;
}

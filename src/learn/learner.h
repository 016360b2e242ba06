/* A network while it learns: one pass over a feed at a time, to train on it or to be validated.  */
#ifndef SLABFIT_LEARNER_H
#define SLABFIT_LEARNER_H

#include "../base/progress.h"
#include "feed.h"
#include "first_layer.h"
#include "head.h"
#include "train.h"

struct learner;

/* Means over the rows of a pass.  */
struct score {
  double loss; /* cross-entropy and L2 term */
  double accuracy;
  double auc; /* area under the ROC curve, of the second of two classes; NaN where there are not two */
};

/* For FIRST and HEAD, which it owns from now on, also where it fails, and for batches of at most BATCH rows in passes
   over at most ROWS rows.  CLASS_WEIGHT (C) may be NULL; PATH names the training features in messages.  Both and
   OPTIONS are borrowed.  NULL with the error set.  */
struct learner *learner_new (struct first_layer *first, struct head *head, const struct train_options *options,
                             size_t batch, size_t rows, const double *class_weight, const char *path);
void learner_free (struct learner *learner); /* NULL is allowed */

/* Advances PROGRESS (borrowed) by the rows of each training step from now on.  */
void learner_show_progress (struct learner *learner, struct progress *progress);

/* A step of SGD on each batch of FEED; EPOCH counts from 1.  SCORE is taken while the weights move, with the weights of
   the classes.  A pass that was stopped, or whose state was restored, goes on where it was.  Fails where the loss is no
   number, and with ERROR_STOPPED.  */
int learner_train (struct learner *learner, const struct feed *feed, uint64_t epoch, struct score *score);

/* The training pass is over and validated: the next one begins at its first row.  */
void learner_next_epoch (struct learner *learner);

/* SCORE of the weights of now, without the weights of the classes.  Fails likewise.  */
int learner_validate (struct learner *learner, const struct feed *feed, uint64_t epoch, struct score *score);

/* Keeps the weights of now as the best ones; for an engine and a head that were made for it.  */
int learner_keep (struct learner *learner);

/* Makes FIRST's kernel and HEAD hold the weights of now, or the KEPT ones.  No pass may follow.  */
int learner_finish (struct learner *learner, bool kept);
struct head *learner_head (const struct learner *learner); /* borrowed */

uint64_t learner_steps (const struct learner *learner); /* so far, over all epochs */

/* What must be put into a checkpoint, in three lists, each as first_layer.h's: of the engine, the head, and the pass in
   hand.  To be asked for between passes, or after one that failed with ERROR_STOPPED.  */
enum { LEARNER_LISTS = 3 };
size_t learner_state (struct learner *learner, int list, struct state_part part[STATE_PARTS]);

#endif

/* A network while it learns: one pass over rows at a time, to train on them or to be validated.  */
#ifndef SLABFIT_LEARNER_H
#define SLABFIT_LEARNER_H

#include "../base/workers.h"
#include "rows.h"
#include "train.h"

struct learner;

/* Means over the rows of a pass.  */
struct score {
  double loss; /* cross-entropy and L2 term */
  double accuracy;
};

/* For MODEL, whose first layer's kernel changes from now on and whose other weights only in learner_finish, and for
   batches of at most BATCH rows.  CLASS_WEIGHT (C) may be NULL; PATH names the training features in messages.  All is
   borrowed.  NULL with the error set.  */
struct learner *learner_new (struct model *model, const struct train_options *options, size_t batch,
                             const double *class_weight, const char *path, struct workers *workers);
void learner_free (struct learner *learner); /* NULL is allowed */

/* A step of SGD on each batch of ORDER; EPOCH counts from 1, for messages.  SCORE is taken while the weights move, with
   the weights of the classes.  Fails where the loss is no number, and with ERROR_STOPPED.  */
int learner_train (struct learner *learner, struct rows *rows, const struct order *order, uint64_t epoch,
                   struct score *score);

/* SCORE of the weights of now, without the weights of the classes.  Fails likewise.  */
int learner_validate (struct learner *learner, struct rows *rows, const struct order *order, uint64_t epoch,
                      struct score *score);

/* Keeps the weights of now as the best ones; for options with patience only.  */
int learner_keep (struct learner *learner);

/* Makes the model hold the weights of now, or with patience those that were kept.  */
int learner_finish (struct learner *learner);

#endif

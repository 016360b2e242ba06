/* Training a network on a feature file, by minibatch SGD.  */
#ifndef SLABFIT_TRAIN_H
#define SLABFIT_TRAIN_H

#include "../base/workers.h"
#include "model.h"
#include "schedule.h"
#include "shuffle.h"

enum { TRAIN_HIDDEN_LIMIT = 16 };

enum engine_kind { ENGINE_AUTO, ENGINE_SWEEP, ENGINE_GRAM };

typedef void train_callback (void *context, const struct epoch *epoch);

struct train_options {
  size_t hidden_count;                 /* at least 1; 0 takes those of FROM */
  uint64_t hidden[TRAIN_HIDDEN_LIMIT]; /* units of each hidden layer: 256, 16 */
  uint64_t epochs;
  size_t batch;             /* rows; an epoch's last batch has what is left */
  struct schedule schedule; /* of the learning rate; its numbers of steps are set by train */
  double momentum, l2;      /* see sgd.h */
  double dropout;           /* of the hidden layers' outputs; see head.h */
  bool nesterov;
  bool balanced; /* weight classes by n / (C n_c), as scikit-learn's "balanced" */
  enum shuffle_kind shuffle;
  enum engine_kind engine;
  uint64_t seed;
  uint64_t memory_bytes;      /* the most that may be used; 0 for no limit */
  uint64_t patience;          /* stop after so many epochs without a smaller val_loss and keep the best
                                           weights; 0 never */
  const struct model *from;   /* borrowed: where to start; NULL for fresh weights */
  const char *from_name;      /* its file */
  const char *checkpoint;     /* the file to go on from, and to write; NULL for none */
  bool anew;                  /* whether to begin anew although that file is there */
  const char *cache;          /* the file that keeps inner products for the next training; NULL for none */
  train_callback *epoch_done; /* called after each epoch; may be NULL */
  void *context;
};

struct forecast {
  double seconds, bytes;
};

struct train_report {
  struct forecast sweep, gram; /* what was expected of either engine, where there was a choice; else zeros */
  const char *engine;          /* "sweep" or "gram" */
  double read_seconds;         /* waited for rows */
  double gram_seconds;         /* for the inner products and projections before the epochs */
  double epochs_seconds, wall_seconds;
  double bytes_per_step;  /* that this rank of MPI gave to the others in training */
  uint64_t resumed_epoch; /* the epoch in which a checkpoint was taken up; 0 where there was none */
};

/* The options as the tutorial has them.  */
struct train_options train_defaults (void);

/* A usage error where a number in OPTIONS is out of its range.  train looks itself too.  */
int train_check (const struct train_options *options);

/* A new model trained on TRAINING and, where VALIDATION is not NULL, validated on it after each epoch; its history and
   options are filled in, its command is left to the caller.  The features are read while WORKERS compute; give their
   files other workers (featfile_use_workers), since the loops of one team take turns.  NULL with the error set:
   features or options that do not fit, too little memory, a loss that is no number, or ERROR_STOPPED.  */
struct model *train (const struct train_options *options, struct featfile *training, struct featfile *validation,
                     struct workers *workers, struct train_report *report);

#endif

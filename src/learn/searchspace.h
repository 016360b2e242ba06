/* What a search of hyperparameters tries: for each of them a list of values or a range, and the points of the grid or
   of random draws from it.  */
#ifndef SLABFIT_SEARCHSPACE_H
#define SLABFIT_SEARCHSPACE_H

#include "train.h"

enum axis_name {
  AXIS_LR,
  AXIS_MOMENTUM,
  AXIS_L2,
  AXIS_DROPOUT,
  AXIS_EPOCHS,
  AXIS_BATCH,
  AXIS_HIDDEN,
  AXIS_SCHEDULE,
  AXES
};

/* An option of train.  One that is not searched over has an empty TEXT.  */
struct axis {
  struct names text; /* the values of a list as they were written; the two ends of a range */
  bool range;
  double low, high; /* of a range */
};

struct searchspace {
  struct train_options base; /* what no axis changes */
  struct axis axis[AXES];
};

/* The value on each axis: a number of a range, and of a list the place of its value.  */
struct point {
  double value[AXES];
};

enum { SEARCHSPACE_TRIALS_LIMIT = 100000 };

/* Fills SPACE with the values that are tried where the user names none.  */
int searchspace_use_defaults (struct searchspace *space);

/* Takes the values of AXIS from TEXT, in place of those before: a list such as 0.001,0.01 (of hidden layers
   256,16/64,16) or, for numbers, a range such as 0.001:0.1.  -1 with a usage error.  */
int searchspace_set (struct searchspace *space, enum axis_name axis, const char *text);
void searchspace_free (struct searchspace *space);

const char *axis_option (enum axis_name axis); /* "lr", as on the command line */
bool axis_given (const struct axis *axis);     /* whether it is searched over, if only one value */
bool axis_varies (const struct axis *axis);    /* whether there is more than one value */
bool searchspace_has_range (const struct searchspace *space);

/* *POINT (*COUNT), to be freed by memory_free: with TRIALS 0 the grid, all combinations of the lists, the last axis
   varying fastest, or where there is a range SEARCHSPACE_RANDOM draws; otherwise TRIALS draws.

   Draws are uniform over a list and over momentum, dropout and whole numbers, and log-uniform over lr and l2
   (Bergstra and Bengio 2012); a number has 3 significant digits, so that it can be written down.  Draw number i is a
   pure function of (SEED, i).  Where all are lists no combination is drawn twice, and there are no more than the
   grid has.  */
enum { SEARCHSPACE_RANDOM = 30 };
int searchspace_points (const struct searchspace *space, size_t trials, uint64_t seed, struct point **point,
                        size_t *count);

/* *OPTIONS = those of POINT.  */
int searchspace_apply (const struct searchspace *space, const struct point *point, struct train_options *options);

/* The value of AXIS in OPTIONS as the command line takes it, to be freed by the caller; NULL with the error set where
   memory is out.  */
char *axis_text (enum axis_name axis, const struct train_options *options);

#endif

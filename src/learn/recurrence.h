/* SGD with momentum as a linear recurrence: how far each step's change still is in the weights W and the velocity V.

   With S = - rate times the gradient of the loss without its L2 term, and r = 2 rate l2, a step of sgd.h is

     V <- m V - r W + S      W <- W + V                   or, with Nesterov's momentum,
     V <- m V - r W + S      W <- W + m V + (- r W + S)

   which is linear in (W, V): whatever the steps, W and V are sums of W0 and of the S so far, each times a number.  The
   numbers are kept here, in double, for a group of steps; what was before the group is carried as one.  */
#ifndef SLABFIT_RECURRENCE_H
#define SLABFIT_RECURRENCE_H

#include "sgd.h"

#include <stddef.h>
#include <stdint.h>

enum { OF_WEIGHTS, OF_VELOCITY, RECURRENCE_PARTS };

struct numbers {
  double scale[RECURRENCE_PARTS];                     /* of W0 in each part */
  double carried[RECURRENCE_PARTS][RECURRENCE_PARTS]; /* of each part as the group began, in each part of now */
  double squares[3];                                  /* <W, W>, <W, V>, <V, V>; as the caller sets them first */
};

enum { RECURRENCE_NUMBERS = sizeof (struct numbers) / sizeof (double) };

struct recurrence {
  struct numbers numbers;
  uint64_t steps, limit;             /* of the group */
  double (*share)[RECURRENCE_PARTS]; /* (limit) of each step's S in each part of now */
};

/* W = W0, V = 0, and a group of up to LIMIT steps begins.  -1 with the error set.  */
int recurrence_new (struct recurrence *recurrence, size_t limit);
void recurrence_free (struct recurrence *recurrence);

/* One more step.  PRODUCT holds <W, Z>, <V, Z>, <Z, Z> for the squares, Z being what S adds to the weights; NULL where
   nobody asks for squares.  */
void recurrence_step (struct recurrence *recurrence, const struct sgd *sgd, const double product[3]);

/* The next group begins.  */
void recurrence_restart (struct recurrence *recurrence);

#endif

#include <config.h>

#include "recurrence.h"

#include "../base/memory.h"

#include <string.h>

int
recurrence_new (struct recurrence *recurrence, size_t limit)
{
  *recurrence = (struct recurrence){ .numbers = { .scale = { 1, 0 } }, .limit = limit };
  recurrence->share = memory_new (limit, sizeof *recurrence->share);
  recurrence_restart (recurrence);
  return recurrence->share ? 0 : -1;
}

void
recurrence_free (struct recurrence *recurrence)
{
  memory_free (recurrence->share);
  *recurrence = (struct recurrence){ 0 };
}

void
recurrence_restart (struct recurrence *recurrence)
{
  recurrence->steps = 0;
  for (int i = 0; i < RECURRENCE_PARTS; i++)
    for (int j = 0; j < RECURRENCE_PARTS; j++)
      recurrence->numbers.carried[i][j] = i == j;
}

/* PART = MAP times PART.  */
static void
apply (const double map[RECURRENCE_PARTS][RECURRENCE_PARTS], double *weights, double *velocity)
{
  double w = *weights, v = *velocity;
  *weights = map[OF_WEIGHTS][OF_WEIGHTS] * w + map[OF_WEIGHTS][OF_VELOCITY] * v;
  *velocity = map[OF_VELOCITY][OF_WEIGHTS] * w + map[OF_VELOCITY][OF_VELOCITY] * v;
}

/* The inner products of (W, V) after MAP and the addition of ADDED times Z, from those before.  */
static void
move_squares (double squares[3], const double map[RECURRENCE_PARTS][RECURRENCE_PARTS],
              const double added[RECURRENCE_PARTS], const double product[3])
{
  double ww = squares[0], wv = squares[1], vv = squares[2];
  const double *a = map[OF_WEIGHTS], *b = map[OF_VELOCITY];
  double wz = a[0] * product[0] + a[1] * product[1], vz = b[0] * product[0] + b[1] * product[1], zz = product[2];
  squares[0] =
    a[0] * a[0] * ww + 2 * a[0] * a[1] * wv + a[1] * a[1] * vv + 2 * added[0] * wz + added[0] * added[0] * zz;
  squares[1] = a[0] * b[0] * ww + (a[0] * b[1] + a[1] * b[0]) * wv + a[1] * b[1] * vv + added[1] * wz + added[0] * vz
               + added[0] * added[1] * zz;
  squares[2] =
    b[0] * b[0] * ww + 2 * b[0] * b[1] * wv + b[1] * b[1] * vv + 2 * added[1] * vz + added[1] * added[1] * zz;
}

void
recurrence_step (struct recurrence *recurrence, const struct sgd *sgd, const double product[3])
{
  double m = sgd->momentum, r = 2 * sgd->rate * sgd->l2, ahead = sgd->nesterov ? m : 0;
  const double map[RECURRENCE_PARTS][RECURRENCE_PARTS] = { { 1 - r - ahead * r, sgd->nesterov ? m * m : m },
                                                           { -r, m } };
  const double added[RECURRENCE_PARTS] = { 1 + ahead, 1 };
  apply (map, &recurrence->numbers.scale[OF_WEIGHTS], &recurrence->numbers.scale[OF_VELOCITY]);
  for (int i = 0; i < RECURRENCE_PARTS; i++)
    apply (map, &recurrence->numbers.carried[OF_WEIGHTS][i], &recurrence->numbers.carried[OF_VELOCITY][i]);
  for (size_t i = 0; i < recurrence->steps; i++)
    apply (map, &recurrence->share[i][OF_WEIGHTS], &recurrence->share[i][OF_VELOCITY]);
  memcpy (recurrence->share[recurrence->steps++], added, sizeof added);
  if (product)
    move_squares (recurrence->numbers.squares, map, added, product);
}

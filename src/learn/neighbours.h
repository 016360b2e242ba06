/* What the inner products K = X X' of all rows tell of pairs of rows: which may be near-duplicates, and how near each
   row's nearest neighbour of each class is, by the cosine.  K is taken in panels of some columns, all at once or one
   by one.  */
#ifndef SLABFIT_NEIGHBOURS_H
#define SLABFIT_NEIGHBOURS_H

#include "../base/workers.h"
#include "products.h"

#include <stdatomic.h>

struct pair {
  uint32_t row[2]; /* ascending */
  double cosine;
};

struct pairs {
  struct pair *pair; /* (count), from memory_new */
  size_t count;
};

struct neighbours {
  size_t rows, classes;
  const int32_t *label; /* (N), borrowed */
  double least;         /* a pair with this cosine or more may be of near-duplicates, which are no neighbours */
  double *scale;        /* (N) the inverse lengths of the rows; NaN for rows of zeros, which are like no other */
  float *best;          /* (N, C) the largest cosine with another row of each class; -1 where there is none */
  int threads;
  struct pairs *found; /* (threads) */
  size_t *room;        /* (threads) pairs that fit there */
  atomic_size_t total; /* pairs of all threads */
  size_t limit;        /* the most that may be */
};

/* For ROWS rows of CLASSES classes LABEL whose sums of squares are SQUARES (N), borrowed until it returns; with room
   for at most LIMIT pairs.  -1 with the error set; to be freed in any case.  */
int neighbours_new (struct neighbours *neighbours, size_t rows, size_t classes, const int32_t *label,
                    const double *squares, double least, size_t limit, int threads);
void neighbours_free (struct neighbours *neighbours);
double neighbours_bytes (double rows, double classes); /* that it allocates, without pairs */

/* Takes PANEL (N, some): the inner products of all rows with those from row FIRST on.  Each pair is found once, in the
   panel of its later row.  Fails with too many pairs, naming --similarity, and with ERROR_STOPPED.  */
int neighbours_take (struct neighbours *neighbours, const struct table *panel, size_t first, struct workers *workers);

/* The pairs found, with cosines of float precision, ordered by their rows; to be freed by memory_free.  */
int neighbours_pairs (struct neighbours *neighbours, struct pairs *pairs);

/* A pair that was found is not one of near-duplicates after all: its rows are neighbours with COSINE.  */
void neighbours_put (struct neighbours *neighbours, const uint32_t row[2], double cosine);

#endif

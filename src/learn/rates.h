/* What this machine does in a second with some features, measured on a sample of them.  */
#ifndef SLABFIT_RATES_H
#define SLABFIT_RATES_H

#include "../base/workers.h"
#include "../store/featfile.h"
#include "head.h"

struct rates {
  double read;     /* values read and inflated */
  double pack;     /* values laid out for products */
  double products; /* terms of products of the features, zeros among them */
  double epochs;   /* terms of the gram engine's epochs, which are products with K */
  double sweep;    /* weights that a step of the sweep engine updates and multiplies by the next batch */
  double forward;  /* weights that a batch is only multiplied by */
  double head;     /* rows that the head learns from */
  double draw;     /* weights drawn for a new model */
  double memory;   /* bytes of new buffers */
};

/* Measures on a sample of FILE, for a first layer of UNITS, batches of BATCH rows and HEAD, whose parameters are left
   as they were.  Takes some tenths of a second.  -1 with the error set.  */
int rates_measure (struct rates *rates, struct featfile *file, size_t units, size_t batch, struct head *head,
                   struct workers *workers);

/* Makes each rate of BEST the larger one of its own and that of OTHER.  */
void rates_take_best (struct rates *best, const struct rates *other);

#endif

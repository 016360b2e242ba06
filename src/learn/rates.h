/* What this machine does in a second with some features, measured on a sample of them.  */
#ifndef SLABFIT_RATES_H
#define SLABFIT_RATES_H

#include "../base/workers.h"
#include "../store/featfile.h"
#include "head.h"

struct rates {
  double read;     /* values read and inflated */
  double products; /* terms of products of the features, zeros among them */
  double dense;    /* terms of products without zeros, as the gram engine's epochs have them */
  double sweep;    /* weights that a step of the sweep engine updates and multiplies by the next batch */
  double forward;  /* weights that a batch is only multiplied by */
  double head;     /* rows that the head learns from */
};

/* Measures on a sample of FILE, for a first layer of UNITS, batches of BATCH rows and HEAD, whose parameters are left as
   they were.  Takes about a tenth of a second.  -1 with the error set.  */
int rates_measure (struct rates *rates, struct featfile *file, size_t units, size_t batch, struct head *head,
                   struct workers *workers);

#endif

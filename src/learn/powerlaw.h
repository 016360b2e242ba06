/* A learning curve's form: the loss after training on n rows is about a + b n^-c, with a, b >= 0 (Cortes and others
   1994, Learning curves: asymptotic values and rate of convergence; Viering and Loog 2023, The shape of learning
   curves).  */
#ifndef SLABFIT_POWERLAW_H
#define SLABFIT_POWERLAW_H

#include <stddef.h>

struct powerlaw {
  double a, b, c;
};

/* The least squares fit to LOSS (count) at ROWS (count), larger than 0, with c among 0.05, 0.06, ... 2.  */
struct powerlaw powerlaw_fit (const double *rows, const double *loss, size_t count);
double powerlaw_at (const struct powerlaw *law, double rows);

#endif

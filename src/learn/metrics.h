/* How often predictions meet their labels: counts, and the scores that scikit-learn's classification_report has.  */
#ifndef SLABFIT_METRICS_H
#define SLABFIT_METRICS_H

#include "../base/text.h"

/* Of one class, or an average over the classes.  A quotient with nothing below its line is 0, as scikit-learn's default
   has it.  */
struct score {
  double precision, recall, f1;
  uint64_t support; /* rows of the class */
};

struct metrics {
  const struct names *classes;  /* (C), borrowed */
  uint64_t rows;                /* n */
  uint64_t *confusion;          /* (C, C): rows of the true class, columns of the predicted one */
  struct score *score;          /* (C) */
  struct score macro, weighted; /* means over the classes: plain, and weighted by support */
  double accuracy;
};

/* Counts LABEL (n) against PREDICTED (n), all of them below the number of CLASSES.  METRICS is to be freed by
   metrics_free. -1 with the error set where memory is out.  */
int metrics_new (struct metrics *metrics, const struct names *classes, const int32_t *label, const int32_t *predicted,
                 uint64_t rows);
void metrics_free (struct metrics *metrics);

#endif

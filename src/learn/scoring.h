/* What the probabilities of an evaluation are worth, beyond which class is the likeliest.  */
#ifndef SLABFIT_SCORING_H
#define SLABFIT_SCORING_H

#include "calibration.h"
#include "evaluate.h"

struct scoring {
  const struct names *classes;    /* (C), borrowed */
  double log_loss;                /* mean of -ln of the probability of the row's class */
  double brier;                   /* as calibration_brier */
  double *auc;                    /* (C) as ranking_auc_each; of two classes the second one's counts */
  double auc_macro, auc_weighted; /* means of AUC without its NaN: plain, and by rows; NaN where all are */
  size_t k;                       /* 0 where the accuracy below is not asked for */
  double top_k;                   /* as ranking_top_k */
  struct calibration calibration;
};

/* Of EVALUATION, whose classes are called CLASSES; K as above.  SCORING is to be freed by scoring_free.  -1 with the
   error set where memory is out.  */
int scoring_new (struct scoring *scoring, const struct names *classes, const struct evaluation *evaluation, size_t k);
void scoring_free (struct scoring *scoring);

#endif

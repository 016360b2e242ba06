/* How far the scores of rows put the right classes first.  Scores are probabilities, or whatever grows with them.  */
#ifndef SLABFIT_RANKING_H
#define SLABFIT_RANKING_H

#include <stddef.h>
#include <stdint.h>

/* The area under the ROC curve of two classes: the share of the pairs of a row of class 1 and one of another class in
   which the former has the higher SCORE (n), where equal scores count one half (Hanley and McNeil 1982; the same as by
   mid-ranks, and as sklearn.metrics.roc_auc_score).  LABEL (n).  WORK (n) is overwritten.  NaN where all rows or none
   are of class 1.  Counted in whole numbers, so the order of the rows does not matter.  In O(n log n).  */
double ranking_auc (const float *score, const int32_t *label, size_t rows, float *work);

/* AUC (C): the same of each class against the rest, from SCORE (n, C) and LABEL (n); NaN for a class that has all rows
   or none.  In O(n C log n), with n floats of memory.  -1 with the error set where that is out.  */
int ranking_auc_each (const float *score, const int32_t *label, size_t rows, size_t classes, double *auc);

/* The share of rows whose class LABEL (n) is among the K of the highest SCORE (n, C).  Of equal scores the later class
   comes first, as sklearn.metrics.top_k_accuracy_score sorts more than two classes.  */
double ranking_top_k (const float *score, const int32_t *label, size_t rows, size_t classes, size_t k);

#endif

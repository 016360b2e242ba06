/* Whether probabilities say how often they are right.  */
#ifndef SLABFIT_CALIBRATION_H
#define SLABFIT_CALIBRATION_H

#include <stddef.h>
#include <stdint.h>

enum { CALIBRATION_BINS = 15 };

/* The rows whose confidence, the probability of the predicted class, lies in (i / 15, (i + 1) / 15].  */
struct calibration_bin {
  uint64_t rows;
  double confidence, accuracy; /* means over the rows; NaN where there are none */
};

struct calibration {
  struct calibration_bin bin[CALIBRATION_BINS];
  double error; /* in [0, 1] */
};

/* From PROBABILITIES (n, C), LABEL (n) and PREDICTED (n).  The error is the expected calibration error, the sum over
   the bins of rows / n |accuracy - confidence| (Guo, Pleiss, Sun and Weinberger 2017, equation 3, with their 15 bins of
   equal width).  N is at least 1.  */
void calibration_measure (struct calibration *calibration, const float *probabilities, const int32_t *label,
                          const int32_t *predicted, size_t rows, size_t classes);

/* The Brier score of the same: the mean over the rows of the sum over the classes of (p - y)^2, y being 1 for the row's
   class and 0 for others (Brier 1950); for two classes (p - y)^2 of the second one alone, which is half of that.  As
   sklearn.metrics.brier_score_loss: in [0, 2], and in [0, 1] for two classes.  */
double calibration_brier (const float *probabilities, const int32_t *label, size_t rows, size_t classes);

#endif

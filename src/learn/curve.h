/* The learning curve: what a network loses that was trained on a part of the training rows, for parts of several
   sizes, and so what more rows would bring.  It is made of submatrices of K = X X' alone.  */
#ifndef SLABFIT_CURVE_H
#define SLABFIT_CURVE_H

#include "model.h"
#include "powerlaw.h"
#include "products.h"
#include "train.h"

enum { CURVE_POINTS = 5, CURVE_DRAWS = 3 };

struct curve_setup {
  const struct train_options *options; /* as of train; all borrowed, as everything here */
  const struct table *inner;           /* K (N, N) */
  const struct table *projected;       /* X W0 (N, h) */
  const struct model *model;           /* the initial weights; its first kernel W0 may be gone */
  double squares;                      /* of W0, where there is an L2 term */
  const int32_t *label;                /* (N) */
  const uint64_t *training;            /* (training_rows), ascending rows of K */
  size_t training_rows;
  const uint64_t *validation; /* (validation_rows) */
  size_t validation_rows;
  uint64_t chunk_rows; /* of the training features, for the order of the rows */
  const char *path;    /* their file, for messages */
};

/* One training: what train says of its last epoch.  */
struct curve_draw {
  double loss, accuracy, val_loss, val_accuracy;
};

struct curve_point {
  uint64_t rows, epochs;
  struct curve_draw draw[CURVE_DRAWS];
  double val_loss, val_loss_deviation, val_accuracy; /* mean, sample standard deviation, mean */
};

enum curve_verdict { CURVE_WORTH, CURVE_FLAT, CURVE_NOISY };

struct curve {
  struct curve_point point[CURVE_POINTS]; /* of ascending rows, the last one of all */
  struct powerlaw law;                    /* of the mean val_loss */
  double gain, gain_error;                /* what twice the rows would take off val_loss, and the half width of its 95 %
                                             interval (Student's t) over the draws' own fits */
  enum curve_verdict verdict;
};

/* Trains on 10, 20, 40, 70 and 100 % of the training rows, stratified by class, three times each.  A draw has an order
   of the rows of its own, whose parts are nested; the last point's first draw is what train does.  Each training has
   at least as many steps as that on all rows: less data, but not less training.  -1 with the error set.  */
int curve_draw (const struct curve_setup *setup, struct workers *workers, struct curve *curve);

/* Bytes that it allocates, for ROWS training rows.  */
double curve_bytes (const struct train_options *options, double rows, double validation_rows, int threads);

#endif

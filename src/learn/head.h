/* The head: everything after the first layer's pre-activations.  Its bias and ReLU, the later hidden layers with ReLU,
   the output layer with softmax, cross-entropy, their gradients, and SGD on its own parameters.

   It is tiny beside the first layer, so it is computed in double throughout and by one thread.  */
#ifndef SLABFIT_HEAD_H
#define SLABFIT_HEAD_H

#include "sgd.h"

#include <stddef.h>
#include <stdint.h>

struct head {
  size_t layers; /* after the first one; at least 1 */
  size_t *width; /* (layers + 1) units: of the first layer, and of each later one; the last are the classes */
  size_t batch;  /* most rows at once */

  /* All parameters one after another: the first layer's bias (width[0]); then, for each later layer, its kernel
     (inputs, outputs) and its bias (outputs).  */
  size_t count;
  double *parameter, *gradient, *velocity; /* (count) */

  double **output;  /* (layers + 1), each (batch, width): after ReLU; the last are logarithms of probabilities */
  double *delta[2]; /* (batch, largest width), scratch for backward */
};

/* A head with all parameters zero.  WIDTH (layers + 1) is copied.  NULL with the error set.  */
struct head *head_new (const size_t *width, size_t layers, size_t batch);
void head_free (struct head *head); /* NULL is allowed */

/* Kernel (width[layer - 1], width[layer]) and bias (width[layer]) of later layer LAYER, from 1 on, borrowed.  */
double *head_kernel (struct head *head, size_t layer);
double *head_bias (struct head *head, size_t layer);

/* From the first layer's pre-activations PRE (rows, width[0]), bias not added, to the logarithms of the probabilities
   (rows, classes), borrowed until the next call.  */
const double *head_forward (struct head *head, const float *pre, size_t rows);

/* The sum over the ROWS of the last forward of their cross-entropies, each times the weight of its class where
   CLASS_WEIGHT (classes) is not NULL; *CORRECT becomes how many of them have their label's class as the likeliest.  */
double head_loss (const struct head *head, const int32_t *label, const double *class_weight, size_t rows,
                  uint64_t *correct);

/* The sum of the squares of all kernels, for the L2 term.  */
double head_squares (const struct head *head);

/* The gradient of head_loss / ROWS: head->gradient at the parameters, DELTA (rows, width[0]) at PRE.  */
void head_backward (struct head *head, const int32_t *label, const double *class_weight, size_t rows, float *delta);

/* One step of SGD on the parameters by head->gradient.  */
void head_update (struct head *head, const struct sgd *sgd);

#endif

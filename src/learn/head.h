/* The head: everything after the first layer's pre-activations.  Its bias and ReLU, the later hidden layers with ReLU,
   the output layer with softmax, cross-entropy, their gradients, and SGD on its own parameters.

   It is tiny beside the first layer, so it is computed in double throughout and by one thread.  Several heads may be in
   use at once, each by a thread of its own.  */
#ifndef SLABFIT_HEAD_H
#define SLABFIT_HEAD_H

#include "sgd.h"
#include "state.h"

#include <stddef.h>
#include <stdint.h>

/* Dropout as Keras has it (inverted dropout: Srivastava and others 2014, section 10): in training an output of a hidden
   layer, after its ReLU, becomes 0 with probability RATE, and otherwise is divided by 1 - RATE.

   Unit u of row r of a batch, in hidden layer l (0 is the first layer), is dropped in step t where number
   r width[l] + u of stream 2^40 + 64 t + l of SEED, uniform in [0, 1), is below RATE.  */
struct dropout {
  double rate; /* in [0, 1); 0 drops nothing */
  uint64_t seed, step;
};

struct head {
  size_t layers; /* after the first one; at least 1 */
  size_t *width; /* (layers + 1) units: of the first layer, and of each later one; the last are the classes */
  size_t batch;  /* most rows at once */

  /* All parameters one after another: the first layer's bias (width[0]); then, for each later layer, its kernel
     (inputs, outputs) and its bias (outputs).  */
  size_t count;
  double *parameter, *gradient, *velocity; /* (count) */

  double **output;  /* (layers + 1), each (batch, width): after ReLU and dropout; the last are log probabilities */
  double scale;     /* of what the last forward did not drop */
  double *delta[2]; /* (batch, largest width), scratch for backward */
  double *panel;    /* scratch for products */
  double *kept;     /* (count), once asked for */
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

/* The same with DROPOUT; NULL for none.  */
const double *head_forward_training (struct head *head, const float *pre, size_t rows, const struct dropout *dropout);

/* The sum over the ROWS of the last forward of their cross-entropies, each times the weight of its class where
   CLASS_WEIGHT (classes) is not NULL; *CORRECT becomes how many of them have their label's class as the likeliest.  */
double head_loss (const struct head *head, const int32_t *label, const double *class_weight, size_t rows,
                  uint64_t *correct);

/* The sum of the squares of all kernels, for the L2 term.  */
double head_squares (const struct head *head);

/* The gradient of head_loss / ROWS, with the masks of the last forward: head->gradient at the parameters, DELTA (rows,
   width[0]) at PRE.  */
void head_backward (struct head *head, const int32_t *label, const double *class_weight, size_t rows, float *delta);

/* One step of SGD on the parameters by head->gradient.  */
void head_update (struct head *head, const struct sgd *sgd);

/* Makes room for kept parameters, zeros at first; to be called once, before head_keep.  -1 with the error set.  */
int head_use_keeping (struct head *head);
void head_keep (struct head *head);    /* remembers the parameters of now */
void head_restore (struct head *head); /* goes back to those; the velocity stays */

/* Lists what a checkpoint must hold for the steps to go on to the same bits: PART (STATE_PARTS), which points into
   HEAD; returns how many.  */
size_t head_state (struct head *head, struct state_part *part);

#endif

/* A trained network (or one about to be trained) in memory: layers of kernel and bias, ReLU after each but the last,
   softmax after that; the classes it tells apart; what its features must be; and how it was trained.  */
#ifndef SLABFIT_MODEL_H
#define SLABFIT_MODEL_H

#include "../store/featfile.h"
#include "head.h"
#include "history.h"

struct model_layer {
  uint64_t inputs, outputs;
  float *kernel; /* (inputs, outputs), from memory_new */
  float *bias;   /* (outputs), likewise */
};

/* One epoch of training.  The losses are means over the rows and contain the L2 term, as Keras reports them; those of
   training are running ones, taken while the weights move.  */
struct model {
  size_t layers;                  /* at least 2; the last one's outputs are the classes */
  uint64_t columns, first_column; /* d; under MPI, where this rank's share of them begins, whose length is the first
                                     layer's inputs until model_gather */
  struct model_layer *layer;
  struct names classes;
  struct provenance provenance; /* of the features that it was trained on */
  struct history history;
  char *training;   /* the options of training as JSON; owned; may be NULL */
  char *command;    /* the command line; owned; may be NULL */
  char version[32]; /* of slabfit */
};

/* A model of WIDTH[0] features and LAYERS layers of WIDTH[1], ... WIDTH[LAYERS] units, all weights zero, with copies of
   CLASSES and PROVENANCE.  NULL with the error set.  */
struct model *model_new (const uint64_t *width, size_t layers, const struct names *classes,
                         const struct provenance *provenance);

/* The same with only the share of COLUMNS features from FIRST on in the first layer's kernel.  */
struct model *model_new_share (const uint64_t *width, size_t layers, const struct names *classes,
                               const struct provenance *provenance, uint64_t first, uint64_t columns);
void model_free (struct model *model); /* NULL is allowed */

/* Collective over the ranks of MPI: the first one's kernel becomes the whole.  */
int model_gather (struct model *model);

uint64_t model_columns (const struct model *model); /* d */
uint64_t model_classes (const struct model *model); /* C */

/* Draws the kernels as Keras does by default: Glorot-uniform, in [-limit, limit) with limit = sqrt (6 / (inputs +
   outputs)) (Glorot and Bengio 2010).  A pure function of SEED and the shapes.  Biases become zeros.  */
void model_initialise (struct model *model, uint64_t seed);

/* A head for batches of BATCH rows with the parameters of MODEL, to be freed by head_free (NULL with the error set);
   and its parameters back into MODEL.  The first layer's kernel is no part of it.  */
struct head *model_head (const struct model *model, size_t batch);
void model_take_head (struct model *model, struct head *head);

/* Fails, naming both values, where the rows of FILE are not what MODEL (from MODEL_NAME) takes: another width, other
   classes (fewer at the end are allowed, as labels then mean the same), or features made otherwise.  */
int model_check_features (const struct model *model, const char *model_name, const struct featfile *file);

#endif

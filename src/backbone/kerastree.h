/* Keras's weights as a tree: each layer has a group, named by its class and a number, whose member "vars" has its
   arrays, 0, 1 and so on.  So Keras 3 and late tf.keras save .weights.h5 and .keras.  */
#ifndef SLABFIT_KERASTREE_H
#define SLABFIT_KERASTREE_H

#include "kerasreader.h"

/* Reads all weights of the file but the optimiser's and the metrics'.  */
int kerastree_read (struct kerasreader *reader);

#endif

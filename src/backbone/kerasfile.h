/* Weights that Keras saved, in each of its forms: HDF5 files of weights and of whole models by Keras 1, 2, tf.keras and
   3; .weights.h5 by Keras 3 and late tf.keras; .keras, a zip file around the latter.

   The names are "LAYER/PART", PART being kernel, bias, gamma, beta, moving_mean, moving_variance and so on, whatever
   their form in the file ("res2a_branch2a_W_1:0", "bn2a_branch2a_running_std_1:0", which holds the variance).  LAYER is
   the layer's name, also in a network that is a layer of another one.  Where two layers of different networks share a
   name, the second is "NETWORK/LAYER/PART".

   A .weights.h5 numbers a layer's arrays, and PART follows from the layer's class; where that does not tell, it is the
   number.  The first versions of Keras 3, and tf.keras, store no names there: LAYER is then the class and a number,
   "conv2d", "conv2d_1", "conv2d_2".  These count the layers of a class in the model's order, in which weights.weight
   has them; the classes follow each other by the alphabet.

   Sources: keras/src/legacy/saving/legacy_h5_format.py, keras/src/saving/saving_lib.py of Keras 3.15; for the older
   names the files published with fchollet's deep-learning-models.  */
#ifndef SLABFIT_KERASFILE_H
#define SLABFIT_KERASFILE_H

#include "weights.h"

/* The member of a .keras file that holds the weights.  */
#define KERASFILE_MEMBER "model.weights.h5"

/* Reads the HDF5 file weights->path; the .keras file weights->path.  The state of optimisers and metrics is left out.
   On failure what was read so far stays in WEIGHTS.  */
int kerasfile_read (struct weights *weights);
int kerasfile_read_zip (struct weights *weights);

#endif

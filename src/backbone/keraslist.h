/* Keras's weights as lists: each group of a layer lists its arrays, and the group above them lists the layers.  So
   Keras 1, 2 and tf.keras save weights in .h5, and all up to Keras 3 whole models.  */
#ifndef SLABFIT_KERASLIST_H
#define SLABFIT_KERASLIST_H

#include "kerasreader.h"

#include <stdbool.h>

bool keraslist_is (hid_t group); /* whether GROUP lists layers */

/* Reads all weights of the layers that GROUP lists, in its order.  */
int keraslist_read (struct kerasreader *reader, hid_t group);

#endif

/* --predictions: what a model says of each row of a feature file, as CSV.  */
#ifndef SLABFIT_PREDICTIONS_H
#define SLABFIT_PREDICTIONS_H

#include "../learn/evaluate.h"

/* Writes PATH, whole or not at all: a line for each row of FILE, of which EVALUATION is, with its image (its number
   where FILE has no images), its class, the predicted one, and the probabilities of CLASSES in 9 digits.  A file of the
   same contents is kept; one of others is an error, unless FORCE.  */
int predictions_write (const char *path, bool force, struct featfile *file, const struct names *classes,
                       const struct evaluation *evaluation);

#endif

/* A recipe: what a training was asked to do, with which features, as JSON text that the model file keeps.  */
#ifndef SLABFIT_RECIPE_H
#define SLABFIT_RECIPE_H

#include "train.h"

/* The options under their names on the command line, and what identifies the features: the manifest's hash, or size and
   time of a file that has none.  VALIDATION may be NULL.  To be freed by the caller; NULL with the error set.  */
char *recipe_new (const struct train_options *options, const struct featfile *training,
                  const struct featfile *validation);

/* Fails, naming the first thing that differs, where RECIPE of the model MODEL_NAME is not WANTED.  */
int recipe_compare (const char *recipe, const char *model_name, const char *wanted);

#endif

/* A recipe: what a training was asked to do, with which features, as JSON text that the model file keeps.  */
#ifndef SLABFIT_RECIPE_H
#define SLABFIT_RECIPE_H

#include "train.h"

/* The options under their names on the command line, and what identifies the features: images and how they were made,
   or size and time of a file that does not say.  VALIDATION may be NULL, and ENGINE auto where it is not known yet.  To
   be freed by the caller; NULL with the error set.  */
char *recipe_new (const struct train_options *options, enum engine_kind engine, const struct featfile *training,
                  const struct featfile *validation);

/* The ENGINE that RECIPE was made with; OTHERWISE where it does not say.  */
enum engine_kind recipe_engine (const char *recipe, enum engine_kind otherwise);

/* Fails, naming the first thing that differs, where RECIPE of the model MODEL_NAME is not WANTED.  The engine is not
   compared: both give the same model.  */
int recipe_compare (const char *recipe, const char *model_name, const char *wanted);

#endif

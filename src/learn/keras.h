/* What Keras wants to know of a model, as JSON.  */
#ifndef SLABFIT_KERAS_H
#define SLABFIT_KERAS_H

#include "model.h"

enum { KERAS_NAME_BYTES = 32 };

/* The name that Keras gives the dense layer at INDEX: dense, dense_1, dense_2, ...  */
void keras_layer_name (size_t index, char name[KERAS_NAME_BYTES]);

/* The attributes model_config and training_config; to be freed by the caller, NULL with the error set.  */
char *keras_model_config (const struct model *model);
char *keras_training_config (void);

#endif

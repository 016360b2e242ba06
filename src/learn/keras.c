#include <config.h>

#include "keras.h"

#include "../base/error.h"

#include <jansson.h>
#include <stdio.h>

void
keras_layer_name (size_t index, char name[KERAS_NAME_BYTES])
{
  if (index == 0)
    snprintf (name, KERAS_NAME_BYTES, "dense");
  else
    snprintf (name, KERAS_NAME_BYTES, "dense_%zu", index);
}

/* Keras 2 knows batch_input_shape only, Keras 3 takes it as another name of its batch_shape: so both read this.  */
static json_t *
input_layer (const struct model *model)
{
  return json_pack ("{s:s, s:{s:[n, I], s:s, s:b, s:s}}", "class_name", "InputLayer", "config", "batch_input_shape",
                    (json_int_t) model_columns (model), "dtype", "float32", "sparse", 0, "name", "features");
}

static json_t *
dense_layer (const struct model *model, size_t index)
{
  char name[KERAS_NAME_BYTES];
  keras_layer_name (index, name);
  return json_pack ("{s:s, s:{s:s, s:b, s:s, s:I, s:s, s:b}}", "class_name", "Dense", "config", "name", name,
                    "trainable", 1, "dtype", "float32", "units", (json_int_t) model->layer[index].outputs, "activation",
                    index + 1 < model->layers ? "relu" : "softmax", "use_bias", 1);
}

/* The text of VALUE, which is released.  */
static char *
write_text (json_t *value)
{
  char *text = value ? json_dumps (value, JSON_COMPACT | JSON_REAL_PRECISION (15)) : NULL;
  json_decref (value);
  if (!text)
    error_set ("no memory for the model's description; give the job more memory");
  return text;
}

char *
keras_model_config (const struct model *model)
{
  json_t *layers = json_array ();
  int failed = json_array_append_new (layers, input_layer (model));
  for (size_t i = 0; i < model->layers; i++)
    failed |= json_array_append_new (layers, dense_layer (model, i));
  json_t *config = json_pack ("{s:s, s:{s:s, s:o}}", "class_name", "Sequential", "config", "name", "sequential",
                              "layers", layers); /* takes LAYERS, also where it fails */
  if (failed)
    {
      json_decref (config);
      config = NULL;
    }
  return write_text (config);
}

/* Without it Keras opens the model too, but warns that it is not compiled.  The optimiser's state is not kept.  */
char *
keras_training_config (void)
{
  return write_text (json_pack ("{s:s, s:[s], s:n, s:n, s:{s:s, s:{s:f, s:f}}}", "loss",
                                "sparse_categorical_crossentropy", "metrics", "sparse_categorical_accuracy",
                                "weighted_metrics", "loss_weights", "optimizer_config", "class_name", "SGD", "config",
                                "learning_rate", 1e-3, "momentum", 0.9));
}

/* The model file: HDF5 as Keras writes and reads it (its "legacy H5 format"), so that keras.models.load_model opens it.

     /model_weights/LAYER/LAYER/kernel:0 (inputs, outputs) and bias:0 (outputs), float32, for dense, dense_1, ...
     /history (epochs)   compound {epoch, loss, accuracy, val_loss, val_accuracy, auc, val_auc, seconds}
     attributes of /     model_config, training_config, keras_version, backend: Keras's own, JSON
                         model_format_version, classes, training (options, JSON), version, command, and those of
                         provenance.h: ours

   The network takes rows of d features, flat.  */
#ifndef SLABFIT_MODELFILE_H
#define SLABFIT_MODELFILE_H

#include "model.h"

enum { MODELFILE_VERSION = 1 };

/* Whether PATH is an HDF5 file with a model's weights.  */
bool modelfile_is_model (const char *path);

/* Writes MODEL as PATH, whole or not at all.  Replaces a file of that name.  */
int modelfile_write (const struct model *model, const char *path);

/* The model in PATH, to be freed by model_free.  NULL with the error set where the file is damaged, is not a model that
   slabfit wrote, or has a later version.  */
struct model *modelfile_read (const char *path);

#endif

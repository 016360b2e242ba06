/* What train says of a training: lines for people, and its JSON.  */
#ifndef SLABFIT_TRAINED_H
#define SLABFIT_TRAINED_H

#include "../learn/train.h"

#include <jansson.h>

enum { TRAINED_SCORES_BYTES = 160 };

/* "loss 0.1234, accuracy 0.9876", and the same of validation where there is one.  */
void trained_scores (const struct epoch *epoch, char text[TRAINED_SCORES_BYTES]);

/* The line on standard output for the MODEL in PATH; with PATIENCE it has the weights of its best epoch.  */
void trained_print (const struct model *model, const char *path, bool patience);

/* The JSON object, new; KEPT says that the model was there already.  */
json_t *trained_json (const struct model *model, const char *path, bool patience, const struct train_report *report,
                      bool kept);

#endif

/* The splits of a FEATURES folder, as the commands open them that learn from it.  */
#ifndef SLABFIT_SPLITS_H
#define SLABFIT_SPLITS_H

#include "../base/workers.h"
#include "../store/featfile.h"

/* Opens FEATURES/SPLIT.h5 of a usual SPLIT, or else by another name that data sets give it (train.h5, test.h5), put
   together first where there are only parts; WORKERS inflate.  *FILE is NULL where the split is not there at all.
   COMMAND is for the message where parts are missing.  */
int splits_open (const char *features, const char *split, const struct featnames *names, const char *command,
                 struct workers *workers, struct featfile **file);

#endif

/* The splits of a FEATURES folder, as the commands open them that learn from it.  */
#ifndef SLABFIT_SPLITS_H
#define SLABFIT_SPLITS_H

#include "../base/workers.h"
#include "../store/featfile.h"

/* Fails where FEATURES is not there, or no folder.  */
int splits_need_folder (const char *features);

/* *NAME is what the usual SPLIT is called in FEATURES, where it may be in parts: SPLIT, or else another name that data
   sets give it (train, test); NULL where it is not there at all.  Static.  */
int splits_find (const char *features, const char *split, const char **name);

/* Opens FEATURES/SPLIT.h5 of a usual SPLIT, or else by another name that data sets give it (train.h5, test.h5), put
   together first where there are only parts; WORKERS inflate.  *FILE is NULL where the split is not there at all.
   COMMAND is for the message where parts are missing.  */
int splits_open (const char *features, const char *split, const struct featnames *names, const char *command,
                 struct workers *workers, struct featfile **file);

#endif

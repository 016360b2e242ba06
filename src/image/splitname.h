/* The names that splits go by.  */
#ifndef SLABFIT_SPLITNAME_H
#define SLABFIT_SPLITNAME_H

#include <stdbool.h>

/* training, validation and evaluation: the splits that organize makes and that come first in every order.  */
enum { USUAL_SPLITS = 3 };
extern const char *const usual_splits[USUAL_SPLITS];

/* Whether NAME is that of a split by itself: a usual one, or train, test and others that data sets are published
   with.  */
bool splitname_is_known (const char *name);

/* What data sets call the usual split NAME: itself, "train" for "training" and so on, ended by NULL.  NULL for another.
   Static.  */
enum { SPLITNAME_SYNONYMS = 5 };
const char *const *splitname_synonyms (const char *name);

/* The usual ones in their order, then the others by bytes; as strcmp.  */
int splitname_compare (const char *a, const char *b);

#endif

/* Images that are there more than once, for people and for programs.  */
#ifndef SLABFIT_DUPLICATETABLE_H
#define SLABFIT_DUPLICATETABLE_H

#include "../store/duplicates.h"

#include <jansson.h>

/* {"within": N, "across": N}  */
json_t *duplicatetable_json (const struct duplicates *duplicates);

/* Prints how many there are, the first pairs, and what to do; nothing where there are none.  */
void duplicatetable_print (const struct duplicates *duplicates);

#endif

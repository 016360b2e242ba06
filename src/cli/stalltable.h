/* What extract says about its time.  */
#ifndef SLABFIT_STALLTABLE_H
#define SLABFIT_STALLTABLE_H

#include "../extract/extract.h"

#include <jansson.h>

/* The rate, a line for each stage, what the network waited for and what would make it faster, in 80 columns.  Nothing
   where there were no images to work on.  */
void stalltable_print (const struct extract_report *report);

/* The same into RESULT, for --json: images_per_second, seconds, network, stalls and advice.  */
void stalltable_add (const struct extract_report *report, json_t *result);

#endif

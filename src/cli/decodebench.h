/* The benchmark of decoding: photographs to what a network takes.  */
#ifndef SLABFIT_DECODEBENCH_H
#define SLABFIT_DECODEBENCH_H

#include "../base/text.h"

#include <jansson.h>

/* Decodes, resizes and crops the images PATHS, files and folders with all that is in them (made-up photographs where
   there are none), which are read into memory before: by each of four specifications, on one thread and on THREADS,
   the best of REPEATS.  Prints a table, unless JSON.  *RESULT is new.  */
int decodebench_run (const struct names *paths, int threads, int repeats, bool json, json_t **result);

#endif

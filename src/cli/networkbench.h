/* The benchmark of a network: every way of running it that calibration tries.  */
#ifndef SLABFIT_NETWORKBENCH_H
#define SLABFIT_NETWORKBENCH_H

#include "../extract/extractor.h"

#include <jansson.h>

/* Measures the network that OPTIONS name by THREADS threads, in batches of BATCH images, or of several sizes where that
   is 0; prints a line for each way, unless JSON, and keeps the best one for 'extract'.  *RESULT is new.  */
int networkbench_run (const struct extractor_options *options, int threads, int batch, bool json, json_t **result);

#endif

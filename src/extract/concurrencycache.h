/* Where concurrency.c keeps what it has measured; concurrency.h says what the file holds.  */
#ifndef SLABFIT_CONCURRENCYCACHE_H
#define SLABFIT_CONCURRENCYCACHE_H

#include "concurrency.h"

/* The entry for this machine and EXTRACTOR's network, with THREADS threads in all and the batch fixed at BATCH, or 0;
   false where there is none.  No error is set.  */
bool concurrencycache_get (const struct extractor *extractor, int threads, int batch, struct concurrency *concurrency);

/* Keeps it, where the folder can be written.  No error is set.  */
void concurrencycache_put (const struct extractor *extractor, int threads, int batch,
                           const struct concurrency *concurrency);

#endif

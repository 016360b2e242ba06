/* A team of threads that shares out numbered tasks: a parallel loop.

   Tasks must not depend on which thread runs them or in what order, so that results never depend on their number.  */
#ifndef SLABFIT_WORKERS_H
#define SLABFIT_WORKERS_H

#include <stddef.h>

struct workers;

/* One task: INDEX in [0, count), WORKER in [0, threads) for scratch space of its own.  -1 with the error set.  */
typedef int workers_task (void *context, size_t index, int worker);

/* A team of THREADS (>= 1), the caller's own among them.  NULL with the error set.  */
struct workers *workers_new (int threads);
int workers_count (const struct workers *workers);

/* Runs TASK for each index below COUNT and waits.  Tasks begin in the order of their indices, and after a failure none
   begins; the failure with the lowest index, the same one whatever the number of threads, becomes the caller's error.
   Loops that several threads ask for take turns; a task must not begin one.  */
int workers_run (struct workers *workers, size_t count, workers_task *task, void *context);
void workers_free (struct workers *workers);

#endif

/* Elapsed time, and a thread's own.  */
#ifndef SLABFIT_CLOCK_H
#define SLABFIT_CLOCK_H

#include <time.h>

/* Seconds on a clock that only goes forward; its zero means nothing.  */
static inline double
clock_seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* Seconds that a processor has worked for the calling thread.  */
static inline double
clock_thread_seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

#endif

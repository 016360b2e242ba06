/* Reading in a process of its own: HDF5 may crash on a damaged or made-up file, or never end; here that is an error
   like another.  */
#ifndef SLABFIT_ISOLATED_H
#define SLABFIT_ISOLATED_H

#include "weights.h"

/* READ (WEIGHTS) in a child process, whose weights, or error, become WEIGHTS' and the thread's.  An error also where
   the child dies, or takes more than some seconds of processor time and one for every 10 MB of the file, or more memory
   than twice WEIGHTS->bytes_limit.  */
int isolated_read (struct weights *weights, int (*read) (struct weights *weights));

#endif

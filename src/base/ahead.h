/* Filling buffers one ahead of their use: while the caller works on one, a thread fills the next.  */
#ifndef SLABFIT_AHEAD_H
#define SLABFIT_AHEAD_H

#include <stddef.h>

struct ahead;

/* Fills BUFFER with item INDEX, counted from 0.  -1 with the error set.  */
typedef int ahead_fill (void *context, size_t index, void *buffer);

/* Items 0 to COUNT - 1, one after the other, through FIRST and SECOND by turns (both borrowed until ahead_free).  FILL
   runs on a thread of its own, from now on until ahead_free has returned, and is at most one item ahead of the one that
   is in use.  Where SECOND is NULL there is no thread: ahead_next itself fills FIRST.  NULL with the error set.  */
struct ahead *ahead_new (size_t count, void *first, void *second, ahead_fill *fill, void *context);

/* The buffer of the next item, filled, and in use until the next call.  NULL where FILL failed for it, with its error
   as the caller's.  To be called COUNT times at most, and not again after a failure.  */
void *ahead_next (struct ahead *ahead);

/* Waits for the fill in hand, and begins no further one.  NULL is allowed.  */
void ahead_free (struct ahead *ahead);

#endif

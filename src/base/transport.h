/* How ranks.c reaches the other ranks: MPI's calls, checked and counted.  In a build without MPI there is one rank, and
   nothing but transport_start and transport_end is called.

   As in MPI, a call on one rank waits for its counterpart on the others.  At most 2^31 - 1 values a call.  All but
   transport_end return 0, or -1 with the error set.  */
#ifndef SLABFIT_TRANSPORT_H
#define SLABFIT_TRANSPORT_H

#include "ranks.h"

enum transport_type { TRANSPORT_FLOAT, TRANSPORT_DOUBLE };

/* *INDEX of *COUNT ranks; left alone where this process was started by itself.  */
int transport_start (int *index, int *count);

/* VALUES (count) become their sum over all ranks; those of RANK; the lowest of each.  */
int transport_sum (void *values, size_t count, enum transport_type type);
int transport_broadcast (void *bytes, size_t count, int rank);
int transport_lowest (uint64_t *values, size_t count);

/* The same among calls of this function only, whatever others the ranks are in, and for the last time.  With PATIENCE
   the others are awaited however long it takes; without it, 1 for a second in vain, or 2 where a lower rank waited so
   too.  */
int transport_last_lowest (uint64_t *values, size_t count, bool patience);

int transport_send (const void *bytes, size_t count, int rank);
int transport_receive (void *bytes, size_t count, int rank);

/* Leaves the other ranks, when all have called it, or with ABANDON ends the whole job with STATUS at once.  */
void transport_end (bool abandon, int status);

struct ranks_traffic transport_traffic (void);

#endif

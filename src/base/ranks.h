/* This process among those that mpirun or srun started together for one job: its rank.

   Without MPI (configure --with-mpi), and in a process that was started alone, there is one rank and every call is
   trivial.  Only the main thread calls these functions.  A collective one is called by all ranks, in the same order and
   with the same sizes.  All that fail return -1 with the error set.

   A rank that fails needs to tell nobody: it returns its error up to main, where ranks_settle ends the job, also where
   the other ranks wait for it in a collective call.  */
#ifndef SLABFIT_RANKS_H
#define SLABFIT_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Collective.  Joins the other ranks, where this process was started as one of several.  From then on a request to stop
   is obeyed by all at the same step (stop.h), and a process that calls exit ends the whole job.  Fails where several
   were started and slabfit was built without MPI.  */
int ranks_start (void);

int ranks_index (void); /* from 0; the first rank is the one that writes files */
int ranks_count (void); /* 1 before ranks_start */

/* The columns of rank INDEX of COUNT.  The shares of all ranks follow each other and make up COLUMNS.  They consist of
   whole UNITs (>= 1; a chunk's columns) where that leaves no rank empty and makes the largest share at most an eighth
   larger than the even one; otherwise of halves of UNIT, quarters and so on.  With fewer columns than ranks some are
   empty.  */
struct ranks_share {
  uint64_t first, count;
};
struct ranks_share ranks_share (uint64_t columns, uint64_t unit, int index, int count);

/* Collective.  VALUES (count) become their sum over all ranks, the same bits on each.  All ranks learn in ranks_sum
   that one of them is asked to stop.  */
int ranks_sum (float *values, size_t count);
int ranks_sum_double (double *values, size_t count);

/* Collective.  VALUES become those of the first rank.  */
int ranks_from_first (void *values, size_t bytes);

/* Collective.  Whether all ranks succeeded so far: RESULT is 0, or -1 with the error set.  Where it is not 0
   everywhere, all fail with the error of one of them.  They learn of a request to stop as well.  */
int ranks_agree (int result);

/* ROWS, COUNT of ROW_BYTES each (at most 64 MB), beginning with number FIRST of a matrix.  -1 with the error set.  */
typedef int ranks_take (void *context, const void *rows, uint64_t first, uint64_t count);
typedef int ranks_give (void *context, void *rows, uint64_t first, uint64_t count);

/* Collective.  Each rank has COUNT rows of a matrix, whose shares follow each other.  ranks_gather calls TAKE on the
   first rank with all of them in order, at most 64 MB at a time; ranks_scatter calls GIVE there, which fills ROWS in,
   and brings each rank its own.  The other ranks' TAKE and GIVE are not used.  */
int ranks_gather (const void *rows, uint64_t count, size_t row_bytes, ranks_take *take, void *context);
int ranks_scatter (void *rows, uint64_t count, size_t row_bytes, ranks_give *give, void *context);

/* What this rank handed to MPI so far: calls, and the bytes of its arguments.  */
struct ranks_traffic {
  uint64_t calls, bytes;
};
struct ranks_traffic ranks_traffic (void);

/* Collective.  The end of the work: *STATUS, this rank's exit status, becomes that of the job, a failure before
   ERROR_STOPPED and that before 0.  Returns whether this rank is the one to report its error.  A rank that failed waits
   a second for the others, which may be in another collective call, and reports then.  */
bool ranks_settle (int *status);

/* Leaves the other ranks; where ranks_settle waited for them in vain, ends the whole job with STATUS.  */
void ranks_finish (int status);

#endif

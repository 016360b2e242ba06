/* How a network is best run on this machine: how many threads run it at once, by how many threads each, on how many
   images.  Measured with the network itself when a job begins, and remembered for the machine.

   What was found is kept in $XDG_CACHE_HOME/slabfit/network.json (~/.cache/slabfit/network.json), a JSON object with
   an entry for each processor, number of threads, libtorch, backbone, image size, precision and device: nodes of
   several kinds may share a home.  Tasks that begin at once all measure, and the last one's file stays.  A file that
   cannot be read or written is as none.  */
#ifndef SLABFIT_CONCURRENCY_H
#define SLABFIT_CONCURRENCY_H

#include "extractor.h"

enum concurrency_origin {
  CONCURRENCY_FIXED,      /* not measured: the job is too short for it */
  CONCURRENCY_MEASURED,   /* now */
  CONCURRENCY_REMEMBERED, /* measured by an earlier run */
};

struct concurrency {
  int callers;          /* threads that call extractor_run at once */
  int threads;          /* that each call works with */
  int batch;            /* images in a call at the most */
  double image_seconds; /* wall time for an image while all callers work; 0 where it was not measured */
  enum concurrency_origin origin;
};

/* Chooses how IMAGES images are to be run by THREADS threads in all, leaves EXTRACTOR prepared for it, and says it by
   progress_say.  BATCH fixes the images in a call; 0 leaves them to be chosen.  Measuring takes a tenth of the job's
   time and 10 s at the most; jobs of less than CONCURRENCY_FEW images measure nothing.  */
enum { CONCURRENCY_FEW = 256 };
int concurrency_choose (struct extractor *extractor, int threads, uint64_t images, int batch,
                        struct concurrency *concurrency);

/* What was found of one way to run the network.  */
typedef void concurrency_tell (void *context, const struct concurrency *measured);

/* Measures for up to SECONDS, tells of each way that was tried (TELL may be NULL), remembers the best one and leaves
   EXTRACTOR prepared for it.  */
int concurrency_measure (struct extractor *extractor, int threads, int batch, double seconds, concurrency_tell *tell,
                         void *context, struct concurrency *best);

#endif

/* What holds an extraction up, and what would make it faster.  */
#ifndef SLABFIT_STALLS_H
#define SLABFIT_STALLS_H

#include "pipeline.h"

/* What an extraction took, and what it ran on.  */
struct stalls {
  struct pipeline_seconds seconds;
  double wall;         /* seconds from the first image to the last file */
  double busy;         /* of these, in which the GPU computed */
  int threads;         /* of the job */
  int network_threads; /* of them, that run the network at once */
  bool gpu;            /* it ran on a GPU */
  bool shorter;        /* numbers of fewer bits would be faster */
  int compress;        /* deflate level */
};

enum stalls_advice {
  STALLS_SHORT,       /* too little was done to tell */
  STALLS_LIMIT,       /* the GPU is at its limit */
  STALLS_GPU,         /* the network is the limit: a GPU, or more cores */
  STALLS_BFLOAT16,    /* the same, where the processor gains by bfloat16 */
  STALLS_HALF,        /* the GPU is the limit, in float32 */
  STALLS_DECODING,    /* more cores */
  STALLS_COMPRESSING, /* more cores */
  STALLS_LEVEL,       /* a lower deflate level */
  STALLS_READING,     /* a faster disk, or a copy of the images on the node */
  STALLS_WRITING,     /* a faster disk */
};

/* What to look at.  Where the network was at work for 85 % of its threads' time, it is the network.  Else it is what
   took most of the rest: where that is waiting for images, the disk if they took longer to read than to decode; where
   it is waiting for room and for the end, the disk if the writer was at work for half of the time; and otherwise the
   stage that took most of the processors.  */
enum stalls_advice stalls_advise (const struct stalls *stalls);

/* That as a sentence, with what to do; static.  */
const char *stalls_sentence (enum stalls_advice advice);

/* SECONDS as a share of the time of the network's threads; 0 where there was none.  */
double stalls_share (const struct stalls *stalls, double seconds);

#endif

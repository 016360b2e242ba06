/* What the pipeline's stages share, for them alone.

   An image's way: caller.c takes batches from the dealer (dealer.c) and runs the network, compressor.c makes chunks of
   tiles that are full, partwriter.c stores them and finishes parts.  Three queues lie between them, and each tile goes
   round: free, full, encoded, free.  */
#ifndef SLABFIT_STAGES_H
#define SLABFIT_STAGES_H

#include "../base/error.h"
#include "../base/queue.h"
#include "../store/featwriter.h"
#include "imagestream.h"
#include "pipeline.h"

#include <pthread.h>

/* A part that is being made.  */
struct work {
  struct pipeline_part *part;
  uint64_t before;         /* images of the works before it */
  uint64_t taken;          /* of its images, by batches or as failures, in order */
  bool closed;             /* all are taken: part->rows is final */
  struct failure *failure; /* (part->failed) */
  uint64_t *digest;        /* (part->rows) of their files' contents; from the first batch to the part's end */
  struct work_tile *tail;  /* the tile that rows are being dealt to */
  uint64_t tail_index;     /* its place in the part; kept here since a stored tile is used again elsewhere */
  uint64_t tiles_stored;
  struct featwriter *writer;
};

/* A band of chunk_rows rows by all columns on its way to the file.  */
struct work_tile {
  struct work *work;
  uint64_t index;      /* in the part, from the top */
  uint64_t filled;     /* rows in it */
  float *values;       /* (chunk_rows, columns); NULL in a word to the writer that WORK is closed */
  struct chunk *chunk; /* (column tiles) what it becomes */
};

struct pipeline {
  const struct pipeline_options *options;
  const struct featinfo *info;
  struct work *work; /* (works) */
  size_t works;
  struct source *source;
  uint64_t images;
  struct work_tile *tile; /* (tiles) */
  size_t tiles;
  struct work_tile *closing; /* (works) */
  uint64_t column_tiles;     /* across a row */
  size_t bound;              /* bytes of an encoded tile at the most */
  size_t batch_tiles;        /* tiles that a batch's rows lie in at the most */
  struct imagestream *stream;
  struct queue *free_tiles, *full_tiles, *encoded_tiles;
  pthread_mutex_t assembling; /* held by the caller that takes the next batch: batches and tiles are dealt in order */
  size_t assembled;           /* the work that the next batch comes from */
  double room;                /* seconds that it waited for tiles */
  uint64_t named;             /* failures that were told of, up to NAMED_MOST + 1 */
  pthread_mutex_t lock;       /* of all below, tile->filled, work->closed and part->rows */
  int callers, compressors;   /* still running */
  int run_images;             /* that the network takes at a time */
  double dealing;             /* seconds that callers spent on taking batches, waiting for each other included */
  struct error error;         /* the first */
  struct pipeline_seconds seconds;
};

/* Stops all stages; the calling thread's error becomes the run's where it is the first.  */
void stages_stop (struct pipeline *pipeline);

/* Adds SECONDS to *SUM, which several threads add to.  */
void stages_add_seconds (struct pipeline *pipeline, double *sum, double seconds);

/* The threads of callers and of compressors; PIPELINE is theirs.  Each runs until there is nothing more to do or all
   stop, and the last to end closes the queue behind it.  */
void *caller_run (void *pipeline);
void *compressor_run (void *pipeline);

/* Stores what the compressors give until they end, and gives finished parts their names.  */
void partwriter_run (struct pipeline *pipeline);

#endif

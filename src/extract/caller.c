#include <config.h>

#include "dealer.h"

#include "../base/clock.h"
#include "../base/memory.h"
#include "../base/stop.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int
check_finite (const struct pipeline *pipeline, const struct batch *batch)
{
  int64_t columns = pipeline->options->extractor->columns;
  for (int64_t i = 0; i < batch->count * columns; i++)
    if (!isfinite (batch->features[i]))
      return error_set ("the backbone gives a value that is not finite in row %" PRIu64 ", column %" PRId64
                        " of part %" PRIu64 " of '%s'; check its weights and the --preprocess that it was trained with",
                        batch->row + (uint64_t) (i / columns), i % columns, batch->work->part->number,
                        pipeline->options->split);
  return 0;
}

/* Runs the network on BATCH and puts the rows into their tiles.  */
static int
run_batch (struct pipeline *pipeline, struct batch *batch)
{
  const struct extractor *extractor = pipeline->options->extractor;
  uint64_t chunk_rows = pipeline->info->chunk_rows, count = (uint64_t) batch->count;
  size_t columns = (size_t) extractor->columns;
  double since = clock_seconds ();
  if (extractor_run (extractor, batch->pixels, batch->count, batch->features) || check_finite (pipeline, batch))
    return -1;
  stages_add_seconds (pipeline, &pipeline->seconds.network, since);
  uint64_t begin = batch->row % chunk_rows, room = chunk_rows - begin;
  uint64_t first = count < room ? count : room, rest = count - first;
  memcpy (batch->first->values + begin * columns, batch->features, first * columns * sizeof (float));
  memcpy (batch->last->values, batch->features + first * columns, rest * columns * sizeof (float));
  dealer_fill (pipeline, batch->first, first);
  if (rest > 0)
    dealer_fill (pipeline, batch->last, rest);
  return 0;
}

static int
caller_step (struct pipeline *pipeline, struct batch *batch)
{
  if (stop_requested ())
    return error_stopped ("stopped as asked; nothing is lost: run the same command again");
  int more = dealer_take (pipeline, batch);
  if (more > 0 && batch->count > 0 && run_batch (pipeline, batch))
    return -1;
  return more;
}

void *
caller_run (void *argument)
{
  struct pipeline *pipeline = argument;
  const struct extractor *extractor = pipeline->options->extractor;
  size_t images = (size_t) pipeline->options->batch;
  struct batch batch = { .pixels = memory_new (images, extractor->image_bytes),
                         .features = memory_new (images, (size_t) extractor->columns * sizeof (float)) };
  int more = batch.pixels && batch.features ? 1 : -1;
  while (more > 0)
    more = caller_step (pipeline, &batch);
  if (more < 0)
    stages_stop (pipeline);
  memory_free (batch.pixels);
  memory_free (batch.features);
  pthread_mutex_lock (&pipeline->lock);
  bool last = --pipeline->callers == 0;
  pthread_mutex_unlock (&pipeline->lock);
  if (last)
    queue_close (pipeline->full_tiles);
  return NULL;
}

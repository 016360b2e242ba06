#include <config.h>

#include "dealer.h"

#include "../base/clock.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "../base/vectorised.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A value is finite where its exponent is not all ones.  */
VECTORISED static bool
all_finite (const float *values, size_t count)
{
  const uint32_t exponent = 0x7f800000;
  uint32_t most = 0;
  for (size_t i = 0; i < count; i++)
    {
      uint32_t bits;
      memcpy (&bits, &values[i], sizeof bits);
      most = (bits & exponent) > most ? bits & exponent : most;
    }
  return most < exponent;
}

static int
check_finite (const struct pipeline *pipeline, const struct batch *batch)
{
  int64_t columns = pipeline->options->extractor->columns, i = 0;
  if (all_finite (batch->features, (size_t) (batch->count * columns)))
    return 0;
  while (isfinite (batch->features[i]))
    i++;
  return error_set ("the backbone gives a value that is not finite in row %" PRIu64 ", column %" PRId64
                    " of part %" PRIu64 " of '%s'; check its weights and the --preprocess that it was trained with",
                    batch->row + (uint64_t) (i / columns), i % columns, batch->work->part->number,
                    pipeline->options->split);
}

/* Tells people once that a GPU's memory was short.  */
static void
watch_memory (struct pipeline *pipeline)
{
  struct network_usage usage;
  network_use (pipeline->options->extractor->network, &usage);
  pthread_mutex_lock (&pipeline->lock);
  bool halved = usage.batch < pipeline->run_images;
  if (halved)
    pipeline->run_images = usage.batch;
  pthread_mutex_unlock (&pipeline->lock);
  if (halved)
    progress_say ("the GPU's memory is short: it takes %d image%s at a time from now on", usage.batch,
                  usage.batch == 1 ? "" : "s");
}

/* Puts the rows of BATCH into their tiles.  */
static void
put_rows (struct pipeline *pipeline, const struct batch *batch)
{
  uint64_t chunk_rows = pipeline->info->chunk_rows, count = (uint64_t) batch->count;
  size_t columns = pipeline->info->columns;
  struct work_tile **tile = batch->tile;
  for (uint64_t done = 0, rows; done < count; done += rows)
    {
      uint64_t begin = (batch->row + done) % chunk_rows, room = chunk_rows - begin;
      rows = count - done < room ? count - done : room;
      memcpy ((*tile)->values + begin * columns, batch->features + done * columns, rows * columns * sizeof (float));
      dealer_fill (pipeline, *tile++, rows);
    }
}

/* Runs the network on BATCH.  */
static int
run_batch (struct pipeline *pipeline, struct batch *batch)
{
  double since = clock_seconds ();
  if (extractor_run (pipeline->options->extractor, batch->images->pixels, batch->count, batch->features)
      || check_finite (pipeline, batch))
    return -1;
  stages_add_seconds (pipeline, &pipeline->seconds.network, clock_seconds () - since);
  watch_memory (pipeline);
  return 0;
}

static int
caller_step (struct pipeline *pipeline, struct batch *batch)
{
  if (stop_requested ())
    return error_stopped ("stopped as asked; nothing is lost: run the same command again");
  int more = dealer_take (pipeline, batch);
  if (more <= 0 || (batch->count > 0 && run_batch (pipeline, batch)))
    return more <= 0 ? more : -1;
  imagestream_release (pipeline->stream, batch->images);
  put_rows (pipeline, batch);
  return more;
}

void *
caller_run (void *argument)
{
  struct pipeline *pipeline = argument;
  size_t images = (size_t) pipeline->options->concurrency->batch;
  struct batch batch = { .features = memory_new (images, pipeline->info->columns * sizeof (float)),
                         .tile = memory_new (pipeline->batch_tiles, sizeof (struct work_tile *)) };
  int more = batch.features && batch.tile ? 1 : -1;
  while (more > 0)
    more = caller_step (pipeline, &batch);
  if (more < 0)
    stages_stop (pipeline);
  memory_free (batch.features);
  memory_free (batch.tile);
  pthread_mutex_lock (&pipeline->lock);
  bool last = --pipeline->callers == 0;
  pthread_mutex_unlock (&pipeline->lock);
  if (last)
    queue_close (pipeline->full_tiles);
  return NULL;
}

#include <config.h>

#include "dealer.h"

#include "../base/progress.h"

#include <stdlib.h>
#include <string.h>

enum { NAMED_MOST = 10 }; /* failures told of as they happen */

/* Tells people of the first failures at once.  */
static void
name_failure (struct pipeline *pipeline, const char *image, const char *reason)
{
  if (pipeline->named < NAMED_MOST)
    progress_say ("%s: %s", image, reason);
  else if (pipeline->named == NAMED_MOST)
    progress_say ("further images that cannot be read are not named here");
  else
    return;
  pipeline->named++;
}

/* Keeps that IMAGE failed; REASON becomes the part's.  */
static int
note_failure (struct work *work, const char *image, char *reason)
{
  struct failure *larger = realloc (work->failure, (work->part->failed + 1) * sizeof *larger);
  char *copy = strdup (image);
  if (larger)
    work->failure = larger;
  if (!larger || !copy)
    {
      free (copy);
      free (reason);
      return error_set ("no memory left for the failure of '%s'; give the job more memory", image);
    }
  work->failure[work->part->failed++] = (struct failure){ copy, reason };
  return 0;
}

/* The tile of ROW, which is in the part's last tile or begins the next; NULL where all stop.  */
static struct work_tile *
tile_for (struct pipeline *pipeline, struct work *work, uint64_t row)
{
  uint64_t index = row / pipeline->info->chunk_rows;
  if (!work->tail || work->tail_index != index)
    {
      struct work_tile *tile = queue_pop (pipeline->free_tiles);
      if (!tile)
        return NULL;
      tile->work = work;
      tile->index = index;
      tile->filled = 0;
      work->tail = tile;
      work->tail_index = index;
    }
  return work->tail;
}

/* Whether no further row can come into TILE and all are there.  Holding pipeline->lock.  */
static bool
tile_is_complete (const struct pipeline *pipeline, const struct work_tile *tile)
{
  uint64_t chunk_rows = pipeline->info->chunk_rows, rows = tile->work->part->rows;
  if (tile->filled == chunk_rows)
    return true;
  return tile->work->closed && tile->index == rows / chunk_rows && tile->filled == rows % chunk_rows;
}

void
dealer_fill (struct pipeline *pipeline, struct work_tile *tile, uint64_t rows)
{
  pthread_mutex_lock (&pipeline->lock);
  tile->filled += rows;
  bool complete = tile_is_complete (pipeline, tile);
  pthread_mutex_unlock (&pipeline->lock);
  if (complete)
    queue_push (pipeline->full_tiles, tile);
}

/* No further image of WORK can come: its row count is final.  A ragged last tile whose rows were all there before goes
   on now; the writer is told that the part can be finished.  */
static void
close_work (struct pipeline *pipeline, struct work *work)
{
  pthread_mutex_lock (&pipeline->lock);
  work->closed = true;
  bool ragged = work->part->rows % pipeline->info->chunk_rows != 0;
  bool complete = ragged && tile_is_complete (pipeline, work->tail);
  pthread_mutex_unlock (&pipeline->lock);
  if (complete)
    queue_push (pipeline->full_tiles, work->tail);
  struct work_tile *closing = &pipeline->closing[work - pipeline->work];
  closing->work = work;
  queue_push (pipeline->encoded_tiles, closing);
}

/* Takes the next image of the batch's part: into the batch, or to the part's failures.  */
static int
take_image (struct pipeline *pipeline, struct batch *batch)
{
  const struct pipeline_options *options = pipeline->options;
  struct work *work = batch->work;
  char *reason;
  if (imagestream_next (pipeline->stream, batch->pixels + (size_t) batch->count * options->extractor->image_bytes,
                        &reason)
      < 0)
    return -1;
  const char *image = manifest_image (options->manifest, work->part->first + work->taken++).path;
  if (reason)
    {
      name_failure (pipeline, image, reason);
      return note_failure (work, image, reason);
    }
  batch->count++;
  return 0;
}

static int
assemble (struct pipeline *pipeline, struct batch *batch)
{
  if (pipeline->assembled == pipeline->works)
    return 0;
  struct work *work = batch->work = &pipeline->work[pipeline->assembled];
  batch->count = 0;
  batch->row = work->part->rows;
  while (batch->count < pipeline->options->batch && work->taken < work->part->count)
    if (take_image (pipeline, batch))
      return -1;
  if (batch->count > 0)
    {
      batch->first = tile_for (pipeline, work, batch->row);
      batch->last = batch->first ? tile_for (pipeline, work, batch->row + (uint64_t) batch->count - 1) : NULL;
      if (!batch->last)
        return -1;
    }
  pthread_mutex_lock (&pipeline->lock);
  work->part->rows += (uint64_t) batch->count;
  pthread_mutex_unlock (&pipeline->lock);
  if (work->taken == work->part->count)
    {
      close_work (pipeline, work);
      pipeline->assembled++;
    }
  return 1;
}

int
dealer_take (struct pipeline *pipeline, struct batch *batch)
{
  pthread_mutex_lock (&pipeline->assembling);
  int more = assemble (pipeline, batch);
  pthread_mutex_unlock (&pipeline->assembling);
  return more;
}

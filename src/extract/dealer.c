#include <config.h>

#include "dealer.h"

#include "../base/clock.h"
#include "../base/memory.h"
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

/* Keeps that IMAGE failed.  */
static int
note_failure (struct work *work, const char *image, const char *reason)
{
  struct failure *larger = realloc (work->failure, (work->part->failed + 1) * sizeof *larger);
  struct failure failure = { strdup (image), strdup (reason) };
  if (larger)
    work->failure = larger;
  if (!larger || !failure.image || !failure.reason)
    {
      free (failure.image);
      free (failure.reason);
      return error_set ("no memory left for the failure of '%s'; give the job more memory", image);
    }
  work->failure[work->part->failed++] = failure;
  return 0;
}

/* The tile of ROW, which is in the part's last tile or begins the next; NULL where all stop.  */
static struct work_tile *
tile_for (struct pipeline *pipeline, struct work *work, uint64_t row)
{
  uint64_t index = row / pipeline->info->chunk_rows;
  if (!work->tail || work->tail_index != index)
    {
      double since = clock_seconds ();
      struct work_tile *tile = queue_pop (pipeline->free_tiles);
      pipeline->room += clock_seconds () - since;
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

/* Keeps which images of BATCH failed.  */
static int
note_failures (struct pipeline *pipeline, const struct batch *batch)
{
  const struct imagebatch *images = batch->images;
  struct work *work = batch->work;
  for (int i = 0; i < images->images; i++)
    if (images->reason[i])
      {
        uint64_t number = work->part->first + work->taken + (uint64_t) i;
        const char *image = manifest_image (pipeline->options->manifest, number).path;
        name_failure (pipeline, image, images->reason[i]);
        if (note_failure (work, image, images->reason[i]))
          return -1;
      }
  return 0;
}

/* Finds the tiles of the batch's rows.  */
static int
find_tiles (struct pipeline *pipeline, struct batch *batch)
{
  uint64_t chunk_rows = pipeline->info->chunk_rows, end = batch->row + (uint64_t) batch->count;
  struct work_tile **tile = batch->tile;
  for (uint64_t row = batch->row; row < end; row = (row / chunk_rows + 1) * chunk_rows)
    if (!(*tile++ = tile_for (pipeline, batch->work, row)))
      return -1;
  return 0;
}

/* Keeps the digests of the batch's rows until the part is written.  */
static int
keep_digests (struct batch *batch)
{
  struct work *work = batch->work;
  if (!work->digest && !(work->digest = memory_new (work->part->count, sizeof *work->digest)))
    return -1;
  memcpy (work->digest + batch->row, batch->images->digest, (size_t) batch->count * sizeof *work->digest);
  return 0;
}

static int
assemble (struct pipeline *pipeline, struct batch *batch)
{
  int more = imagestream_take (pipeline->stream, &batch->images);
  if (more <= 0)
    return more;
  struct work *work = batch->work = &pipeline->work[pipeline->assembled];
  batch->count = batch->images->count;
  batch->row = work->part->rows;
  if (note_failures (pipeline, batch) || keep_digests (batch) || find_tiles (pipeline, batch))
    return -1;
  pthread_mutex_lock (&pipeline->lock);
  work->part->rows += (uint64_t) batch->count;
  pthread_mutex_unlock (&pipeline->lock);
  work->taken += (uint64_t) batch->images->images;
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
  double since = clock_seconds ();
  pthread_mutex_lock (&pipeline->assembling);
  int more = assemble (pipeline, batch);
  pthread_mutex_unlock (&pipeline->assembling);
  stages_add_seconds (pipeline, &pipeline->dealing, clock_seconds () - since);
  return more;
}

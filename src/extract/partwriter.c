#include <config.h>

#include "stages.h"

#include "../base/clock.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../store/parts.h"

#include <stdlib.h>
#include <string.h>

static int
open_writer (const struct pipeline *pipeline, struct work *work)
{
  const struct pipeline_options *options = pipeline->options;
  struct featinfo info = *pipeline->info;
  info.rows = work->part->count;
  info.origin.part = work->part->number;
  char *path = parts_path (options->features, options->split, work->part->number);
  work->writer = path ? featwriter_new (path, &info) : NULL;
  free (path);
  return work->writer ? 0 : -1;
}

static int
store_tile (const struct pipeline *pipeline, struct work_tile *tile)
{
  struct work *work = tile->work;
  if (!work->writer && open_writer (pipeline, work))
    return -1;
  for (uint64_t i = 0; i < pipeline->column_tiles; i++)
    if (featwriter_put_tile (work->writer, tile->index, i, &tile->chunk[i]))
      return -1;
  work->tiles_stored++;
  return 0;
}

/* Stores labels and paths of the part's rows: its images without the failures, which are in the same order.  */
static int
store_rows (const struct pipeline *pipeline, struct work *work)
{
  const struct manifest *manifest = pipeline->options->manifest;
  const struct pipeline_part *part = work->part;
  size_t path_bytes = pipeline->info->path_bytes + 1;
  int32_t *label = memory_new (part->rows, sizeof *label);
  char *path = memory_new (part->rows, path_bytes);
  uint64_t row = 0, failure = 0;
  for (uint64_t i = part->first; label && path && i < part->first + part->count; i++)
    {
      struct image image = manifest_image (manifest, i);
      if (failure < part->failed && !strcmp (work->failure[failure].image, image.path))
        failure++;
      else
        {
          label[row] = image.label;
          strcpy (path + row++ * path_bytes, image.path);
        }
    }
  int result = label && path ? featwriter_put_rows (work->writer, 0, part->rows, label, path) : -1;
  memory_free (label);
  memory_free (path);
  return result;
}

/* Gives the part its final name where it has all its rows.  */
static int
finish_work (struct pipeline *pipeline, struct work *work)
{
  const struct pipeline_part *part = work->part;
  uint64_t chunk_rows = pipeline->info->chunk_rows;
  pthread_mutex_lock (&pipeline->lock);
  bool whole = work->closed && work->tiles_stored == (part->rows + chunk_rows - 1) / chunk_rows;
  pthread_mutex_unlock (&pipeline->lock);
  if (!whole)
    return 0;
  if ((!work->writer && open_writer (pipeline, work)) || store_rows (pipeline, work)
      || featwriter_put_digests (work->writer, 0, part->rows, work->digest))
    return -1;
  memory_free (work->digest);
  work->digest = NULL;
  struct featwriter *writer = work->writer;
  work->writer = NULL;
  if (featwriter_commit (writer, part->rows, work->failure, part->failed))
    return -1;
  return pipeline->options->finished (pipeline->options->context);
}

static int
write_tile (struct pipeline *pipeline, struct work_tile *tile, struct progress *progress)
{
  struct work *work = tile->work;
  double since = clock_seconds ();
  int result = 0;
  if (tile->values)
    {
      result = store_tile (pipeline, tile);
      progress_advance (progress, tile->filled);
      queue_push (pipeline->free_tiles, tile);
    }
  else
    progress_advance (progress, work->part->failed);
  if (result == 0)
    result = finish_work (pipeline, work);
  stages_add_seconds (pipeline, &pipeline->seconds.write, clock_seconds () - since);
  return result;
}

/* After a failure it only empties the queue.  */
void
partwriter_run (struct pipeline *pipeline)
{
  char *what = text_new ("extract %s", pipeline->options->split);
  struct progress progress = progress_begin (what ? what : "extract", "images", pipeline->images);
  struct work_tile *tile;
  bool failed = false;
  while ((tile = queue_pop (pipeline->encoded_tiles)))
    if (!failed && write_tile (pipeline, tile, &progress))
      {
        failed = true;
        stages_stop (pipeline);
      }
  progress_end (&progress);
  free (what);
}

#include <config.h>

#include "stages.h"

#include "../base/clock.h"
#include "../store/tile.h"

static int
encode_tile (const struct pipeline *pipeline, struct tile_codec *codec, struct work_tile *tile)
{
  const struct featinfo *info = pipeline->info;
  for (uint64_t i = 0; i < pipeline->column_tiles; i++)
    {
      uint64_t column = i * info->chunk_columns, left = info->columns - column;
      uint64_t columns = left < info->chunk_columns ? left : info->chunk_columns;
      if (tile_encode (codec, tile->values + column, info->columns, tile->filled, columns, &tile->chunk[i]))
        return -1;
    }
  return 0;
}

void *
compressor_run (void *argument)
{
  struct pipeline *pipeline = argument;
  const struct featinfo *info = pipeline->info;
  struct tile_codec *codec = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, info->compress);
  struct work_tile *tile;
  if (!codec)
    stages_stop (pipeline);
  while ((tile = queue_pop (pipeline->full_tiles)))
    {
      double since = clock_thread_seconds ();
      if (!codec || encode_tile (pipeline, codec, tile))
        stages_stop (pipeline);
      else
        queue_push (pipeline->encoded_tiles, tile);
      stages_add_seconds (pipeline, &pipeline->seconds.compress, clock_thread_seconds () - since);
    }
  tile_codec_free (codec);
  pthread_mutex_lock (&pipeline->lock);
  bool last = --pipeline->compressors == 0;
  pthread_mutex_unlock (&pipeline->lock);
  if (last)
    queue_close (pipeline->encoded_tiles);
  return NULL;
}

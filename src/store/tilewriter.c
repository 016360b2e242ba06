#include <config.h>

#include "tilewriter.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/workers.h"

#include <pthread.h>

struct tilewriter {
  const struct featinfo *info;
  struct workers *workers;
  tilewriter_store *store;
  void *context; /* STORE's */
  size_t threads;
  struct tile_codec **codec; /* (threads) */
  struct chunk *chunk;       /* (threads) */
  const float *values;       /* (rows, columns) of the row that is being written */
  uint64_t tile_row, rows;

  /* Tiles are stored in turn, so that the file does not depend on the number of threads.  */
  pthread_mutex_t lock; /* also held by the thread that calls HDF5 */
  pthread_cond_t moved;
  size_t turn; /* the tile to be stored next */
  bool failed; /* one before it */
};

struct tilewriter *
tilewriter_new (const struct featinfo *info, struct workers *workers, tilewriter_store *store, void *context)
{
  size_t threads = (size_t) workers_count (workers);
  struct tilewriter *tiles = memory_new (1, sizeof *tiles);
  if (!tiles)
    return NULL;
  *tiles =
    (struct tilewriter){ .info = info, .workers = workers, .store = store, .context = context, .threads = threads };
  pthread_mutex_init (&tiles->lock, NULL);
  pthread_cond_init (&tiles->moved, NULL);
  tiles->codec = memory_new (threads, sizeof (struct tile_codec *));
  tiles->chunk = memory_new (threads, sizeof *tiles->chunk);
  bool ready = tiles->codec && tiles->chunk;
  for (size_t i = 0; ready && i < threads; i++)
    ready = (tiles->codec[i] = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, info->compress))
            && !chunk_new (&tiles->chunk[i], tile_bound (tiles->codec[i]));
  if (ready)
    return tiles;
  tilewriter_free (tiles);
  return NULL;
}

void
tilewriter_free (struct tilewriter *tiles)
{
  if (!tiles)
    return;
  for (size_t i = 0; i < tiles->threads; i++)
    {
      if (tiles->codec)
        tile_codec_free (tiles->codec[i]);
      if (tiles->chunk)
        chunk_free (&tiles->chunk[i]);
    }
  pthread_cond_destroy (&tiles->moved);
  pthread_mutex_destroy (&tiles->lock);
  memory_free (tiles->codec);
  memory_free (tiles->chunk);
  memory_free (tiles);
}

/* Tasks begin in order, so the one whose turn it is runs, and after a failure it still passes the turn on.  */
static int
store_in_turn (struct tilewriter *tiles, size_t index, const struct chunk *chunk, int result)
{
  pthread_mutex_lock (&tiles->lock);
  while (tiles->turn != index)
    pthread_cond_wait (&tiles->moved, &tiles->lock);
  if (result == 0 && !tiles->failed)
    result = tiles->store (tiles->context, tiles->tile_row, index, chunk);
  tiles->failed |= result != 0;
  tiles->turn++;
  pthread_cond_broadcast (&tiles->moved);
  pthread_mutex_unlock (&tiles->lock);
  return result;
}

static int
put_tile (void *context, size_t index, int worker)
{
  struct tilewriter *tiles = context;
  uint64_t columns = tiles->info->columns, width = tiles->info->chunk_columns, column = index * width;
  struct chunk *chunk = &tiles->chunk[worker];
  int result = tile_encode (tiles->codec[worker], tiles->values + column, columns, tiles->rows,
                            columns - column < width ? columns - column : width, chunk);
  return store_in_turn (tiles, index, chunk, result);
}

int
tilewriter_put_row (struct tilewriter *tiles, uint64_t tile_row, const float *values, uint64_t rows)
{
  tiles->tile_row = tile_row;
  tiles->values = values;
  tiles->rows = rows;
  tiles->turn = 0;
  tiles->failed = false;
  return workers_run (tiles->workers, featinfo_tile_columns (tiles->info), put_tile, tiles);
}

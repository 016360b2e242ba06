#include <config.h>

#include "pipeline.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/queue.h"
#include "../base/stop.h"
#include "../store/featwriter.h"
#include "../store/parts.h"
#include "../store/tile.h"
#include "imagestream.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MOST = 10 }; /* failures told of as they happen */

/* A part that is being made.  */
struct work {
  struct pipeline_part *part;
  uint64_t taken;          /* of its images, by batches or as failures, in order */
  bool closed;             /* all are taken: part->rows is final */
  struct failure *failure; /* (part->failed) */
  struct work_tile *tail;  /* the tile that rows are being dealt to */
  uint64_t tail_index;     /* its place in the part; kept here since a stored tile is used again elsewhere */
  uint64_t tiles_stored;
  struct featwriter *writer;
};

/* A band of chunk_rows rows by all columns on its way to the file.  */
struct work_tile {
  struct work *work;
  uint64_t index;         /* in the part, from the top */
  uint64_t filled;        /* rows in it */
  float *values;          /* (chunk_rows, columns); NULL in a word to the writer that WORK is closed */
  struct chunk *chunk;    /* (column tiles) what it becomes */
};

struct pipeline {
  const struct pipeline_options *options;
  const struct featinfo *info;
  struct work *work; /* (works) */
  size_t works;
  const char **paths; /* (images) of all works, borrowed from the manifest */
  uint64_t images;
  struct work_tile *tile; /* (tiles) */
  size_t tiles;
  struct work_tile *closing; /* (works) */
  uint64_t column_tiles;     /* across a row */
  size_t bound;              /* bytes of an encoded tile at the most */
  struct imagestream *stream;
  struct queue *free_tiles, *full_tiles, *encoded_tiles;
  pthread_mutex_t assembling; /* held by the caller that takes the next batch: batches and tiles are dealt in order */
  size_t assembled;           /* the work that the next batch comes from */
  uint64_t named;             /* failures that were told of, up to NAMED_MOST + 1 */
  pthread_mutex_t lock;       /* of all below, tile->filled, work->closed and part->rows */
  int callers, compressors;   /* still running */
  struct error error;         /* the first */
  struct pipeline_seconds seconds;
};

/* Stops all stages; the calling thread's error becomes the run's where it is the first.  */
static void
pipeline_stop (struct pipeline *pipeline)
{
  pthread_mutex_lock (&pipeline->lock);
  if (!pipeline->error.status)
    error_get (&pipeline->error);
  pthread_mutex_unlock (&pipeline->lock);
  imagestream_stop (pipeline->stream);
  queue_close (pipeline->free_tiles);
}

static void
add_seconds (struct pipeline *pipeline, double *sum, double since)
{
  double seconds = clock_seconds () - since;
  pthread_mutex_lock (&pipeline->lock);
  *sum += seconds;
  pthread_mutex_unlock (&pipeline->lock);
}

/* Batches and the network.  */

/* Consecutive rows of one part, and where they go.  */
struct batch {
  struct work *work;
  uint64_t row; /* in the part */
  int count;
  struct work_tile *first, *last; /* tiles of the first and the last row; no batch meets a third */
  float *planes;                  /* (batch, 3, height, width) */
  float *features;                /* (batch, d) */
};

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

/* Counts ROWS more in TILE, and hands it on once it is complete.  */
static void
fill_tile (struct pipeline *pipeline, struct work_tile *tile, uint64_t rows)
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
  if (imagestream_next (pipeline->stream, batch->planes + (size_t) batch->count * options->extractor->image_values,
                        &reason)
      < 0)
    return -1;
  const char *image = options->manifest->path[work->part->first + work->taken++];
  if (reason)
    {
      name_failure (pipeline, image, reason);
      return note_failure (work, image, reason);
    }
  batch->count++;
  return 0;
}

/* Takes the next batch: up to options->batch images of one part that could be read.  1 where there is one (of no image,
   where a part's last ones all failed), 0 where there are no images left, -1 where all stop.  */
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
  if (extractor_run (extractor, batch->planes, batch->count, batch->features) || check_finite (pipeline, batch))
    return -1;
  add_seconds (pipeline, &pipeline->seconds.network, since);
  uint64_t begin = batch->row % chunk_rows, room = chunk_rows - begin;
  uint64_t first = count < room ? count : room, rest = count - first;
  memcpy (batch->first->values + begin * columns, batch->features, first * columns * sizeof (float));
  memcpy (batch->last->values, batch->features + first * columns, rest * columns * sizeof (float));
  fill_tile (pipeline, batch->first, first);
  if (rest > 0)
    fill_tile (pipeline, batch->last, rest);
  return 0;
}

static int
caller_step (struct pipeline *pipeline, struct batch *batch)
{
  if (stop_requested ())
    return error_stopped ("stopped as asked; nothing is lost: run the same command again");
  pthread_mutex_lock (&pipeline->assembling);
  int more = assemble (pipeline, batch);
  pthread_mutex_unlock (&pipeline->assembling);
  if (more > 0 && batch->count > 0 && run_batch (pipeline, batch))
    return -1;
  return more;
}

static void *
caller_run (void *argument)
{
  struct pipeline *pipeline = argument;
  const struct extractor *extractor = pipeline->options->extractor;
  size_t images = (size_t) pipeline->options->batch;
  struct batch batch = { .planes = memory_new (images, extractor->image_values * sizeof (float)),
                         .features = memory_new (images, (size_t) extractor->columns * sizeof (float)) };
  int more = batch.planes && batch.features ? 1 : -1;
  while (more > 0)
    more = caller_step (pipeline, &batch);
  if (more < 0)
    pipeline_stop (pipeline);
  memory_free (batch.planes);
  memory_free (batch.features);
  pthread_mutex_lock (&pipeline->lock);
  bool last = --pipeline->callers == 0;
  pthread_mutex_unlock (&pipeline->lock);
  if (last)
    queue_close (pipeline->full_tiles);
  return NULL;
}

/* Compressing.  */

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

static void *
compressor_run (void *argument)
{
  struct pipeline *pipeline = argument;
  const struct featinfo *info = pipeline->info;
  struct tile_codec *codec = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, info->compress);
  struct work_tile *tile;
  if (!codec)
    pipeline_stop (pipeline);
  while ((tile = queue_pop (pipeline->full_tiles)))
    {
      double since = clock_seconds ();
      if (!codec || encode_tile (pipeline, codec, tile))
        pipeline_stop (pipeline);
      else
        queue_push (pipeline->encoded_tiles, tile);
      add_seconds (pipeline, &pipeline->seconds.compress, since);
    }
  tile_codec_free (codec);
  pthread_mutex_lock (&pipeline->lock);
  bool last = --pipeline->compressors == 0;
  pthread_mutex_unlock (&pipeline->lock);
  if (last)
    queue_close (pipeline->encoded_tiles);
  return NULL;
}

/* Writing, in the thread that called pipeline_run.  */

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
    if (failure < part->failed && !strcmp (work->failure[failure].image, manifest->path[i]))
      failure++;
    else
      {
        label[row] = manifest->label[i];
        strcpy (path + row++ * path_bytes, manifest->path[i]);
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
  if ((!work->writer && open_writer (pipeline, work)) || store_rows (pipeline, work))
    return -1;
  struct featwriter *writer = work->writer;
  work->writer = NULL;
  return featwriter_commit (writer, part->rows, work->failure, part->failed);
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
  add_seconds (pipeline, &pipeline->seconds.write, since);
  return result;
}

/* Takes what the compressors give until they end; after a failure it only empties the queue.  */
static void
write_all (struct pipeline *pipeline)
{
  char *what = text_new ("extract %s", pipeline->options->split);
  struct progress progress = progress_begin (what ? what : "extract", "images", pipeline->images);
  struct work_tile *tile;
  bool failed = false;
  while ((tile = queue_pop (pipeline->encoded_tiles)))
    if (!failed && write_tile (pipeline, tile, &progress))
      {
        failed = true;
        pipeline_stop (pipeline);
      }
  progress_end (&progress);
  free (what);
}

/* Setting up and running.  */

static int
make_work (struct pipeline *pipeline, struct pipeline_part *parts, size_t count)
{
  for (size_t i = 0; i < count; i++)
    pipeline->images += parts[i].count;
  pipeline->work = memory_new (count, sizeof *pipeline->work);
  pipeline->closing = memory_new (count, sizeof *pipeline->closing);
  pipeline->paths = memory_new (pipeline->images, sizeof *pipeline->paths);
  if (!pipeline->work || !pipeline->closing || !pipeline->paths)
    return -1;
  pipeline->works = count;
  const char **path = pipeline->paths;
  for (size_t i = 0; i < count; i++)
    {
      parts[i].rows = parts[i].failed = 0;
      pipeline->work[i].part = &parts[i];
      for (uint64_t j = 0; j < parts[i].count; j++)
        *path++ = pipeline->options->manifest->path[parts[i].first + j];
    }
  return 0;
}

static int
make_tile (struct work_tile *tile, size_t values, size_t column_tiles, size_t bound)
{
  tile->values = memory_new (values, sizeof *tile->values);
  tile->chunk = memory_new (column_tiles, sizeof *tile->chunk);
  for (size_t i = 0; tile->chunk && i < column_tiles; i++)
    if (chunk_new (&tile->chunk[i], bound))
      return -1;
  return tile->values && tile->chunk ? 0 : -1;
}

/* As many tiles as the threads can use and half the memory holds, two at least.  */
static int
make_tiles (struct pipeline *pipeline)
{
  const struct featinfo *info = pipeline->info;
  struct tile_codec *codec = tile_codec_new (info->chunk_rows, info->chunk_columns, info->half, info->compress);
  if (!codec)
    return -1;
  pipeline->bound = tile_bound (codec);
  tile_codec_free (codec);
  pipeline->column_tiles = (info->columns + info->chunk_columns - 1) / info->chunk_columns;
  size_t values = info->chunk_rows * info->columns, wanted = (size_t) pipeline->options->threads + 2;
  size_t each = values * sizeof (float) + pipeline->column_tiles * pipeline->bound;
  size_t fitting = pipeline->options->memory_bytes / 2 / each;
  pipeline->tiles = wanted < fitting ? wanted : fitting > 2 ? fitting : 2;
  pipeline->tile = memory_new (pipeline->tiles, sizeof *pipeline->tile);
  pipeline->free_tiles = queue_new (pipeline->tiles);
  pipeline->full_tiles = queue_new (pipeline->tiles);
  pipeline->encoded_tiles = queue_new (pipeline->tiles + pipeline->works);
  if (!pipeline->tile || !pipeline->free_tiles || !pipeline->full_tiles || !pipeline->encoded_tiles)
    return -1;
  for (size_t i = 0; i < pipeline->tiles; i++)
    if (make_tile (&pipeline->tile[i], values, pipeline->column_tiles, pipeline->bound)
        || queue_push (pipeline->free_tiles, &pipeline->tile[i]))
      return -1;
  return 0;
}

static int
open_stream (struct pipeline *pipeline)
{
  const struct pipeline_options *options = pipeline->options;
  size_t slots = (size_t) options->batch * ((size_t) options->threads + 1);
  pipeline->stream =
    imagestream_new (options->extractor, options->dataset, pipeline->paths, pipeline->images, options->threads, slots);
  return pipeline->stream ? 0 : -1;
}

static void
pipeline_free (struct pipeline *pipeline)
{
  imagestream_free (pipeline->stream);
  for (size_t i = 0; i < pipeline->works; i++)
    {
      featwriter_discard (pipeline->work[i].writer);
      failures_free (pipeline->work[i].failure, pipeline->work[i].part->failed);
    }
  for (size_t i = 0; pipeline->tile && i < pipeline->tiles; i++)
    {
      for (size_t j = 0; pipeline->tile[i].chunk && j < pipeline->column_tiles; j++)
        chunk_free (&pipeline->tile[i].chunk[j]);
      memory_free (pipeline->tile[i].chunk);
      memory_free (pipeline->tile[i].values);
    }
  queue_free (pipeline->free_tiles);
  queue_free (pipeline->full_tiles);
  queue_free (pipeline->encoded_tiles);
  memory_free (pipeline->tile);
  memory_free (pipeline->closing);
  memory_free (pipeline->paths);
  memory_free (pipeline->work);
  pthread_mutex_destroy (&pipeline->lock);
  pthread_mutex_destroy (&pipeline->assembling);
}

/* Starts RUN in up to COUNT threads; how many started.  */
static int
start (struct pipeline *pipeline, void *(*run) (void *), int count, pthread_t *thread)
{
  int started = 0;
  while (started < count && pthread_create (&thread[started], NULL, run, pipeline) == 0)
    started++;
  return started;
}

/* Runs callers and compressors in threads of their own and the writer in this one.  */
static int
run_threads (struct pipeline *pipeline)
{
  int threads = pipeline->options->threads;
  pthread_t *thread = memory_new (2 * (size_t) threads, sizeof *thread);
  if (!thread)
    return -1;
  pipeline->callers = pipeline->compressors = threads; /* before they run: the last to end closes the next queue */
  int compressors = start (pipeline, compressor_run, threads, thread);
  int callers = start (pipeline, caller_run, threads, thread + compressors);
  if (compressors < threads || callers < threads)
    {
      error_set ("cannot start %d threads; ask for fewer with --threads", 3 * threads);
      pipeline_stop (pipeline);
      queue_close (pipeline->full_tiles);
      queue_close (pipeline->encoded_tiles);
    }
  write_all (pipeline);
  for (int i = 0; i < compressors + callers; i++)
    pthread_join (thread[i], NULL);
  memory_free (thread);
  return 0;
}

int
pipeline_run (const struct pipeline_options *options, struct pipeline_part *parts, size_t count,
              struct pipeline_seconds *seconds)
{
  struct pipeline pipeline = { .options = options, .info = options->info };
  pthread_mutex_init (&pipeline.lock, NULL);
  pthread_mutex_init (&pipeline.assembling, NULL);
  int result =
    make_work (&pipeline, parts, count) || make_tiles (&pipeline) || open_stream (&pipeline) || run_threads (&pipeline);
  if (pipeline.error.status)
    result = error_put (&pipeline.error);
  seconds->decode += pipeline.stream ? imagestream_seconds (pipeline.stream) : 0;
  seconds->network += pipeline.seconds.network;
  seconds->compress += pipeline.seconds.compress;
  seconds->write += pipeline.seconds.write;
  pipeline_free (&pipeline);
  return result ? -1 : 0;
}

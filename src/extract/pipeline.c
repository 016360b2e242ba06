#include <config.h>

#include "stages.h"

#include "../base/memory.h"
#include "../store/tile.h"

static int
make_work (struct pipeline *pipeline, struct pipeline_part *parts, size_t count)
{
  pipeline->work = memory_new (count, sizeof *pipeline->work);
  pipeline->closing = memory_new (count, sizeof *pipeline->closing);
  if (!pipeline->work || !pipeline->closing)
    return -1;
  pipeline->works = count;
  for (size_t i = 0; i < count; i++)
    {
      parts[i].rows = parts[i].failed = 0;
      pipeline->work[i].part = &parts[i];
      pipeline->work[i].before = pipeline->images;
      pipeline->images += parts[i].count;
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

/* How many tiles: as many as half the memory holds, but no more than the threads can use, nor less than it takes to go
   on, those of a batch.  */
static size_t
count_tiles (const struct pipeline *pipeline, size_t bytes)
{
  size_t callers = (size_t) pipeline->options->concurrency->callers, threads = (size_t) pipeline->options->threads;
  size_t least = pipeline->batch_tiles, wanted = callers * (pipeline->batch_tiles - 1) + 2;
  size_t fitting = pipeline->options->memory_bytes / 2 / bytes;
  wanted = wanted > threads + 2 ? wanted : threads + 2;
  wanted = wanted < fitting ? wanted : fitting;
  return wanted > least ? wanted : least;
}

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
  size_t values = info->chunk_rows * info->columns, batch = (size_t) pipeline->options->concurrency->batch;
  pipeline->batch_tiles = (batch + info->chunk_rows - 2) / info->chunk_rows + 1;
  pipeline->tiles = count_tiles (pipeline, values * sizeof (float) + pipeline->column_tiles * pipeline->bound);
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

/* The work that image NUMBER of all parts belongs to.  */
static const struct work *
find_work (const struct pipeline *pipeline, uint64_t number)
{
  size_t low = 0, high = pipeline->works;
  while (high - low > 1)
    {
      size_t middle = (low + high) / 2;
      *(pipeline->work[middle].before <= number ? &low : &high) = middle;
    }
  return &pipeline->work[low];
}

static struct image
get_image (const void *context, uint64_t number)
{
  const struct pipeline *pipeline = context;
  const struct work *work = find_work (pipeline, number);
  return manifest_image (pipeline->options->manifest, work->part->first + number - work->before);
}

static uint64_t
get_end (const void *context, uint64_t number)
{
  const struct work *work = find_work (context, number);
  return work->before + work->part->count;
}

/* How many batches of images: enough, or as many as a quarter of the memory holds, two at least.  */
static size_t
count_batches (const struct pipeline *pipeline)
{
  const struct pipeline_options *options = pipeline->options;
  const struct concurrency *concurrency = options->concurrency;
  size_t wanted = imagestream_batches (concurrency->callers, options->threads, concurrency->batch);
  size_t fitting = options->memory_bytes / 4 / ((size_t) concurrency->batch * options->extractor->image_bytes);
  return wanted < fitting ? wanted : fitting > 2 ? fitting : 2;
}

static int
open_stream (struct pipeline *pipeline)
{
  const struct pipeline_options *options = pipeline->options;
  struct imagelist images = { .count = pipeline->images, .get = get_image, .end = get_end, .context = pipeline };
  pipeline->source = source_open (options->dataset);
  if (pipeline->source)
    pipeline->stream = imagestream_new (options->extractor, pipeline->source, &images, options->threads,
                                        options->concurrency->batch, count_batches (pipeline));
  return pipeline->stream ? 0 : -1;
}

static void
pipeline_free (struct pipeline *pipeline)
{
  imagestream_free (pipeline->stream);
  source_close (pipeline->source);
  for (size_t i = 0; i < pipeline->works; i++)
    {
      featwriter_discard (pipeline->work[i].writer);
      memory_free (pipeline->work[i].digest);
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
  int threads = pipeline->options->threads, wanted = pipeline->options->concurrency->callers;
  pthread_t *thread = memory_new ((size_t) threads + (size_t) wanted, sizeof *thread);
  if (!thread)
    return -1;
  pipeline->compressors = threads; /* before they run: the last to end closes the next queue */
  pipeline->callers = wanted;
  int compressors = start (pipeline, compressor_run, threads, thread);
  int callers = start (pipeline, caller_run, wanted, thread + compressors);
  if (compressors < threads || callers < wanted)
    {
      error_set ("cannot start %d threads; ask for fewer with --threads", 2 * threads + wanted);
      stages_stop (pipeline);
      queue_close (pipeline->full_tiles);
      queue_close (pipeline->encoded_tiles);
    }
  partwriter_run (pipeline);
  for (int i = 0; i < compressors + callers; i++)
    pthread_join (thread[i], NULL);
  memory_free (thread);
  return 0;
}

/* Adds what PIPELINE took to SECONDS.  One caller waits on behalf of all, for the stream's images or for a tile; the
   time that the others wait for it is divided as its own.  */
static void
add_seconds (struct pipeline *pipeline, struct pipeline_seconds *seconds)
{
  struct imagestream_seconds images = { 0 };
  if (pipeline->stream)
    images = imagestream_seconds (pipeline->stream);
  int threads = pipeline->options->concurrency->threads; /* of each caller */
  double waits = images.wait + pipeline->room, share = waits > 0 ? images.wait / waits : 0;
  seconds->read += images.read;
  seconds->decode += images.decode;
  seconds->network += threads * pipeline->seconds.network;
  seconds->compress += pipeline->seconds.compress;
  seconds->write += pipeline->seconds.write;
  seconds->images += threads * pipeline->dealing * share;
  seconds->room += threads * pipeline->dealing * (1 - share);
}

int
pipeline_run (const struct pipeline_options *options, struct pipeline_part *parts, size_t count,
              struct pipeline_seconds *seconds)
{
  struct pipeline pipeline = { .options = options, .info = options->info, .run_images = options->concurrency->batch };
  pthread_mutex_init (&pipeline.lock, NULL);
  pthread_mutex_init (&pipeline.assembling, NULL);
  int result =
    make_work (&pipeline, parts, count) || make_tiles (&pipeline) || open_stream (&pipeline) || run_threads (&pipeline);
  if (pipeline.error.status)
    result = error_put (&pipeline.error);
  add_seconds (&pipeline, seconds);
  pipeline_free (&pipeline);
  return result ? -1 : 0;
}

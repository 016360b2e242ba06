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

/* Image NUMBER of all parts.  */
static struct image
get_image (const void *context, uint64_t number)
{
  const struct pipeline *pipeline = context;
  size_t low = 0, high = pipeline->works;
  while (high - low > 1)
    {
      size_t middle = (low + high) / 2;
      *(pipeline->work[middle].before <= number ? &low : &high) = middle;
    }
  const struct work *work = &pipeline->work[low];
  return manifest_image (pipeline->options->manifest, work->part->first + number - work->before);
}

static int
open_stream (struct pipeline *pipeline)
{
  const struct pipeline_options *options = pipeline->options;
  size_t slots = (size_t) options->batch * ((size_t) options->threads + 1);
  struct imagelist images = { .count = pipeline->images, .get = get_image, .context = pipeline };
  pipeline->source = source_open (options->dataset);
  if (pipeline->source)
    pipeline->stream = imagestream_new (options->extractor, pipeline->source, &images, options->threads, slots);
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

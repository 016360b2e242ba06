#include <config.h>

#include "rowstream.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"

#include <pthread.h>

struct rowstream {
  const struct extractor *extractor;
  const struct concurrency *concurrency;
  struct imagestream *stream;
  rowstream_take *take;
  void *context;
  pthread_mutex_t lock; /* of all below; held while rows are taken */
  pthread_cond_t turn;
  uint64_t taken;     /* batches */
  struct error error; /* the first */
};

/* The calling thread's error becomes the run's where it is the first; all stop.  */
static void
stop (struct rowstream *rows)
{
  pthread_mutex_lock (&rows->lock);
  if (!rows->error.status)
    error_get (&rows->error);
  pthread_cond_broadcast (&rows->turn);
  pthread_mutex_unlock (&rows->lock);
  imagestream_stop (rows->stream);
}

/* Hands over the rows of BATCH when those before it are.  */
static int
hand_over (struct rowstream *rows, const struct imagebatch *batch, const float *features)
{
  pthread_mutex_lock (&rows->lock);
  while (rows->taken != batch->number && !rows->error.status)
    pthread_cond_wait (&rows->turn, &rows->lock);
  int result = rows->error.status ? error_put (&rows->error) : rows->take (rows->context, batch, features);
  rows->taken++;
  pthread_cond_broadcast (&rows->turn);
  pthread_mutex_unlock (&rows->lock);
  return result;
}

/* 1 where there may be more, 0 at the end, -1 where all stop.  */
static int
step (struct rowstream *rows, float *features)
{
  struct imagebatch *batch;
  if (stop_requested ())
    return error_stopped ("stopped as asked; run the same command again");
  int more = imagestream_take (rows->stream, &batch);
  if (more <= 0)
    return more;
  if (batch->count > 0 && extractor_run (rows->extractor, batch->pixels, batch->count, features))
    return -1;
  int result = hand_over (rows, batch, features);
  imagestream_release (rows->stream, batch);
  return result ? -1 : 1;
}

static void *
caller (void *argument)
{
  struct rowstream *rows = argument;
  float *features =
    memory_new ((size_t) rows->concurrency->batch, (size_t) rows->extractor->columns * sizeof *features);
  int more = features ? 1 : -1;
  while (more > 0)
    more = step (rows, features);
  if (more < 0)
    stop (rows);
  memory_free (features);
  return NULL;
}

/* The present thread is one of the callers.  */
static int
run_callers (struct rowstream *rows)
{
  int wanted = rows->concurrency->callers, started = 0;
  pthread_t *thread = memory_new ((size_t) wanted, sizeof *thread);
  if (!thread)
    return -1;
  while (started < wanted - 1 && pthread_create (&thread[started], NULL, caller, rows) == 0)
    started++;
  caller (rows);
  for (int i = 0; i < started; i++)
    pthread_join (thread[i], NULL);
  memory_free (thread);
  return rows->error.status ? error_put (&rows->error) : 0;
}

int
rowstream_run (const struct extractor *extractor, const struct source *source, const struct imagelist *images,
               const struct concurrency *concurrency, int threads, rowstream_take *take, void *context)
{
  struct rowstream rows = { .extractor = extractor, .concurrency = concurrency, .take = take, .context = context };
  size_t batches = imagestream_batches (concurrency->callers, threads, concurrency->batch);
  rows.stream = imagestream_new (extractor, source, images, threads, concurrency->batch, batches);
  if (!rows.stream)
    return -1;
  pthread_mutex_init (&rows.lock, NULL);
  pthread_cond_init (&rows.turn, NULL);
  int result = run_callers (&rows);
  pthread_mutex_destroy (&rows.lock);
  pthread_cond_destroy (&rows.turn);
  imagestream_free (rows.stream);
  return result;
}

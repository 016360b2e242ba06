#include <config.h>

#include "concurrency.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "concurrencycache.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 8, BATCH_MOST = 32, GPU_CALLERS = 2, GPU_BATCH = 64, GPU_BATCH_MOST = 512 };

static const double budget_seconds = 10, trial_seconds = 0.4;

/* A way must be so much faster to be taken instead of a simpler one.  */
static const double least_gain = 1.02;

struct search {
  struct extractor *extractor;
  int threads;
  double until; /* when the last trial is to have ended */
  concurrency_tell *tell;
  void *context;
  struct concurrency best;
};

struct caller {
  const struct extractor *extractor;
  int batch;
  double seconds; /* to run for; one run at least */
  pthread_t thread;
  double images_per_second;
  struct error error;
};

static int
run_network (struct caller *caller, const unsigned char *pixels, float *features)
{
  double begin = clock_seconds (), seconds;
  int images = 0;
  do
    {
      if (extractor_run (caller->extractor, pixels, caller->batch, features))
        return -1;
      images += caller->batch;
      seconds = clock_seconds () - begin;
    }
  while (seconds < caller->seconds && !stop_requested ());
  caller->images_per_second = images / fmax (seconds, 1e-9);
  return 0;
}

static void *
caller_run (void *argument)
{
  struct caller *caller = argument;
  size_t batch = (size_t) caller->batch;
  size_t bytes = batch * caller->extractor->image_bytes;
  unsigned char *pixels = memory_new (bytes, 1);
  float *features = memory_new (batch, (size_t) caller->extractor->columns * sizeof *features);
  for (size_t i = 0; pixels && i < bytes; i++)
    pixels[i] = (unsigned char) (i * 2654435761u >> 24); /* any: a convolution takes as long for all */
  if (!pixels || !features || run_network (caller, pixels, features))
    error_get (&caller->error);
  memory_free (features);
  memory_free (pixels);
  return NULL;
}

/* Images a second by the COUNT callers of CALLER, which run for SECONDS; below 0 with the error set.  */
static double
run_callers (struct caller *caller, int count, double seconds)
{
  int started = 0;
  double rate = 0;
  for (; started < count; started++)
    {
      caller[started].seconds = seconds;
      if (pthread_create (&caller[started].thread, NULL, caller_run, &caller[started]))
        break;
    }
  for (int i = 0; i < started; i++)
    {
      pthread_join (caller[i].thread, NULL);
      rate += caller[i].images_per_second;
    }
  for (int i = 0; i < started; i++)
    if (caller[i].error.status)
      return error_put (&caller[i].error);
  return started < count ? error_set ("cannot start %d threads; ask for fewer with --threads", count) : rate;
}

/* Seconds for an image the way that HOW says; below 0 with the error set.  The first run does not count: it makes what
   later ones find.  */
static double
measure (struct extractor *extractor, const struct concurrency *how)
{
  struct caller *caller = memory_new ((size_t) how->callers, sizeof *caller);
  double rate = caller && extractor_prepare (extractor, how->batch, how->threads) == 0 ? 0 : -1;
  for (int i = 0; rate == 0 && i < how->callers; i++)
    caller[i] = (struct caller){ .extractor = extractor, .batch = how->batch };
  if (rate == 0 && (rate = run_callers (caller, how->callers, 0)) >= 0)
    rate = run_callers (caller, how->callers, trial_seconds);
  memory_free (caller);
  return rate > 0 ? 1 / rate : -1;
}

static bool
is_gpu (const struct extractor *extractor)
{
  return strcmp (extractor->device, "cpu") != 0;
}

/* Tries another way where the time suffices: 1 where it is the best so far, else 0; -1 with the error set.  */
static int
try (struct search *search, int callers, int threads, int batch)
{
  struct concurrency *best = &search->best;
  struct concurrency how = { callers, threads, batch, 0, CONCURRENCY_MEASURED };
  double run = callers * batch * best->image_seconds;
  if (clock_seconds () + run + fmax (run, trial_seconds) > search->until)
    return 0;
  how.image_seconds = measure (search->extractor, &how);
  if (stop_requested ())
    return error_stopped ("stopped as asked; nothing is lost: run the same command again");
  if (how.image_seconds < 0)
    return -1;
  if (search->tell)
    search->tell (search->context, &how);
  struct network_usage usage;
  network_use (search->extractor->network, &usage); /* a GPU whose memory is short has halved the batch */
  if (best->callers > 0 && (usage.batch < batch || how.image_seconds * least_gain > best->image_seconds))
    return 0;
  how.batch = usage.batch;
  *best = how;
  return 1;
}

/* Larger batches while they gain, or else smaller ones.  */
static int
search_batches (struct search *search)
{
  int first = search->best.batch, most = is_gpu (search->extractor) ? GPU_BATCH_MOST : BATCH_MOST, gained = 1;
  for (int batch = 2 * first; gained > 0 && batch <= most; batch *= 2)
    gained = try (search, search->best.callers, search->best.threads, batch);
  if (gained < 0 || search->best.batch > first)
    return gained < 0 ? -1 : 0;
  gained = 1;
  for (int batch = first / 2; gained > 0 && batch >= 1; batch /= 2)
    gained = try (search, search->best.callers, search->best.threads, batch);
  return gained < 0 ? -1 : 0;
}

/* Fewer callers with more threads each while they gain.  */
static int
search_threads (struct search *search)
{
  int gained = 1;
  for (int threads = 2; gained > 0 && threads <= search->threads; threads++)
    if (search->threads % threads == 0)
      gained = try (search, search->threads / threads, threads, search->best.batch);
  return gained < 0 ? -1 : 0;
}

/* The way that is taken unmeasured, and tried first.  */
static struct concurrency
usual (const struct extractor *extractor, int threads, int batch)
{
  bool gpu = is_gpu (extractor);
  return (struct concurrency){ .callers = gpu ? GPU_CALLERS : threads,
                               .threads = 1,
                               .batch = batch > 0 ? batch
                                        : gpu     ? GPU_BATCH
                                                  : BATCH };
}

/* IMAGES: of the job, or 0 where it does not matter how much of its time measuring takes.  */
static int
search_best (struct search *search, int batch, uint64_t images)
{
  double begin = clock_seconds ();
  const struct concurrency first = usual (search->extractor, search->threads, batch);
  if (try (search, first.callers, first.threads, first.batch) < 0)
    return -1;
  if (images > 0)
    search->until = fmin (search->until, begin + search->best.image_seconds * (double) images / 10);
  if ((batch == 0 && search_batches (search)) || (!is_gpu (search->extractor) && search_threads (search)))
    return -1;
  concurrencycache_put (search->extractor, search->threads, batch, &search->best);
  return extractor_prepare (search->extractor, search->best.batch, search->best.threads);
}

int
concurrency_measure (struct extractor *extractor, int threads, int batch, double seconds, concurrency_tell *tell,
                     void *context, struct concurrency *best)
{
  struct search search = { extractor, threads, clock_seconds () + seconds, tell, context, { 0 } };
  int result = search_best (&search, batch, 0);
  *best = search.best;
  return result;
}

static void
say (const struct concurrency *concurrency)
{
  static const char *const origins[] = { "", "now", "earlier" };
  char measured[64] = " (not measured: few images)";
  if (concurrency->origin != CONCURRENCY_FIXED)
    snprintf (measured, sizeof measured, ": %.1f ms an image (measured %s)", 1e3 * concurrency->image_seconds,
              origins[concurrency->origin]);
  progress_say ("network: %d caller%s x %d thread%s, batches of %d%s", concurrency->callers,
                concurrency->callers == 1 ? "" : "s", concurrency->threads, concurrency->threads == 1 ? "" : "s",
                concurrency->batch, measured);
}

int
concurrency_choose (struct extractor *extractor, int threads, uint64_t images, int batch,
                    struct concurrency *concurrency)
{
  struct search search = { extractor, threads, clock_seconds () + budget_seconds, NULL, NULL, { 0 } };
  *concurrency = usual (extractor, threads, batch);
  int result = 0;
  if (concurrencycache_get (extractor, threads, batch, concurrency) || images < CONCURRENCY_FEW)
    result = extractor_prepare (extractor, concurrency->batch, concurrency->threads);
  else
    {
      result = search_best (&search, batch, images);
      *concurrency = search.best;
    }
  if (result == 0)
    say (concurrency);
  return result;
}

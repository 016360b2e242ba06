#include <config.h>

#include "imagestream.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Image number i waits in slot i % slots.  */
struct slot {
  enum { SLOT_EMPTY, SLOT_READY, SLOT_FAILED } state;
  unsigned char *pixels; /* (height, width, 3) */
  char *reason;          /* owned; where it failed */
};

struct imagestream {
  const struct extractor *extractor;
  const struct source *source;
  struct imagelist images;
  int threads;
  pthread_t *thread;
  struct slot *slot;
  size_t slots;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  uint64_t claimed, taken; /* images that decoding has begun; images handed out */
  bool stopping;
  struct error error;
  double seconds;
};

void
imagestream_stop (struct imagestream *stream)
{
  pthread_mutex_lock (&stream->lock);
  if (!stream->error.status)
    error_get (&stream->error);
  stream->stopping = true;
  pthread_cond_broadcast (&stream->changed);
  pthread_mutex_unlock (&stream->lock);
}

/* Claims the next image once its slot is empty; false where there is none left or decoding is stopped.  */
static bool
claim (struct imagestream *stream, uint64_t *number)
{
  pthread_mutex_lock (&stream->lock);
  while (!stream->stopping && stream->claimed < stream->images.count
         && stream->claimed - stream->taken >= stream->slots)
    pthread_cond_wait (&stream->changed, &stream->lock);
  bool claimed = !stream->stopping && stream->claimed < stream->images.count;
  if (claimed)
    *number = stream->claimed++;
  pthread_mutex_unlock (&stream->lock);
  return claimed;
}

/* Reads and decodes IMAGE into PIXELS.  */
static int
load (const struct imagestream *stream, const struct image *image, unsigned char *pixels)
{
  size_t length;
  void *data = source_read (stream->source, image, &length);
  int result = data ? extractor_decode (stream->extractor, data, length, pixels) : -1;
  free (data);
  return result;
}

static int
decode (struct imagestream *stream, uint64_t number)
{
  struct slot *slot = &stream->slot[number % stream->slots];
  double since = clock_seconds ();
  struct image image = stream->images.get (stream->images.context, number);
  int failed = load (stream, &image, slot->pixels);
  char *reason = failed ? strdup (error_message ()) : NULL;
  if (failed && !reason)
    return error_set ("no memory left for the reason why '%s' failed; give the job more memory", image.path);
  error_clear ();
  pthread_mutex_lock (&stream->lock);
  slot->reason = reason;
  slot->state = failed ? SLOT_FAILED : SLOT_READY;
  stream->seconds += clock_seconds () - since;
  pthread_cond_broadcast (&stream->changed);
  pthread_mutex_unlock (&stream->lock);
  return 0;
}

static void *
decoder_run (void *argument)
{
  struct imagestream *stream = argument;
  uint64_t number;
  while (claim (stream, &number))
    if (decode (stream, number))
      imagestream_stop (stream);
  return NULL;
}

struct imagestream *
imagestream_new (const struct extractor *extractor, const struct source *source, const struct imagelist *images,
                 int threads, size_t slots)
{
  struct imagestream *stream = memory_new (1, sizeof *stream);
  if (!stream)
    return NULL;
  stream->extractor = extractor;
  stream->source = source;
  stream->images = *images;
  stream->slots = slots;
  pthread_mutex_init (&stream->lock, NULL);
  pthread_cond_init (&stream->changed, NULL);
  stream->slot = memory_new (slots, sizeof *stream->slot);
  stream->thread = memory_new ((size_t) threads, sizeof *stream->thread);
  bool ready = stream->slot && stream->thread;
  for (size_t i = 0; ready && i < slots; i++)
    ready = (stream->slot[i].pixels = memory_new (extractor->image_bytes, 1)) != NULL;
  for (int i = 0; ready && i < threads; i++)
    if (pthread_create (&stream->thread[stream->threads], NULL, decoder_run, stream) == 0)
      stream->threads++;
  if (ready && stream->threads > 0)
    return stream;
  if (ready)
    error_set ("cannot start a thread for decoding; ask for fewer with --threads");
  imagestream_free (stream);
  return NULL;
}

int
imagestream_next (struct imagestream *stream, unsigned char *pixels, char **reason)
{
  struct slot *slot = &stream->slot[stream->taken % stream->slots];
  if (stream->taken == stream->images.count)
    return 0;
  pthread_mutex_lock (&stream->lock);
  while (!stream->stopping && slot->state == SLOT_EMPTY)
    pthread_cond_wait (&stream->changed, &stream->lock);
  bool stopped = stream->stopping;
  pthread_mutex_unlock (&stream->lock);
  if (stopped)
    return error_put (&stream->error);
  *reason = slot->reason;
  slot->reason = NULL;
  if (slot->state == SLOT_READY)
    memcpy (pixels, slot->pixels, stream->extractor->image_bytes);
  pthread_mutex_lock (&stream->lock);
  slot->state = SLOT_EMPTY;
  stream->taken++;
  pthread_cond_broadcast (&stream->changed);
  pthread_mutex_unlock (&stream->lock);
  return 1;
}

double
imagestream_seconds (struct imagestream *stream)
{
  pthread_mutex_lock (&stream->lock);
  double seconds = stream->seconds;
  pthread_mutex_unlock (&stream->lock);
  return seconds;
}

void
imagestream_free (struct imagestream *stream)
{
  if (!stream)
    return;
  imagestream_stop (stream);
  for (int i = 0; i < stream->threads; i++)
    pthread_join (stream->thread[i], NULL);
  for (size_t i = 0; stream->slot && i < stream->slots; i++)
    {
      memory_free (stream->slot[i].pixels);
      free (stream->slot[i].reason);
    }
  pthread_mutex_destroy (&stream->lock);
  pthread_cond_destroy (&stream->changed);
  memory_free (stream->slot);
  memory_free (stream->thread);
  memory_free (stream);
}

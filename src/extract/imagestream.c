#include <config.h>

#include "imagestream.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../store/duplicates.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Batch i lies in slot i % slots.  */
struct slot {
  struct imagebatch batch; /* first, so that its address is the slot's */
  enum { SLOT_FREE, SLOT_FILLING, SLOT_READY, SLOT_TAKEN } state;
  int claimed, done; /* of its images: decoding has begun, has ended */
};

struct imagestream {
  const struct extractor *extractor;
  const struct source *source;
  struct imagelist images;
  int threads, batch;
  pthread_t *thread;
  struct slot *slot;
  size_t slots;
  pthread_mutex_t lock; /* of all below, and of the slots' states */
  pthread_cond_t room, ready;
  uint64_t next;          /* the image that is claimed next */
  uint64_t opened, taken; /* batches */
  bool stopping;
  struct error error;
  struct imagestream_seconds seconds;
};

void
imagestream_stop (struct imagestream *stream)
{
  pthread_mutex_lock (&stream->lock);
  if (!stream->error.status)
    error_get (&stream->error);
  stream->stopping = true;
  pthread_cond_broadcast (&stream->room);
  pthread_cond_broadcast (&stream->ready);
  pthread_mutex_unlock (&stream->lock);
}

/* The slot of the next image, a new one where the last batch is all claimed; NULL where that is in use.  Holding the
   lock.  */
static struct slot *
find_slot (struct imagestream *stream)
{
  struct slot *slot = stream->opened > 0 ? &stream->slot[(stream->opened - 1) % stream->slots] : NULL;
  if (slot && slot->claimed < slot->batch.images)
    return slot;
  slot = &stream->slot[stream->opened % stream->slots];
  if (slot->state != SLOT_FREE)
    return NULL;
  const struct imagelist *images = &stream->images;
  uint64_t end = images->end ? images->end (images->context, stream->next) : images->count;
  uint64_t left = end - stream->next;
  slot->batch.number = stream->opened++;
  slot->batch.first = stream->next;
  slot->batch.images = left < (uint64_t) stream->batch ? (int) left : stream->batch;
  slot->claimed = slot->done = 0;
  slot->state = SLOT_FILLING;
  return slot;
}

/* Claims the next image once there is room for it: its slot, and its PLACE in the batch.  NULL where there is none left
   or decoding is stopped.  */
static struct slot *
claim (struct imagestream *stream, int *place)
{
  struct slot *slot = NULL;
  pthread_mutex_lock (&stream->lock);
  while (!stream->stopping && stream->next < stream->images.count && !(slot = find_slot (stream)))
    pthread_cond_wait (&stream->room, &stream->lock);
  if (stream->stopping)
    slot = NULL;
  if (slot)
    {
      *place = slot->claimed++;
      if (++stream->next == stream->images.count)
        pthread_cond_broadcast (&stream->room);
    }
  pthread_mutex_unlock (&stream->lock);
  return slot;
}

/* Reads and decodes IMAGE into PIXELS.  */
static int
load (const struct imagestream *stream, const struct image *image, unsigned char *pixels, uint64_t *digest,
      struct imagestream_seconds *seconds)
{
  size_t length;
  double since = clock_seconds ();
  void *data = source_read (stream->source, image, &length);
  seconds->read = clock_seconds () - since;
  since = clock_thread_seconds ();
  int result = data ? extractor_decode (stream->extractor, data, length, pixels) : -1;
  if (result == 0)
    *digest = duplicates_digest (data, length);
  free (data);
  seconds->decode = clock_thread_seconds () - since;
  return result;
}

/* All images of SLOT are done: moves those that could be decoded together, and hands them on.  Holding the lock.  */
static void
finish (struct imagestream *stream, struct slot *slot)
{
  struct imagebatch *batch = &slot->batch;
  size_t bytes = stream->extractor->image_bytes;
  batch->count = 0;
  for (int i = 0; i < batch->images; i++)
    if (!batch->reason[i])
      {
        if (batch->count < i)
          memcpy (batch->pixels + (size_t) batch->count * bytes, batch->pixels + (size_t) i * bytes, bytes);
        batch->digest[batch->count++] = batch->digest[i];
      }
  slot->state = SLOT_READY;
  pthread_cond_broadcast (&stream->ready);
}

static int
decode (struct imagestream *stream, struct slot *slot, int place)
{
  struct imagebatch *batch = &slot->batch;
  struct imagestream_seconds seconds;
  struct image image = stream->images.get (stream->images.context, batch->first + (uint64_t) place);
  unsigned char *pixels = batch->pixels + (size_t) place * stream->extractor->image_bytes;
  int failed = load (stream, &image, pixels, &batch->digest[place], &seconds);
  char *reason = failed ? strdup (error_message ()) : NULL;
  if (failed && !reason)
    return error_set ("no memory left for the reason why '%s' failed; give the job more memory", image.path);
  error_clear ();
  pthread_mutex_lock (&stream->lock);
  batch->reason[place] = reason;
  stream->seconds.read += seconds.read;
  stream->seconds.decode += seconds.decode;
  if (++slot->done == batch->images)
    finish (stream, slot);
  pthread_mutex_unlock (&stream->lock);
  return 0;
}

static void *
decoder_run (void *argument)
{
  struct imagestream *stream = argument;
  struct slot *slot;
  int place;
  while ((slot = claim (stream, &place)))
    if (decode (stream, slot, place))
      imagestream_stop (stream);
  return NULL;
}

size_t
imagestream_batches (int callers, int threads, int batch)
{
  return 2 * (size_t) callers + (size_t) ((threads + batch - 1) / batch);
}

static int
make_slots (struct imagestream *stream)
{
  size_t batch = (size_t) stream->batch;
  stream->slot = memory_new (stream->slots, sizeof *stream->slot);
  for (size_t i = 0; stream->slot && i < stream->slots; i++)
    {
      struct imagebatch *each = &stream->slot[i].batch;
      each->pixels = memory_new (batch, stream->extractor->image_bytes);
      each->digest = memory_new (batch, sizeof *each->digest);
      each->reason = memory_new (batch, sizeof *each->reason);
      if (!each->pixels || !each->digest || !each->reason)
        return -1;
    }
  return stream->slot ? 0 : -1;
}

struct imagestream *
imagestream_new (const struct extractor *extractor, const struct source *source, const struct imagelist *images,
                 int threads, int batch, size_t batches)
{
  struct imagestream *stream = memory_new (1, sizeof *stream);
  if (!stream)
    return NULL;
  stream->extractor = extractor;
  stream->source = source;
  stream->images = *images;
  stream->batch = batch;
  stream->slots = batches;
  pthread_mutex_init (&stream->lock, NULL);
  pthread_cond_init (&stream->room, NULL);
  pthread_cond_init (&stream->ready, NULL);
  stream->thread = memory_new ((size_t) threads, sizeof *stream->thread);
  bool made = stream->thread && make_slots (stream) == 0;
  for (int i = 0; made && i < threads; i++)
    if (pthread_create (&stream->thread[stream->threads], NULL, decoder_run, stream) == 0)
      stream->threads++;
  if (made && stream->threads > 0)
    return stream;
  if (made)
    error_set ("cannot start a thread for decoding; ask for fewer with --threads");
  imagestream_free (stream);
  return NULL;
}

int
imagestream_take (struct imagestream *stream, struct imagebatch **batch)
{
  struct slot *slot = NULL;
  double since = clock_seconds ();
  pthread_mutex_lock (&stream->lock);
  while (!stream->stopping && (stream->next < stream->images.count || stream->taken < stream->opened))
    {
      slot = &stream->slot[stream->taken % stream->slots];
      if (stream->taken < stream->opened && slot->state == SLOT_READY)
        break;
      slot = NULL;
      pthread_cond_wait (&stream->ready, &stream->lock);
    }
  bool stopped = stream->stopping;
  if (!stopped && slot)
    {
      slot->state = SLOT_TAKEN;
      stream->taken++;
      *batch = &slot->batch;
      pthread_cond_broadcast (&stream->ready); /* who waits may wait for no batch more */
    }
  stream->seconds.wait += clock_seconds () - since;
  pthread_mutex_unlock (&stream->lock);
  return stopped ? error_put (&stream->error) : slot != NULL;
}

void
imagestream_release (struct imagestream *stream, struct imagebatch *batch)
{
  for (int i = 0; i < batch->images; i++)
    {
      free (batch->reason[i]);
      batch->reason[i] = NULL;
    }
  pthread_mutex_lock (&stream->lock);
  ((struct slot *) batch)->state = SLOT_FREE;
  pthread_cond_broadcast (&stream->room);
  pthread_mutex_unlock (&stream->lock);
}

struct imagestream_seconds
imagestream_seconds (struct imagestream *stream)
{
  pthread_mutex_lock (&stream->lock);
  struct imagestream_seconds seconds = stream->seconds;
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
      struct imagebatch *batch = &stream->slot[i].batch;
      for (int j = 0; batch->reason && j < stream->batch; j++)
        free (batch->reason[j]);
      memory_free (batch->reason);
      memory_free (batch->digest);
      memory_free (batch->pixels);
    }
  pthread_mutex_destroy (&stream->lock);
  pthread_cond_destroy (&stream->room);
  pthread_cond_destroy (&stream->ready);
  memory_free (stream->slot);
  memory_free (stream->thread);
  memory_free (stream);
}

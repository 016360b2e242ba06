#include <config.h>

#include "ahead.h"

#include "error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct ahead {
  ahead_fill *fill;
  void *context;
  void *buffer[2]; /* item i uses number i % 2; the second is NULL where there is no thread */
  size_t count;
  size_t asked; /* items that the caller has asked for: the last of them is in use */

  pthread_t thread;
  pthread_mutex_t lock; /* guards ASKED and what follows */
  pthread_cond_t changed;
  size_t filled;
  bool failed, quit;
  struct error error; /* where one failed */
};

/* Waits until INDEX may be filled, which is when the item two before it is no longer in use.  Returns false where the
   caller has given up.  */
static bool
wait_for_room (struct ahead *ahead, size_t index)
{
  pthread_mutex_lock (&ahead->lock);
  while (index > ahead->asked && !ahead->quit)
    pthread_cond_wait (&ahead->changed, &ahead->lock);
  bool wanted = !ahead->quit;
  pthread_mutex_unlock (&ahead->lock);
  return wanted;
}

static void *
fill_all (void *argument)
{
  struct ahead *ahead = argument;
  int result = 0;
  for (size_t index = 0; index < ahead->count && result == 0 && wait_for_room (ahead, index); index++)
    {
      result = ahead->fill (ahead->context, index, ahead->buffer[index % 2]);
      pthread_mutex_lock (&ahead->lock);
      if (result)
        {
          error_get (&ahead->error);
          ahead->failed = true;
        }
      else
        ahead->filled++;
      pthread_cond_signal (&ahead->changed);
      pthread_mutex_unlock (&ahead->lock);
    }
  return NULL;
}

static void
release (struct ahead *ahead)
{
  pthread_mutex_destroy (&ahead->lock);
  pthread_cond_destroy (&ahead->changed);
  free (ahead);
}

struct ahead *
ahead_new (size_t count, void *first, void *second, ahead_fill *fill, void *context)
{
  struct ahead *ahead = calloc (1, sizeof *ahead);
  if (!ahead)
    {
      error_set ("no memory to read ahead; give the job more memory");
      return NULL;
    }
  ahead->fill = fill;
  ahead->context = context;
  ahead->buffer[0] = first;
  ahead->buffer[1] = second;
  ahead->count = count;
  pthread_mutex_init (&ahead->lock, NULL);
  pthread_cond_init (&ahead->changed, NULL);
  if (second && pthread_create (&ahead->thread, NULL, fill_all, ahead))
    {
      error_set ("cannot start a thread to read ahead; ask for fewer with --threads");
      release (ahead);
      return NULL;
    }
  return ahead;
}

/* Lets the thread go on to the item after the one that is asked for now, and waits for this one.  */
static void *
wait_for_item (struct ahead *ahead)
{
  pthread_mutex_lock (&ahead->lock);
  size_t index = ahead->asked++;
  pthread_cond_signal (&ahead->changed);
  while (ahead->filled <= index && !ahead->failed)
    pthread_cond_wait (&ahead->changed, &ahead->lock);
  bool there = ahead->filled > index;
  pthread_mutex_unlock (&ahead->lock);
  if (there)
    return ahead->buffer[index % 2];
  error_put (&ahead->error);
  return NULL;
}

void *
ahead_next (struct ahead *ahead)
{
  if (ahead->buffer[1])
    return wait_for_item (ahead);
  return ahead->fill (ahead->context, ahead->asked++, ahead->buffer[0]) ? NULL : ahead->buffer[0];
}

void
ahead_free (struct ahead *ahead)
{
  if (!ahead)
    return;
  if (ahead->buffer[1])
    {
      pthread_mutex_lock (&ahead->lock);
      ahead->quit = true;
      pthread_cond_signal (&ahead->changed);
      pthread_mutex_unlock (&ahead->lock);
      pthread_join (ahead->thread, NULL);
    }
  release (ahead);
}

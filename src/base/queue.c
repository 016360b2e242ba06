#include <config.h>

#include "queue.h"

#include "error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct queue {
  pthread_mutex_t lock;
  pthread_cond_t room, items;
  size_t capacity, first, count;
  bool closed;
  void *item[]; /* (capacity), a ring */
};

struct queue *
queue_new (size_t capacity)
{
  struct queue *queue = calloc (1, sizeof *queue + capacity * sizeof *queue->item);
  if (!queue)
    {
      error_set ("no memory for a queue of %zu items; give the job more memory", capacity);
      return NULL;
    }
  queue->capacity = capacity;
  pthread_mutex_init (&queue->lock, NULL);
  pthread_cond_init (&queue->room, NULL);
  pthread_cond_init (&queue->items, NULL);
  return queue;
}

void
queue_free (struct queue *queue)
{
  if (!queue)
    return;
  pthread_mutex_destroy (&queue->lock);
  pthread_cond_destroy (&queue->room);
  pthread_cond_destroy (&queue->items);
  free (queue);
}

int
queue_push (struct queue *queue, void *item)
{
  pthread_mutex_lock (&queue->lock);
  while (queue->count == queue->capacity && !queue->closed)
    pthread_cond_wait (&queue->room, &queue->lock);
  bool closed = queue->closed;
  if (!closed)
    {
      queue->item[(queue->first + queue->count++) % queue->capacity] = item;
      pthread_cond_signal (&queue->items);
    }
  pthread_mutex_unlock (&queue->lock);
  return closed ? -1 : 0;
}

void *
queue_pop (struct queue *queue)
{
  void *item = NULL;
  pthread_mutex_lock (&queue->lock);
  while (queue->count == 0 && !queue->closed)
    pthread_cond_wait (&queue->items, &queue->lock);
  if (queue->count > 0)
    {
      item = queue->item[queue->first];
      queue->first = (queue->first + 1) % queue->capacity;
      queue->count--;
      pthread_cond_signal (&queue->room);
    }
  pthread_mutex_unlock (&queue->lock);
  return item;
}

void
queue_close (struct queue *queue)
{
  pthread_mutex_lock (&queue->lock);
  queue->closed = true;
  pthread_cond_broadcast (&queue->room);
  pthread_cond_broadcast (&queue->items);
  pthread_mutex_unlock (&queue->lock);
}

/* A bounded queue between threads: a full one makes the producer wait, an empty one the consumer.  */
#ifndef SLABFIT_QUEUE_H
#define SLABFIT_QUEUE_H

#include <stddef.h>

struct queue;

struct queue *queue_new (size_t capacity); /* NULL with the error set */
void queue_free (struct queue *queue);     /* items still in it are not freed */

/* Adds ITEM (not NULL), waiting for room.  -1 where the queue is closed (no error is set; the caller keeps ITEM).  */
int queue_push (struct queue *queue, void *item);

/* The oldest item, waiting for one; NULL once the queue is closed and empty.  */
void *queue_pop (struct queue *queue);

/* No item enters any more; those inside can still be taken.  Wakes all who wait.  May be called twice.  */
void queue_close (struct queue *queue);

#endif

#include <config.h>

#include "workers.h"

#include "error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct workers {
  int threads, started;
  pthread_t *thread;    /* (threads - 1) */
  pthread_mutex_t turn; /* held for a loop */
  pthread_mutex_t lock;
  pthread_cond_t begin, end;
  unsigned loop; /* counts loops, so that a sleeper knows a new one */
  int busy;      /* helpers still in the present loop */
  bool quit;
  atomic_size_t next;
  size_t count;
  workers_task *task;
  void *context;
  struct error error; /* of the failed task with the lowest index */
  size_t failed;
};

struct helper {
  struct workers *workers;
  int number;
};

static void
take_tasks (struct workers *workers, int worker)
{
  size_t index;
  while ((index = atomic_fetch_add (&workers->next, 1)) < workers->count)
    if (workers->task (workers->context, index, worker))
      {
        atomic_store (&workers->next, workers->count);
        pthread_mutex_lock (&workers->lock);
        if (!workers->error.status || index < workers->failed)
          {
            error_get (&workers->error);
            workers->failed = index;
          }
        pthread_mutex_unlock (&workers->lock);
      }
}

static void *
helper_run (void *argument)
{
  struct helper helper = *(struct helper *) argument;
  struct workers *workers = helper.workers;
  unsigned seen = 0;
  free (argument);
  pthread_mutex_lock (&workers->lock);
  for (;;)
    {
      while (workers->loop == seen && !workers->quit)
        pthread_cond_wait (&workers->begin, &workers->lock);
      if (workers->quit)
        break;
      seen = workers->loop;
      pthread_mutex_unlock (&workers->lock);
      take_tasks (workers, helper.number);
      pthread_mutex_lock (&workers->lock);
      if (--workers->busy == 0)
        pthread_cond_signal (&workers->end);
    }
  pthread_mutex_unlock (&workers->lock);
  return NULL;
}

static int
helper_start (struct workers *workers, int number)
{
  struct helper *helper = malloc (sizeof *helper);
  if (helper)
    {
      *helper = (struct helper){ workers, number };
      if (pthread_create (&workers->thread[number - 1], NULL, helper_run, helper) == 0)
        {
          workers->started++;
          return 0;
        }
      free (helper);
    }
  return error_set ("cannot start thread %d of %d; ask for fewer with --threads", number + 1, workers->threads);
}

struct workers *
workers_new (int threads)
{
  struct workers *workers = calloc (1, sizeof *workers);
  pthread_t *thread = calloc ((size_t) threads, sizeof *thread);
  if (!workers || !thread)
    {
      free (workers);
      free (thread);
      error_set ("no memory for %d threads; ask for fewer with --threads", threads);
      return NULL;
    }
  workers->threads = threads;
  workers->thread = thread;
  pthread_mutex_init (&workers->turn, NULL);
  pthread_mutex_init (&workers->lock, NULL);
  pthread_cond_init (&workers->begin, NULL);
  pthread_cond_init (&workers->end, NULL);
  for (int i = 1; i < threads; i++)
    if (helper_start (workers, i))
      {
        workers_free (workers);
        return NULL;
      }
  return workers;
}

int
workers_count (const struct workers *workers)
{
  return workers->threads;
}

int
workers_run (struct workers *workers, size_t count, workers_task *task, void *context)
{
  pthread_mutex_lock (&workers->turn);
  pthread_mutex_lock (&workers->lock);
  workers->count = count;
  workers->task = task;
  workers->context = context;
  workers->error.status = 0;
  atomic_store (&workers->next, 0);
  workers->busy = workers->started;
  workers->loop++;
  pthread_cond_broadcast (&workers->begin);
  pthread_mutex_unlock (&workers->lock);
  take_tasks (workers, 0);
  pthread_mutex_lock (&workers->lock);
  while (workers->busy > 0)
    pthread_cond_wait (&workers->end, &workers->lock);
  pthread_mutex_unlock (&workers->lock);
  int result = workers->error.status ? error_put (&workers->error) : 0;
  pthread_mutex_unlock (&workers->turn);
  return result;
}

void
workers_free (struct workers *workers)
{
  if (!workers)
    return;
  pthread_mutex_lock (&workers->lock);
  workers->quit = true;
  pthread_cond_broadcast (&workers->begin);
  pthread_mutex_unlock (&workers->lock);
  for (int i = 0; i < workers->started; i++)
    pthread_join (workers->thread[i], NULL);
  pthread_mutex_destroy (&workers->turn);
  pthread_mutex_destroy (&workers->lock);
  pthread_cond_destroy (&workers->begin);
  pthread_cond_destroy (&workers->end);
  free (workers->thread);
  free (workers);
}

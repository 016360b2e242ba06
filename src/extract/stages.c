#include <config.h>

#include "stages.h"

void
stages_stop (struct pipeline *pipeline)
{
  pthread_mutex_lock (&pipeline->lock);
  if (!pipeline->error.status)
    error_get (&pipeline->error);
  pthread_mutex_unlock (&pipeline->lock);
  imagestream_stop (pipeline->stream);
  queue_close (pipeline->free_tiles);
}

void
stages_add_seconds (struct pipeline *pipeline, double *sum, double seconds)
{
  pthread_mutex_lock (&pipeline->lock);
  *sum += seconds;
  pthread_mutex_unlock (&pipeline->lock);
}

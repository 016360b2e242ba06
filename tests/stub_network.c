/* A network module without libtorch, for tests that start the program often: $SLABFIT_NETWORK names it.  It opens any
   file as a network whose features are what its images are in squares of 2 x 2, as a map (height / 2, width / 2, 3):
   many values, half of them 0.

     SLABFIT_STUB_LOG FILE            a byte is added to FILE for each image
     SLABFIT_STUB_MILLISECONDS N      each run takes so long,
     SLABFIT_STUB_BATCH N             but (n / N)^2 times as long where it has n images, more than N;
     SLABFIT_STUB_ALONE 1             and one run at a time, as much shorter as it has threads  */
#include "../shim/network.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct network {
  struct network_plan plan;
};

int
network_open (struct network **network, const char *path, const struct network_options *options,
              char error[NETWORK_ERROR_BYTES])
{
  (void) options;
  *network = access (path, R_OK) ? NULL : calloc (1, sizeof **network);
  if (!*network)
    snprintf (error, NETWORK_ERROR_BYTES, "%s", strerror (errno));
  return *network ? 0 : -1;
}

void
network_close (struct network *network)
{
  free (network);
}

const char *
network_metadata (const struct network *network)
{
  (void) network;
  return "";
}

int
network_prepare (struct network *network, const struct network_plan *plan, struct network_shape *shape,
                 char error[NETWORK_ERROR_BYTES])
{
  (void) error;
  network->plan = *plan;
  *shape = (struct network_shape){ .rank = 3, .size = { plan->height / 2, plan->width / 2, 3 } };
  return 0;
}

/* Appends COUNT bytes to the log, so that its length is the number of images; whole, whoever dies meanwhile.  */
static int
log_images (int count)
{
  static const char bytes[64] = "................................................................";
  const char *path = getenv ("SLABFIT_STUB_LOG");
  int log = path ? open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
  if (!path)
    return 0;
  int result = log >= 0 && write (log, bytes, (size_t) count) == count ? 0 : -1;
  if (log >= 0)
    close (log);
  return result;
}

static long
number (const char *name)
{
  const char *text = getenv (name);
  return text ? atol (text) : 0;
}

static void
take_time (const struct network_plan *plan, long count)
{
  static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
  long microseconds = number ("SLABFIT_STUB_MILLISECONDS") * 1000, batch = number ("SLABFIT_STUB_BATCH");
  bool alone = number ("SLABFIT_STUB_ALONE");
  if (batch > 0 && count > batch)
    microseconds = microseconds * count / batch * count / batch;
  if (alone)
    {
      pthread_mutex_lock (&one);
      microseconds /= plan->threads;
    }
  struct timespec left = { microseconds / 1000000, microseconds % 1000000 * 1000 };
  while (nanosleep (&left, &left) && errno == EINTR)
    ;
  if (alone)
    pthread_mutex_unlock (&one);
}

/* PIXELS: the square's first.  */
static float
feature (const struct network_plan *plan, const unsigned char *pixels, int plane)
{
  const float *table = plan->pixels.table[plane];
  const unsigned char *at = pixels + plan->pixels.colour[plane], *below = at + 3 * (size_t) plan->width;
  float sum = table[at[0]] + table[at[3]] + table[below[0]] + table[below[3]];
  return sum > 0 ? sum / 4 : 0;
}

int
network_run (struct network *network, const unsigned char *pixels, int count, float *features,
             char error[NETWORK_ERROR_BYTES])
{
  const struct network_plan *plan = &network->plan;
  if (log_images (count))
    {
      snprintf (error, NETWORK_ERROR_BYTES, "the stub cannot work");
      return -1;
    }
  take_time (plan, count);
  for (int image = 0; image < count; image++, pixels += 3 * (size_t) plan->height * (size_t) plan->width)
    for (int row = 0; row < plan->height / 2; row++)
      for (int column = 0; column < plan->width / 2; column++)
        for (int plane = 0; plane < 3; plane++)
          *features++ = feature (plan, pixels + 3 * (size_t) (2 * row * plan->width + 2 * column), plane);
  return 0;
}

void
network_use (const struct network *network, struct network_usage *usage)
{
  *usage = (struct network_usage){ .batch = network->plan.batch };
}

int
network_build (const char *path, const char *source, const struct network_tensor *tensors, size_t count,
               const char *metadata, char error[NETWORK_ERROR_BYTES])
{
  (void) path, (void) source, (void) tensors, (void) count, (void) metadata;
  snprintf (error, NETWORK_ERROR_BYTES, "the stub builds no networks");
  return -1;
}

int
network_draft_build (struct network_draft **draft, const char *source, const struct network_tensor *tensors,
                     size_t count, int height, int width, struct network_trial *trial, char error[NETWORK_ERROR_BYTES])
{
  (void) draft, (void) height, (void) width, (void) trial;
  return network_build (NULL, source, tensors, count, NULL, error);
}

int
network_draft_wrap (struct network_draft **draft, const char *path, int output, enum network_pool pool, int height,
                    int width, struct network_trial *trial, char error[NETWORK_ERROR_BYTES])
{
  (void) path, (void) output, (void) pool;
  return network_draft_build (draft, NULL, NULL, 0, height, width, trial, error);
}

int
network_draft_write (const struct network_draft *draft, const char *path, const char *metadata,
                     char error[NETWORK_ERROR_BYTES])
{
  (void) draft;
  return network_build (path, NULL, NULL, 0, metadata, error);
}

void
network_draft_close (struct network_draft *draft)
{
  (void) draft;
}

const char *
network_library (void)
{
  return "stub";
}

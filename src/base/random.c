#include <config.h>

#include "random.h"

#include <math.h>

static const uint64_t golden_gamma = 0x9e3779b97f4a7c15;

static uint64_t
mix (uint64_t z)
{
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

struct random
random_new (uint64_t seed, uint64_t stream)
{
  return (struct random){ mix (seed) ^ mix (stream * golden_gamma + 1) };
}

void
random_skip (struct random *generator, uint64_t index)
{
  generator->state += index * golden_gamma;
}

uint64_t
random_bits (struct random *generator)
{
  generator->state += golden_gamma;
  return mix (generator->state);
}

uint64_t
random_below (struct random *generator, uint64_t limit)
{
  unsigned __int128 product;
  uint64_t threshold = -limit % limit; /* products whose low half is below it would be drawn too often */
  do
    product = (unsigned __int128) random_bits (generator) * limit;
  while ((uint64_t) product < threshold);
  return (uint64_t) (product >> 64);
}

float
random_uniform (struct random *generator)
{
  return (float) (random_bits (generator) >> 40) * 0x1p-24f;
}

float
random_normal (struct random *generator)
{
  double radius = sqrt (-2 * log (1.0 - (double) random_uniform (generator)));
  return (float) (radius * cos (2 * M_PI * (double) random_uniform (generator)));
}

void
random_shuffle (struct random *generator, uint64_t *order, size_t n)
{
  for (size_t i = n; i > 1; i--)
    {
      size_t j = random_below (generator, i);
      uint64_t kept = order[i - 1];
      order[i - 1] = order[j];
      order[j] = kept;
    }
}

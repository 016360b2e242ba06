/* Random numbers: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).

   The i-th number of a stream is a pure function of (seed, stream, i), so threads and ranks may draw any part of a
   stream on their own and the bits never depend on how many there are.  */
#ifndef SLABFIT_RANDOM_H
#define SLABFIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
  uint64_t state;
};

/* The start of stream number STREAM of SEED.  Streams are for independent uses of one seed (weights, shuffles).  */
struct random random_new (uint64_t seed, uint64_t stream);

/* Moves GENERATOR to the number at INDEX counted from where it stands.  */
void random_skip (struct random *generator, uint64_t index);

uint64_t random_bits (struct random *generator);

/* Uniform below LIMIT (> 0), without bias (Lemire 2019).  */
uint64_t random_below (struct random *generator, uint64_t limit);

/* Uniform in [0, 1): the 24 highest bits, exact in a float.  */
float random_uniform (struct random *generator);

/* Standard normal (Box and Muller 1958), two draws each.  */
float random_normal (struct random *generator);

/* A uniform permutation of ORDER (n) in place (Fisher and Yates, as Durstenfeld 1964).  */
void random_shuffle (struct random *generator, uint64_t *order, size_t n);

#endif

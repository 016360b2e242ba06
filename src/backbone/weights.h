/* The weights of a network, as a file of another program holds them: arrays with names.

   The kinds of file, by what they begin with: Keras's HDF5 (kerasfile.h), safetensors (safetensors.h) and PyTorch's state
   dicts (statedict.h).  Names are those that the program gives: "conv1_conv/kernel", "layer1.0.conv1.weight".  */
#ifndef SLABFIT_WEIGHTS_H
#define SLABFIT_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEIGHTS_RANK = 8 };

/* Any type of number in the file becomes float32.  */
struct weight {
  char *name; /* owned */
  int rank;
  int64_t size[WEIGHTS_RANK];
  float *value; /* owned, from memory_new: (size[0], ..., size[rank - 1]), the last index fastest */
};

struct weights {
  size_t count, room;
  struct weight *weight; /* (count) in the file's order */
  bool keras;            /* arrays lie as Keras's: kernels (height, width, inputs, outputs) */
  char *config;          /* the JSON text of the network that a full Keras model carries; owned; NULL where there is none */
};

/* Reads the file PATH.  To be freed by weights_free; empty on failure.  */
int weights_read (struct weights *weights, const char *path);
void weights_free (struct weights *weights);

/* The weight NAME; NULL, with no error set, where there is none.  */
const struct weight *weights_find (const struct weights *weights, const char *name);

/* For readers: a new weight of RANK sizes SIZE, zeroed, at the end; NAME is copied.  NULL with the error set: where
   memory is out, a size is negative or the whole larger than BYTES_LIMIT, what the file can hold at the most.  PATH is for
   the message.  */
struct weight *weights_add (struct weights *weights, const char *name, int rank, const int64_t *size,
                            uint64_t bytes_limit, const char *path);

#endif

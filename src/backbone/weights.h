/* The weights of a network, as a file of another program holds them: arrays with names.

   The kinds of file, by what they begin with: Keras's HDF5 and .keras (kerasfile.h), safetensors (safetensors.h) and
   PyTorch's state dicts (torchfile.h).  Names are those that the program gives: "conv1_conv/kernel",
   "layer1.0.conv1.weight".  Nothing in a file is run, and a damaged one gives an error, never more memory than
   weights.bytes_limit.  */
#ifndef SLABFIT_WEIGHTS_H
#define SLABFIT_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEIGHTS_RANK = 8, WEIGHTS_NAME_BYTES = 1024, WEIGHTS_MOST = 1 << 15 };

/* Any type of number in the file becomes float32.  */
struct weight {
  char *name; /* owned; unique in the file */
  int rank;
  int64_t size[WEIGHTS_RANK];
  float *value; /* owned, from memory_new: (size[0], ..., size[rank - 1]), the last index fastest */
};

struct weights {
  size_t count, room;
  struct weight *weight; /* (count) in the file's order */
  bool keras;            /* arrays lie as Keras's: kernels (height, width, inputs, outputs) */
  char *config; /* the JSON text of the network that a full Keras model carries; owned; NULL where there is none */

  /* For readers.  */
  const char *path;     /* of the file, borrowed; NULL when it has been read */
  uint64_t file_bytes;  /* its size */
  uint64_t bytes_limit; /* what no array, and not all together, may exceed */
  uint64_t bytes;       /* of all values */
};

/* Reads the file PATH.  To be freed by weights_free; empty on failure.  */
int weights_read (struct weights *weights, const char *path);
void weights_free (struct weights *weights);

/* The weight NAME; NULL, with no error set, where there is none.  */
const struct weight *weights_find (const struct weights *weights, const char *name);

/* For readers: a new weight of RANK sizes SIZE, zeroed, at the end; NAME is copied.  NULL with the error set: where
   memory is out, the name is there already, empty or longer than WEIGHTS_NAME_BYTES, a size negative, or the whole more
   than the file can hold.  */
struct weight *weights_add (struct weights *weights, const char *name, int rank, const int64_t *size);

/* For readers: "'FILE' is damaged: WHAT; ...".  WHAT is in the form of printf.  Returns -1.  */
int weights_damaged (const struct weights *weights, const char *what, ...) __attribute__ ((format (printf, 2, 3)));

/* The number of values in WEIGHT.  */
size_t weight_values (const struct weight *weight);

#endif

/* A state dict of PyTorch: a pickled dict of names and tensors, each a view of a storage whose bytes lie elsewhere in
   the file.

   A dict that has no tensors itself is taken for a checkpoint: its "state_dict", "model" or the like, else the only
   dict in it that has tensors.  What is no tensor is left out.  "module." is cut off where all names begin with it.  */
#ifndef SLABFIT_STATEDICT_H
#define SLABFIT_STATEDICT_H

#include "element.h"
#include "pyvalue.h"
#include "weights.h"

struct statedict; /* opaque */

/* The bytes that tensors are views of.  */
struct storage {
  const char *key; /* (length) borrowed from the pickle */
  size_t length;
  const struct element *element; /* NULL where slabfit does not read its type */
  uint64_t elements;
  const char *type; /* (type_length) its name, "FloatStorage"; borrowed */
  size_t type_length;
  bool used, read; /* by tensors of the dict; its bytes were found */
};

/* What a pickle of a state dict may refer to.  */
bool statedict_allows (const char *module, const char *name);

/* The state dict in ROOT, all whose values are POOL's, which have to stay.  Its tensors are added to WEIGHTS, zeroed.
   NULL with the error set.  */
struct statedict *statedict_new (struct weights *weights, const struct pyvalue *root, const struct pyvalue_pool *pool);
void statedict_free (struct statedict *statedict); /* NULL is allowed */

/* The storage KEY (LENGTH), borrowed; NULL, with no error set, where no tensor in the pickle is a view of it.  */
struct storage *statedict_storage (const struct statedict *statedict, const char *key, size_t length);

/* The values of all weights that are views of STORAGE, whose bytes are DATA (LENGTH); the lowest byte of a number
   stands first, or last with BIG.  */
int statedict_fill (const struct statedict *statedict, struct storage *storage, const unsigned char *data,
                    size_t length, bool big);

/* Fails where a storage was not filled.  */
int statedict_check (const struct statedict *statedict);

#endif

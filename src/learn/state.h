/* The state of a training, as a list of arrays: what a checkpoint holds.  */
#ifndef SLABFIT_STATE_H
#define SLABFIT_STATE_H

#include <stddef.h>
#include <stdint.h>

enum { STATE_PARTS = 8 }; /* the most that one owner lists */

enum state_type { STATE_FLOAT, STATE_DOUBLE, STATE_INTEGER /* uint64_t */, STATE_LABEL /* int32_t */ };

struct state_part {
  const char *name; /* of its dataset; a constant */
  void *values;     /* (count) or (count, width), borrowed */
  enum state_type type;
  uint64_t count;
  uint64_t width; /* 0 where all ranks hold the same (count); else (count, width), a row for each feature of this rank's
                     share */
};

#endif

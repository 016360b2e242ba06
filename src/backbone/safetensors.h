/* A safetensors file: the length of a header (8 bytes, the lowest first), the header in JSON, then the arrays' bytes.

   The header has for each array {"dtype": "F32", "shape": [64, 3, 7, 7], "data_offsets": [begin, end]}, counted from
   the header's end.  Source: https://github.com/huggingface/safetensors, "Format".  */
#ifndef SLABFIT_SAFETENSORS_H
#define SLABFIT_SAFETENSORS_H

#include "weights.h"

/* Reads the file weights->path.  On failure what was read so far stays in WEIGHTS.  */
int safetensors_read (struct weights *weights);

#endif

/* Files of torch.save (.pth, .pt) with a state dict (statedict.h).

   The zip form, of PyTorch 1.6 and later, has the members NAME/data.pkl, NAME/byteorder, and NAME/data/KEY for each
   storage.  The sequential form has pickles of a magic number, a version, the machine's properties, the dict, and the
   list of keys; then for each key the number of elements (8 bytes) and the elements, the lowest byte first.  Source:
   _save and _legacy_save in torch/serialization.py of PyTorch 2.  */
#ifndef SLABFIT_TORCHFILE_H
#define SLABFIT_TORCHFILE_H

#include "weights.h"

/* Reads the file weights->path of one form or the other.  On failure what was read so far stays in WEIGHTS.  */
int torchfile_read_zip (struct weights *weights);
int torchfile_read_sequential (struct weights *weights);

#endif

/* Files of networks that are not TorchScript, told by what they begin with.  */
#ifndef SLABFIT_FOREIGN_H
#define SLABFIT_FOREIGN_H

#include <stdbool.h>

/* Fails where PATH cannot be read or is of another kind that is known: weights of PyTorch, Keras or safetensors, ONNX,
   a zip archive that is cut short, or, where no PACKAGES are taken, an AOTInductor package.  The message says what it
   is and what to do.  */
int foreign_refuse (const char *path, bool packages);

#endif

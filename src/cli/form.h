/* The forms other than ours that features are written in, told apart by a file's name.  */
#ifndef SLABFIT_FORM_H
#define SLABFIT_FORM_H

#include <stdbool.h>

/* *NPY = whether PATH ends with .npy; a usage error that names both where it does not end with .csv either.  */
int form_of (const char *path, bool *npy);

#endif

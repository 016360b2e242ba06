/* The place of a file that a command is to write: looked at before hours of work go into what it will hold.  */
#ifndef SLABFIT_OUTPUT_H
#define SLABFIT_OUTPUT_H

#include <stdbool.h>

/* Fails where a folder or a device stands under the name PATH.  */
int output_check_kind (const char *path);

/* Fails where PATH cannot become a file: its name is empty, a folder or a device stands there, or its folder takes no
   new file.  */
int output_check (const char *path);

/* The same, and fails where the file is there already, unless FORCE.  */
int output_check_new (const char *path, bool force);

#endif

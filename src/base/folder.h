/* What a folder holds.  */
#ifndef SLABFIT_FOLDER_H
#define SLABFIT_FOLDER_H

#include "text.h"

/* The names in the folder PATH, each list sorted by bytes: its folders, and its files.  Hidden entries (".*") and what
   is neither file nor folder are left out; a symbolic link counts as what it leads to, and as a file where it leads
   nowhere.  Both lists are overwritten, and empty on failure.  */
int folder_list (const char *path, struct names *folders, struct names *files);

#endif

/* What a folder holds.  */
#ifndef SLABFIT_FOLDER_H
#define SLABFIT_FOLDER_H

#include "text.h"

/* An entry of a folder that is being read.  */
struct folder_entry {
  const char *name; /* borrowed until the visit ends */
  bool folder;      /* else a file */
  int descriptor;   /* of the folder that is read */
};

/* Calls VISIT for each entry of PATH in no order until it fails; its failure is returned.  Hidden entries (".*") and
   what is neither file nor folder are left out; a symbolic link counts as what it leads to, and as a file where it
   leads nowhere.  */
int folder_visit (const char *path, int (*visit) (void *context, const struct folder_entry *entry), void *context);

/* The names in the folder PATH that folder_visit finds, each list sorted by bytes: its folders, and its files.  Both
   lists are overwritten, and empty on failure.  */
int folder_list (const char *path, struct names *folders, struct names *files);

#endif

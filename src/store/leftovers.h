/* What killed jobs and a finished merge leave behind.  Removing says nothing where it cannot.  */
#ifndef SLABFIT_LEFTOVERS_H
#define SLABFIT_LEFTOVERS_H

/* Removes the temporary files of PATH that no living process of this host, and none of the last day on others, is
   writing.  */
void leftovers_remove_of (const char *path);

/* The same of SPLIT's parts in FEATURES, and of its merged file.  */
void leftovers_remove (const char *features, const char *split);

/* Removes the catalogue where no split has parts in FEATURES any more, and stale temporary files of it.  */
void leftovers_remove_catalogue (const char *features);

/* As leftovers_remove, and removes the parts, which are merged, and the catalogue after those of the last split.  */
void leftovers_remove_parts (const char *features, const char *split);

#endif

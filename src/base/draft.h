/* A file that is written piece by piece and appears under its name only when it is whole.  */
#ifndef SLABFIT_DRAFT_H
#define SLABFIT_DRAFT_H

#include <stddef.h>

struct draft;

/* Begins PATH under a temporary name.  NULL with the error set.  */
struct draft *draft_new (const char *path);
int draft_write (struct draft *draft, const void *data, size_t length);

/* Closes the file and gives it its name, as file_commit does.  Releases DRAFT whatever happens.  */
int draft_commit (struct draft *draft);
void draft_discard (struct draft *draft); /* removes the temporary file; NULL is allowed */

#endif

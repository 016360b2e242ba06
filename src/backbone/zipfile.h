/* The members of a zip file, by libarchive: stored or deflated, of any size.  Their checksums are checked.  */
#ifndef SLABFIT_ZIPFILE_H
#define SLABFIT_ZIPFILE_H

#include <stddef.h>

struct zipfile; /* opaque */

/* Opens PATH, which is copied.  NULL with the error set.  Closed by zipfile_close.  */
struct zipfile *zipfile_open (const char *path);
void zipfile_close (struct zipfile *zip); /* NULL is allowed */

/* Goes to the next member, at first to the first one: 1 with its *NAME, borrowed until the next call; 0 behind the last
   one; -1 with the error set.  */
int zipfile_next (struct zipfile *zip, const char **name);

/* The whole of the present member, from memory_new, with a 0 after its *LENGTH bytes; NULL with the error set, also
   where it has more than LIMIT bytes.  */
unsigned char *zipfile_read (struct zipfile *zip, size_t limit, size_t *length);

/* Whether PATH has the member NAME: 1, 0, or -1 with the error set.  */
int zipfile_has (const char *path, const char *name);

#endif

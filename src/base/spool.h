/* A nameless file that grows by appending and is then mapped: lists that may be larger than memory.  What is mapped is
   the file system's to keep or to write out, so it counts as cache and not as the process's own memory.  */
#ifndef SLABFIT_SPOOL_H
#define SLABFIT_SPOOL_H

#include <stddef.h>
#include <stdint.h>

struct spool;

/* Makes one in the folder of PATH, which names it in messages.  NULL with the error set.  */
struct spool *spool_new (const char *path);
void spool_free (struct spool *spool); /* unmaps; NULL is allowed */

int spool_append (struct spool *spool, const void *data, size_t length);
uint64_t spool_bytes (const struct spool *spool);

/* Makes an empty one BYTES long, which the disk has room for then.  */
int spool_reserve (struct spool *spool, uint64_t bytes);

/* All of it, to read and to change; borrowed until spool_free.  Nothing is appended afterwards.  NULL with the error
   set.  */
void *spool_map (struct spool *spool);

#endif

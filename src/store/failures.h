/* /failed: the images that could not be read, each with its reason.  */
#ifndef SLABFIT_FAILURES_H
#define SLABFIT_FAILURES_H

#include <hdf5.h>
#include <stddef.h>

struct failure {
  char *image, *reason; /* owned */
};

/* Writes FAILURES (count, which may be 0) as /failed of FILE, which PATH names.  */
int failures_write (const struct failure *failures, size_t count, hid_t file, const char *path);

/* The COUNT failures of FILE; *FAILURES (count) to be freed by failures_free.  */
int failures_read (struct failure **failures, size_t count, hid_t file, const char *path);
void failures_free (struct failure *failures, size_t count);

#endif

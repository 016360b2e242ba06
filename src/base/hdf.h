/* What the HDF5 interface lacks: the cause of a failure as one of our messages, and attributes in one call.

   HDF5 ids are -1 where invalid.  HDF5's own printing of errors is switched off by main.  */
#ifndef SLABFIT_HDF_H
#define SLABFIT_HDF_H

#include "text.h"

#include <hdf5.h>
#include <stdint.h>

/* After a failed HDF5 call and before the next one: "cannot WHAT 'FILE': cause; remedy", the cause being the system's
   (no space, no permission) where there is one.  Where there is none, hdf_read_failed says that FILE is cut short or
   damaged, hdf_write_failed what HDF5 said.  Always returns -1.  */
int hdf_read_failed (const char *what, const char *file);
int hdf_write_failed (const char *what, const char *file);

/* Whether the last HDF5 call failed because the file is none of HDF5's; whether it was a lock.  */
bool hdf_failed_as_foreign (void);
bool hdf_failed_as_locked (void);

/* Access properties for reading, or for writing files that HDF5 1.10 and later read; neither needs locks.  -1 with no
   error set.  Closed by the caller, as the types below.  */
hid_t hdf_file_access (bool writing);

/* Strings of BYTES bytes (at least 1) in UTF-8, padded with zeros; with ENDED they end with a 0 as C's do.  */
hid_t hdf_text_type (size_t bytes, bool ended);

/* Attributes of OBJECT in FILE.  A list of one has the shape (1), a single value is a scalar;
   a list of none is not written.  */
int hdf_write_text (hid_t object, const char *name, const char *text, const char *file);
int hdf_write_names (hid_t object, const char *name, const struct names *names, const char *file);
int hdf_write_integer (hid_t object, const char *name, hid_t type, int64_t value, const char *file);
int hdf_write_integers (hid_t object, const char *name, const int64_t *values, size_t count, const char *file);

/* The reverse.  An absent attribute leaves an empty text, an empty list, a 0 or *COUNT = 0; one that is no text or
   number, or has more than ROOM bytes (with the final 0) or values, is an error.  *TEXT is to be freed by the
   caller, and is NULL where the attribute is absent.  */
int hdf_read_text (hid_t object, const char *name, char *text, size_t room, const char *file);
int hdf_read_text_new (hid_t object, const char *name, char **text, const char *file);
int hdf_read_names (hid_t object, const char *name, struct names *names, const char *file);
int hdf_read_integer (hid_t object, const char *name, int64_t *value, const char *file);
int hdf_read_integers (hid_t object, const char *name, int64_t *values, size_t room, size_t *count, const char *file);

/* Makes the dataset NAME of the shape SIZE (rank, 1 or 2) in chunks that have checksums, so that damage shows on
   reading.  -1 with no error set.  */
hid_t hdf_create_dataset (hid_t object, const char *name, hid_t type, int rank, const hsize_t *size);

/* Writes what belongs into the new FILE, which is to be PATH.  -1 with the error set.  */
typedef int hdf_fill (hid_t file, const void *context, const char *path);

/* Makes PATH, filled by FILL, whole or not at all.  Replaces a file of that name.  */
int hdf_write_whole (const char *path, hdf_fill *fill, const void *context);

/* Whole datasets of OBJECT in FILE.  hdf_write_dataset makes NAME likewise; hdf_read_shape fails where it
   has another rank.  */
int hdf_write_dataset (hid_t object, const char *name, hid_t type, int rank, const hsize_t *size, const void *values,
                       const char *file);
int hdf_read_shape (hid_t object, const char *name, int rank, hsize_t *size, const char *file);
int hdf_read_dataset (hid_t object, const char *name, hid_t type, void *values, const char *file);

#endif

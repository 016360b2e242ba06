/* Files that are written whole or not at all, folders, and checksums.  */
#ifndef SLABFIT_FILE_H
#define SLABFIT_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { FILE_SHA256_BYTES = 65 }; /* 64 hexadecimal digits and the final 0 */

/* "DIRECTORY/NAME" (NAME alone where DIRECTORY is ""), to be freed by the caller; NULL with the error set.  */
char *file_path (const char *directory, const char *name);

bool file_exists (const char *path);
bool file_is_directory (const char *path);

/* Makes PATH and the folders above it where they are missing.  */
int file_make_directories (const char *path);

/* The name under which PATH is written until it is whole: in the same folder, with this host and process in it and a
   number, so that two writers never meet.  To be freed by the caller; NULL with the error set.  */
char *file_temporary (const char *path);

/* Makes the closed file TEMPORARY durable and gives it its final name PATH: fsync, rename, fsync of the folder.
   Replaces a file of that name.  On failure TEMPORARY is removed and PATH is untouched.  */
int file_commit (const char *temporary, const char *path);

/* Writes all LENGTH bytes of DATA as PATH, by way of a temporary file.  */
int file_write (const char *path, const void *data, size_t length);

/* The whole of PATH, to be freed by the caller, with a 0 after its *LENGTH bytes; NULL with the error set, also where
   it has more than LIMIT bytes.  */
void *file_read (const char *path, size_t limit, size_t *length);

/* SHA-256 of bytes that are added piece by piece.  What fails on the way shows at the end.  */
struct digest {
  void *context; /* OpenSSL's, owned; NULL after a failure and after the end */
};

struct digest digest_begin (void);
void digest_add (struct digest *digest, const void *data, size_t length);
int digest_end (struct digest *digest, char sha256[FILE_SHA256_BYTES]); /* in hexadecimal */
void digest_discard (struct digest *digest);                            /* instead of digest_end */

/* SHA-256 in hexadecimal of a file's bytes.  */
int file_sha256 (const char *path, char sha256[FILE_SHA256_BYTES]);

#endif

/* How features were made: what must agree before files are put together, trained on, or used with a model.  */
#ifndef SLABFIT_PROVENANCE_H
#define SLABFIT_PROVENANCE_H

#include "../base/file.h"
#include "../base/text.h"

#include <hdf5.h>
#include <stdint.h>

enum { PROVENANCE_RANK = 4, PROVENANCE_TEXT_BYTES = 1024 };

struct provenance {
  int rank;                       /* of feature_shape; 0 for a file that is not ours */
  int64_t shape[PROVENANCE_RANK]; /* feature_shape: (7, 7, 2048), flattened in that order */
  char backbone_sha256[FILE_SHA256_BYTES];
  char layer[64];                         /* "output" */
  char pool[8];                           /* "none", "avg", "max" */
  char preprocess[PROVENANCE_TEXT_BYTES]; /* the specification as parsed: "keras" or the keys */
  bool exif;                              /* whether EXIF orientation was honoured */
  char precision[8];                      /* of the network: "f32" */
};

/* How one file was made, beyond what must agree with others.  */
struct origin {
  uint64_t seed;
  char manifest_sha256[FILE_SHA256_BYTES];
  char version[32];     /* of slabfit */
  char *command;        /* the command line; owned; may be NULL */
  uint64_t images;      /* in the manifest of the split: rows and failures of all its parts */
  uint64_t part, parts; /* this is number PART of PARTS; PARTS is 0 in a merged file */
};

/* Writes as attributes of OBJECT, or reads from it (absent attributes leave zeros and empty strings, so that files of
   other programs can be read).  FILE names the file in messages.  */
int provenance_write (const struct provenance *provenance, hid_t object, const char *file);
int provenance_read (struct provenance *provenance, hid_t object, const char *file);
int origin_write (const struct origin *origin, hid_t object, const char *file);
int origin_read (struct origin *origin, hid_t object, const char *file);
void origin_free (struct origin *origin);

/* Fails naming the first thing in which A (from FILE_A) and B (from FILE_B) differ and both values, as in
   "preprocess is 'keras' in 'a.h5' and 'torchvision' in 'b.h5'; REMEDY".  FILE_B may be NULL: this command.  A file
   without provenance (rank 0) agrees with any.  */
int provenance_compare (const struct provenance *a, const char *file_a, const struct provenance *b, const char *file_b,
                        const char *remedy);

/* FILE in quotes as TEXT, for messages; "this command" where it is NULL.  Returns TEXT.  */
enum { PROVENANCE_NAME_BYTES = 1024 };
const char *provenance_quote (const char *file, char text[PROVENANCE_NAME_BYTES]);

#endif

/* What a feature file holds, except its rows.  */
#ifndef SLABFIT_FEATINFO_H
#define SLABFIT_FEATINFO_H

#include "provenance.h"

#include <stdbool.h>

enum { FEATFILE_VERSION = 1 };

/* Where the features and the labels lie in the file of another program: the names of datasets, "/" in front or not.
   NULL stands for /features and /labels.  */
struct featnames {
  const char *features, *labels; /* borrowed */
};

struct featinfo {
  uint64_t rows, columns;             /* n, d */
  bool half;                          /* float16, else float32 */
  uint64_t chunk_rows, chunk_columns; /* a tile; (0, 0) where not chunked */
  bool tiled;                         /* the chunks are what tile.h decodes; set on reading */
  bool plain;                         /* tiled, and none is shuffled: deflate is the only filter; set on reading */
  int compress;                       /* deflate level, -1 where unknown or none */
  size_t path_bytes;                  /* length of the /images strings; 0 where there are none */
  bool digests;                       /* there is /digests */
  struct names classes;               /* numbers as names where the file has none */
  bool unlabelled;                    /* its images had no classes: there is no /labels, and classes is empty */
  struct provenance provenance;
  struct origin origin;
  uint64_t failed; /* m */
};

/* TO is overwritten, not freed.  */
int featinfo_copy (struct featinfo *to, const struct featinfo *from);
void featinfo_free (struct featinfo *info);

/* Sets chunk_rows and chunk_columns for rows of COLUMNS values: tiles of 0.5 MB or less, whatever the number of rows,
   so that all parts of a split have the same.  */
void featinfo_choose_tile (struct featinfo *info);

/* How many rows of values, of BYTES as float32 in all or a single row, to read at a time: whole rows of chunks where
   one fits, so that each is inflated once, and no more rows than there are.  */
uint64_t featinfo_block_rows (const struct featinfo *info, size_t bytes);

/* How many tiles one row of tiles has, and one column of them.  */
uint64_t featinfo_tile_columns (const struct featinfo *info);
uint64_t featinfo_tile_rows (const struct featinfo *info);

/* Fails naming the first thing in which A (of FILE_A) and B (of FILE_B) differ of provenance, manifest, seed, classes,
   columns and datatype, and ends with REMEDY.  FILE_B may be NULL: this command.  */
int featinfo_compare (const struct featinfo *a, const char *file_a, const struct featinfo *b, const char *file_b,
                      const char *remedy);

/* The datatype of /features in the file: H5T_IEEE_F32LE, or IEEE half precision, which HDF5 1.10 has no name for.
   To be closed by H5Tclose; -1 with no error set.  */
hid_t featinfo_value_type (bool half);

/* Reads everything but classes (read where the file names them) from the open HDF5 FILE that PATH names, with its
   datasets NAMES, and checks it.  On failure INFO needs no freeing.  */
int featinfo_read (struct featinfo *info, hid_t file, const struct featnames *names, const char *path);

/* The dataset of features NAME of FILE, opened with ACCESS; -1 with the error set.  */
hid_t featinfo_open_features (hid_t file, const char *name, hid_t access, const char *path);

/* *VERSION = the attribute format_version, 0 where there is none; fails for a later one than this program reads
   (*VERSION is set all the same).  */
int featinfo_read_version (hid_t file, const char *path, int64_t *version);

#endif

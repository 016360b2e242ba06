/* The feature file, format version 1: one HDF5 file for a split (doc/format.md is the contract).

     /features (n, d)  float32 or float16, tiles of chunk_rows x chunk_columns, shuffle + deflate
     /labels   (n)     HDF5 enum over int32 whose names are the classes (plain int32 where they are too many for one);
                       absent where the images had no classes
     /images   (n)     fixed-length UTF-8 paths relative to the dataset
     /digests  (n)     unsigned 64-bit, of the images' contents; absent in files of earlier versions and of others
     /failed   (m)     compound {image, reason}: what could not be read
     attributes of /   format_version, classes, and those of provenance.h

   The files of other programs read too, by names of their own: features of any rank from 2 on, layout and stock filter,
   labels of integers, an enum or text.
   All HDF5 calls of a process come from one thread at a time.  */
#ifndef SLABFIT_FEATFILE_H
#define SLABFIT_FEATFILE_H

#include "failures.h"
#include "featinfo.h"
#include "tile.h"

/* Reading.  */
struct featfile;

/* Opens for reading only, also where locks are not to be had.  Checks version, shapes, datatypes and that the file is
   whole; NULL with the error set.  */
struct featfile *featfile_open (const char *path);

/* The same for datasets of other names.  */
struct featfile *featfile_open_named (const char *path, const struct featnames *names);
void featfile_close (struct featfile *file);
const struct featinfo *featfile_info (const struct featfile *file); /* borrowed until featfile_close */
const char *featfile_path (const struct featfile *file);            /* likewise */

/* Fails where the file has no labels, for who cannot do without.  */
int featfile_need_labels (const struct featfile *file);

const char *featfile_features_name (const struct featfile *file); /* "/features"; likewise */
const char *featfile_labels_name (const struct featfile *file);

/* The HDF5 dataset of the features, borrowed until featfile_close, for what this interface lacks.  */
hid_t featfile_dataset (const struct featfile *file);

/* The tile (TILE_ROW, TILE_COLUMN), counted in tiles, as it is in a file whose featinfo.tiled is set, into CHUNK, which
   tile_decode takes.  */
int featfile_read_tile (struct featfile *file, uint64_t tile_row, uint64_t tile_column, struct chunk *chunk);

struct workers;

/* Lets the file's reader inflate by WORKERS (borrowed until featfile_close) from now on; files that are not in tiles of
   ours go on through HDF5 alone.  */
int featfile_use_workers (struct featfile *file, struct workers *workers);

/* VALUES (rows, columns) = /features[row : row + rows, column : column + columns] as float32.  A value that is not
   finite is an error that names its row and column.  */
int featfile_read (struct featfile *file, uint64_t row, uint64_t rows, uint64_t column, uint64_t columns,
                   float *values);

/* LABELS (rows); an error names the first that is not a class.  All are -1 where featinfo.unlabelled is set.  */
int featfile_read_labels (struct featfile *file, uint64_t row, uint64_t rows, int32_t *labels);

/* PATHS (rows, path_bytes + 1), each ending with 0; nothing where the file has none (path_bytes is 0).  */
int featfile_read_images (struct featfile *file, uint64_t row, uint64_t rows, char *paths);

/* DIGESTS (rows) of the images' contents (duplicates.h), 0 where none is known.  */
int featfile_read_digests (struct featfile *file, uint64_t row, uint64_t rows, uint64_t *digests);

/* The m failures; *FAILURES (m) to be freed by failures_free.  */
int featfile_read_failures (struct featfile *file, struct failure **failures, size_t *count);

#endif

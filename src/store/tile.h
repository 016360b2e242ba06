/* A tile: one HDF5 chunk of /features, as it is in memory (rows x columns of float32) and as it is in the file (float32
   or float16, byte-shuffled, in a zlib stream: HDF5's filters 2 and 1).

   Features after ReLU are mostly zeros, and then whole numbers deflate better and faster than shuffled bytes: a run of
   zeros is one match instead of one in each plane of bytes.  Such a tile is stored with HDF5's filter mask saying that
   shuffle was left out, which every reader of the HDF5 library honours.  */
#ifndef SLABFIT_TILE_H
#define SLABFIT_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A tile as it is in the file.  */
struct chunk {
  unsigned char *data; /* (room) */
  size_t room, length;
  uint32_t filter_mask; /* HDF5's: bit i says that the i-th filter was left out; bit 0 is shuffle */
};

/* Room for ROOM bytes, to be freed by chunk_free.  */
int chunk_new (struct chunk *chunk, size_t room);
void chunk_free (struct chunk *chunk);

/* The masks that tile_decode knows.  */
enum { CHUNK_SHUFFLED = 0, CHUNK_PLAIN = 1 };

struct tile_codec; /* scratch space, a compressor and a decompressor; one for each thread */

enum { TILE_DECODE_ONLY = -1 };

/* For tiles of ROWS x COLUMNS; LEVEL 0 to 12 as libdeflate counts, or TILE_DECODE_ONLY.  NULL with the error set.  */
struct tile_codec *tile_codec_new (uint64_t rows, uint64_t columns, bool half, int level);
void tile_codec_free (struct tile_codec *codec);

/* The most bytes that an encoded tile can have.  */
size_t tile_bound (const struct tile_codec *codec);

/* Encodes VALUES (rows, columns), whose rows are STRIDE floats apart, into CHUNK (room for tile_bound); only the first
   ROWS rows and COLUMNS columns are given, the rest of the tile becomes zeros.  Bytes are shuffled unless zeros prevail
   among the values.  A float16 that overflows is the largest finite one.  -1 with the error set where compression
   fails.  */
int tile_encode (struct tile_codec *codec, const float *values, uint64_t stride, uint64_t rows, uint64_t columns,
                 struct chunk *chunk);

/* A part of a tile: ROWS rows from ROW on, COLUMNS columns from COLUMN on.  */
struct window {
  uint64_t row, rows, column, columns;
};

/* The reverse: VALUES (rows, columns), rows STRIDE floats apart, are WINDOW's of the tile in CHUNK.  -1 where CHUNK is
   not a whole tile (the error is a reason without the file's name).  */
int tile_decode (struct tile_codec *codec, const struct chunk *chunk, const struct window *window, float *values,
                 uint64_t stride);

#endif

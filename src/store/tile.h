/* A tile: one HDF5 chunk of /features, as it is in memory (rows x columns of float32) and as it is in the file
   (float32 or float16, byte-shuffled, in a zlib stream: HDF5's filters 2 and 1).  */
#ifndef SLABFIT_TILE_H
#define SLABFIT_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tile_codec; /* scratch space and a compressor; one for each thread */

/* For tiles of ROWS x COLUMNS; LEVEL 0 to 12 as libdeflate counts.  NULL with the error set.  */
struct tile_codec *tile_codec_new (uint64_t rows, uint64_t columns, bool half, int level);
void tile_codec_free (struct tile_codec *codec);

/* The most bytes that an encoded tile can have.  */
size_t tile_bound (const struct tile_codec *codec);

/* Encodes VALUES (rows, columns), whose rows are STRIDE floats apart, into DATA (tile_bound); only the first ROWS
   rows and COLUMNS columns are given, the rest of the tile becomes zeros.  Returns the encoded length.  A float16
   that overflows is the largest finite one. 0 with the error set where compression fails.  */
size_t tile_encode (struct tile_codec *codec, const float *values, uint64_t stride, uint64_t rows, uint64_t columns,
                    void *data);

/* The reverse: VALUES (rows, columns), rows STRIDE floats apart, from DATA (length), the first ROWS rows and COLUMNS
   columns of the tile.  -1 where DATA is not a whole tile (the error is a reason without the file's name).  */
int tile_decode (struct tile_codec *codec, const void *data, size_t length, float *values, uint64_t stride,
                 uint64_t rows, uint64_t columns);

#endif

#include <config.h>

#include "tile.h"

#include "../base/error.h"
#include "../base/half.h"
#include "../base/memory.h"
#include "../base/vectorised.h"
#include "sparse.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

struct tile_codec {
  uint64_t rows, columns;
  size_t size;          /* of an element in the file: 4 or 2 */
  size_t plane;         /* elements of a tile, bytes of each shuffled plane */
  unsigned char *bytes; /* (size, plane) shuffled, or (plane, size) plain: the tile before it is deflated */
  uint16_t *halves;     /* (columns) a row on its way; NULL for float32 */
  int level;
  struct libdeflate_compressor *compressor; /* NULL where nothing is to be encoded, as the next */
  struct sparse_encoder *sparse;
  struct libdeflate_decompressor *decompressor;
};

/* A fixed number of elements, so that compilers vectorise the inner loops.  */
enum { LANES = 32 };

/* HDF5's shuffle filter puts byte j of element i at [j][i]; the file is little-endian.  */
VECTORISED static void
shuffle_floats (unsigned char *to, size_t plane, const float *from, size_t count)
{
  unsigned char *restrict byte0 = to, *restrict byte1 = to + plane, *restrict byte2 = to + 2 * plane,
                          *restrict byte3 = to + 3 * plane;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    {
      uint32_t bits[LANES];
      memcpy (bits, from + i, sizeof bits);
      for (int k = 0; k < LANES; k++)
        byte0[i + (size_t) k] = (unsigned char) bits[k];
      for (int k = 0; k < LANES; k++)
        byte1[i + (size_t) k] = (unsigned char) (bits[k] >> 8);
      for (int k = 0; k < LANES; k++)
        byte2[i + (size_t) k] = (unsigned char) (bits[k] >> 16);
      for (int k = 0; k < LANES; k++)
        byte3[i + (size_t) k] = (unsigned char) (bits[k] >> 24);
    }
  for (; i < count; i++)
    {
      uint32_t bits;
      memcpy (&bits, from + i, sizeof bits);
      byte0[i] = (unsigned char) bits;
      byte1[i] = (unsigned char) (bits >> 8);
      byte2[i] = (unsigned char) (bits >> 16);
      byte3[i] = (unsigned char) (bits >> 24);
    }
}

VECTORISED static void
unshuffle_floats (float *to, const unsigned char *from, size_t plane, size_t count)
{
  const unsigned char *byte0 = from, *byte1 = from + plane, *byte2 = from + 2 * plane, *byte3 = from + 3 * plane;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    {
      uint32_t bits[LANES];
      for (int k = 0; k < LANES; k++)
        bits[k] = (uint32_t) byte0[i + (size_t) k] | (uint32_t) byte1[i + (size_t) k] << 8
                  | (uint32_t) byte2[i + (size_t) k] << 16 | (uint32_t) byte3[i + (size_t) k] << 24;
      memcpy (to + i, bits, sizeof bits);
    }
  for (; i < count; i++)
    {
      uint32_t bits =
        (uint32_t) byte0[i] | (uint32_t) byte1[i] << 8 | (uint32_t) byte2[i] << 16 | (uint32_t) byte3[i] << 24;
      memcpy (to + i, &bits, sizeof bits);
    }
}

VECTORISED static void
shuffle_halves (unsigned char *to, size_t plane, const uint16_t *from, size_t count)
{
  unsigned char *restrict low = to, *restrict high = to + plane;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (size_t k = i; k < i + LANES; k++)
      {
        low[k] = (unsigned char) from[k];
        high[k] = (unsigned char) (from[k] >> 8);
      }
  for (; i < count; i++)
    {
      low[i] = (unsigned char) from[i];
      high[i] = (unsigned char) (from[i] >> 8);
    }
}

VECTORISED static void
unshuffle_halves (uint16_t *restrict to, const unsigned char *from, size_t plane, size_t count)
{
  const unsigned char *low = from, *high = from + plane;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (size_t k = i; k < i + LANES; k++)
      to[k] = (uint16_t) (low[k] | high[k] << 8);
  for (; i < count; i++)
    to[i] = (uint16_t) (low[i] | high[i] << 8);
}

int
chunk_new (struct chunk *chunk, size_t room)
{
  *chunk = (struct chunk){ .data = memory_new (room, 1), .room = room };
  return chunk->data ? 0 : -1;
}

void
chunk_free (struct chunk *chunk)
{
  memory_free (chunk->data);
  *chunk = (struct chunk){ 0 };
}

static int
prepare_encoding (struct tile_codec *codec)
{
  codec->compressor = libdeflate_alloc_compressor (codec->level);
  if (!codec->compressor)
    return error_set ("libdeflate cannot begin with level %d; choose a level from 0 to 12, or give the job more memory",
                      codec->level);
  codec->sparse = sparse_new (codec->plane, codec->size);
  return codec->sparse ? 0 : -1;
}

struct tile_codec *
tile_codec_new (uint64_t rows, uint64_t columns, bool half, int level)
{
  size_t plane, bytes, size = half ? sizeof (uint16_t) : sizeof (float);
  if (memory_multiply (rows, columns, "a tile's size", &plane)
      || memory_multiply (plane, size, "a tile's size", &bytes))
    return NULL;
  struct tile_codec *codec = calloc (1, sizeof *codec);
  if (!codec)
    {
      error_set ("no memory left to compress with; give the job more memory");
      return NULL;
    }
  *codec = (struct tile_codec){ .rows = rows, .columns = columns, .size = size, .plane = plane, .level = level };
  codec->decompressor = libdeflate_alloc_decompressor ();
  if (!codec->decompressor)
    error_set ("no memory left to inflate with; give the job more memory");
  else if ((codec->bytes = memory_new (bytes, 1))
           && (!half || (codec->halves = memory_new (columns, sizeof (uint16_t))))
           && (level == TILE_DECODE_ONLY || prepare_encoding (codec) == 0))
    return codec;
  tile_codec_free (codec);
  return NULL;
}

void
tile_codec_free (struct tile_codec *codec)
{
  if (!codec)
    return;
  libdeflate_free_compressor (codec->compressor);
  libdeflate_free_decompressor (codec->decompressor);
  sparse_free (codec->sparse);
  memory_free (codec->halves);
  memory_free (codec->bytes);
  free (codec);
}

size_t
tile_bound (const struct tile_codec *codec)
{
  return libdeflate_zlib_compress_bound (NULL, codec->plane * codec->size); /* at any level */
}

VECTORISED static uint32_t
count_zeros (const float *values, uint64_t count)
{
  uint32_t found = 0;
  for (uint64_t i = 0; i < count; i++)
    found += values[i] == 0.0f;
  return found;
}

/* Whether so many of VALUES are zeros that plain numbers deflate better than shuffled bytes.  Measured on features
   after ReLU and on rectified normal numbers, the sizes cross at 27 % of zeros.  */
static bool
zeros_prevail (const float *values, uint64_t stride, uint64_t rows, uint64_t columns)
{
  uint64_t zeros = 0;
  for (uint64_t row = 0; row < rows; row++)
    zeros += count_zeros (values + row * stride, columns);
  return zeros * 10 >= rows * columns * 3;
}

/* Zeros for the part of the shuffled tile that has no values: columns at the right, rows below.  */
static void
clear_planes (struct tile_codec *codec, uint64_t rows, uint64_t columns)
{
  for (size_t byte = 0; byte < codec->size; byte++)
    {
      unsigned char *plane = codec->bytes + byte * codec->plane;
      for (uint64_t row = 0; row < rows && columns < codec->columns; row++)
        memset (plane + row * codec->columns + columns, 0, codec->columns - columns);
      memset (plane + rows * codec->columns, 0, (codec->rows - rows) * codec->columns);
    }
}

static void
fill_shuffled (struct tile_codec *codec, const float *values, uint64_t stride, uint64_t rows, uint64_t columns)
{
  for (uint64_t row = 0; row < rows; row++)
    {
      unsigned char *to = codec->bytes + row * codec->columns;
      const float *from = values + row * stride;
      if (!codec->halves)
        {
          shuffle_floats (to, codec->plane, from, columns);
          continue;
        }
      half_from_float (codec->halves, from, columns);
      shuffle_halves (to, codec->plane, codec->halves, columns);
    }
  clear_planes (codec, rows, columns);
}

static void
fill_plain (struct tile_codec *codec, const float *values, uint64_t stride, uint64_t rows, uint64_t columns)
{
  size_t width = codec->columns * codec->size, given = columns * codec->size;
  for (uint64_t row = 0; row < rows; row++)
    {
      unsigned char *to = codec->bytes + row * width;
      if (codec->halves)
        half_from_float ((uint16_t *) (void *) to, values + row * stride, columns);
      else
        memcpy (to, values + row * stride, given);
      memset (to + given, 0, width - given);
    }
  memset (codec->bytes + rows * width, 0, (codec->rows - rows) * width);
}

static size_t
deflate_bytes (struct tile_codec *codec, struct chunk *chunk)
{
  return libdeflate_zlib_compress (codec->compressor, codec->bytes, codec->plane * codec->size, chunk->data,
                                   chunk->room);
}

/* The sparse encoder is many times faster, and libdeflate's higher levels are smaller at times.  */
static size_t
deflate_plain (struct tile_codec *codec, struct chunk *chunk)
{
  size_t length = codec->level == 1 ? sparse_encode (codec->sparse, codec->bytes, chunk->data, chunk->room) : 0;
  if (length > 0)
    return length;
  length = deflate_bytes (codec, chunk);
  size_t shorter = codec->level > 1 ? sparse_encode (codec->sparse, codec->bytes, chunk->data, length) : 0;
  return shorter > 0 ? shorter : length;
}

int
tile_encode (struct tile_codec *codec, const float *values, uint64_t stride, uint64_t rows, uint64_t columns,
             struct chunk *chunk)
{
  bool plain = zeros_prevail (values, stride, rows, columns);
  (plain ? fill_plain : fill_shuffled) (codec, values, stride, rows, columns);
  chunk->filter_mask = plain ? CHUNK_PLAIN : CHUNK_SHUFFLED;
  chunk->length = (plain ? deflate_plain : deflate_bytes) (codec, chunk);
  return chunk->length ? 0
                       : error_set ("libdeflate could not compress a tile of %zu bytes; give the job more memory",
                                    codec->plane * codec->size);
}

static int
inflate_tile (struct tile_codec *codec, const struct chunk *chunk, unsigned char *bytes)
{
  size_t expected = codec->plane * codec->size;
  switch (libdeflate_zlib_decompress (codec->decompressor, chunk->data, chunk->length, bytes, expected, NULL))
    {
    case LIBDEFLATE_SUCCESS:
      return 0;
    case LIBDEFLATE_SHORT_OUTPUT:
      return error_set ("inflates to fewer than the %zu bytes of a tile", expected);
    default: /* damage is told from too much only by chance */
      return error_set ("is damaged or inflates to more than the %zu bytes of a tile", expected);
    }
}

/* VALUES (COLUMNS) from the inflated tile, from its element number FIRST on.  */
static void
take_shuffled (struct tile_codec *codec, uint64_t first, uint64_t columns, float *values)
{
  if (!codec->halves)
    {
      unshuffle_floats (values, codec->bytes + first, codec->plane, columns);
      return;
    }
  unshuffle_halves (codec->halves, codec->bytes + first, codec->plane, columns);
  half_to_float (values, codec->halves, columns);
}

static void
take_plain (struct tile_codec *codec, uint64_t first, uint64_t columns, float *values)
{
  const unsigned char *from = codec->bytes + first * codec->size;
  if (codec->halves)
    half_to_float (values, (const uint16_t *) (const void *) from, columns);
  else
    memcpy (values, from, columns * sizeof *values);
}

/* Whether the inflated tile is what is asked for, as it is.  */
static bool
is_whole (const struct tile_codec *codec, const struct chunk *chunk, const struct window *window, uint64_t stride)
{
  return chunk->filter_mask == CHUNK_PLAIN && !codec->halves && window->rows == codec->rows
         && window->columns == codec->columns && stride == codec->columns;
}

int
tile_decode (struct tile_codec *codec, const struct chunk *chunk, const struct window *window, float *values,
             uint64_t stride)
{
  if (chunk->filter_mask != CHUNK_SHUFFLED && chunk->filter_mask != CHUNK_PLAIN)
    return error_set ("is stored without the deflate filter (filter mask %u)", (unsigned) chunk->filter_mask);
  if (is_whole (codec, chunk, window, stride))
    return inflate_tile (codec, chunk, (unsigned char *) values);
  if (inflate_tile (codec, chunk, codec->bytes))
    return -1;
  for (uint64_t row = 0; row < window->rows; row++)
    {
      uint64_t first = (window->row + row) * codec->columns + window->column;
      (chunk->filter_mask == CHUNK_PLAIN ? take_plain : take_shuffled) (codec, first, window->columns,
                                                                        values + row * stride);
    }
  return 0;
}

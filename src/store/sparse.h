/* A deflate encoder for numbers most of which are zeros: a tile of features after ReLU.

   In such a tile the only repetition is zeros, so nothing is searched for: each run of zeros becomes a literal 0 and
   matches at distance 1, each other number its bytes as literals, all under one Huffman code made for the tile.  The
   stream is an ordinary zlib stream (RFC 1950, 1951).  doc/decisions/0008-sparse-deflate.md compares it with
   libraries.  */
#ifndef SLABFIT_SPARSE_H
#define SLABFIT_SPARSE_H

#include <stddef.h>

struct sparse_encoder; /* scratch space; one for each thread */

/* For COUNT numbers of SIZE bytes each (2 or 4).  NULL with the error set.  */
struct sparse_encoder *sparse_new (size_t count, size_t size);
void sparse_free (struct sparse_encoder *encoder); /* NULL is allowed */

/* Encodes NUMBERS (count, size) into STREAM.  Returns its length in bytes, or 0 where it would be longer than ROOM.  */
size_t sparse_encode (struct sparse_encoder *encoder, const unsigned char *numbers, unsigned char *stream, size_t room);

#endif

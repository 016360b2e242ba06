#include <config.h>

#include "sparse.h"

#include "../base/memory.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* RFC 1951: symbols 0 to 255 are bytes, 256 ends the block, 257 to 285 are lengths of matches.  */
enum {
  END = 256,
  SYMBOLS = 286,
  MATCH_LEAST = 3,
  MATCH_MOST = 258,
  CODE_BITS_MOST = 14, /* of the 15 allowed, so that four codes and 7 bits fit in 64 */
  DISTANCES = 5,       /* codes of which the first and the last occur in the header */
  BLOCK_HEADER_BITS = 3 + 5 + 5 + 4 + 19 * 3 + (SYMBOLS + DISTANCES) * 4,
  ZLIB_BYTES = 2 + 4, /* around the block: the header, and the checksum */
  FLUSH_BYTES = 8,    /* written at a time, so that the stream needs as much room at its end */
};

struct code {
  uint32_t bits; /* the first to be written lowest */
  uint32_t length;
};

struct sparse_encoder {
  size_t count, size;
  uint32_t *place; /* (count) of the numbers that are not 0 */
  size_t places;
  uint32_t matches[MATCH_MOST + 1]; /* how many of each length */
  uint32_t frequency[SYMBOLS];
  struct code symbol[SYMBOLS];
  struct code match[MATCH_MOST + 1]; /* length symbol, its extra bits and the distance, together */
};

struct sparse_encoder *
sparse_new (size_t count, size_t size)
{
  struct sparse_encoder *encoder = memory_new (1, sizeof *encoder);
  if (!encoder)
    return NULL;
  encoder->count = count;
  encoder->size = size;
  encoder->place = memory_new (count, sizeof *encoder->place);
  if (encoder->place)
    return encoder;
  sparse_free (encoder);
  return NULL;
}

void
sparse_free (struct sparse_encoder *encoder)
{
  if (!encoder)
    return;
  memory_free (encoder->place);
  memory_free (encoder);
}

/* The symbol of matches of LENGTH bytes, and the number of its extra bits and their value.  */
static uint32_t
length_symbol (uint32_t length, uint32_t *extra_bits, uint32_t *extra)
{
  uint32_t offset = length - MATCH_LEAST, group = 0;
  *extra_bits = *extra = 0;
  if (length == MATCH_MOST)
    return SYMBOLS - 1;
  if (offset < 8)
    return END + 1 + offset;
  while (offset >> (group + 3))
    group++;
  *extra_bits = group; /* lengths come in groups of four symbols, each as wide as this many bits tell */
  *extra = offset & ((1U << group) - 1);
  return END + 1 + 4 * group + (offset >> group);
}

/* Lists the numbers that are not 0, without a branch on what cannot be foretold.  */
static void
find_places (struct sparse_encoder *encoder, const unsigned char *numbers)
{
  uint32_t *place = encoder->place;
  size_t found = 0;
  if (encoder->size == sizeof (uint32_t))
    for (size_t i = 0; i < encoder->count; i++)
      {
        uint32_t number;
        memcpy (&number, numbers + i * sizeof number, sizeof number);
        place[found] = (uint32_t) i;
        found += number != 0;
      }
  else
    for (size_t i = 0; i < encoder->count; i++)
      {
        uint16_t number;
        memcpy (&number, numbers + i * sizeof number, sizeof number);
        place[found] = (uint32_t) i;
        found += number != 0;
      }
  encoder->places = found;
}

/* A run of BYTES zeros is a literal 0, matches, and literals again for one or two that are left over.  */
static void
count_run (struct sparse_encoder *encoder, size_t bytes)
{
  size_t left = bytes - 1;
  encoder->matches[MATCH_MOST] += (uint32_t) (left / MATCH_MOST);
  left %= MATCH_MOST;
  if (left < MATCH_LEAST)
    encoder->frequency[0] += 1 + (uint32_t) left;
  else
    {
      encoder->matches[left]++;
      encoder->frequency[0]++;
    }
}

static void
count_symbols (struct sparse_encoder *encoder, const unsigned char *numbers)
{
  size_t size = encoder->size, next = 0;
  memset (encoder->matches, 0, sizeof encoder->matches);
  memset (encoder->frequency, 0, sizeof encoder->frequency);
  for (size_t i = 0; i < encoder->places; i++)
    {
      const unsigned char *number = numbers + encoder->place[i] * size;
      if (encoder->place[i] > next)
        count_run (encoder, (encoder->place[i] - next) * size);
      for (size_t k = 0; k < size; k++)
        encoder->frequency[number[k]]++;
      next = encoder->place[i] + 1;
    }
  if (next < encoder->count)
    count_run (encoder, (encoder->count - next) * size);
  for (uint32_t length = MATCH_LEAST, bits, extra; length <= MATCH_MOST; length++)
    encoder->frequency[length_symbol (length, &bits, &extra)] += encoder->matches[length];
  encoder->frequency[END] = 1;
}

struct leaf {
  uint32_t frequency, symbol;
};

static int
compare_leaves (const void *a, const void *b)
{
  const struct leaf *left = a, *right = b;
  if (left->frequency != right->frequency)
    return left->frequency < right->frequency ? -1 : 1;
  return left->symbol < right->symbol ? -1 : 1;
}

/* How many leaves LEAF (COUNT >= 2, rarest first) has at each depth of its Huffman tree: NUMBER (CODE_BITS_MOST + 1),
   in which the deeper ones count as the deepest.  Both queues of the classical algorithm, leaves and inner nodes, are
   in ascending order, so that the two rarest stand at their heads.  */
static void
count_depths (const struct leaf *leaf, size_t count, uint32_t *number)
{
  uint64_t weight[SYMBOLS]; /* of inner nodes, of which the last is the root */
  size_t inner_parent[SYMBOLS], leaf_parent[SYMBOLS], next_leaf = 0, next_inner = 0;
  uint32_t depth[SYMBOLS];
  for (size_t node = 0; node + 1 < count; node++)
    {
      weight[node] = 0;
      for (int child = 0; child < 2; child++)
        if (next_inner == node || (next_leaf < count && leaf[next_leaf].frequency <= weight[next_inner]))
          {
            weight[node] += leaf[next_leaf].frequency;
            leaf_parent[next_leaf++] = node;
          }
        else
          {
            weight[node] += weight[next_inner];
            inner_parent[next_inner++] = node;
          }
    }
  depth[count - 2] = 0;
  for (size_t node = count - 2; node-- > 0;)
    depth[node] = depth[inner_parent[node]] + 1;
  memset (number, 0, (CODE_BITS_MOST + 1) * sizeof *number);
  for (size_t i = 0; i < count; i++)
    {
      uint32_t length = depth[leaf_parent[i]] + 1;
      number[length < CODE_BITS_MOST ? length : CODE_BITS_MOST]++;
    }
}

/* Makes NUMBER a prefix code again (Kraft's sum is 1): while it is over-full, a leaf of the deepest level finds a place
   beside one that moves down from above.  */
static void
limit_depths (uint32_t *number)
{
  uint32_t sum = 0;
  for (uint32_t length = 1; length <= CODE_BITS_MOST; length++)
    sum += number[length] << (CODE_BITS_MOST - length);
  for (; sum > 1U << CODE_BITS_MOST; sum--)
    {
      uint32_t length = CODE_BITS_MOST - 1;
      while (number[length] == 0)
        length--;
      number[length]--;
      number[length + 1] += 2;
      number[CODE_BITS_MOST]--;
    }
}

static uint32_t
reverse_bits (uint32_t code, uint32_t length)
{
  uint32_t reversed = 0;
  for (uint32_t i = 0; i < length; i++)
    reversed |= (code >> i & 1) << (length - 1 - i);
  return reversed;
}

/* The code of RFC 1951, 3.2.2, of the lengths in SYMBOL: of NUMBER[length] symbols each, given in ascending order.  */
static void
assign_codes (struct code *symbol, const uint32_t *number)
{
  uint32_t next[CODE_BITS_MOST + 1] = { 0 };
  for (uint32_t length = 2; length <= CODE_BITS_MOST; length++)
    next[length] = (next[length - 1] + number[length - 1]) << 1;
  for (size_t i = 0; i < SYMBOLS; i++)
    if (symbol[i].length)
      symbol[i].bits = reverse_bits (next[symbol[i].length]++, symbol[i].length);
}

/* Literals and lengths; the end and at least one more symbol occur, since there are numbers.  */
static void
make_code (struct sparse_encoder *encoder)
{
  struct leaf leaf[SYMBOLS];
  uint32_t number[CODE_BITS_MOST + 1];
  size_t count = 0;
  for (uint32_t i = 0; i < SYMBOLS; i++)
    if (encoder->frequency[i])
      leaf[count++] = (struct leaf){ encoder->frequency[i], i };
  qsort (leaf, count, sizeof *leaf, compare_leaves);
  count_depths (leaf, count, number);
  limit_depths (number);
  memset (encoder->symbol, 0, sizeof encoder->symbol);
  size_t next = 0;
  for (uint32_t length = CODE_BITS_MOST; length > 0; length--)
    for (uint32_t i = 0; i < number[length]; i++)
      encoder->symbol[leaf[next++].symbol].length = length;
  assign_codes (encoder->symbol, number);
}

/* Appends the only distance, 1, whose code is a single 0.  */
static void
make_matches (struct sparse_encoder *encoder)
{
  for (uint32_t length = MATCH_LEAST; length <= MATCH_MOST; length++)
    {
      uint32_t extra_bits, extra;
      struct code code = encoder->symbol[length_symbol (length, &extra_bits, &extra)];
      code.bits |= extra << code.length;
      code.length += extra_bits + 1;
      encoder->match[length] = code;
    }
}

static uint64_t
block_bits (const struct sparse_encoder *encoder)
{
  uint64_t bits = BLOCK_HEADER_BITS;
  for (size_t i = 0; i <= END; i++)
    bits += (uint64_t) encoder->frequency[i] * encoder->symbol[i].length;
  for (size_t length = MATCH_LEAST; length <= MATCH_MOST; length++)
    bits += (uint64_t) encoder->matches[length] * encoder->match[length].length;
  return bits;
}

struct bit_writer {
  unsigned char *to;
  uint64_t bits;
  uint32_t count; /* of bits that wait, below 8 after a flush */
};

static inline void
put_bits (struct bit_writer *writer, uint32_t bits, uint32_t count)
{
  writer->bits |= (uint64_t) bits << writer->count;
  writer->count += count;
}

static inline void
flush_bits (struct bit_writer *writer)
{
  for (int i = 0; i < FLUSH_BYTES; i++) /* compilers make one store of it */
    writer->to[i] = (unsigned char) (writer->bits >> 8 * i);
  writer->to += writer->count / 8;
  writer->bits >>= writer->count & ~7U;
  writer->count &= 7;
}

static inline void
put_code (struct bit_writer *writer, struct code code)
{
  put_bits (writer, code.bits, code.length);
}

/* RFC 1951, 3.2.7.  The lengths of codes are sent as they are, each in four bits: to send them shorter would save some
   hundred bytes of a tile.  */
static void
put_header (struct bit_writer *writer, const struct sparse_encoder *encoder)
{
  put_bits (writer, 1 | 2 << 1, 3);    /* the last block; a code of its own */
  put_bits (writer, SYMBOLS - 257, 5); /* literals and lengths */
  put_bits (writer, DISTANCES - 1, 5); /* distances */
  put_bits (writer, 19 - 4, 4);        /* lengths of codes: 16, 17, 18 do not occur, */
  for (uint32_t i = 0; i < 19; i++, flush_bits (writer))
    put_bits (writer, i < 3 ? 0 : 4, 3); /* the others have four bits, */
  for (uint32_t i = 0; i < SYMBOLS; i++, flush_bits (writer))
    put_bits (writer, reverse_bits (encoder->symbol[i].length, 4), 4);
  /* and the distance 1 is one bit long, a 0.  A 1 is a distance that has a further bit and does not occur: were it no
     code at all, libdeflate would read it as the 0, and not see a flipped bit that zlib refuses.  */
  for (uint32_t i = 0; i < DISTANCES; i++)
    put_bits (writer, reverse_bits (i == 0 || i == DISTANCES - 1, 4), 4);
  flush_bits (writer);
}

static inline void
put_run (struct bit_writer *writer, const struct sparse_encoder *encoder, size_t bytes)
{
  size_t left = bytes - 1;
  put_code (writer, encoder->symbol[0]);
  for (; left >= MATCH_MOST; left -= MATCH_MOST, flush_bits (writer))
    put_code (writer, encoder->match[MATCH_MOST]);
  if (left >= MATCH_LEAST)
    put_code (writer, encoder->match[left]);
  else
    for (; left > 0; left--)
      put_code (writer, encoder->symbol[0]);
  flush_bits (writer);
}

static void
put_numbers (struct bit_writer *writer, const struct sparse_encoder *encoder, const unsigned char *numbers)
{
  size_t size = encoder->size, next = 0;
  for (size_t i = 0; i < encoder->places; i++)
    {
      const unsigned char *number = numbers + encoder->place[i] * size;
      if (encoder->place[i] > next)
        put_run (writer, encoder, (encoder->place[i] - next) * size);
      for (size_t k = 0; k < size; k++)
        put_code (writer, encoder->symbol[number[k]]);
      flush_bits (writer);
      next = encoder->place[i] + 1;
    }
  if (next < encoder->count)
    put_run (writer, encoder, (encoder->count - next) * size);
  put_code (writer, encoder->symbol[END]);
  flush_bits (writer);
}

size_t
sparse_encode (struct sparse_encoder *encoder, const unsigned char *numbers, unsigned char *stream, size_t room)
{
  find_places (encoder, numbers);
  count_symbols (encoder, numbers);
  make_code (encoder);
  make_matches (encoder);
  uint64_t length = ZLIB_BYTES + (block_bits (encoder) + 7) / 8;
  if (length + FLUSH_BYTES > room)
    return 0;
  stream[0] = 0x78; /* RFC 1950: deflate with a window of 32 KiB */
  stream[1] = 0x01; /* the fastest; makes both a multiple of 31 */
  struct bit_writer writer = { .to = stream + 2 };
  put_header (&writer, encoder);
  put_numbers (&writer, encoder, numbers);
  uint32_t checksum = libdeflate_adler32 (1, numbers, encoder->count * encoder->size);
  for (int i = 0; i < 4; i++)
    stream[length - 4 + (size_t) i] = (unsigned char) (checksum >> (24 - 8 * i));
  return (size_t) length;
}

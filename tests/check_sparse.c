/* The deflate encoder for mostly zeros: what it writes is inflated by libdeflate, which checks the checksum as
   well.  */
#include <config.h>

#include "../src/store/sparse.h"

#include "../src/base/memory.h"
#include "../src/base/random.h"
#include "support.h"

#include <libdeflate.h>
#include <string.h>

enum { COUNT = 20000, ROOM = 8 * COUNT + 1024 };

static unsigned char numbers[4 * COUNT], back[4 * COUNT], stream[ROOM];

/* Encodes NUMBERS (count, size) and inflates them again.  Returns the length of the stream.  */
static size_t
assert_round_trip (size_t count, size_t size)
{
  struct sparse_encoder *encoder = sparse_new (count, size);
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor ();
  ck_assert_ptr_nonnull (encoder);
  size_t length = sparse_encode (encoder, numbers, stream, ROOM), found = 0;
  ck_assert_uint_gt (length, 0);
  memset (back, 0xaa, sizeof back);
  ck_assert_int_eq (libdeflate_zlib_decompress (decompressor, stream, length, back, sizeof back, &found),
                    LIBDEFLATE_SUCCESS);
  ck_assert_uint_eq (found, count * size);
  ck_assert_mem_eq (back, numbers, count * size);
  libdeflate_free_decompressor (decompressor);
  sparse_free (encoder);
  return length;
}

static void
fill (uint64_t seed, double zeros, size_t count, size_t size)
{
  struct random random = random_new (seed, 0);
  memset (numbers, 0, sizeof numbers);
  for (size_t i = 0; i < count; i++)
    if ((double) random_uniform (&random) >= zeros)
      for (size_t k = 0; k < size; k++)
        numbers[i * size + k] = (unsigned char) random_below (&random, 256);
}

START_TEST (any_share_of_zeros)
{
  static const double shares[] = { 0, 0.01, 0.3, 0.5, 0.88, 0.99, 0.9999, 1 };
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
    for (size_t size = 2; size <= 4; size += 2)
      {
        fill (i, shares[i], COUNT, size);
        assert_round_trip (COUNT, size);
      }
}
END_TEST

/* Runs of every length up to three of the longest matches, at the beginning, between numbers and at the end.  */
START_TEST (every_run)
{
  for (size_t size = 2; size <= 4; size += 2)
    for (size_t run = 0; run <= 3 * 258 / size + 2; run++)
      {
        size_t count = 3 * run + 2;
        memset (numbers, 0, sizeof numbers);
        memset (numbers + run * size, 0x5c, size);
        memset (numbers + (2 * run + 1) * size, 0x5c, size);
        assert_round_trip (count, size);
      }
}
END_TEST

START_TEST (few_numbers)
{
  for (size_t count = 1; count <= 70; count++)
    for (uint64_t seed = 0; seed < 20; seed++)
      for (size_t size = 2; size <= 4; size += 2)
        {
          fill (seed, 0.05 * (double) seed, count, size);
          assert_round_trip (count, size);
        }
}
END_TEST

/* Bytes as frequent as Fibonacci's numbers make the deepest Huffman tree, deeper than deflate allows.  */
START_TEST (deep_tree)
{
  size_t place = 0, least = 1, next = 1;
  unsigned char byte = 1;
  for (; place + next <= sizeof numbers; byte++)
    {
      memset (numbers + place, byte, next);
      place += next;
      size_t sum = least + next;
      least = next;
      next = sum;
    }
  memset (numbers + place, byte, sizeof numbers - place);
  assert_round_trip (COUNT, 4);
}
END_TEST

/* By hand: n numbers of which none is 0, all bytes equally frequent, deflate to 8 bits a byte or little more; a tile of
   zeros to a 258th of its bytes, by matches of 2 bits each or less.  */
START_TEST (sizes)
{
  for (size_t i = 0; i < 4 * COUNT; i++)
    numbers[i] = (unsigned char) (i % 255 + 1);
  size_t length = assert_round_trip (COUNT, 4);
  ck_assert_uint_ge (length, 4 * COUNT - 4 * COUNT / 200);
  ck_assert_uint_le (length, 4 * COUNT + 300);
  memset (numbers, 0, sizeof numbers);
  ck_assert_uint_le (assert_round_trip (COUNT, 4), 4 * COUNT / 258 * 2 / 8 + 180);
}
END_TEST

START_TEST (room)
{
  enum { GUARD = 64 };
  fill (3, 0.9, COUNT, 4);
  struct sparse_encoder *encoder = sparse_new (COUNT, 4);
  size_t length = sparse_encode (encoder, numbers, stream, ROOM);
  for (size_t given = 0; given < length; given += length / 7)
    {
      memset (stream, 0xaa, sizeof stream);
      ck_assert_uint_eq (sparse_encode (encoder, numbers, stream, given), 0);
      ck_assert_uint_eq (stream[given], 0xaa);
    }
  memset (stream, 0xaa, sizeof stream);
  ck_assert_uint_eq (sparse_encode (encoder, numbers, stream, length + GUARD), length);
  for (size_t i = 0; i < GUARD; i++)
    ck_assert_uint_eq (stream[length + GUARD + i], 0xaa);
  sparse_free (encoder);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("sparse");
  tcase_add_test (cases, any_share_of_zeros);
  tcase_add_test (cases, every_run);
  tcase_add_test (cases, few_numbers);
  tcase_add_test (cases, deep_tree);
  tcase_add_test (cases, sizes);
  tcase_add_test (cases, room);
  return run_cases (cases, "sparse");
}

#include <config.h>

#include "../src/base/half.h"
#include "../src/store/tile.h"
#include "store_support.h"

#include <libdeflate.h>
#include <math.h>

enum { ROWS = 9, COLUMNS = 70, TILE_ROWS = 8, TILE_COLUMNS = 40 };

/* NumPy's answers, from make_store.py.  */
static const char all_halves_sha256[] = "faa6d965574036872b0d39a42d1f8bee361d5be92b1e718155a69556a5abacdd";
static const char half_way_sha256[] = "e6de1f4db141c8404c4cf48c5809f92b421d066f0f7d7f6fc327e3490a175832";

START_TEST (half_rounds_as_numpy)
{
  size_t length;
  unsigned char *data = file_read (reference_path ("store-float16.bin"), 1 << 20, &length);
  ck_assert_ptr_nonnull (data);
  uint32_t count;
  memcpy (&count, data, sizeof count);
  ck_assert_uint_eq (length, 4 + 6 * (size_t) count);
  float *values = memory_new (count, sizeof *values);
  uint16_t *expected = memory_new (count, 2), *fast = memory_new (count, 2), *portable = memory_new (count, 2);
  memcpy (values, data + 4, 4 * (size_t) count);
  memcpy (expected, data + 4 + 4 * (size_t) count, 2 * (size_t) count);
  half_from_float (fast, values, count);
  half_from_float_portable (portable, values, count);
  for (size_t i = 0; i < count; i++)
    {
      ck_assert_msg (fast[i] == expected[i], "%a: %04x, NumPy %04x", (double) values[i], fast[i], expected[i]);
      ck_assert_msg (portable[i] == expected[i], "%a: %04x, NumPy %04x", (double) values[i], portable[i], expected[i]);
    }
  memory_free (values);
  memory_free (expected);
  memory_free (fast);
  memory_free (portable);
  free (data);
}
END_TEST

static void
assert_digest (const void *data, size_t length, const char *expected)
{
  char sha256[FILE_SHA256_BYTES];
  struct digest digest = digest_begin ();
  digest_add (&digest, data, length);
  ck_assert_int_eq (digest_end (&digest, sha256), 0);
  ck_assert_str_eq (sha256, expected);
}

static void
check_every_half (void (*widen) (float *, const uint16_t *, size_t), void (*narrow) (uint16_t *, const float *, size_t))
{
  static uint16_t halves[65536], rounded[3 * 0x7bff];
  static float wide[65536], around[3 * 0x7bff];
  for (size_t i = 0; i < 65536; i++)
    halves[i] = (uint16_t) i;
  widen (wide, halves, 65536);
  for (size_t i = 0; i < 0x7bff; i++)
    {
      float middle = (wide[i] + wide[i + 1]) / 2;
      around[i] = nextafterf (middle, -1.0f);
      around[0x7bff + i] = middle;
      around[2 * 0x7bff + i] = nextafterf (middle, 1e9f);
    }
  narrow (rounded, around, 3 * 0x7bff);
  assert_digest (rounded, sizeof rounded, half_way_sha256);
  for (size_t i = 0; i < 65536; i++)
    wide[i] = isnan (wide[i]) ? 0.0f : wide[i];
  assert_digest (wide, sizeof wide, all_halves_sha256);
}

START_TEST (half_every_value)
{
  check_every_half (half_to_float, half_from_float);
  check_every_half (half_to_float_portable, half_from_float_portable);
}
END_TEST

START_TEST (half_not_finite)
{
  const float values[8] = { INFINITY, -INFINITY, NAN, -NAN, 1e30f, -1e30f, 65520.0f, 65504.0f };
  uint16_t fast[8], portable[8];
  half_from_float (fast, values, 8);
  half_from_float_portable (portable, values, 8);
  for (int i = 0; i < 8; i++)
    ck_assert_uint_eq (fast[i], portable[i]);
  ck_assert_uint_eq (fast[0], 0x7c00);
  ck_assert_uint_eq (fast[1], 0xfc00);
  ck_assert_uint_gt (fast[2] & 0x7fff, 0x7c00);
  ck_assert_uint_eq (fast[4], 0x7bff);
  ck_assert_uint_eq (fast[5], 0xfbff);
  ck_assert_uint_eq (fast[6], 0x7bff);
  ck_assert_uint_eq (fast[7], 0x7bff);
}
END_TEST

static void
fill (float *values, uint64_t stride)
{
  for (uint64_t row = 0; row < ROWS; row++)
    for (uint64_t column = 0; column < COLUMNS; column++)
      values[row * stride + column] = sample_value (row, column) + 0.1f;
}

/* Writes VALUES by HDF5's own filters, reads the chunk at OFFSET raw and inflates it: BYTES (size) are shuffled.  */
static void
hdf5_shuffled (const float *values, bool half, const hsize_t *offset, unsigned char *bytes, size_t size)
{
  const hsize_t shape[2] = { ROWS, COLUMNS }, chunk[2] = { TILE_ROWS, TILE_COLUMNS };
  char *path = scratch_path ("x.h5");
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = featinfo_value_type (half);
  hid_t space = H5Screate_simple (2, shape, NULL), creation = H5Pcreate (H5P_DATASET_CREATE);
  H5Pset_chunk (creation, 2, chunk);
  H5Pset_shuffle (creation);
  H5Pset_deflate (creation, 6);
  hid_t dataset = H5Dcreate2 (file, "x", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  ck_assert_int_ge (H5Dwrite (dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  ck_assert_int_ge (H5Fflush (file, H5F_SCOPE_LOCAL), 0);
  hsize_t length;
  uint32_t mask;
  ck_assert_int_ge (H5Dget_chunk_storage_size (dataset, offset, &length), 0);
  unsigned char *raw = malloc (length);
  ck_assert_int_ge (H5Dread_chunk (dataset, H5P_DEFAULT, offset, &mask, raw), 0);
  ck_assert_uint_eq (mask, 0);
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor ();
  ck_assert_int_eq (libdeflate_zlib_decompress (decompressor, raw, length, bytes, size, NULL), LIBDEFLATE_SUCCESS);
  libdeflate_free_decompressor (decompressor);
  free (raw);
  H5Dclose (dataset);
  H5Pclose (creation);
  H5Sclose (space);
  H5Tclose (type);
  H5Fclose (file);
  free (path);
}

static void
inflate (const struct chunk *chunk, unsigned char *bytes, size_t size)
{
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor ();
  ck_assert_int_eq (libdeflate_zlib_decompress (decompressor, chunk->data, chunk->length, bytes, size, NULL),
                    LIBDEFLATE_SUCCESS);
  libdeflate_free_decompressor (decompressor);
}

/* The tile at OFFSET, encoded by tile.h, has the same bytes as HDF5's filters make.  */
static void
check_against_hdf5 (bool half, uint64_t row, uint64_t column)
{
  static float values[ROWS * COLUMNS];
  static unsigned char expected[4 * TILE_ROWS * TILE_COLUMNS], found[4 * TILE_ROWS * TILE_COLUMNS];
  const hsize_t offset[2] = { row, column };
  size_t size = (half ? 2 : 4) * TILE_ROWS * TILE_COLUMNS;
  uint64_t rows = ROWS - row < TILE_ROWS ? ROWS - row : TILE_ROWS;
  uint64_t columns = COLUMNS - column < TILE_COLUMNS ? COLUMNS - column : TILE_COLUMNS;
  fill (values, COLUMNS);
  hdf5_shuffled (values, half, offset, expected, size);
  struct tile_codec *codec = tile_codec_new (TILE_ROWS, TILE_COLUMNS, half, 6);
  struct chunk chunk;
  ck_assert_int_eq (chunk_new (&chunk, tile_bound (codec)), 0);
  ck_assert_int_eq (tile_encode (codec, values + row * COLUMNS + column, COLUMNS, rows, columns, &chunk), 0);
  ck_assert_uint_eq (chunk.filter_mask, 0);
  inflate (&chunk, found, size);
  ck_assert_mem_eq (found, expected, size);
  chunk_free (&chunk);
  tile_codec_free (codec);
}

START_TEST (encode_as_hdf5)
{
  for (int half = 0; half < 2; half++)
    {
      check_against_hdf5 (half, 0, 0);
      check_against_hdf5 (half, 0, TILE_COLUMNS);         /* padded at the right */
      check_against_hdf5 (half, TILE_ROWS, TILE_COLUMNS); /* and below */
    }
}
END_TEST

/* Where 3 of 10 values are 0, shuffle is left out, as the filter mask says: the bytes are those of the numbers.  */
START_TEST (zeros_are_not_shuffled)
{
  static float values[ROWS * COLUMNS], back[ROWS * COLUMNS];
  static unsigned char found[4 * ROWS * COLUMNS];
  struct tile_codec *codec = tile_codec_new (ROWS, COLUMNS, false, 6);
  struct chunk chunk;
  const struct window all = { .rows = ROWS, .columns = COLUMNS };
  const size_t count = ROWS * COLUMNS;
  ck_assert_int_eq (chunk_new (&chunk, tile_bound (codec)), 0);
  fill (values, COLUMNS);
  for (size_t i = 0; i < (count * 3 + 9) / 10; i++)
    values[i] = 0.0f;
  ck_assert_int_eq (tile_encode (codec, values, COLUMNS, ROWS, COLUMNS, &chunk), 0);
  ck_assert_uint_eq (chunk.filter_mask, 1);
  inflate (&chunk, found, sizeof found);
  ck_assert_mem_eq (found, values, sizeof values);
  ck_assert_int_eq (tile_decode (codec, &chunk, &all, back, COLUMNS), 0);
  ck_assert_mem_eq (back, values, sizeof values);
  values[0] = 1.0f; /* one zero fewer */
  ck_assert_int_eq (tile_encode (codec, values, COLUMNS, ROWS, COLUMNS, &chunk), 0);
  ck_assert_uint_eq (chunk.filter_mask, count * 3 % 10 ? 0 : chunk.filter_mask);
  chunk.filter_mask = 2;
  ck_assert_int_eq (tile_decode (codec, &chunk, &all, back, COLUMNS), -1);
  ck_assert_str_eq (error_message (), "is stored without the deflate filter (filter mask 2)");
  chunk_free (&chunk);
  tile_codec_free (codec);
}
END_TEST

/* A window of a plain tile and of a shuffled one, in both datatypes.  */
START_TEST (windows)
{
  static float values[ROWS * COLUMNS], back[ROWS * COLUMNS];
  const struct window window = { .row = 2, .rows = 5, .column = 3, .columns = COLUMNS - 7 };
  for (int kind = 0; kind < 4; kind++)
    {
      struct tile_codec *codec = tile_codec_new (ROWS, COLUMNS, kind & 1, 1);
      struct chunk chunk;
      ck_assert_int_eq (chunk_new (&chunk, tile_bound (codec)), 0);
      for (size_t i = 0; i < ROWS * COLUMNS; i++)
        values[i] = kind & 2 && i % 3 ? 0.0f : (float) (i % 1000) + 0.5f; /* exact in float16 */
      ck_assert_int_eq (tile_encode (codec, values, COLUMNS, ROWS, COLUMNS, &chunk), 0);
      ck_assert_uint_eq (chunk.filter_mask, kind & 2 ? 1 : 0);
      ck_assert_int_eq (tile_decode (codec, &chunk, &window, back, COLUMNS), 0);
      for (uint64_t row = 0; row < window.rows; row++)
        for (uint64_t column = 0; column < window.columns; column++)
          ck_assert_float_eq (back[row * COLUMNS + column],
                              values[(window.row + row) * COLUMNS + window.column + column]);
      chunk_free (&chunk);
      tile_codec_free (codec);
    }
}
END_TEST

START_TEST (decode_what_was_encoded)
{
  enum { STRIDE = COLUMNS + 3 };
  static float values[ROWS * STRIDE], back[ROWS * STRIDE];
  const int levels[] = { 0, 1, 6, 12 };
  fill (values, STRIDE);
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    {
      struct tile_codec *codec = tile_codec_new (ROWS, COLUMNS, false, levels[i]);
      struct chunk chunk;
      const struct window window = { .rows = ROWS - 2, .columns = COLUMNS - 5 };
      ck_assert_int_eq (chunk_new (&chunk, tile_bound (codec)), 0);
      ck_assert_int_eq (tile_encode (codec, values, STRIDE, ROWS, COLUMNS, &chunk), 0);
      ck_assert_uint_gt (chunk.length, 0);
      ck_assert_uint_le (chunk.length, tile_bound (codec));
      for (size_t k = 0; k < ROWS * STRIDE; k++)
        back[k] = -1.0f;
      ck_assert_int_eq (tile_decode (codec, &chunk, &window, back, STRIDE), 0);
      for (uint64_t row = 0; row < ROWS; row++)
        for (uint64_t column = 0; column < STRIDE; column++)
          ck_assert_float_eq (back[row * STRIDE + column],
                              row < ROWS - 2 && column < COLUMNS - 5 ? values[row * STRIDE + column] : -1.0f);
      chunk_free (&chunk);
      tile_codec_free (codec);
    }
}
END_TEST

START_TEST (decode_refuses)
{
  static float values[ROWS * COLUMNS];
  struct tile_codec *codec = tile_codec_new (ROWS, COLUMNS, false, 1),
                    *taller = tile_codec_new (ROWS + 1, COLUMNS, false, 1);
  struct tile_codec *lower = tile_codec_new (ROWS - 1, COLUMNS, false, 1);
  struct chunk chunk;
  const struct window all = { .rows = ROWS, .columns = COLUMNS };
  ck_assert_int_eq (chunk_new (&chunk, tile_bound (codec)), 0);
  fill (values, COLUMNS);
  ck_assert_int_eq (tile_encode (codec, values, COLUMNS, ROWS, COLUMNS, &chunk), 0);
  chunk.length--;
  ck_assert_int_eq (tile_decode (codec, &chunk, &all, values, COLUMNS), -1);
  ck_assert_str_eq (error_message (), "is damaged or inflates to more than the 2520 bytes of a tile");
  chunk.length++;
  ck_assert_int_eq (tile_decode (taller, &chunk, &all, values, COLUMNS), -1);
  ck_assert_str_eq (error_message (), "inflates to fewer than the 2800 bytes of a tile");
  ck_assert_int_eq (
    tile_decode (lower, &chunk, &(struct window){ .rows = ROWS - 1, .columns = COLUMNS }, values, COLUMNS), -1);
  ck_assert_str_eq (error_message (), "is damaged or inflates to more than the 2240 bytes of a tile");
  chunk.data[chunk.length / 2] ^= 0x55;
  ck_assert_int_eq (tile_decode (codec, &chunk, &all, values, COLUMNS), -1);
  chunk.length = 0;
  ck_assert_int_eq (tile_decode (codec, &chunk, &all, values, COLUMNS), -1);
  chunk_free (&chunk);
  tile_codec_free (lower);
  tile_codec_free (taller);
  tile_codec_free (codec);
}
END_TEST

START_TEST (sizes_overflow)
{
  ck_assert_ptr_null (tile_codec_new (UINT64_MAX / 2, 4, false, 1));
  ck_assert_str_eq (error_message (), "a tile's size overflows: 9223372036854775807 x 4; ask for less");
  ck_assert_ptr_null (tile_codec_new (4, 4, false, 99));
  ck_assert_ptr_nonnull (strstr (error_message (), "choose a level from 0 to 12"));
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("tile");
  tcase_add_test (cases, half_rounds_as_numpy);
  tcase_add_test (cases, half_every_value);
  tcase_add_test (cases, half_not_finite);
  tcase_add_test (cases, encode_as_hdf5);
  tcase_add_test (cases, zeros_are_not_shuffled);
  tcase_add_test (cases, windows);
  tcase_add_test (cases, decode_what_was_encoded);
  tcase_add_test (cases, decode_refuses);
  tcase_add_test (cases, sizes_overflow);
  return run_cases (cases, "tile");
}

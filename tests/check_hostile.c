/* Files of weights that were made to take memory.  */
#include <config.h>

#include "../src/base/memory.h"
#include "weights_support.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* PATH fails with FORMAT within the memory that backbones.md allows this process, and the one that reads Keras's
   files.  */
__attribute__ ((format (printf, 2, 0))) static void
assert_fails_within (const char *path, const char *format)
{
  struct stat status;
  struct rusage child = { 0 };
  ck_assert_int_eq (stat (path, &status), 0);
  uint64_t before = memory_peak_resident_bytes (), most = 16 * (uint64_t) status.st_size + (64 << 20);
  assert_fails (path, format);
  getrusage (RUSAGE_CHILDREN, &child);
#ifndef __SANITIZE_ADDRESS__ /* which takes memory of its own */
  ck_assert_uint_le (memory_peak_resident_bytes (), before + most);
  ck_assert_uint_le ((uint64_t) child.ru_maxrss * 1024, before + 2 * most);
#endif
}

/* A pickle of BLOCKS blocks of VALUES, in a zip file by METHOD; it fails with FORMAT.  */
__attribute__ ((format (printf, 4, 0))) static void
assert_pickle_fails (const char *method, const char *values, int blocks, const char *format)
{
  enum { BLOCK = 1 << 20 };
  char *path = scratch_path ("many.pth"), *block = calloc (BLOCK + 1, 1);
  struct archive *zip = archive_write_new ();
  struct archive_entry *entry = archive_entry_new ();
  for (size_t i = 0, length = strlen (values); i + length <= BLOCK; i += length)
    memcpy (block + i, values, length);
  size_t bytes = strlen (block);
  archive_write_set_format_zip (zip);
  ck_assert_int_eq (archive_write_set_format_option (zip, "zip", "compression", method), ARCHIVE_OK);
  ck_assert_int_eq (archive_write_open_filename (zip, path), ARCHIVE_OK);
  archive_entry_set_pathname (entry, "archive/data.pkl");
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_size (entry, (la_int64_t) bytes * blocks);
  ck_assert_int_eq (archive_write_header (zip, entry), ARCHIVE_OK);
  for (int i = 0; i < blocks; i++)
    ck_assert_int_eq (archive_write_data (zip, block, bytes), (la_ssize_t) bytes);
  ck_assert_int_eq (archive_write_free (zip), ARCHIVE_OK);
  archive_entry_free (entry);
  assert_fails_within (path, format);
  free (block);
  free (path);
}

/* Millions of None, of empty lists, and of lists of one value, as they are or packed into a thousandth.  */
START_TEST (pickles_of_small_values)
{
  static const char *const values[] = { "N", "]", "]Na" };
  static const char format[] = "'%s' holds more values than any state dict has; save the state dict alone";
  if (_i % 2)
    assert_pickle_fails ("deflate", values[_i / 2], 31, format);
  else
    assert_pickle_fails ("store", values[_i / 2], 4, format);
}
END_TEST

/* A header of BYTES bytes that holds one list of empty objects, which are what takes the most memory.  */
static void
make_header (const char *path, size_t bytes)
{
  static const char start[] = "{\"a\":[{}", end[] = "]}";
  char *data = malloc (8 + bytes), *header = data + 8;
  for (int i = 0; i < 8; i++)
    data[i] = (char) (bytes >> 8 * i);
  memset (header, ' ', bytes);
  memcpy (header, start, sizeof start - 1);
  for (size_t i = sizeof start - 1; i + 5 <= bytes; i += 3)
    memcpy (header + i, ",{}", 3);
  memcpy (header + bytes - 2, end, 2);
  ck_assert_int_eq (file_write (path, data, 8 + bytes), 0);
  free (data);
}

START_TEST (long_headers)
{
  char *path = scratch_path ("long.safetensors");
  make_header (path, 1 << 20);
  assert_fails_within (path,
                       "'%s' is damaged or cut short: its header does not describe 'a'; copy or download it again");
  make_header (path, 2 << 20);
  assert_fails_within (path, "'%s' is damaged or cut short: its header is said to have 2097152 bytes; copy or download "
                             "it again");
  free (path);
}
END_TEST

/* A dataset of COUNT values that begins with a chunk of CHUNK values, or so it says.  */
static void
make_chunk (const char *path, hsize_t count, hsize_t chunk)
{
  hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
        group = make_group (file, "layers/dense/vars");
  hid_t space = H5Screate_simple (1, &count, (hsize_t[]){ H5S_UNLIMITED }), create = H5Pcreate (H5P_DATASET_CREATE);
  H5Pset_chunk (create, 1, &chunk);
  H5Pset_deflate (create, 9);
  hid_t dataset = H5Dcreate2 (group, "0", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT);
  ck_assert_int_ge (H5Dwrite_chunk (dataset, H5P_DEFAULT, 0, (hsize_t[]){ 0 }, 4, "none"), 0);
  H5Dclose (dataset);
  H5Pclose (create);
  H5Sclose (space);
  H5Gclose (group);
  H5Fclose (file);
}

/* One that is enormous, one that with its values is more than such a file can hold, and one of 4 KB that inflates to
   160 MB.  */
START_TEST (large_chunks)
{
  static const char larger[] =
    "'%s' is damaged or cut short: 'dense/kernel' lies in chunks that are larger than such a file can hold; copy or "
    "download it again";
  char *path = scratch_path ("large.h5");
  make_chunk (path, 4, 250 << 20);
  assert_fails_within (path, larger);
  make_chunk (path, 2 << 20, 15 << 20);
  assert_fails_within (path, larger);
  assert_fails_within (reference_path ("weights-inflated.h5"),
                       "cannot read dense/kernel of '%s': it is cut short or damaged; copy it again or make it again");
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("hostile");
  tcase_add_loop_test (cases, pickles_of_small_values, 0, 6);
  tcase_add_test (cases, long_headers);
  tcase_add_test (cases, large_chunks);
  return run_cases (cases, "hostile");
}

#include <config.h>

#include "../src/base/hdf.h"
#include "store_support.h"

static struct provenance
example (void)
{
  struct provenance provenance = { .rank = 3,
                                   .shape = { 7, 7, 2048 },
                                   .layer = "output",
                                   .pool = "none",
                                   .preprocess = "keras",
                                   .exif = true,
                                   .precision = "bf16" };
  memset (provenance.backbone_sha256, 'a', FILE_SHA256_BYTES - 1);
  return provenance;
}

START_TEST (written_and_read)
{
  char *path = scratch_path ("x.h5"), *command = malloc (100001);
  struct provenance provenance = example (), found;
  struct origin origin = { .seed = UINT64_MAX, .version = "0.1.0", .images = 5000, .part = 3, .parts = 20 }, back;
  memset (command, 'x', 100000); /* more than one of HDF5's messages takes */
  command[100000] = '\0';
  origin.command = command;
  hid_t access = hdf_file_access (true), file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  ck_assert_int_eq (provenance_write (&provenance, file, path), 0);
  ck_assert_int_eq (origin_write (&origin, file, path), 0);
  H5Fclose (file);
  H5Pclose (access);
  file = H5Fopen (path, H5F_ACC_RDONLY, H5P_DEFAULT);
  ck_assert_int_eq (provenance_read (&found, file, path), 0);
  ck_assert_int_eq (origin_read (&back, file, path), 0);
  H5Fclose (file);
  ck_assert_mem_eq (&found, &provenance, sizeof found);
  ck_assert_uint_eq (back.seed, UINT64_MAX);
  ck_assert_str_eq (back.version, "0.1.0");
  ck_assert_str_eq (back.manifest_sha256, "");
  ck_assert_str_eq (back.command, command);
  ck_assert_uint_eq (back.images, 5000);
  ck_assert_uint_eq (back.part, 3);
  ck_assert_uint_eq (back.parts, 20);
  origin_free (&back);
  free (command);
  free (path);
}
END_TEST

START_TEST (absent)
{
  const char *path = reference_path ("store-gzip.h5");
  struct provenance provenance;
  struct origin origin;
  hid_t file = H5Fopen (path, H5F_ACC_RDONLY, H5P_DEFAULT);
  ck_assert_int_eq (provenance_read (&provenance, file, path), 0);
  ck_assert_int_eq (origin_read (&origin, file, path), 0);
  ck_assert_int_eq (provenance.rank, 0);
  ck_assert_str_eq (provenance.layer, "");
  ck_assert_ptr_null (origin.command);
  H5Fclose (file);
}
END_TEST

/* Attributes that h5py wrote: other integer types, text of variable length, text too long, text for a number.  */
START_TEST (of_h5py)
{
  const char *path = reference_path ("store-attributes.h5");
  char text[64], *message;
  int64_t shape[PROVENANCE_RANK];
  size_t rank;
  hid_t file = H5Fopen (path, H5F_ACC_RDONLY, H5P_DEFAULT);
  ck_assert_int_eq (hdf_read_text (file, "layer", text, sizeof text, path), 0);
  ck_assert_str_eq (text, "output");
  ck_assert_int_eq (hdf_read_text (file, "pool", text, sizeof text, path), 0);
  ck_assert_str_eq (text, "avg");
  ck_assert_int_eq (hdf_read_integers (file, "feature_shape", shape, PROVENANCE_RANK, &rank, path), 0);
  ck_assert_uint_eq (rank, 3);
  ck_assert_int_eq (shape[0], 1);
  ck_assert_int_eq (shape[2], 1280);
  ck_assert_int_eq (hdf_read_integers (file, "feature_shape", shape, 2, &rank, path), -1);
  ck_assert_int_eq (hdf_read_text (file, "precision", text, 8, path), -1);
  message = text_new (
    "the attribute 'precision' of '%s' has 28 bytes, more than the 7 there can be; make the file again", path);
  ck_assert_str_eq (error_message (), message);
  free (message);
  ck_assert_int_eq (hdf_read_integer (file, "seed", shape, path), -1);
  message = text_new ("the attribute 'seed' of '%s' is not a whole number; make the file again", path);
  ck_assert_str_eq (error_message (), message);
  free (message);
  H5Fclose (file);
}
END_TEST

static void
assert_differs (const struct provenance *a, const struct provenance *b, const char *message)
{
  ck_assert_int_eq (provenance_compare (a, "a.h5", b, "b.h5", "extract again"), -1);
  ck_assert_str_eq (error_message (), message);
}

START_TEST (compared)
{
  struct provenance a = example (), b = example (), none = { 0 };
  ck_assert_int_eq (provenance_compare (&a, "a.h5", &b, "b.h5", "extract again"), 0);
  ck_assert_int_eq (provenance_compare (&a, "a.h5", &none, "b.h5", "extract again"), 0);
  ck_assert_int_eq (provenance_compare (&none, "a.h5", &b, "b.h5", "extract again"), 0);
  b.shape[2] = 1024;
  assert_differs (&a, &b, "feature_shape is '7x7x2048' in 'a.h5' and '7x7x1024' in 'b.h5'; extract again");
  strcpy (b.precision, "f32");
  assert_differs (&a, &b, "precision is 'bf16' in 'a.h5' and 'f32' in 'b.h5'; extract again");
  b.exif = false;
  assert_differs (&a, &b, "exif is 'honoured' in 'a.h5' and 'ignored' in 'b.h5'; extract again");
  strcpy (b.preprocess, "torchvision");
  assert_differs (&a, &b, "preprocess is 'keras' in 'a.h5' and 'torchvision' in 'b.h5'; extract again");
  strcpy (b.pool, "avg");
  assert_differs (&a, &b, "pool is 'none' in 'a.h5' and 'avg' in 'b.h5'; extract again");
  strcpy (b.layer, "mid");
  assert_differs (&a, &b, "layer is 'output' in 'a.h5' and 'mid' in 'b.h5'; extract again");
  strcpy (b.backbone_sha256, "ff");
  ck_assert_int_eq (provenance_compare (&a, "a.h5", &b, "b.h5", "extract again"), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "and 'ff' in 'b.h5'; extract again"));
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("provenance");
  tcase_add_test (cases, written_and_read);
  tcase_add_test (cases, absent);
  tcase_add_test (cases, of_h5py);
  tcase_add_test (cases, compared);
  return run_cases (cases, "provenance");
}

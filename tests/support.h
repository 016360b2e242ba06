/* What tests share: reference files, scratch folders, small JPEG files, and running a suite.  */
#ifndef SLABFIT_TESTS_SUPPORT_H
#define SLABFIT_TESTS_SUPPORT_H

#include "../src/base/error.h"
#include "../src/base/file.h"
#include "../src/base/text.h"

#include <check.h>
#include <ftw.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>

/* The path of tests/reference/NAME; to be freed.  */
static inline char *
reference_path (const char *name)
{
  const char *source = getenv ("srcdir");
  char *path = text_new ("%s%stests/reference/%s", source ? source : "", source ? "/" : "", name);
  ck_assert_ptr_nonnull (path);
  return path;
}

/* The bytes of tests/reference/NAME, with a 0 after them; to be freed.  */
static inline void *
reference_read (const char *name, size_t *length)
{
  char *path = reference_path (name);
  void *data = file_read (path, 1 << 24, length);
  ck_assert_msg (data != NULL, "%s", error_message ());
  free (path);
  return data;
}

/* A fresh folder, to be removed by scratch_remove.  */
static inline char *
scratch_new (void)
{
  const char *base = getenv ("TMPDIR");
  char *path = text_new ("%s/slabfit-check-XXXXXX", base ? base : "/tmp");
  ck_assert_ptr_nonnull (mkdtemp (path));
  return path;
}

static inline int
scratch_remove_entry (const char *path, const struct stat *status, int kind, struct FTW *place)
{
  (void) status, (void) kind, (void) place;
  return remove (path);
}

static inline void
scratch_remove (char *path)
{
  nftw (path, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  free (path);
}

/* Writes PATH, a JPEG of HEIGHT x WIDTH pixels that are all GRAY: at quality 100 they decode to GRAY exactly.  */
static inline void
write_gray_jpeg (const char *path, int height, int width, int gray)
{
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  FILE *stream = fopen (path, "wb");
  ck_assert_msg (stream != NULL, "%s", path);
  unsigned char *row = malloc ((size_t) width);
  memset (row, gray, (size_t) width);
  jpeg.err = jpeg_std_error (&errors);
  jpeg_create_compress (&jpeg);
  jpeg_stdio_dest (&jpeg, stream);
  jpeg.image_width = (JDIMENSION) width;
  jpeg.image_height = (JDIMENSION) height;
  jpeg.input_components = 1;
  jpeg.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults (&jpeg);
  jpeg_set_quality (&jpeg, 100, TRUE);
  jpeg_start_compress (&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height)
    jpeg_write_scanlines (&jpeg, &row, 1);
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
  free (row);
  fclose (stream);
}

/* Runs SUITE and returns the exit status.  */
static inline int
run_suite (Suite *suite)
{
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

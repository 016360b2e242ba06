/* From a backbone and a photograph to a row.  libtorch is touched only in Check's forked children.  */
#include <config.h>

#include "../src/extract/extractor.h"

#include "gray_jpeg.h"
#include "support.h"

static char *backbone;
static struct extractor extractor;

/* The means of the planes, which the file says to have been trained on scaled RGB.  */
static const char mean_source[] = "def forward(self, x: Tensor):\n    return x.mean([2, 3])\n";
static const char metadata[] = "{\"layer\": \"means\", \"preprocess\": \"resize=6x8,scale=1/2,mean=10:20:30\"}";

static void
build (const char *source, const char *text)
{
  char error[NETWORK_ERROR_BYTES];
  ck_assert_msg (network_build (backbone, source, NULL, 0, text, error) == 0, "%s", error);
}

static void
set_up (void)
{
  backbone = scratch_path ("network.ts");
}

static void
tear_down (void)
{
  free (backbone);
}

static void
open_with (const char *preprocess, enum network_pool pool, bool exif)
{
  const struct extractor_options options = {
    .backbone = backbone, .preprocess = preprocess, .network = { .device = "cpu", .pool = pool }, .exif = exif
  };
  ck_assert_msg (extractor_open (&extractor, &options, 1, 1) == 0, "%s", error_message ());
}

START_TEST (what_the_file_says)
{
  char sha256[FILE_SHA256_BYTES];
  build (mean_source, metadata);
  open_with (NULL, NETWORK_POOL_NONE, false);
  ck_assert_int_eq (extractor.columns, 3);
  ck_assert_uint_eq (extractor.image_bytes, 6 * 8 * 3);
  ck_assert_int_eq (extractor.provenance.rank, 1);
  ck_assert_int_eq (extractor.provenance.shape[0], 3);
  ck_assert_str_eq (extractor.provenance.layer, "means");
  ck_assert_str_eq (extractor.provenance.preprocess, "resize=6x8,scale=1/2,mean=10:20:30");
  ck_assert_str_eq (extractor.provenance.pool, "none");
  ck_assert_str_eq (extractor.provenance.precision, "f32");
  ck_assert (!extractor.provenance.exif);
  ck_assert_int_eq (file_sha256 (backbone, sha256), 0);
  ck_assert_str_eq (extractor.provenance.backbone_sha256, sha256);
  extractor_close (&extractor);
}
END_TEST

START_TEST (what_the_caller_says)
{
  build (mean_source, metadata);
  open_with ("crop=5", NETWORK_POOL_MAX, true);
  ck_assert_uint_eq (extractor.image_bytes, 5 * 5 * 3);
  ck_assert_str_eq (extractor.provenance.preprocess, "crop=5");
  ck_assert_str_eq (extractor.provenance.pool, "max");
  ck_assert (extractor.provenance.exif);
  extractor_close (&extractor);
}
END_TEST

START_TEST (what_nobody_says)
{
  build (mean_source, "");
  open_with (NULL, NETWORK_POOL_AVG, false);
  ck_assert_str_eq (extractor.provenance.layer, "output");
  ck_assert_str_eq (extractor.provenance.preprocess, "keras");
  ck_assert_uint_eq (extractor.image_bytes, 224 * 224 * 3);
  extractor_close (&extractor);
}
END_TEST

/* 100 all over: (100 / 2 - 10, 100 / 2 - 20, 100 / 2 - 30).  */
START_TEST (a_photograph_becomes_a_row)
{
  enum { HEIGHT = 6, WIDTH = 8 };
  unsigned char pixels[HEIGHT * WIDTH * 3];
  float row[3];
  char *photograph = scratch_path ("100.jpg");
  size_t length;
  build (mean_source, metadata);
  open_with (NULL, NETWORK_POOL_NONE, false);
  write_gray_jpeg (photograph, 50, 40, 100);
  void *data = file_read (photograph, 1 << 20, &length);
  ck_assert_msg (extractor_decode (&extractor, data, length, pixels) == 0, "%s", error_message ());
  ck_assert_msg (extractor_run (&extractor, pixels, 1, row) == 0, "%s", error_message ());
  ck_assert_float_eq_tol (row[0], 40, 1e-4f);
  ck_assert_float_eq_tol (row[1], 30, 1e-4f);
  ck_assert_float_eq_tol (row[2], 20, 1e-4f);
  extractor_close (&extractor);
  free (data);
  free (photograph);
}
END_TEST

START_TEST (what_is_no_photograph)
{
  unsigned char pixels[3];
  ck_assert_int_eq (preprocess_parse (&extractor.preprocess, "crop=1"), 0);
  ck_assert_int_eq (extractor_decode (&extractor, "text", 4, pixels), -1);
  ck_assert_str_eq (error_message (), "not a JPEG or PNG file");
}
END_TEST

static void
assert_not_opened (const char *preprocess, int status, const char *begin)
{
  char *expected = text_new (begin, backbone);
  const struct extractor_options options = { .backbone = backbone, .preprocess = preprocess, .network.device = "cpu" };
  ck_assert_int_eq (extractor_open (&extractor, &options, 1, 1), -1);
  ck_assert_msg (!strncmp (error_message (), expected, strlen (expected)), "'%s'", error_message ());
  ck_assert_int_eq (error_status (), status);
  free (expected);
}

START_TEST (backbones_that_cannot_be_used)
{
  assert_not_opened (NULL, ERROR_FAILED, "cannot open '%s': No such file or directory; check the path");
  ck_assert_int_eq (file_write (backbone, "text", 4), 0);
  assert_not_opened (NULL, ERROR_FAILED, "cannot use the backbone '%s': ");
  build ("def forward(self, x: Tensor):\n    return torch.matmul(x, torch.ones([7, 7]))\n", metadata);
  assert_not_opened (NULL, ERROR_FAILED, "cannot use the backbone '%s' for images of 3 x 6 x 8: ");
  assert_not_opened ("size=7", ERROR_USAGE, "preprocessing 'size=7': unknown key 'size'; ");
}
END_TEST

START_TEST (pools)
{
  enum network_pool pool = NETWORK_POOL_NONE;
  ck_assert_int_eq (extractor_parse_pool ("max", &pool), 0);
  ck_assert_int_eq (pool, NETWORK_POOL_MAX);
  ck_assert_int_eq (extractor_parse_pool ("avg", &pool), 0);
  ck_assert_int_eq (pool, NETWORK_POOL_AVG);
  ck_assert_int_eq (extractor_parse_pool ("none", &pool), 0);
  ck_assert_int_eq (pool, NETWORK_POOL_NONE);
  ck_assert_int_eq (extractor_parse_pool ("mean", &pool), -1);
  ck_assert_str_eq (error_message (), "--pool takes none, avg or max, not 'mean'");
  ck_assert_int_eq (error_status (), ERROR_USAGE);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("extractor");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, what_the_file_says);
  tcase_add_test (cases, what_the_caller_says);
  tcase_add_test (cases, what_nobody_says);
  tcase_add_test (cases, a_photograph_becomes_a_row);
  tcase_add_test (cases, what_is_no_photograph);
  tcase_add_test (cases, backbones_that_cannot_be_used);
  tcase_add_test (cases, pools);
  return run_cases (cases, "extractor");
}

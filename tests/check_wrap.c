/* Wrapping TorchScript networks: of each the features are known by hand.  reference/make_networks.py wrote some of them
   by PyTorch.  libtorch is touched only in Check's forked children.  */
#include <config.h>

#include "../src/backbone/backbone.h"
#include "support.h"

static char *from, *to;
static struct backbone_report report;

static void
set_up (void)
{
  from = scratch_path ("from.ts");
  to = scratch_path ("to.ts");
}

static void
tear_down (void)
{
  backbone_report_free (&report);
  free (from);
  free (to);
}

static void
build (const char *source)
{
  char error[NETWORK_ERROR_BYTES];
  int result = network_build (from, source, NULL, 0, "{}", error);
  ck_assert_msg (result == 0, "%s", error);
}

/* For images of 2 x 2.  */
static int
try_wrap (const char *path, int output, enum network_pool pool)
{
  const struct backbone_options options = {
    .output = to, .force = true, .pool = pool, .preprocess = "resize=2x2", .height = 2, .width = 2
  };
  backbone_report_free (&report);
  return backbone_wrap (&options, path, output, &report);
}

static void
wrap (const char *path, int output, enum network_pool pool)
{
  ck_assert_msg (try_wrap (path, output, pool) == 0, "%s", error_message ());
}

/* The row of one image of 2 x 2 through the wrapped network: red 0 to 3, green 10 to 13, blue 20 to 23.  */
static void
run_wrapped (int64_t columns, float *row)
{
  static const unsigned char pixels[] = { 0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23 };
  char error[NETWORK_ERROR_BYTES];
  struct network_plan plan = { .height = 2, .width = 2, .batch = 1, .threads = 1, .pixels.colour = { 0, 1, 2 } };
  struct network *network;
  struct network_shape shape;
  for (int i = 0; i < 3 * 256; i++)
    plan.pixels.table[i / 256][i % 256] = (float) (i % 256);
  int result = network_open (&network, to, &(struct network_options){ .device = "cpu" }, error);
  ck_assert_msg (result == 0 && network_prepare (network, &plan, &shape, error) == 0, "%s", error);
  ck_assert_int_eq (shape.rank, report.trial.shape.rank);
  ck_assert_mem_eq (shape.size, report.trial.shape.size, (size_t) shape.rank * sizeof *shape.size);
  ck_assert_int_eq (shape.rank == 3 ? shape.size[0] * shape.size[1] * shape.size[2] : shape.size[0], columns);
  ck_assert_msg (network_run (network, pixels, 1, row, error) == 0, "%s", error);
  network_close (network);
}

static void
assert_row (const float *expected, int columns)
{
  float row[12];
  run_wrapped (columns, row);
  for (int i = 0; i < columns; i++)
    ck_assert_float_eq_tol (row[i], expected[i], 1e-4f);
}

/* Rows (height, width, channels): 2 r - b + 1/2 and g.  */
static const float maps[] = { -19.5f, 10, -18.5f, 11, -17.5f, 12, -16.5f, 13 }, means[] = { -18, 11.5f },
                   largest[] = { -16.5f, 13 };

START_TEST (files_of_pytorch)
{
  static const struct {
    const char *file;
    int output, outputs;
    bool vector;
    const char *layer;
  } networks[] = {
    { "network-half.ts", 0, 1, false, "output" },
    { "network-half-frozen.ts", 0, 1, false, "output" },
    { "network-bfloat16-frozen.ts", 0, 1, false, "output" },
    { "network-indexed.ts", 0, 1, false, "output" },
    { "network-named.ts", 0, 2, false, "maps" },
    { "network-named.ts", 1, 2, true, "means" },
    { "network-traced.ts", 1, 2, false, "output 1" },
    { "network-traced.ts", 0, 2, true, "output 0" },
    { "network-traced-frozen.ts", 1, 2, false, "output 1" },
  };
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
    {
      wrap (reference_path (networks[i].file), networks[i].output, NETWORK_POOL_NONE);
      ck_assert_int_eq ((int) report.trial.outputs, networks[i].outputs);
      ck_assert_str_eq (json_string_value (json_object_get (report.description, "layer")), networks[i].layer);
      assert_row (networks[i].vector ? means : maps, networks[i].vector ? 2 : 8);
    }
}
END_TEST

START_TEST (pools_inside)
{
  wrap (reference_path ("network-half-frozen.ts"), 0, NETWORK_POOL_AVG);
  assert_row (means, 2);
  wrap (reference_path ("network-traced.ts"), 1, NETWORK_POOL_MAX);
  assert_row (largest, 2);
  ck_assert_str_eq (json_string_value (json_object_get (report.description, "pool")), "max");
}
END_TEST

START_TEST (lists_all_outputs)
{
  build ("def forward(self, x: Tensor):\n    return (x[:, 0, 0], 3, x.unsqueeze(0), x * 2.0)\n");
  wrap (from, 3, NETWORK_POOL_NONE);
  const struct network_trial *trial = &report.trial;
  ck_assert_uint_eq (trial->outputs, 4);
  ck_assert_int_eq (trial->output[0].rank, 2);
  ck_assert_int_eq (trial->output[0].size[1], 2);
  ck_assert_int_eq (trial->output[1].rank, -1);
  ck_assert_int_eq (trial->output[2].rank, 5);
  ck_assert_int_eq (trial->output[2].size[2], 3);
  static const float doubled[] = { 0, 20, 40, 2, 22, 42, 4, 24, 44, 6, 26, 46 };
  assert_row (doubled, 12);
}
END_TEST

START_TEST (takes_from_a_list)
{
  build ("def forward(self, x: Tensor):\n    return [x, torch.mean(x, [2, 3])]\n");
  wrap (from, 1, NETWORK_POOL_NONE);
  static const float planes[] = { 1.5f, 11.5f, 21.5f };
  assert_row (planes, 3);
}
END_TEST

START_TEST (wraps_again_with_the_same_bytes)
{
  char once[FILE_SHA256_BYTES];
  build ("def forward(self, x: Tensor):\n    return x\n");
  wrap (from, 0, NETWORK_POOL_NONE);
  strcpy (once, report.sha256);
  wrap (from, 0, NETWORK_POOL_NONE);
  ck_assert_str_eq (report.sha256, once);
  wrap (to, 0, NETWORK_POOL_AVG); /* a wrapped one, over itself */
  static const float planes[] = { 1.5f, 11.5f, 21.5f };
  assert_row (planes, 3);
  ck_assert_str_eq (json_string_value (json_object_get (report.description, "wrapped_sha256")), once);
  ck_assert_int_eq (count_entries (scratch), 2);
}
END_TEST

START_TEST (other_networks_are_refused)
{
  static const struct {
    const char *source;
    int output;
    enum network_pool pool;
    const char *reason;
  } networks[] = {
    { "def forward(self, x: Tensor):\n    return (x, x)\n", 2, NETWORK_POOL_NONE,
      "it has no output 2; outputs are counted from 0" },
    { "def forward(self, x: Tensor):\n    return (x, 3)\n", 1, NETWORK_POOL_NONE,
      "output 1 is a Int, not a tensor; choose another one by --output" },
    { "def forward(self, x: Tensor):\n    return x[:, :, 0, 0]\n", 0, NETWORK_POOL_AVG,
      "output 0 is [1, 3], which has no height and width to pool; leave --pool out" },
    { "def forward(self, x: Tensor, y: Tensor):\n    return x + y\n", 0, NETWORK_POOL_NONE,
      "its forward takes 'y' as well, not one tensor of images; export it with one input" },
    { "def forward(self, x: List[Tensor]):\n    return x[0]\n", 0, NETWORK_POOL_NONE,
      "its forward takes a List[Tensor], not one tensor of images; export it with one input" },
    { "def forward(self, x: Tensor):\n    return torch.log(x * 0.0 - 1.0)\n", 0, NETWORK_POOL_AVG,
      "its values are not finite; its weights may be damaged: copy or export it again" },
    { "def forward(self):\n    return 3\n", 0, NETWORK_POOL_NONE,
      "its forward takes no input, not one tensor of images; export it with one input" },
  };
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
    {
      build (networks[i].source);
      char *message = text_new ("cannot wrap '%s' for images of 3 x 2 x 2: %s", from, networks[i].reason);
      ck_assert_int_eq (try_wrap (from, networks[i].output, networks[i].pool), -1);
      ck_assert_str_eq (error_message (), message);
      ck_assert (!file_exists (to));
      free (message);
    }
}
END_TEST

#define BUILD "'slabfit backbone ARCHITECTURE --weights' builds a ResNet from them"
#define EXPORT "export the network by torch.jit.trace (network.eval (), images).save (\"FILE.ts\")"

/* Files that begin and end as those of other programs do.  */
START_TEST (other_files_are_named)
{
  static const struct {
    const char *bytes;
    size_t length;
    const char *what;
  } files[] = {
    { "\x89HDF\r\n\x1a\n        ", 16, "HDF5, such as Keras's weights, and no network; " BUILD },
    { "\x10\0\0\0\0\0\0\0{\"a\":{}}", 16, "safetensors, which holds weights and no network; " BUILD },
    { "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 16,
      "weights in PyTorch's older form (a pickle), and no network; " BUILD ", or " EXPORT },
    { "\x08\x08\x12\x07pytorch\x1a\x04"
      "2.15",
      16, "ONNX, which slabfit does not run; " EXPORT },
    { "PK\3\4 archive/data.pkl archive/data/0 archive/version PK\5\6", 57,
      "PyTorch's weights or a pickled network, and no TorchScript; " BUILD ", or " EXPORT },
    { "PK\3\4 m/data/aotinductor/model/a.so m/archive_format PK\5\6", 56,
      "an AOTInductor package (.pt2), which cannot be wrapped; extract takes it as it is, with --preprocess" },
    { "PK\3\4 m/models/model.json m/archive_format PK\5\6", 46,
      "an exported program (.pt2), which was not compiled; " EXPORT },
    { "PK\3\4 metadata.json config.json model.weights.h5 PK\5\6", 52, "a Keras model; " BUILD },
    { "PK\3\4 archive/data.pkl archive/constants.pkl", 43,
      "cut short: what a zip archive ends with is missing; copy or make it again" },
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    {
      ck_assert_int_eq (file_write (from, files[i].bytes, files[i].length), 0);
      char *message = text_new ("'%s' is %s", from, files[i].what);
      ck_assert_int_eq (try_wrap (from, 0, NETWORK_POOL_NONE), -1);
      ck_assert_str_eq (error_message (), message);
      free (message);
    }
  ck_assert_int_eq (file_write (from, "def forward(self, x)", 20), 0);
  ck_assert_int_eq (try_wrap (from, 0, NETWORK_POOL_NONE), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "; give a TorchScript file"));
  ck_assert_int_eq (count_entries (scratch), 1);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("wrap");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, files_of_pytorch);
  tcase_add_test (cases, pools_inside);
  tcase_add_test (cases, lists_all_outputs);
  tcase_add_test (cases, takes_from_a_list);
  tcase_add_test (cases, wraps_again_with_the_same_bytes);
  tcase_add_test (cases, other_networks_are_refused);
  tcase_add_test (cases, other_files_are_named);
  return run_cases (cases, "wrap");
}

/* The shim: networks whose output is known by hand.  libtorch is touched only in Check's forked children.  */
#include <config.h>

#include "../shim/network.h"
#include "support.h"

#include <pthread.h>

static char error[NETWORK_ERROR_BYTES];
static char *path;

static void
set_up (void)
{
  path = scratch_path ("network.ts");
}

static void
tear_down (void)
{
  free (path);
}

static void
build (const char *source, const struct network_tensor *tensors, size_t count)
{
  int result = network_build (path, source, tensors, count, "{\"layer\": \"x\"}", error);
  ck_assert_msg (result == 0, "%s", error);
}

static struct network *
open_with (enum network_pool pool)
{
  struct network *network = NULL;
  const struct network_options options = { .device = "cpu", .pool = pool };
  int result = network_open (&network, path, &options, error);
  ck_assert_msg (result == 0, "%s", error);
  return network;
}

/* For two images of 2 x 2, whose bytes are signed numbers.  */
static int
prepare (struct network *network, struct network_shape *shape)
{
  struct network_plan plan = { .height = 2, .width = 2, .batch = 2, .threads = 1, .pixels.colour = { 0, 1, 2 } };
  for (int plane = 0; plane < 3; plane++)
    for (int byte = 0; byte < 256; byte++)
      plan.pixels.table[plane][byte] = (float) (byte < 128 ? byte : byte - 256);
  return network_prepare (network, &plan, shape, error);
}

static struct network *
open_ready (enum network_pool pool)
{
  struct network_shape shape;
  struct network *network = open_with (pool);
  ck_assert_msg (prepare (network, &shape) == 0, "%s", error);
  return network;
}

/* An image of 2 x 2 whose planes hold 0..3, 10..13 and 20..23, and one of their negatives.  */
static const signed char pixels[2][2][2][3] = {
  { { { 0, 10, 20 }, { 1, 11, 21 } }, { { 2, 12, 22 }, { 3, 13, 23 } } },
  { { { 0, -10, -20 }, { -1, -11, -21 } }, { { -2, -12, -22 }, { -3, -13, -23 } } },
};
static const unsigned char *const images = (const unsigned char *) pixels;

static const char identity[] = "def forward(self, x: Tensor):\n    return x\n";

START_TEST (flattens_in_keras_order)
{
  build (identity, NULL, 0);
  struct network *network = open_with (NETWORK_POOL_NONE);
  struct network_shape shape;
  float row[2][12];
  ck_assert_int_eq (prepare (network, &shape), 0);
  ck_assert_int_eq (shape.rank, 3);
  ck_assert_int_eq (shape.size[0], 2); /* height, width, channels */
  ck_assert_int_eq (shape.size[1], 2);
  ck_assert_int_eq (shape.size[2], 3);
  ck_assert_int_eq (network_run (network, images, 2, row[0], error), 0);
  for (int h = 0; h < 2; h++)
    for (int w = 0; w < 2; w++)
      for (int c = 0; c < 3; c++)
        {
          ck_assert_float_eq (row[0][(h * 2 + w) * 3 + c], (float) (c * 10 + h * 2 + w));
          ck_assert_float_eq (row[1][(h * 2 + w) * 3 + c], -(float) (c * 10 + h * 2 + w));
        }
  network_close (network);
}
END_TEST

START_TEST (pools)
{
  build (identity, NULL, 0);
  static const float average[] = { 1.5f, 11.5f, 21.5f }, largest[] = { 3, 13, 23 };
  for (int pool = NETWORK_POOL_AVG; pool <= NETWORK_POOL_MAX; pool++)
    {
      struct network *network = open_with ((enum network_pool) pool);
      struct network_shape shape;
      float row[2][3];
      ck_assert_int_eq (prepare (network, &shape), 0);
      ck_assert_int_eq (shape.rank, 1);
      ck_assert_int_eq (shape.size[0], 3);
      ck_assert_int_eq (network_run (network, images, 2, row[0], error), 0);
      for (int c = 0; c < 3; c++)
        ck_assert_float_eq (row[0][c], pool == NETWORK_POOL_AVG ? average[c] : largest[c]);
      network_close (network);
    }
}
END_TEST

START_TEST (runs_convolutions)
{
  /* One 1 x 1 convolution: 2 r - b + 0.5, and g.  */
  static const float kernel[] = { 2, 0, -1, 0, 1, 0 }, bias[] = { 0.5f, 0 };
  static const struct network_tensor tensors[] = {
    { "kernel", 4, { 2, 3, 1, 1 }, kernel },
    { "bias", 1, { 2 }, bias },
  };
  build ("def forward(self, x: Tensor):\n"
         "    return torch.conv2d(x, self.kernel, self.bias, [1, 1], [0, 0], [1, 1], 1)\n",
         tensors, 2);
  struct network *network = open_ready (NETWORK_POOL_NONE);
  float row[2][8];
  ck_assert_int_eq (network_run (network, images, 2, row[0], error), 0);
  for (int i = 0; i < 4; i++)
    {
      ck_assert_float_eq_tol (row[0][2 * i], 2.0f * (float) i - (20.0f + (float) i) + 0.5f, 1e-5f);
      ck_assert_float_eq_tol (row[0][2 * i + 1], 10.0f + (float) i, 1e-5f);
    }
  ck_assert_str_eq (network_metadata (network), "{\"layer\": \"x\"}");
  network_close (network);
}
END_TEST

struct run {
  struct network *network;
  float row[2][12];
  int result;
};

static void *
run_in_thread (void *argument)
{
  struct run *run = argument;
  char mine[NETWORK_ERROR_BYTES];
  run->result = network_run (run->network, images, 2, run->row[0], mine);
  return NULL;
}

/* As traced modules do that were not frozen: calls within the network are to be inlined.  */
START_TEST (inlines_calls)
{
  build ("def double(self, x: Tensor) -> Tensor:\n    return x + x\n"
         "def forward(self, x: Tensor) -> Tensor:\n    return self.double(x)\n",
         NULL, 0);
  struct network *network = open_ready (NETWORK_POOL_AVG);
  float row[2][3];
  ck_assert_int_eq (network_run (network, images, 2, row[0], error), 0);
  ck_assert_float_eq (row[0][0], 3);
  ck_assert_float_eq (row[1][2], -43);
  network_close (network);
}
END_TEST

START_TEST (runs_in_several_threads)
{
  build (identity, NULL, 0);
  struct network *network = open_ready (NETWORK_POOL_NONE);
  pthread_t thread[4];
  struct run run[4];
  for (int i = 0; i < 4; i++)
    {
      run[i].network = network;
      ck_assert_int_eq (pthread_create (&thread[i], NULL, run_in_thread, &run[i]), 0);
    }
  for (int i = 0; i < 4; i++)
    {
      pthread_join (thread[i], NULL);
      ck_assert_int_eq (run[i].result, 0);
      ck_assert_mem_eq (run[i].row, run[0].row, sizeof run[0].row);
    }
  network_close (network);
}
END_TEST

static void
check_open_fails (const char *expected)
{
  struct network *network = NULL;
  const struct network_options options = { .device = "cpu" };
  ck_assert_int_eq (network_open (&network, path, &options, error), -1);
  ck_assert_ptr_null (network);
  ck_assert_msg (strstr (error, expected), "'%s' is not in '%s'", expected, error);
  ck_assert_ptr_null (strchr (error, '\n'));
}

START_TEST (refuses_what_is_no_network)
{
  check_open_fails ("network.ts"); /* no such file */
  ck_assert_int_eq (file_write (path, "no network", 10), 0);
  check_open_fails ("PytorchStreamReader");
}
END_TEST

START_TEST (refuses_a_tuple)
{
  build ("def forward(self, x: Tensor):\n    return (x, x)\n", NULL, 0);
  struct network *network = open_with (NETWORK_POOL_NONE);
  struct network_shape shape;
  ck_assert_int_eq (prepare (network, &shape), -1);
  ck_assert_str_eq (error, "the network gives a Tuple, not one tensor ('slabfit backbone wrap --output N' takes one of several)");
  network_close (network);
}
END_TEST

START_TEST (refuses_another_width)
{
  build ("def forward(self, x: Tensor):\n    return x[:, 0, 0, 0:1].repeat([1, x.size(0)])\n", NULL, 0);
  struct network *network = open_ready (NETWORK_POOL_NONE);
  float row[2][2];
  ck_assert_int_eq (network_run (network, images, 2, row[0], error), -1);
  ck_assert_str_eq (error, "the network gives 2 values for an image, not 1 as in its first run");
  network_close (network);
}
END_TEST

START_TEST (reports_a_failing_run)
{
  build ("def forward(self, x: Tensor):\n    return torch.matmul(x, torch.ones([7, 7]))\n", NULL, 0);
  struct network *network = open_with (NETWORK_POOL_NONE);
  struct network_shape shape;
  ck_assert_int_eq (prepare (network, &shape), -1);
  ck_assert_uint_gt (strlen (error), 10);
  ck_assert_ptr_null (strchr (error, '\n'));
  network_close (network);
}
END_TEST

START_TEST (refuses_bad_source)
{
  ck_assert_int_eq (
    network_build (path, "def forward(self, x: Tensor):\n    return nothing(x)\n", NULL, 0, "{}", error), -1);
  ck_assert_uint_gt (strlen (error), 10);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("network");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, flattens_in_keras_order);
  tcase_add_test (cases, pools);
  tcase_add_test (cases, runs_convolutions);
  tcase_add_test (cases, inlines_calls);
  tcase_add_test (cases, runs_in_several_threads);
  tcase_add_test (cases, refuses_what_is_no_network);
  tcase_add_test (cases, refuses_a_tuple);
  tcase_add_test (cases, refuses_another_width);
  tcase_add_test (cases, reports_a_failing_run);
  tcase_add_test (cases, refuses_bad_source);
  return run_cases (cases, "network");
}

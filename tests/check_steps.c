/* Networks of convolutions and what goes with them, fused or not, against plain loops in double.  */
#include <config.h>

#include "../shim/network.h"
#include "../src/base/machine.h"
#include "support.h"

#include <math.h>

enum { IMAGES = 2, HEIGHT = 8, WIDTH = 10, CHANNELS = 16, LARGEST = IMAGES * 2 * CHANNELS * HEIGHT * WIDTH };

/* A map (IMAGES, channels, height, width).  */
struct map {
  int channels, height, width;
  double value[LARGEST];
};

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

/* Numbers from -1 to 1, the same for the same NUMBER; eighths, which bfloat16 holds.  */
static float
number (unsigned stream, size_t number)
{
  unsigned mixed = (unsigned) number * 2654435761u + stream * 40503u;
  return (float) ((int) ((mixed ^ mixed >> 15) % 17) - 8) / 8;
}

static unsigned char
pixel (size_t i)
{
  return (unsigned char) (128 + 8 * number (99, i));
}

static double *
at (struct map *map, int image, int channel, int row, int column)
{
  return &map->value[((image * map->channels + channel) * map->height + row) * map->width + column];
}

/* The kernels that a convolution number STREAM has, (outputs, inputs of a group, side, side), and its biases.  */
static double
kernel_value (int stream, int fan_in, int output, int input, int side, int row, int column)
{
  return (double) number ((unsigned) stream, (size_t) (((output * fan_in + input) * side + row) * side + column));
}

struct convolution {
  int stream, outputs, groups, side, stride, before, after; /* padding */
};

static struct map
convolve (struct map from, struct convolution how)
{
  int inputs = from.channels / how.groups, padding = how.before + how.after - how.side;
  struct map to = {
    how.outputs, (from.height + padding) / how.stride + 1, (from.width + padding) / how.stride + 1, { 0 }
  };
  for (int n = 0; n < IMAGES; n++)
    for (int o = 0; o < to.channels; o++)
      for (int y = 0; y < to.height; y++)
        for (int x = 0; x < to.width; x++)
          {
            double sum = (double) number ((unsigned) how.stream + 50, (size_t) o);
            for (int i = 0; i < inputs; i++)
              for (int r = 0; r < how.side; r++)
                for (int c = 0; c < how.side; c++)
                  {
                    int row = y * how.stride + r - how.before, column = x * how.stride + c - how.before;
                    if (row >= 0 && row < from.height && column >= 0 && column < from.width)
                      sum += *at (&from, n, o / (to.channels / how.groups) * inputs + i, row, column)
                             * kernel_value (how.stream, inputs, o, i, how.side, r, c);
                  }
            *at (&to, n, o, y, x) = sum;
          }
  return to;
}

static struct map
apply (struct map map, double (*function) (double))
{
  for (size_t i = 0; i < LARGEST; i++)
    map.value[i] = function (map.value[i]);
  return map;
}

static double
relu (double x)
{
  return fmax (x, 0);
}

static double
relu6 (double x)
{
  return fmin (fmax (x, 0), 6);
}

static double
sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

static double
silu (double x)
{
  return x * sigmoid (x);
}

static double
hardsigmoid (double x)
{
  return relu6 (x + 3) / 6;
}

static double
hardswish (double x)
{
  return x * hardsigmoid (x);
}

static double
clip (double x)
{
  return fmin (fmax (x, -0.5), 1.5);
}

/* The largest, or the mean, of each SIDE x SIDE values, of a CUT_OFF window too; padding counts as nothing for the
   first.  */
static struct map
pool (struct map from, bool largest, int side, int stride, int padding, bool cut_off)
{
  int room = 2 * padding - side + (cut_off ? stride - 1 : 0);
  struct map to = { from.channels, (from.height + room) / stride + 1, (from.width + room) / stride + 1, { 0 } };
  for (int n = 0; n < IMAGES; n++)
    for (int k = 0; k < to.channels; k++)
      for (int y = 0; y < to.height; y++)
        for (int x = 0; x < to.width; x++)
          {
            double most = -INFINITY, sum = 0;
            for (int r = y * stride - padding; r < y * stride - padding + side; r++)
              for (int c = x * stride - padding; c < x * stride - padding + side; c++)
                if (r >= 0 && r < from.height && c >= 0 && c < from.width)
                  {
                    most = fmax (most, *at (&from, n, k, r, c));
                    sum += *at (&from, n, k, r, c);
                  }
            *at (&to, n, k, y, x) = largest ? most : sum / (side * side);
          }
  return to;
}

/* The network's input.  */
static struct map
images (void)
{
  struct map image = { 3, HEIGHT, WIDTH, { 0 } };
  for (int n = 0; n < IMAGES; n++)
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++)
        for (int c = 0; c < 3; c++)
          *at (&image, n, c, y, x) = (pixel ((size_t) (((n * HEIGHT + y) * WIDTH + x) * 3 + c)) - 128) / 8.0;
  return image;
}

/* What network_source below computes.  */
static struct map
compute (void)
{
  struct map a = apply (convolve (images (), (struct convolution){ 1, CHANNELS, 1, 3, 2, 1, 1 }), relu);
  struct map d = apply (convolve (a, (struct convolution){ 2, CHANNELS, CHANNELS, 3, 1, 0, 1 }), relu6);
  struct map s = convolve (d, (struct convolution){ 3, CHANNELS, 1, 1, 1, 0, 0 });
  struct map f = convolve (d, (struct convolution){ 4, CHANNELS, 1, 3, 1, 1, 1 });
  for (size_t i = 0; i < LARGEST; i++)
    s.value[i] = relu (s.value[i] + f.value[i]);
  struct map t = apply (convolve (s, (struct convolution){ 5, CHANNELS, 1, 1, 1, 0, 0 }), silu);
  struct map both = { 2 * CHANNELS, s.height, s.width, { 0 } };
  for (int n = 0; n < IMAGES; n++)
    for (int c = 0; c < CHANNELS; c++)
      {
        double mean = 0;
        for (int i = 0; i < s.height * s.width; i++)
          mean += at (&s, n, c, 0, 0)[i] / (s.height * s.width);
        for (int i = 0; i < s.height * s.width; i++)
          {
            at (&both, n, c, 0, 0)[i] = at (&s, n, c, 0, 0)[i];
            at (&both, n, CHANNELS + c, 0, 0)[i] = at (&t, n, c, 0, 0)[i] * sigmoid (mean);
          }
      }
  struct map v = pool (pool (both, true, 2, 1, 1, false), false, 2, 2, 0, false);
  for (size_t i = 0; i < LARGEST; i++)
    v.value[i] = relu6 (v.value[i] + v.value[i] / 2);
  return v;
}

/* Works in place here and there, as networks that were made for training do.  */
static const char network_source[] =
  "def conv(self, x: Tensor, w: Tensor, b: Tensor, stride: int, padding: int, groups: int):\n"
  "    return torch.conv2d(x, w, b, [stride, stride], [padding, padding], [1, 1], groups)\n"
  "def forward(self, x: Tensor):\n"
  "    a = torch.relu_(self.conv(x, self.w1, self.b1, 2, 1, 1))\n"
  "    p = torch.constant_pad_nd(a, [0, 1, 0, 1], 0)\n"
  "    d = torch.hardtanh(self.conv(p, self.w2, self.b2, 1, 0, 16), 0., 6.)\n"
  "    e = self.conv(d, self.w3, self.b3, 1, 0, 1)\n"
  "    e2 = torch.add_(e, self.conv(d, self.w4, self.b4, 1, 1, 1))\n"
  "    s = torch.relu_(e)\n"
  "    t = torch.silu(self.conv(s, self.w5, self.b5, 1, 0, 1))\n"
  "    c = torch.cat([s, t * torch.sigmoid(torch.adaptive_avg_pool2d(s, [1, 1]))], 1)\n"
  "    m = torch.max_pool2d(c, [2, 2], [1, 1], [1, 1], [1, 1], False)\n"
  "    v = torch.avg_pool2d(m, [2, 2], [2, 2], [0, 0], False, True)\n"
  "    u = torch.max_pool2d(v, [1, 1], [1, 1], [0, 0], [1, 1], False)\n"
  "    return torch.hardtanh(u + self.conv(v, self.w6, self.b6, 1, 0, 32), 0., 6.)\n";

static void
build (void)
{
  static const int64_t size[][4] = { { CHANNELS, 3, 3, 3 },        { CHANNELS, 1, 3, 3 },
                                     { CHANNELS, CHANNELS, 1, 1 }, { CHANNELS, CHANNELS, 3, 3 },
                                     { CHANNELS, CHANNELS, 1, 1 }, { 2 * CHANNELS, 1, 1, 1 } };
  static float values[12][CHANNELS * CHANNELS * 9];
  static const char *const names[] = { "w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3", "b4", "b5", "b6" };
  struct network_tensor tensors[12];
  for (unsigned i = 0; i < 6; i++)
    {
      tensors[i] =
        (struct network_tensor){ names[i], 4, { size[i][0], size[i][1], size[i][2], size[i][3] }, values[i] };
      tensors[6 + i] = (struct network_tensor){ names[6 + i], 1, { size[i][0] }, values[6 + i] };
      for (size_t j = 0; j < CHANNELS * CHANNELS * 9; j++)
        {
          values[i][j] = i == 5 ? 0.5f : number (i + 1, j); /* the last one halves */
          values[6 + i][j] = i == 5 ? 0 : number (i + 51, j);
        }
    }
  ck_assert_msg (network_build (path, network_source, tensors, 12, "", error) == 0, "%s", error);
}

static struct network *
open_with (enum network_precision precision)
{
  struct network *network = NULL;
  const struct network_options options = { .device = "cpu", .precision = precision };
  ck_assert_msg (network_open (&network, path, &options, error) == 0, "%s", error);
  return network;
}

/* Bytes stand for eighths from -16 on.  */
static void
prepare (struct network *network, int batch, int threads, struct network_shape *shape)
{
  struct network_plan plan = { .height = HEIGHT, .width = WIDTH, .batch = batch, .threads = threads };
  for (int plane = 0; plane < 3; plane++)
    {
      plan.pixels.colour[plane] = plane;
      for (int byte = 0; byte < 256; byte++)
        plan.pixels.table[plane][byte] = (float) (byte - 128) / 8;
    }
  ck_assert_msg (network_prepare (network, &plan, shape, error) == 0, "%s", error);
}

static unsigned char pixels[IMAGES * HEIGHT * WIDTH * 3];
static float rows[IMAGES][LARGEST];

/* Runs the network for all images, COUNT at a time; the values in a row.  */
static size_t
run (struct network *network, int count, int threads)
{
  struct network_shape shape;
  for (size_t i = 0; i < sizeof pixels; i++)
    pixels[i] = pixel (i);
  prepare (network, count, threads, &shape);
  size_t width = 1;
  for (int i = 0; i < shape.rank; i++)
    width *= (size_t) shape.size[i];
  for (int i = 0; i < IMAGES; i += count)
    ck_assert_msg (network_run (network, pixels + i * HEIGHT * WIDTH * 3, count, rows[0] + (size_t) i * width, error)
                     == 0,
                   "%s", error);
  return width;
}

/* The rows are EXPECTED; TOLERANCE is a share of 6, the largest value of most.  */
static void
assert_map (struct map expected, double tolerance)
{
  const float *value = rows[0];
  double largest = 0;
  for (int n = 0; n < IMAGES; n++)
    for (int y = 0; y < expected.height; y++)
      for (int x = 0; x < expected.width; x++)
        for (int c = 0; c < expected.channels; c++, value++)
          {
            double wanted = *at (&expected, n, c, y, x);
            largest = fmax (largest, wanted);
            ck_assert_msg (fabs (wanted - (double) *value) <= 6 * tolerance, "image %d, (%d, %d, %d): %g, not %g", n, y,
                           x, c, (double) *value, wanted);
          }
  ck_assert (largest > 0.9); /* a network that gives something */
}

static void
assert_computed (double tolerance)
{
  assert_map (compute (), tolerance);
}

START_TEST (the_same_as_plain_loops)
{
  build ();
  struct network *network = open_with (NETWORK_F32);
  size_t width = run (network, IMAGES, 1);
  struct map expected = compute ();
  ck_assert_uint_eq (width, (size_t) (expected.channels * expected.height * expected.width));
  assert_computed (1e-5);
  network_close (network);
}
END_TEST

START_TEST (the_same_bits_for_any_batch_and_threads)
{
  static float first[IMAGES * LARGEST];
  build ();
  struct network *network = open_with (NETWORK_F32);
  size_t width = run (network, IMAGES, 1);
  memcpy (first, rows[0], IMAGES * width * sizeof (float));
  for (int batch = 1; batch <= IMAGES; batch++)
    for (int threads = 1; threads <= 3; threads++)
      {
        memset (rows, 0, sizeof rows);
        run (network, batch, threads);
        ck_assert_msg (!memcmp (first, rows[0], IMAGES * width * sizeof (float)), "batch %d, %d threads", batch,
                       threads);
      }
  network_close (network);
}
END_TEST

/* bfloat16 keeps 8 bits of a number, and five layers follow each other.  */
START_TEST (bfloat16_within_its_rounding)
{
  struct network *network = NULL;
  build ();
  if (machine_has_bfloat16 ())
    {
      network = open_with (NETWORK_BF16);
      run (network, IMAGES, 1);
      assert_computed (0.03);
    }
  else
    {
      const struct network_options options = { .device = "cpu", .precision = NETWORK_BF16 };
      ck_assert_int_eq (network_open (&network, path, &options, error), -1);
      ck_assert_msg (strstr (error, "this processor has neither avx512_bf16 nor amx; use f32"), "%s", error);
    }
  network_close (network);
}
END_TEST

/* 5 is TorchScript's number for half: 0.1 would become 0.09998.  */
START_TEST (halves_become_floats)
{
  static const float kernel[] = { 0.1f, 0, 0 };
  static const struct network_tensor tensor = { "kernel", 4, { 1, 3, 1, 1 }, kernel };
  struct network_shape shape;
  static const char *const sources[] = {
    "def forward(self, x: Tensor):\n"
    "    half = torch.to(self.kernel, 5, False, False)\n"
    "    return torch.conv2d(torch.to(x, 5, False, False), half, None, [1, 1], [0, 0], [1, 1], 1)\n",
    "def forward(self, x: Tensor):\n"
    "    if x.size(0) > 0:\n"
    "        x = torch.to(x, 5, False, False)\n"
    "    return x * 0.1\n",
  };
  for (size_t i = 0; i < 2; i++)
    {
      ck_assert_msg (network_build (path, sources[i], &tensor, 1, "", error) == 0, "%s", error);
      struct network *network = open_with (NETWORK_F32);
      prepare (network, 1, 1, &shape);
      memset (pixels, 255, sizeof pixels);
      ck_assert_msg (network_run (network, pixels, 1, rows[0], error) == 0, "%s", error);
      ck_assert_float_eq_tol (rows[0][0], 127.0f / 8 * 0.1f, 1e-6f);
      network_close (network);
    }
}
END_TEST

enum { ODD = 20, CLASSES = 5 }; /* channels that fill no whole vector; outputs of the last layer */

/* Builds a network of forward's BODY, whose convolution (3, 3) makes ODD channels by w and b, and whose last layer is v, c;
   and opens it.  */
static struct network *
open_source (const char *body)
{
  static float kernel[ODD * 3 * 9], bias[ODD], last[CLASSES * ODD * HEIGHT * WIDTH], shift[CLASSES];
  const struct network_tensor tensors[] = { { "w", 4, { ODD, 3, 3, 3 }, kernel },
                                            { "b", 1, { ODD }, bias },
                                            { "v", 2, { CLASSES, ODD * HEIGHT * WIDTH }, last },
                                            { "c", 1, { CLASSES }, shift } };
  for (size_t i = 0; i < ODD * 3 * 9; i++)
    kernel[i] = number (1, i);
  for (size_t i = 0; i < ODD; i++)
    bias[i] = number (51, i);
  for (size_t i = 0; i < CLASSES * ODD * HEIGHT * WIDTH; i++)
    last[i] = number (2, i) / 64;
  for (size_t i = 0; i < CLASSES; i++)
    shift[i] = number (52, i);
  char *source = text_new ("def conv(self, x: Tensor):\n"
                           "    return torch.conv2d(x, self.w, self.b, [1, 1], [1, 1], [1, 1], 1)\n"
                           "def forward(self, x: Tensor):\n    return %s\n",
                           body);
  ck_assert_msg (network_build (path, source, tensors, 4, "", error) == 0, "%s: %s", body, error);
  free (source);
  return open_with (NETWORK_F32);
}

static struct map
convolved (void)
{
  return convolve (images (), (struct convolution){ 1, ODD, 1, 3, 1, 1, 1 });
}

/* In a convolution, behind it, and where an operator that is no step (neg) leaves the network to libtorch.  */
START_TEST (activations)
{
  static const struct {
    const char *call;
    double (*function) (double);
  } cases[] = {
    { "torch.relu(%s)", relu },          { "torch.relu6(%s)", relu6 }, { "torch.hardtanh(%s, -0.5, 1.5)", clip },
    { "torch.sigmoid(%s)", sigmoid },    { "torch.silu(%s)", silu },   { "torch.hardsigmoid(%s)", hardsigmoid },
    { "torch.hardswish(%s)", hardswish }
  };
  static const char *const inner[] = { "self.conv(x)",
                                       "torch.max_pool2d(self.conv(x), [1, 1], [1, 1], [0, 0], [1, 1], False)",
                                       "torch.neg(torch.neg(self.conv(x)))" };
  char *format = text_new ("%s", cases[_i].call);
  char *place = strstr (format, "%s");
  for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
    {
      char *body = text_new ("%.*s%s%s", (int) (place - format), format, inner[i], place + 2);
      struct network *network = open_source (body);
      run (network, IMAGES, 1);
      assert_map (apply (convolved (), cases[_i].function), 1e-5);
      network_close (network);
      free (body);
    }
  free (format);
}
END_TEST

/* A layer on the flattened map: as a step, and where Tensor.view takes it for a plain one.  */
START_TEST (last_layers)
{
  static const char *const bodies[] = { "torch.linear(torch.flatten(self.conv(x), 1, -1), self.v, self.c)",
                                        "torch.linear(self.conv(x).view([x.size(0), -1]), self.v, self.c)" };
  struct map from = convolved (), expected = { CLASSES, 1, 1, { 0 } };
  for (int n = 0; n < IMAGES; n++)
    for (int o = 0; o < CLASSES; o++)
      {
        double sum = (double) number (52, (size_t) o);
        for (int i = 0; i < ODD * HEIGHT * WIDTH; i++)
          sum += at (&from, n, 0, 0, 0)[i] * (double) (number (2, (size_t) (o * ODD * HEIGHT * WIDTH + i)) / 64);
        *at (&expected, n, o, 0, 0) = sum;
      }
  struct network *network = open_source (bodies[_i]);
  ck_assert_uint_eq (run (network, IMAGES, 1), CLASSES);
  assert_map (expected, 1e-5);
  network_close (network);
}
END_TEST

START_TEST (means)
{
  struct map expected = { ODD, 1, 1, { 0 } }, from = apply (convolved (), relu);
  for (int n = 0; n < IMAGES; n++)
    for (int c = 0; c < ODD; c++)
      for (int i = 0; i < HEIGHT * WIDTH; i++)
        *at (&expected, n, c, 0, 0) += at (&from, n, c, 0, 0)[i] / (HEIGHT * WIDTH);
  static const char *const bodies[] = {
    "torch.mean(torch.relu(self.conv(x)), [2, 3], False)",
    "torch.flatten(torch.adaptive_avg_pool2d(torch.relu(self.conv(x)), [1, 1]), 1, 3)"
  };
  for (size_t i = 0; i < 2; i++)
    {
      struct network *network = open_source (bodies[i]);
      ck_assert_uint_eq (run (network, IMAGES, 1), ODD);
      assert_map (expected, 1e-5);
      network_close (network);
    }
}
END_TEST

/* A normalisation that no convolution comes before, behind a pooling whose last windows are cut off.  */
START_TEST (normalisations)
{
  struct network *network =
    open_source ("torch.relu(torch.batch_norm(torch.max_pool2d(self.conv(x), [3, 3], [2, 2], [1, 1], [1, 1], True), "
                 "self.b, self.b, self.b, torch.add(torch.mul(self.b, self.b), 1), False, 0.1, 0.25, False))");
  struct map expected = pool (convolved (), true, 3, 2, 1, true);
  ck_assert_int_eq (expected.height, 5);
  ck_assert_int_eq (expected.width, 6);
  for (int n = 0; n < IMAGES; n++)
    for (int c = 0; c < ODD; c++)
      for (int i = 0; i < expected.height * expected.width; i++)
        {
          double b = (double) number (51, (size_t) c), *value = at (&expected, n, c, 0, 0) + i;
          *value = relu ((*value - b) / sqrt (b * b + 1.25) * b + b);
        }
  run (network, IMAGES, 1);
  assert_map (expected, 1e-5);
  network_close (network);
}
END_TEST

/* PyTorch flattens a map by channels first; rows have that order, since the network says so.  */
START_TEST (flattened_maps)
{
  struct map from = convolved ();
  struct network *network = open_source ("torch.flatten(self.conv(x), 1, -1)");
  ck_assert_uint_eq (run (network, 1, 1), ODD * HEIGHT * WIDTH);
  for (size_t i = 0; i < ODD * HEIGHT * WIDTH; i++)
    ck_assert_double_eq_tol ((double) rows[0][i], from.value[i], 1e-4);
  network_close (network);
}
END_TEST

/* A weight that is not a number shows in the rows, where oneDNN's ReLU would make it 0.  */
START_TEST (damaged_weights_show)
{
  static float kernel[3] = { 0, NAN, 0 };
  static const struct network_tensor tensor = { "kernel", 4, { 1, 3, 1, 1 }, kernel };
  ck_assert_int_eq (
    network_build (path,
                   "def forward(self, x: Tensor):\n"
                   "    return torch.relu(torch.conv2d(x, self.kernel, None, [1, 1], [0, 0], [1, 1], 1))\n",
                   &tensor, 1, "", error),
    0);
  struct network *network = open_with (NETWORK_F32);
  run (network, IMAGES, 1);
  ck_assert (isnan (rows[0][0]));
  network_close (network);
}
END_TEST

START_TEST (windows_larger_than_the_map)
{
  static const char *const bodies[] = { "torch.conv2d(x, torch.ones([2, 3, 9, 9]), None, [3, 3], [0, 0], [1, 1], 1)",
                                        "torch.max_pool2d(x, [9, 9], [3, 3], [0, 0], [1, 1], False)",
                                        "torch.avg_pool2d(x, [9, 9], [3, 3], [0, 0], False, True)" };
  struct network *network = open_source (bodies[_i]);
  struct network_shape shape;
  struct network_plan plan = { .height = HEIGHT, .width = WIDTH, .batch = 1, .threads = 1 };
  ck_assert_int_eq (network_prepare (network, &plan, &shape, error), -1);
  network_close (network);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("steps");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, the_same_as_plain_loops);
  tcase_add_test (cases, the_same_bits_for_any_batch_and_threads);
  tcase_add_test (cases, bfloat16_within_its_rounding);
  tcase_add_test (cases, halves_become_floats);
  tcase_add_loop_test (cases, activations, 0, 7);
  tcase_add_loop_test (cases, last_layers, 0, 2);
  tcase_add_test (cases, means);
  tcase_add_test (cases, normalisations);
  tcase_add_test (cases, flattened_maps);
  tcase_add_test (cases, damaged_weights_show);
  tcase_add_loop_test (cases, windows_larger_than_the_map, 0, 3);
  return run_cases (cases, "steps");
}

// The GPU's runner without a GPU: the processor stands in for the device, with streams and events that write down how
// they are used.  Rows are compared with the processor's runner and with values worked out here.
#include "../shim/runner.hpp"

#include <ATen/ATen.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/csrc/api/include/torch/version.h>

#include <check.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace
{

// A device with COUNT places.  Its events take a quarter of a second from one to the next.
class pretended : public c10::impl::DeviceGuardImplInterface
{
public:
  pretended (c10::DeviceType type, int count) : type_ (type), count_ (count)
  {
  }

  c10::DeviceType
  type () const override
  {
    return type_;
  }
  c10::Device
  exchangeDevice (c10::Device) const override
  {
    return { type_, -1 };
  }
  c10::Device
  getDevice () const override
  {
    return { type_, -1 };
  }
  void
  setDevice (c10::Device) const override
  {
  }
  void
  uncheckedSetDevice (c10::Device) const noexcept override
  {
  }
  c10::Stream
  getStream (c10::Device) const noexcept override
  {
    return make (current);
  }
  c10::Stream
  getStreamFromGlobalPool (c10::Device, bool = false) const override
  {
    return make (++streams);
  }
  c10::Stream
  exchangeStream (c10::Stream stream) const noexcept override
  {
    c10::Stream before = make (current);
    current = stream.id ();
    return before;
  }
  c10::DeviceIndex
  deviceCount () const noexcept override
  {
    return static_cast<c10::DeviceIndex> (count_);
  }
  void
  record (void **event, const c10::Stream &stream, const c10::DeviceIndex, const c10::EventFlag) const override
  {
    if (!*event)
      *event = new c10::StreamId;
    *static_cast<c10::StreamId *> (*event) = stream.id ();
  }
  void
  block (void *event, const c10::Stream &stream) const override
  {
    std::lock_guard<std::mutex> lock (mutex);
    waits.insert ({ stream.id (), *static_cast<c10::StreamId *> (event) });
  }
  bool
  queryEvent (void *) const override
  {
    return true;
  }
  void
  destroyEvent (void *event, const c10::DeviceIndex) const noexcept override
  {
    delete static_cast<c10::StreamId *> (event);
  }
  double
  elapsedTime (void *, void *, const c10::DeviceIndex) const // libtorch's interface has it from 2.4 on
  {
    return 250;
  }

  static thread_local c10::StreamId current;
  static std::atomic<c10::StreamId> streams; // given from the pool
  static std::mutex mutex;
  static std::multiset<std::pair<c10::StreamId, c10::StreamId> > waits; // who waited for an event of whom

private:
  c10::Stream
  make (c10::StreamId id) const
  {
    return c10::Stream (c10::Stream::UNSAFE, c10::Device (type_, -1), id);
  }

  c10::DeviceType type_;
  int count_;
};

thread_local c10::StreamId pretended::current = 0;
std::atomic<c10::StreamId> pretended::streams{ 0 };
std::mutex pretended::mutex;
std::multiset<std::pair<c10::StreamId, c10::StreamId> > pretended::waits;

void
pretend (c10::DeviceType type, int count)
{
  c10::impl::DeviceGuardImplRegistrar (type, new pretended (type, count)); // never freed, as its like
}

// Gives what BODY makes of the images.
class test_engine : public engine
{
public:
  using body = std::function<at::Tensor (const at::Tensor &)>;
  explicit test_engine (body body) : body_ (std::move (body))
  {
  }
  at::Tensor
  forward (const at::Tensor &images) override
  {
    return body_ (images);
  }

private:
  body body_;
};

constexpr int height = 5, width = 7, row = height * width * 3, most = 8;

at::Tensor
identity (const at::Tensor &images)
{
  return images;
}

// Tables that no formula gives, and the order of colours that Keras's networks take.
network_plan
make_plan ()
{
  network_plan plan = { height, width, most, 1, { { 2, 1, 0 }, {} } };
  for (int plane = 0; plane < 3; plane++)
    for (int byte = 0; byte < 256; byte++)
      plan.pixels.table[plane][byte] = static_cast<float> (byte * 37 % 256) / 3.0F - 41.7F * static_cast<float> (plane);
  return plan;
}

std::vector<unsigned char>
make_pixels ()
{
  std::vector<unsigned char> pixels (most * row);
  for (size_t i = 0; i < pixels.size (); i++)
    pixels[i] = static_cast<unsigned char> ((i * 2654435761U) >> 11);
  return pixels;
}

std::unique_ptr<runner>
make_gpu (engine &engine, network_precision precision = NETWORK_F32, network_pool pool = NETWORK_POOL_NONE)
{
  return new_gpu_runner (engine, at::kCPU, { "cpu", precision, pool }, make_plan ());
}

void
check_equal (const std::vector<float> &a, const std::vector<float> &b, size_t count)
{
  for (size_t i = 0; i < count; i++)
    ck_assert_msg (a[i] == b[i], "value %zu: %.9g, not %.9g", i, static_cast<double> (a[i]),
                   static_cast<double> (b[i]));
}

void
check_throws (const std::function<void ()> &body, const char *expected)
{
  std::string text = "nothing";
  try
    {
      body ();
    }
  catch (const std::exception &exception)
    {
      text = exception.what ();
    }
  ck_assert_str_eq (text.c_str (), expected);
}

void
set_up ()
{
  pretend (at::kCPU, 1);
}

START_TEST (gives_the_processors_rows)
{
  for (network_pool pool : { NETWORK_POOL_NONE, NETWORK_POOL_MAX })
    {
      test_engine engine (identity);
      auto gpu = make_gpu (engine, NETWORK_F32, pool);
      auto processor = new_processor_runner (engine, { "cpu", NETWORK_F32, pool }, make_plan ());
      ck_assert (gpu->describe () == processor->describe ());
      auto pixels = make_pixels ();
      size_t values = pool == NETWORK_POOL_NONE ? row : 3;
      for (int count = 1; count <= most; count++)
        {
          std::vector<float> rows (most * row, -1), expected (most * row, -1);
          gpu->run (pixels.data (), count, rows.data ());
          processor->run (pixels.data (), count, expected.data ());
          check_equal (rows, expected, most * row); // what lies behind the rows is left alone
          ck_assert (expected[static_cast<size_t> (count) * values - 1] != -1);
        }
    }
}
END_TEST

// Each value is the table's, rounded once.
START_TEST (computes_in_halves)
{
  network_plan plan = make_plan ();
  auto pixels = make_pixels ();
  for (network_precision precision : { NETWORK_F16, NETWORK_BF16, NETWORK_TF32 })
    {
      at::ScalarType seen = at::kLong;
      test_engine engine ([&] (const at::Tensor &images) {
        seen = images.scalar_type ();
        return images;
      });
      auto gpu = make_gpu (engine, precision);
      gpu->describe ();
      std::vector<float> rows (most * row);
      gpu->run (pixels.data (), most, rows.data ());
      ck_assert (seen
                 == (precision == NETWORK_F16    ? at::kHalf
                     : precision == NETWORK_BF16 ? at::kBFloat16
                                                 : at::kFloat));
      for (size_t i = 0; i < rows.size (); i++)
        {
          float value = plan.pixels.table[i % 3][pixels[i - i % 3 + 2 - i % 3]];
          float expected = precision == NETWORK_F16    ? static_cast<float> (c10::Half (value))
                           : precision == NETWORK_BF16 ? static_cast<float> (c10::BFloat16 (value))
                                                       : value;
          ck_assert (rows[i] == expected);
        }
    }
}
END_TEST

START_TEST (pads_with_black_images)
{
  int runs = 0;
  network_plan plan = make_plan ();
  test_engine engine ([&] (const at::Tensor &images) {
    runs++;
    ck_assert_int_eq (images.size (0), most);
    ck_assert (images.is_contiguous (at::MemoryFormat::ChannelsLast));
    if (runs == 3) // the first one describes; the second one filled the lane with other images
      for (int plane = 0; plane < 3; plane++)
        ck_assert (images[1][plane].eq (plan.pixels.table[plane][0]).all ().item<bool> ());
    return images;
  });
  auto gpu = make_gpu (engine);
  gpu->describe ();
  auto pixels = make_pixels ();
  std::vector<float> rows (most * row);
  gpu->run (pixels.data (), most, rows.data ());
  gpu->run (pixels.data (), 1, rows.data ());
  ck_assert_int_eq (runs, 3);
}
END_TEST

// As TorchScript's interpreter passes it on.
const char out_of_memory[] =
  "The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript:\n"
  "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB";

START_TEST (halves_the_batch)
{
  int room = most;
  std::vector<int64_t> sizes;
  test_engine engine ([&] (const at::Tensor &images) {
    sizes.push_back (images.size (0));
    if (images.size (0) > room)
      throw std::runtime_error (out_of_memory);
    return images;
  });
  auto gpu = make_gpu (engine);
  auto processor = new_processor_runner (engine, { "cpu", NETWORK_F32, NETWORK_POOL_NONE }, make_plan ());
  gpu->describe ();
  processor->describe ();
  ck_assert_int_eq (gpu->use ().batch, most);
  auto pixels = make_pixels ();
  std::vector<float> rows (most * row), expected (most * row);
  processor->run (pixels.data (), most, expected.data ());
  room = 3; // another program takes the rest
  sizes.clear ();
  gpu->run (pixels.data (), 7, rows.data ());
  ck_assert_int_eq (gpu->use ().batch, 2);
  ck_assert (sizes == std::vector<int64_t> ({ 8, 4, 2, 2, 2, 2 })); // always whole batches
  check_equal (rows, expected, 7 * row);
}
END_TEST

START_TEST (halves_the_first_batch)
{
  test_engine engine ([&] (const at::Tensor &images) {
    if (images.size (0) > 4)
      throw std::runtime_error ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED");
    return images;
  });
  auto gpu = make_gpu (engine);
  ck_assert (gpu->describe () == std::vector<int64_t> ({ height, width, 3 }));
  ck_assert_int_eq (gpu->use ().batch, 4);
}
END_TEST

START_TEST (refuses_where_no_image_fits)
{
  test_engine engine ([&] (const at::Tensor &) -> at::Tensor { throw std::runtime_error (out_of_memory); });
  auto gpu = make_gpu (engine);
  check_throws ([&] { gpu->describe (); },
                "the GPU's memory does not hold the run of one image; end other programs that use it (nvidia-smi lists "
                "them), give --precision f16, or take a larger GPU");
}
END_TEST

START_TEST (goes_on_after_a_failure)
{
  bool fails = false;
  int64_t width_of_row = 3;
  test_engine engine ([&] (const at::Tensor &images) {
    if (fails)
      throw std::runtime_error ("a bad day");
    return images.flatten (1).narrow (1, 0, width_of_row);
  });
  auto gpu = make_gpu (engine);
  gpu->describe ();
  auto pixels = make_pixels ();
  std::vector<float> rows (most * 4);
  fails = true;
  for (int i = 0; i < 5; i++) // more often than there are lanes
    check_throws ([&] { gpu->run (pixels.data (), 2, rows.data ()); }, "a bad day");
  fails = false;
  width_of_row = 4;
  check_throws ([&] { gpu->run (pixels.data (), 2, rows.data ()); },
                "the network gives 4 values for an image, not 3 as in its first run");
  width_of_row = 3;
  gpu->run (pixels.data (), 2, rows.data ());
  ck_assert_int_eq (gpu->use ().batch, most);
}
END_TEST

// Four callers, two lanes: one forward pass at a time, all on one stream, and each waits for its copies and they for
// it.
START_TEST (keeps_streams_in_order)
{
  std::atomic<int> inside{ 0 };
  std::atomic<bool> together{ false };
  std::set<c10::StreamId> streams;
  test_engine engine ([&] (const at::Tensor &images) {
    if (++inside > 1)
      together = true;
    streams.insert (pretended::current); // unlocked: one at a time, or the test fails
    std::this_thread::yield ();
    inside--;
    return images;
  });
  auto gpu = make_gpu (engine);
  gpu->describe ();
  pretended::waits.clear ();
  auto pixels = make_pixels ();
  std::vector<float> rows[4];
  std::vector<std::thread> callers;
  for (auto &mine : rows)
    callers.emplace_back ([&] {
      mine.resize (most * row);
      for (int i = 0; i < 25; i++)
        gpu->run (pixels.data (), most, mine.data ());
    });
  for (auto &caller : callers)
    caller.join ();
  for (auto &mine : rows)
    check_equal (mine, rows[0], most * row);
  ck_assert (!together);
  ck_assert_uint_eq (streams.size (), 1);
  c10::StreamId forward = *streams.begin ();
  size_t before = 0, after = 0;
  for (c10::StreamId other = 1; other <= pretended::streams; other++)
    {
      before += other == forward ? 0 : pretended::waits.count ({ forward, other });
      after += other == forward ? 0 : pretended::waits.count ({ other, forward });
    }
  ck_assert_int_eq (pretended::streams, 3);
  ck_assert_uint_eq (before, 100); // the forward pass for the pixels
  ck_assert_uint_ge (after, 198);  // the rows for the forward pass, the next pixels for the last one
  double expected = TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR >= 204 ? 25 : 0;
  ck_assert_double_eq (gpu->use ().busy_seconds, expected);
}
END_TEST

START_TEST (chooses_a_device)
{
  unsetenv ("SLURM_LOCALID");
  ck_assert (choose_device ("cpu") == at::Device (at::kCPU));
  pretend (at::kCUDA, 2);
  ck_assert (choose_device ("cuda") == at::Device (at::kCUDA, 0));
  ck_assert (choose_device ("cuda:1") == at::Device (at::kCUDA, 1));
  check_throws (
    [] { choose_device ("cuda:7"); },
    "there is no GPU number 7: this process may use 2, counted from 0; give --device cuda:1 or a lower number");
  setenv ("SLURM_LOCALID", "1", 1);
  ck_assert (choose_device ("cuda") == at::Device (at::kCUDA, 1));
  ck_assert (choose_device ("cuda:0") == at::Device (at::kCUDA, 0));
  setenv ("SLURM_LOCALID", "3", 1); // four processes, two GPUs
  ck_assert (choose_device ("cuda") == at::Device (at::kCUDA, 1));
  pretend (at::kCUDA, 1); // SLURM shows each its own
  ck_assert (choose_device ("cuda") == at::Device (at::kCUDA, 0));
}
END_TEST

START_TEST (refuses_where_no_gpu_is)
{
  pretend (at::kCUDA, 0);
  check_throws ([] { choose_device ("cuda"); },
                "no GPU is there for this process, or its driver is older than this libtorch " TORCH_VERSION
                " needs; see what nvidia-smi says, and under SLURM ask for one, as by --gres=gpu:1");
  c10::impl::device_guard_impl_registry[static_cast<size_t> (at::kCUDA)] = nullptr;
  check_throws ([] { choose_device ("cuda:0"); },
                "this slabfit was built with a libtorch without CUDA (" TORCH_VERSION
                "); build it with one that has it: ./configure --with-libtorch=DIR (doc/gpu.md)");
}
END_TEST

} // namespace

int
main ()
{
  Suite *suite = suite_create ("gpu");
  TCase *cases = tcase_create ("gpu");
  tcase_set_timeout (cases, 120);
  tcase_add_checked_fixture (cases, set_up, nullptr);
  tcase_add_test (cases, gives_the_processors_rows);
  tcase_add_test (cases, computes_in_halves);
  tcase_add_test (cases, pads_with_black_images);
  tcase_add_test (cases, halves_the_batch);
  tcase_add_test (cases, halves_the_first_batch);
  tcase_add_test (cases, refuses_where_no_image_fits);
  tcase_add_test (cases, goes_on_after_a_failure);
  tcase_add_test (cases, keeps_streams_in_order);
  tcase_add_test (cases, chooses_a_device);
  tcase_add_test (cases, refuses_where_no_gpu_is);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? 0 : 1;
}

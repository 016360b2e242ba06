// Running an engine on a GPU.
//
// Two batches are on their way at a time, each in its lane: while one is computed, the other's bytes go to the device
// or its rows come back.  Nothing of CUDA is named here: streams and events come by c10's interface for any device.
#include "runner.hpp"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace
{

c10::Stream
new_stream (const at::Device &device)
{
  return c10::impl::VirtualGuardImpl (device.type ()).getStreamFromGlobalPool (device);
}

// Waits without keeping the processor, which decoders need, busy: CUDA's own waiting does.
void
await (const c10::Event &event)
{
  while (!event.query ())
    std::this_thread::sleep_for (std::chrono::microseconds (100));
}

// Seconds between events; 0 where libtorch's events tell no time (before 2.4).
template <typename Event>
auto
elapsed_seconds (const Event &begin, const Event &end, int) -> decltype (begin.elapsedTime (end))
{
  return begin.elapsedTime (end) / 1e3;
}

template <typename Event>
double
elapsed_seconds (const Event &, const Event &, long)
{
  return 0;
}

// What libtorch says when no algorithm of cuDNN ran: it keeps to itself that their workspaces found no memory.
const char no_engine[] = "unable to find an engine to execute this computation";

// libtorch's own exception does not survive TorchScript's interpreter; cuDNN and cuBLAS say it in their own words.
bool
is_out_of_memory (const std::exception &exception)
{
  const std::string text = exception.what ();
  for (const char *words : { "out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED", no_engine })
    if (text.find (words) != std::string::npos)
      return true;
  return false;
}

// How many images may run at once at the most: some of PyTorch's kernels count a tensor's values in 32 bits, and the
// first layers of networks give up to 64 for each pixel.
int
most_images (const network_plan &plan)
{
  int64_t most = INT_MAX / (64 * static_cast<int64_t> (plan.height) * plan.width);
  return static_cast<int> (std::clamp<int64_t> (most, 1, plan.batch));
}

// A batch's way to the device and back.
struct lane {
  lane (const at::Device &device, const network_plan &plan, int batch)
      : stream (new_stream (device)), copied (device.type ()), begun (device.type (), c10::EventFlag::BACKEND_DEFAULT),
        computed (device.type (), c10::EventFlag::BACKEND_DEFAULT), returned (device.type ())
  {
    at::TensorOptions bytes = at::TensorOptions (at::kByte);
    std::array<int64_t, 4> size{ batch, plan.height, plan.width, 3 };
    pixels = at::zeros (size, bytes.pinned_memory (device.is_cuda ()));
    sent = at::zeros (size, bytes.device (device));
  }

  c10::Stream stream;                           // of its copies
  c10::Event copied, begun, computed, returned; // the pixels are there; the forward pass; the rows are here
  at::Tensor pixels, sent;                      // (batch, height, width, 3), in page-locked memory and on the device
  at::Tensor rows;                              // (batch, row_values), in page-locked memory
};

class gpu : public runner
{
public:
  gpu (engine &engine, const at::Device &device, const network_options &options, const network_plan &plan)
      : engine_ (engine), device_ (device), options_ (options), plan_ (plan), batch_ (most_images (plan)),
        stream_ (new_stream (device))
  {
    set_globals ();
    c10::InferenceMode inference;
    at::Tensor table = at::empty ({ 3 * 256 });
    memcpy (table.data_ptr<float> (), plan.pixels.table, sizeof plan.pixels.table);
    table_ = table.to (device, input_type (options.precision));
    const int *colour = plan.pixels.colour;
    colours_ = at::tensor ({ colour[0], colour[1], colour[2] }, at::kInt).to (device);
    offsets_ = at::tensor ({ 0, 256, 512 }, at::kInt).to (device);
  }

  std::vector<int64_t>
  describe () override
  {
    c10::InferenceMode inference;
    at::Tensor row;
    fit ([&] (int batch) {
      make_lanes (batch);
      row = forward (*lanes_[0], batch)[0];
      await (lanes_[0]->computed);
      row_values_ = row.numel ();
      for (auto &lane : lanes_)
        lane->rows = at::empty ({ batch, row_values_ }, at::TensorOptions ().pinned_memory (device_.is_cuda ()));
    });
    for (auto &lane : lanes_)
      free_.push_back (lane.get ());
    return row.sizes ().vec ();
  }

  void
  run (const unsigned char *pixels, int count, float *features) override
  {
    c10::InferenceMode inference;
    std::unique_ptr<lane, std::function<void (lane *)> > taken (take (), [this] (lane *lane) { give_back (lane); });
    for (int done = 0; done < count;)
      fit ([&] (int batch) {
        int some = std::min (batch, count - done);
        run_batch (*taken, pixels + done * image_bytes (), some, batch, features + done * row_values_);
        done += some;
      });
  }

  network_usage
  use () const override
  {
    std::lock_guard<std::mutex> lock (mutex_);
    return { busy_seconds_, batch_ };
  }

private:
  // For the whole process.
  void
  set_globals () const
  {
    bool tf32 = options_.precision == NETWORK_TF32;
    at::globalContext ().setAllowTF32CuBLAS (tf32);
    at::globalContext ().setAllowTF32CuDNN (tf32);
    // The same bits in every run: measured choices of algorithms differ from one to the next.
    at::globalContext ().setBenchmarkCuDNN (false);
    at::globalContext ().setDeterministicCuDNN (true);
  }

  // Lanes for BATCH images in the place of those that there are.
  void
  make_lanes (int batch)
  {
    for (auto &lane : lanes_)
      await (lane->computed);
    lanes_.clear ();
    for (int i = 0; i < 2; i++)
      lanes_.push_back (std::make_unique<lane> (device_, plan_, batch));
  }

  // Calls WORK with the number of images in a run, which is halved as long as the device's memory does not hold them.
  // (The allocator has given back all that it kept in reserve before it says that it has no more.)
  template <typename Work>
  void
  fit (Work work)
  {
    for (;;)
      {
        int batch = batch_;
        try
          {
            return work (batch);
          }
        catch (const std::exception &exception)
          {
            if (!is_out_of_memory (exception))
              throw;
            if (batch == 1 && strstr (exception.what (), no_engine))
              throw;
            if (batch == 1)
              throw std::runtime_error ("the GPU's memory does not hold the run of one image; end other programs that "
                                        "use it (nvidia-smi lists them), give --precision f16, or take a larger GPU");
          }
        batch_.compare_exchange_strong (batch, batch / 2);
      }
  }

  // Rows of the first COUNT of BATCH images; the others are black and their rows dropped.
  void
  run_batch (lane &lane, const unsigned char *pixels, int count, int batch, float *features)
  {
    c10::StreamGuard guard (lane.stream);
    send (lane, pixels, count, batch);
    at::Tensor rows = forward (lane, batch);
    check_rows (rows, batch, row_values_);
    lane.computed.block (lane.stream);
    lane.rows.narrow (0, 0, count).copy_ (rows.view ({ batch, row_values_ }).narrow (0, 0, count), true);
    lane.returned.record (lane.stream);
    await (lane.returned);
    memcpy (features, lane.rows.data_ptr (), static_cast<size_t> (count * row_values_) * sizeof (float));
    std::lock_guard<std::mutex> lock (mutex_);
    busy_seconds_ += elapsed_seconds (lane.begun, lane.computed, 0);
  }

  void
  send (lane &lane, const unsigned char *pixels, int count, int batch)
  {
    await (lane.copied); // by a run that ended early
    auto *bytes = static_cast<unsigned char *> (lane.pixels.data_ptr ());
    memcpy (bytes, pixels, static_cast<size_t> (count * image_bytes ()));
    memset (bytes + count * image_bytes (), 0, static_cast<size_t> ((batch - count) * image_bytes ()));
    lane.computed.block (lane.stream);
    lane.sent.narrow (0, 0, batch).copy_ (lane.pixels.narrow (0, 0, batch), true);
    lane.copied.record (lane.stream);
  }

  // The rows of the first BATCH images that LANE has sent.
  at::Tensor
  forward (lane &lane, int batch)
  {
    std::lock_guard<std::mutex> lock (launching_);
    c10::StreamGuard guard (stream_);
    lane.copied.block (stream_);
    lane.begun.record (stream_);
    at::Tensor rows;
    try
      {
        at::Tensor images = normalise (lane.sent.narrow (0, 0, batch));
        rows = arrange_rows (engine_.forward (images), images, options_.pool);
      }
    catch (...)
      {
        lane.computed.record (stream_);
        throw;
      }
    lane.computed.record (stream_);
    return rows;
  }

  // Planes (n, 3, height, width), channels last, of BYTES (n, height, width, 3).
  at::Tensor
  normalise (const at::Tensor &bytes) const
  {
    at::Tensor places = bytes.index_select (3, colours_).to (at::kInt).add_ (offsets_);
    return table_.index_select (0, places.flatten ()).view (places.sizes ()).permute ({ 0, 3, 1, 2 });
  }

  int64_t
  image_bytes () const
  {
    return static_cast<int64_t> (plan_.height) * plan_.width * 3;
  }

  // A lane that no other thread uses; waits for one.
  lane *
  take ()
  {
    std::unique_lock<std::mutex> lock (mutex_);
    given_back_.wait (lock, [this] { return !free_.empty (); });
    lane *taken = free_.back ();
    free_.pop_back ();
    return taken;
  }

  void
  give_back (lane *lane)
  {
    std::lock_guard<std::mutex> lock (mutex_);
    free_.push_back (lane);
    given_back_.notify_one ();
  }

  engine &engine_;
  at::Device device_;
  network_options options_;
  network_plan plan_;
  int64_t row_values_ = 0;
  at::Tensor table_;   // (3 * 256), of the network's type
  at::Tensor colours_; // (3), of each plane
  at::Tensor offsets_; // (3), of each plane in table_
  std::atomic<int> batch_;
  std::vector<std::unique_ptr<lane> > lanes_;
  mutable std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<lane *> free_;
  double busy_seconds_ = 0;
  std::mutex launching_; // held by who launches a forward pass
  c10::Stream stream_;   // of all forward passes, one after the other
};

} // namespace

std::unique_ptr<runner>
new_gpu_runner (engine &engine, const at::Device &device, const network_options &options, const network_plan &plan)
{
  return std::make_unique<gpu> (engine, device, options, plan);
}

// Running an engine on the processor, in the caller's thread and those of OpenMP.
#include "runner.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <malloc.h>

#include <cstring>
#include <stdexcept>

namespace
{

class processor : public runner
{
public:
  processor (engine &engine, const network_options &options, const network_plan &plan)
      : engine_ (engine), options_ (options), plan_ (plan), type_ (input_type (options.precision))
  {
  }

  void
  run (const unsigned char *pixels, int count, float *features) override
  {
    c10::InferenceMode inference;
    at::set_num_threads (plan_.threads);
    at::Tensor rows = forward (normalise (pixels, count));
    check_rows (rows, count, row_values_);
    memcpy (features, rows.data_ptr<float> (), sizeof (float) * static_cast<size_t> (rows.numel ()));
  }

  std::vector<int64_t>
  describe () override
  {
    c10::InferenceMode inference;
    at::set_num_threads (plan_.threads);
    at::Tensor row = forward (at::zeros ({ 1, 3, plan_.height, plan_.width }))[0];
    row_values_ = row.numel ();
    return row.sizes ().vec ();
  }

  network_usage
  use () const override
  {
    return { 0, plan_.batch };
  }

private:
  at::Tensor
  forward (const at::Tensor &images)
  {
    return arrange_rows (engine_.forward (images.to (type_)), images, options_.pool);
  }

  // The planes (count, 3, height, width) of PIXELS.
  at::Tensor
  normalise (const unsigned char *pixels, int count)
  {
    int64_t area = static_cast<int64_t> (plan_.height) * plan_.width;
    at::Tensor images = at::empty ({ count, 3, plan_.height, plan_.width });
    float *plane = images.data_ptr<float> ();
    for (int image = 0; image < count; image++, pixels += 3 * area)
      for (int c = 0; c < 3; c++, plane += area)
        {
          const unsigned char *colour = pixels + plan_.pixels.colour[c];
          for (int64_t i = 0; i < area; i++)
            plane[i] = plan_.pixels.table[c][colour[3 * i]];
        }
    return images;
  }

  engine &engine_;
  network_options options_;
  network_plan plan_;
  at::ScalarType type_;
  int64_t row_values_ = 0;
};

} // namespace

std::unique_ptr<runner>
new_processor_runner (engine &engine, const network_options &options, const network_plan &plan)
{
  // What a layer frees the next one needs: memory that went back to the system is cleared page by page each time.
  mallopt (M_MMAP_THRESHOLD, 1 << 30);
  mallopt (M_TRIM_THRESHOLD, 1 << 30);
  return std::make_unique<processor> (engine, options, plan);
}

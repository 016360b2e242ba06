// Running an engine: from RGB bytes to rows, on the processor (processor.cpp) or on a GPU (gpu.cpp).
#ifndef SLABFIT_RUNNER_HPP
#define SLABFIT_RUNNER_HPP

#include "engine.hpp"

class runner
{
public:
  virtual ~runner () = default;

  // Rows (count, row_values) of PIXELS (count, height, width, 3) into FEATURES.
  virtual void run (const unsigned char *pixels, int count, float *features) = 0;

  // The shape of a row (height, width, channels) or (channels), found by one run.
  virtual std::vector<int64_t> describe () = 0;

  virtual network_usage use () const = 0;
};

// The device of the name "cpu", "cuda" or "cuda:N", with its number; throws, and says what to do, where it is not
// there.  "cuda" is the GPU number SLURM_LOCALID among those that this process sees, else the first.
at::Device choose_device (const std::string &name);

// Both borrow ENGINE.  The GPU's runner asks nothing of DEVICE but streams and events.
std::unique_ptr<runner> new_processor_runner (engine &engine, const network_options &options, const network_plan &plan);
std::unique_ptr<runner> new_gpu_runner (engine &engine, const at::Device &device, const network_options &options,
                                        const network_plan &plan);

// OUTPUT of the network for IMAGES as rows of float32: (n, channels) or, of a map that is not pooled, (n, height,
// width, channels), contiguous.  Throws where it is not the output of a network for images.
at::Tensor arrange_rows (const at::Tensor &output, const at::Tensor &images, network_pool pool);

// Throws where ROWS of COUNT images have not ROW_VALUES values each.
void check_rows (const at::Tensor &rows, int64_t count, int64_t row_values);

#endif

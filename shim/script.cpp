// The engine for TorchScript files.
#include "engine.hpp"
#include "numbers.hpp"
#include "primitives.hpp"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/version.h>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <unordered_map>

namespace
{

// Bfloat16 in software would be slower than float by far.
void
check_bfloat16 ()
{
  std::ifstream file ("/proc/cpuinfo");
  for (std::string word; file >> word;)
    if (word == "avx512_bf16" || word == "amx_bf16")
      return;
  throw std::runtime_error ("this processor has neither avx512_bf16 nor amx; use f32");
}

// Whether optimize_for_inference may be used, for networks that are nothing but steps: oneDNN's operators of libtorch 1
// leave out values in some activations, and those of later ones still know fewer options than the plain ones, and lose
// changes of parts in place.
constexpr bool optimises_rightly = TORCH_VERSION_MAJOR >= 2;

class script : public engine
{
public:
  script (const char *path, const at::Device &device, network_precision precision)
  {
    std::unordered_map<std::string, std::string> extra{ { metadata_name, "" } };
    torch::jit::Module loaded = torch::jit::load (path, device, extra);
    metadata = extra[metadata_name];
    loaded.eval ();
    // Freezing folds normalisations into kernels, and float16 does not hold all variances: types are changed after it.
    convert (loaded, at::kFloat);
    module = torch::jit::freeze (loaded);
    convert (module, input_type (precision));
    auto steps = device.is_cpu () ? read_steps (module) : std::nullopt;
    if (steps)
      fast = new_primitives (*steps, input_type (precision));
    if (steps && !fast && optimises_rightly)
      module = torch::jit::optimize_for_inference (module);
  }

  at::Tensor
  forward (const at::Tensor &images) override
  {
    at::Tensor rows = fast ? fast->run (images) : at::Tensor ();
    return rows.defined () ? rows : interpret (images);
  }

private:
  // A GPU's images are laid out by channels last, and a network may take its maps for plain ones (Tensor.view).
  at::Tensor
  interpret (const at::Tensor &images)
  {
    try
      {
        if (!plain || images.is_contiguous ())
          return run (images);
      }
    catch (const std::exception &)
      {
        if (images.is_contiguous ())
          throw;
      }
    at::Tensor rows = run (images.contiguous ());
    plain = true;
    return rows;
  }

  at::Tensor
  run (const at::Tensor &images)
  {
    // Passes at run time would depend on the first runs' shapes and change the bits.  It is a setting of each thread,
    // and the constructor must not have it: freezing inlines calls only where the optimiser is on.
    torch::jit::GraphOptimizerEnabledGuard no_passes (false);
    c10::IValue output = module.forward ({ images });
    if (!output.isTensor ())
      throw std::runtime_error ("the network gives a " + output.tagKind ()
                                + ", not one tensor ('slabfit backbone wrap --output N' takes one of several)");
    return output.toTensor ();
  }

  torch::jit::Module module;
  std::unique_ptr<primitives> fast; // or NULL
  std::atomic<bool> plain{ false };
};

} // namespace

std::unique_ptr<engine>
open_script (const char *path, const at::Device &device, network_precision precision)
{
  if (device.is_cpu () && precision == NETWORK_BF16)
    check_bfloat16 ();
  return std::make_unique<script> (path, device, precision);
}

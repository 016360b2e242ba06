// The engine for TorchScript files.
#include "engine.hpp"
#include "numbers.hpp"
#include "primitives.hpp"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

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

// Gives the kernels of MODULE's convolutions the order of a GPU's images, channels last; else each run would do it.
void
lay_out (torch::jit::Module &module)
{
  for (at::Tensor parameter : module.parameters ())
    if (parameter.dim () == 4)
      parameter.set_data (parameter.contiguous (at::MemoryFormat::ChannelsLast));
}

class script : public engine
{
public:
  script (const char *path, const at::Device &device, network_precision precision)
  {
    std::unordered_map<std::string, std::string> extra{ { metadata_name, "" } };
    torch::jit::Module loaded = torch::jit::load (path, device, extra);
    metadata = extra[metadata_name];
    loaded.eval ();
    convert (loaded, input_type (precision));
    if (!device.is_cpu ())
      lay_out (loaded);
    module = torch::jit::freeze (loaded);
    auto steps = device.is_cpu () ? read_steps (module) : std::nullopt;
    if (steps)
      fast = new_primitives (*steps, input_type (precision));
    if (!fast)
      module = torch::jit::optimize_for_inference (module);
  }

  at::Tensor
  forward (const at::Tensor &images) override
  {
    at::Tensor rows = fast ? fast->run (images) : at::Tensor ();
    if (rows.defined ())
      return rows;
    // The constructor has optimised the graph: passes at run time would depend on the first runs' shapes and change the
    // bits.  It is a setting of each thread, and the constructor must not have it: freezing inlines calls only where
    // the optimiser is on.
    torch::jit::GraphOptimizerEnabledGuard no_passes (false);
    c10::IValue output = module.forward ({ images });
    if (!output.isTensor ())
      throw std::runtime_error ("the network gives a " + output.tagKind () + ", not one tensor");
    return output.toTensor ();
  }

private:
  torch::jit::Module module;
  std::unique_ptr<primitives> fast; // or NULL
};

} // namespace

std::unique_ptr<engine>
open_script (const char *path, const at::Device &device, network_precision precision)
{
  if (device.is_cpu () && precision == NETWORK_BF16)
    check_bfloat16 ();
  return std::make_unique<script> (path, device, precision);
}

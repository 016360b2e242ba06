// The engine for TorchScript files.
#include "engine.hpp"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <stdexcept>
#include <unordered_map>

namespace
{

class script : public engine
{
public:
  script (const char *path, const at::Device &device)
  {
    std::unordered_map<std::string, std::string> extra{ { metadata_name, "" } };
    torch::jit::Module loaded = torch::jit::load (path, device, extra);
    metadata = extra[metadata_name];
    loaded.eval ();
    torch::jit::Module frozen = torch::jit::freeze (loaded);
    module = torch::jit::optimize_for_inference (frozen);
  }

  at::Tensor
  forward (const at::Tensor &images) override
  {
    // The constructor has optimised the graph: passes at run time would depend on the first runs' shapes and change the
    // bits.  It is a setting of each thread, and the constructor must not have it: freezing inlines calls only where the
    // optimiser is on.
    torch::jit::GraphOptimizerEnabledGuard no_passes (false);
    c10::IValue output = module.forward ({ images });
    if (!output.isTensor ())
      throw std::runtime_error ("the network gives a " + output.tagKind () + ", not one tensor");
    return output.toTensor ();
  }

private:
  torch::jit::Module module;
};

} // namespace

std::unique_ptr<engine>
open_script (const char *path, const at::Device &device, network_precision precision)
{
  if (precision != NETWORK_F32)
    throw std::runtime_error ("only the precision f32 is there");
  return std::make_unique<script> (path, device);
}

// Running an engine on a GPU.
#include "runner.hpp"

#include <stdexcept>

std::unique_ptr<runner>
new_gpu_runner (engine &engine, const at::Device &device, const network_options &options, const network_plan &plan)
{
  (void) engine, (void) device, (void) options, (void) plan;
  throw std::runtime_error ("this build runs no networks on GPUs");
}

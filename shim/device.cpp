// Which processor or GPU a name stands for.
#include "runner.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <torch/csrc/api/include/torch/version.h>

#include <cstdlib>
#include <stdexcept>

namespace
{

// GPUs that this process may use; throws where there are none.
int
count_gpus ()
{
  if (!c10::impl::hasDeviceGuardImpl (at::kCUDA))
    throw std::runtime_error ("this slabfit was built with a libtorch without CUDA (" TORCH_VERSION
                              "); build it with one that has it: ./configure --with-libtorch=DIR (doc/gpu.md)");
  int count = c10::impl::VirtualGuardImpl (at::kCUDA).deviceCount ();
  if (count == 0)
    throw std::runtime_error (
      "no GPU is there for this process, or its driver is older than this libtorch " TORCH_VERSION
      " needs; see what nvidia-smi says, and under SLURM ask for one, as by --gres=gpu:1");
  return count;
}

// Among COUNT GPUs, the one of this process, where SLURM shows them all to each process of a node.
int
choose_gpu (int count)
{
  const char *place = getenv ("SLURM_LOCALID");
  return place ? static_cast<int> (strtoul (place, nullptr, 10) % static_cast<unsigned long> (count)) : 0;
}

} // namespace

at::Device
choose_device (const std::string &name)
{
  at::Device device (name);
  if (!device.is_cuda ())
    return device;
  int count = count_gpus (), index = device.has_index () ? device.index () : choose_gpu (count);
  if (index >= count)
    throw std::runtime_error ("there is no GPU number " + std::to_string (index) + ": this process may use "
                              + std::to_string (count) + ", counted from 0; give --device cuda:"
                              + std::to_string (count - 1) + " or a lower number");
  return at::Device (at::kCUDA, static_cast<c10::DeviceIndex> (index));
}

// The network module: network.h on libtorch.  Built as a shared object that loader.c opens when a command first needs
// it.
#include "guard.hpp"
#include "runner.hpp"

#include <torch/csrc/api/include/torch/version.h>

#include <stdexcept>

struct network {
  network_options options;
  at::Device device;
  std::unique_ptr<engine> opened;
  std::unique_ptr<runner> prepared;
};

// Throws where DEVICE does not compute with the numbers of PRECISION.
static void
check_precision (const at::Device &device, network_precision precision)
{
  if (device.is_cpu () && (precision == NETWORK_TF32 || precision == NETWORK_F16))
    throw std::runtime_error ("the precisions tf32 and f16 are for GPUs (--device cuda); processors take f32 and bf16");
}

EXPORT int
network_open (network **result, const char *path, const network_options *options, char error[NETWORK_ERROR_BYTES])
{
  at::Device device (at::kCPU);
  auto choose = [&] {
    device = choose_device (options->device);
    check_precision (device, options->precision);
    return 0;
  };
  bool package = is_package (path);
  auto open = [&] {
    auto opened = (package ? open_package : open_script) (path, device, options->precision);
    *result = new network{ *options, device, std::move (opened), nullptr };
    return 0;
  };
  if (guard (error, choose))
    return -1;
  return guard (error, open, package ? "" : "; give a TorchScript file, such as 'slabfit backbone' writes");
}

EXPORT void
network_close (network *network)
{
  delete network;
}

EXPORT const char *
network_metadata (const network *network)
{
  return network->opened->metadata.c_str ();
}

EXPORT int
network_prepare (network *network, const network_plan *plan, network_shape *shape, char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    network->prepared.reset (); // first: a GPU may not hold both
    network->prepared = network->device.is_cpu ()
                          ? new_processor_runner (*network->opened, network->options, *plan)
                          : new_gpu_runner (*network->opened, network->device, network->options, *plan);
    std::vector<int64_t> row = network->prepared->describe ();
    shape->rank = static_cast<int> (row.size ());
    for (size_t i = 0; i < row.size (); i++)
      shape->size[i] = row[i];
    return 0;
  });
}

EXPORT int
network_run (network *network, const unsigned char *pixels, int count, float *features, char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    network->prepared->run (pixels, count, features);
    return 0;
  });
}

EXPORT void
network_use (const network *network, network_usage *usage)
{
  *usage = network->prepared ? network->prepared->use () : network_usage{ 0, 0 };
}

EXPORT const char *
network_library (void)
{
  return "libtorch " TORCH_VERSION;
}

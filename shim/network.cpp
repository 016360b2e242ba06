// The network module: network.h on libtorch.  Built as a shared object that loader.c opens when a command first needs it.
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

at::ScalarType
input_type (network_precision precision)
{
  switch (precision)
    {
    case NETWORK_BF16:
      return at::kBFloat16;
    case NETWORK_F16:
      return at::kHalf;
    default:
      return at::kFloat;
    }
}

EXPORT int
network_open (network **result, const char *path, const network_options *options, char error[NETWORK_ERROR_BYTES])
{
  return guard (
    error,
    [&] {
      at::Device device (options->device);
      auto open = is_package (path) ? open_package : open_script;
      *result = new network{ *options, device, open (path, device, options->precision), nullptr };
      return 0;
    },
    "; give a TorchScript file, such as 'slabfit backbone' writes");
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
  *usage = network->prepared->use ();
}

EXPORT const char *
network_library (void)
{
  return "libtorch " TORCH_VERSION;
}

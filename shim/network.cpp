// The network module: network.h on libtorch.  Built as a shared object that loader.c opens when a command first needs it.
#include "network.h"

#include <ATen/Parallel.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/script.h>

#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

struct network {
  torch::jit::Module module;
  network_options options;
  std::string metadata;
};

namespace {

const char metadata_name[] = "slabfit.json";

// The first line of TEXT that is not empty into ERROR: libtorch adds a stack trace or the source below it.
int
fail (char *error, const std::string &text)
{
  size_t begin = text.find_first_not_of ('\n');
  std::string line = begin == std::string::npos ? "unknown failure in libtorch" : text.substr (begin, text.find ('\n', begin) - begin);
  size_t length = line.copy (error, NETWORK_ERROR_BYTES - 1);
  error[length] = '\0';
  return -1;
}

// Runs BODY, which returns 0 or throws; no exception goes further.
template <typename Body>
int
guard (char *error, Body body) noexcept
{
  try
    {
      return body ();
    }
  catch (const c10::Error &e)
    {
      return fail (error, e.what_without_backtrace ());
    }
  catch (const std::exception &e)
    {
      return fail (error, e.what ());
    }
  catch (...)
    {
      return fail (error, "unknown exception in libtorch");
    }
}

// The output of one run as rows: (count, channels), or (count, height, width, channels) of a map.
at::Tensor
forward (network &network, const at::Tensor &images)
{
  c10::InferenceMode inference;
  at::set_num_threads (network.options.threads);
  c10::IValue output = network.module.forward ({ images });
  if (!output.isTensor ())
    throw std::runtime_error ("the network gives a " + output.tagKind () + ", not one tensor");
  at::Tensor rows = output.toTensor ();
  if ((rows.dim () != 2 && rows.dim () != 4) || rows.size (0) != images.size (0) || rows[0].numel () == 0)
    throw std::runtime_error ("the network gives " + c10::str (rows.sizes ()) + " for " + c10::str (images.sizes ())
                              + ", not (images, channels) or (images, channels, height, width)");
  if (rows.dim () == 2)
    return rows.to (at::kFloat).contiguous ();
  if (network.options.pool == NETWORK_POOL_AVG)
    return rows.to (at::kFloat).mean ({ 2, 3 });
  if (network.options.pool == NETWORK_POOL_MAX)
    return rows.to (at::kFloat).amax ({ 2, 3 });
  return rows.to (at::kFloat).permute ({ 0, 2, 3, 1 }).contiguous ();
}

void
load (network &network, const char *path)
{
  std::unordered_map<std::string, std::string> extra{ { metadata_name, "" } };
  network.module = torch::jit::load (path, at::kCPU, extra);
  network.metadata = extra[metadata_name];
  network.module.eval ();
  torch::jit::Module frozen = torch::jit::freeze (network.module);
  network.module = torch::jit::optimize_for_inference (frozen);
}

void
save (const torch::jit::Module &module, const char *path, const char *metadata)
{
  // By a stream: a file's name would become part of the archive, and so of its checksum.
  std::ofstream stream (path, std::ios::binary);
  module.save (stream, { { metadata_name, metadata } });
  stream.close ();
  if (!stream)
    throw std::runtime_error ("the file could not be written; check the free space and the folder's permissions");
}

} // namespace

#define EXPORT extern "C" __attribute__ ((visibility ("default")))

EXPORT int
network_open (network **result, const char *path, const network_options *options, char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    // The graph is optimised once, here: later passes would depend on the first runs' shapes and change the bits.
    static std::once_flag once;
    std::call_once (once, [] { torch::jit::setGraphExecutorOptimize (false); });
    auto opened = std::make_unique<network> ();
    opened->options = *options;
    load (*opened, path);
    *result = opened.release ();
    return 0;
  });
}

EXPORT void
network_close (network *network)
{
  delete network;
}

EXPORT const char *
network_metadata (const network *network)
{
  return network->metadata.c_str ();
}

EXPORT int
network_describe (network *network, int height, int width, network_shape *shape, char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    at::Tensor row = forward (*network, at::zeros ({ 1, 3, height, width }))[0];
    shape->rank = static_cast<int> (row.dim ());
    for (int i = 0; i < shape->rank; i++)
      shape->size[i] = row.size (i);
    return 0;
  });
}

EXPORT int
network_run (network *network, const float *images, int count, int height, int width, float *features,
             int64_t row_values, char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    at::Tensor input = at::from_blob (const_cast<float *> (images), { count, 3, height, width });
    at::Tensor rows = forward (*network, input);
    if (rows.numel () != count * row_values)
      throw std::runtime_error ("the network gives " + std::to_string (rows.numel () / count) + " values for an image, not "
                                + std::to_string (row_values) + " as in its first run");
    memcpy (features, rows.data_ptr<float> (), sizeof (float) * static_cast<size_t> (rows.numel ()));
    return 0;
  });
}

EXPORT int
network_build (const char *path, const char *source, const network_tensor *tensors, size_t count, const char *metadata,
               char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    torch::jit::Module module ("Backbone");
    for (size_t i = 0; i < count; i++)
      {
        at::IntArrayRef size (tensors[i].size, static_cast<size_t> (tensors[i].rank));
        module.register_parameter (tensors[i].name, at::from_blob (const_cast<float *> (tensors[i].values), size).clone (),
                                   false);
      }
    module.define (source);
    module.eval ();
    save (module, path, metadata);
    return 0;
  });
}

EXPORT const char *
network_library (void)
{
  return "libtorch " TORCH_VERSION;
}

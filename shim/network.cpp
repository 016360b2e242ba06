// The network module: network.h on libtorch.  Built as a shared object that loader.c opens when a command first needs it.
#include "network.h"

#include <ATen/Parallel.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <ostream>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <vector>

struct network {
  torch::jit::Module module;
  network_options options;
  std::string metadata;
};

namespace
{

const char metadata_name[] = "slabfit.json";

// The line of TEXT that says what is wrong: the first that is not empty, since libtorch adds a stack trace below it.  An
// error inside the network's own code comes the other way round: a trace, and what went wrong in the last line, behind a
// name.
std::string
choose_line (const std::string &text)
{
  static const std::string interpreter = "The following operation failed in the TorchScript interpreter",
                           name = "Error: ";
  size_t begin = text.find_first_not_of ('\n'), place = text.rfind (name);
  if (begin == std::string::npos)
    return "unknown failure in libtorch";
  if (text.compare (begin, interpreter.size (), interpreter) == 0 && place != std::string::npos)
    begin = place + name.size ();
  return text.substr (begin, text.find ('\n', begin) - begin);
}

int
fail (char *error, const std::string &text, const char *remedy)
{
  std::string line = choose_line (text) + remedy;
  size_t length = line.copy (error, NETWORK_ERROR_BYTES - 1);
  error[length] = '\0';
  return -1;
}

// Runs BODY, which returns 0 or throws; no exception goes further.  REMEDY ends the message.
template <typename Body>
int
guard (char *error, Body body, const char *remedy = "") noexcept
{
  try
    {
      return body ();
    }
  catch (const c10::Error &e)
    {
      return fail (error, e.what_without_backtrace (), remedy);
    }
  catch (const std::exception &e)
    {
      return fail (error, e.what (), remedy);
    }
  catch (...)
    {
      return fail (error, "unknown exception in libtorch", remedy);
    }
}

// The output of one run as rows: (count, channels), or (count, height, width, channels) of a map.
at::Tensor
forward (network &network, const at::Tensor &images)
{
  c10::InferenceMode inference;
  // load has optimised the graph: passes at run time would depend on the first runs' shapes and change the bits.  It is a
  // setting of each thread, and load must not have it: freezing inlines calls only where the optimiser is on.
  torch::jit::GraphOptimizerEnabledGuard no_passes (false);
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

// Writes a file and keeps the first failure to itself: libtorch's archive writer, told of a full disk, throws again as it
// is cleaned up, which ends the process.
class quiet_file : public std::streambuf
{
public:
  explicit quiet_file (const char *path) : stream (fopen (path, "wbe")), failure (stream ? 0 : errno)
  {
  }
  ~quiet_file () override
  {
    close ();
  }

  // 0, or the errno of the first failure.
  int
  close ()
  {
    if (stream && fclose (stream) && failure == 0)
      failure = errno;
    stream = nullptr;
    return failure;
  }

protected:
  std::streamsize
  xsputn (const char *data, std::streamsize count) override
  {
    if (failure == 0 && fwrite (data, 1, static_cast<size_t> (count), stream) != static_cast<size_t> (count))
      failure = errno;
    return count;
  }

  int_type
  overflow (int_type byte) override
  {
    char data = traits_type::to_char_type (byte);
    xsputn (&data, 1);
    return traits_type::not_eof (byte);
  }

private:
  FILE *stream;
  int failure;
};

void
save (const torch::jit::Module &module, const char *path, const char *metadata)
{
  // By a stream: a file's name would become part of the archive, and so of its checksum.
  quiet_file file (path);
  std::ostream stream (&file);
  module.save (stream, { { metadata_name, metadata } });
  if (int failure = file.close ())
    throw std::runtime_error (std::string (strerror (failure)) + "; check the free space and the folder's permissions");
}

} // namespace

#define EXPORT extern "C" __attribute__ ((visibility ("default")))

EXPORT int
network_open (network **result, const char *path, const network_options *options, char error[NETWORK_ERROR_BYTES])
{
  return guard (
    error,
    [&] {
      auto opened = std::make_unique<network> ();
      opened->options = *options;
      load (*opened, path);
      *result = opened.release ();
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
      throw std::runtime_error ("the network gives " + std::to_string (rows.numel () / count)
                                + " values for an image, not " + std::to_string (row_values) + " as in its first run");
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
        module.register_parameter (tensors[i].name,
                                   at::from_blob (const_cast<float *> (tensors[i].values), size).clone (), false);
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

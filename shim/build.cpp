// Writing TorchScript files.
#include "engine.hpp"
#include "guard.hpp"

#include <torch/script.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <streambuf>

namespace
{

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

EXPORT int
network_wrap (const char *from, const char *to, int output, network_pool pool, const char *metadata,
              char error[NETWORK_ERROR_BYTES])
{
  (void) from, (void) to, (void) output, (void) pool, (void) metadata;
  return fail (error, "not there yet", "");
}

// The engine for AOTInductor packages (.pt2), where libtorch has their loader.
#include "engine.hpp"

#include <torch/csrc/api/include/torch/version.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#if TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR >= 208 // whose loader takes all that open_package gives it
#define HAVE_PACKAGES 1
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <ATen/ATen.h>

#include <cstdlib>
#include <cstring>
#include <thread>
#endif

namespace
{

enum class kind { other, exported, package };

// The last bytes of FILE, at most COUNT.
std::string
read_tail (std::ifstream &file, std::streamoff count)
{
  file.seekg (0, std::ios::end);
  count = std::min (count, std::max<std::streamoff> (0, file.tellg ()));
  std::string tail (static_cast<size_t> (count), '\0');
  file.seekg (-count, std::ios::end);
  file.read (&tail[0], count);
  return tail;
}

// By the names of the files in a zip archive, which end it.
kind
sniff (const char *path)
{
  std::ifstream file (path, std::ios::binary);
  std::string head (2, '\0');
  if (!file.read (&head[0], 2) || head != "PK")
    return kind::other;
  std::string names = read_tail (file, 1 << 20);
  auto has = [&names] (const char *name) { return names.find (name) != std::string::npos; };
  if (has ("data/aotinductor/"))
    return kind::package;
  return has ("models/model.json") || has ("serialized_exported_program.json") ? kind::exported : kind::other;
}

#ifdef HAVE_PACKAGES

// Numbers of images that a package takes.
struct range {
  int64_t least, most;
};

// The number behind RELATION in the message that begins with CHECK in SOURCE; FALLBACK where there is none.
int64_t
find_number (const std::string &source, const char *check, const char *relation, int64_t fallback)
{
  size_t begin = source.find (check), end = source.find ("but got", begin), number = source.find (relation, begin);
  return begin != std::string::npos && number < end
           ? strtoll (source.c_str () + number + strlen (relation), nullptr, 10)
           : fallback;
}

// What a package was compiled for, which no function tells: from the source and the description that are in it as plain
// text.
range
find_range (const std::string &contents)
{
  int64_t only = find_number (contents, "input_handles[0]: unmatched dim value at 0", "expected: ", 0);
  if (only > 0)
    return { only, only };
  return { find_number (contents, "input_handles[0]: dim value is too small at 0", ">= ", 1),
           find_number (contents, "input_handles[0]: dim value is too large at 0", "<= ", INT64_MAX) };
}

// Fails where that is another kind of device.
void
check_device (const std::string &contents, const at::Device &device)
{
  const std::string key = "\"AOTI_DEVICE_KEY\": \"", wanted = c10::DeviceTypeName (device.type (), true);
  size_t begin = contents.find (key);
  std::string made = begin == std::string::npos ? wanted : contents.substr (begin + key.size (), 16);
  made = made.substr (0, made.find ('"'));
  if (made != wanted)
    throw std::runtime_error ("the package was compiled for --device " + made + ", not for " + wanted
                              + "; use that, or compile it for the other (doc/backbones.md)");
}

// IMAGES, and behind them as many black ones as make COUNT.
at::Tensor
pad (const at::Tensor &images, int64_t count)
{
  std::vector<int64_t> size = images.sizes ().vec ();
  size[0] = count - size[0];
  return size[0] > 0 ? at::cat ({ images, at::zeros (size, images.options ()) }) : images;
}

// Copies of a package's buffers: the calls that may run at the same time.
size_t
choose_runners (const at::Device &device)
{
  // On a GPU one more than runs at a time: a second launch waits for a copy that is still at work.
  return device.is_cpu () ? std::max (1U, std::thread::hardware_concurrency ()) : 2;
}

class package : public engine
{
public:
  package (const char *path, const at::Device &device, const range &range)
      : range_ (range), loader_ (path, "model", false, choose_runners (device), device.index ())
  {
    auto entries = loader_.get_metadata ();
    metadata = entries[metadata_name];
    output_ = entries["slabfit.output"];
  }

  at::Tensor
  forward (const at::Tensor &images) override
  {
    std::vector<at::Tensor> rows;
    at::Tensor planes = images.contiguous (); // compiled code relies on it
    for (int64_t done = 0, count; done < planes.size (0); done += count)
      {
        count = std::min (planes.size (0) - done, range_.most);
        rows.push_back (run (pad (planes.narrow (0, done, count), range_.least)).narrow (0, 0, count));
      }
    return rows.size () == 1 ? rows[0] : at::cat (rows);
  }

private:
  at::Tensor
  run (const at::Tensor &images)
  {
    std::vector<at::Tensor> outputs;
    try
      {
        outputs = loader_.run ({ images });
      }
    catch (const std::exception &)
      {
        throw std::runtime_error ("the package fails on " + c10::str (images.sizes ()) + " values of the type "
                                  + c10::toString (images.scalar_type ())
                                  + ", as the lines above say; compile it for these (doc/backbones.md)");
      }
    if (output_.empty () && outputs.size () != 1)
      throw std::runtime_error ("the package gives " + std::to_string (outputs.size ())
                                + " outputs; say which one, counted from 0, by slabfit.output in its metadata "
                                  "(doc/backbones.md)");
    size_t number = strtoul (output_.c_str (), nullptr, 10);
    if (number >= outputs.size ())
      throw std::runtime_error ("the package has " + std::to_string (outputs.size ())
                                + " outputs, counted from 0, and its metadata names slabfit.output " + output_);
    return outputs[number];
  }

  range range_;
  torch::inductor::AOTIModelPackageLoader loader_;
  std::string output_; // the number in the metadata, or ""
};

#endif

} // namespace

bool
is_package (const char *path)
{
  return sniff (path) != kind::other;
}

std::unique_ptr<engine>
open_package (const char *path, const at::Device &device, network_precision precision)
{
  (void) precision; // that of its code, which takes images of no other type
  if (sniff (path) == kind::exported)
    throw std::runtime_error ("it is an exported program that was not compiled; compile it in Python: "
                              "torch._inductor.aoti_compile_and_package (torch.export.load (\"THIS.pt2\"), "
                              "package_path=\"COMPILED.pt2\")");
#ifdef HAVE_PACKAGES
  setenv ("AOTI_RUNTIME_CHECK_INPUTS", "1", 0); // else compiled code takes any shape and reads beyond it
  std::ifstream file (path, std::ios::binary);
  const std::string contents = read_tail (file, INT64_MAX);
  check_device (contents, device);
  return std::make_unique<package> (path, device, find_range (contents));
#else
  (void) device;
  throw std::runtime_error ("it is an AOTInductor package, which this libtorch " TORCH_VERSION
                            " cannot load; build slabfit with libtorch 2.8 or later (./configure --with-libtorch=DIR), "
                            "or give a TorchScript file");
#endif
}

// What runs a network's file: TorchScript (script.cpp) or an AOTInductor package (package.cpp).
#ifndef SLABFIT_ENGINE_HPP
#define SLABFIT_ENGINE_HPP

#include "network.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

// The name under which a file of either kind carries its JSON text.
constexpr char metadata_name[] = "slabfit.json";

class engine
{
public:
  virtual ~engine () = default;

  // The network's one output for IMAGES (n, 3, height, width), which have input_type () and lie on the device.  Called
  // by several threads at once, each with its number of threads set.
  virtual at::Tensor forward (const at::Tensor &images) = 0;

  std::string metadata;
};

// The file PATH, ready to run on DEVICE with the numbers of PRECISION; throws what guard catches.
std::unique_ptr<engine> open_script (const char *path, const at::Device &device, network_precision precision);
std::unique_ptr<engine> open_package (const char *path, const at::Device &device, network_precision precision);

// Whether PATH is a package.
bool is_package (const char *path);

// The type of the network's input: what PRECISION computes with.
at::ScalarType input_type (network_precision precision);

#endif

// The engine for AOTInductor packages (.pt2), where libtorch has their loader.
#include "engine.hpp"

#include <stdexcept>

bool
is_package (const char *path)
{
  (void) path;
  return false;
}

std::unique_ptr<engine>
open_package (const char *path, const at::Device &device, network_precision precision)
{
  (void) path, (void) device, (void) precision;
  throw std::runtime_error ("this libtorch has no loader for AOTInductor packages");
}

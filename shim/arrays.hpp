// Weights and biases in the layouts that oneDNN's convolutions want.
#ifndef SLABFIT_ARRAYS_HPP
#define SLABFIT_ARRAYS_HPP

#include "onednn.hpp"

#include <ATen/ATen.h>

#include <mutex>
#include <vector>

// Shared by programs for all sizes; any thread.
class arrays
{
public:
  // PLAIN, seen as SHAPE, as WANTED.
  memory get (const at::Tensor &plain, const memory::dims &shape, const memory::desc &wanted);

private:
  std::mutex lock_;
  std::unordered_map<const void *, std::vector<memory> > all_;
};

#endif

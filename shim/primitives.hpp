// The steps of a network run by oneDNN itself: convolutions with what follows them in one pass, in oneDNN's own
// layouts, and all values in a few buffers that stay.
#ifndef SLABFIT_PRIMITIVES_HPP
#define SLABFIT_PRIMITIVES_HPP

#include "steps.hpp"

#include <memory>

class primitives
{
public:
  virtual ~primitives () = default;

  // The result for IMAGES (n, 3, height, width), contiguous, as float32 (n, channels, height, width), laid out by
  // channels last, or (n, channels).  Several threads at once, each with its number of threads set.  Undefined where
  // oneDNN cannot.
  virtual at::Tensor run (const at::Tensor &images) = 0;
};

// STEPS with the numbers of TYPE, float or bfloat16; NULL where the program was built without oneDNN.
std::unique_ptr<primitives> new_primitives (const steps &steps, at::ScalarType type);

#endif

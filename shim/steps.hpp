// A frozen network as a list of steps, each one convolution, pooling, sum or the like, with what was fused into it.
#ifndef SLABFIT_STEPS_HPP
#define SLABFIT_STEPS_HPP

#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <vector>

// What becomes of each value x: clipped to [low, high], low x + high, or one of the curves.
struct activation {
  enum { CLIP, LINEAR, RELU, SIGMOID, SWISH, HARD_SWISH } kind;
  float low, high;
};

struct step {
  enum { CONVOLUTION, ACTIVATION, MAXIMUM, AVERAGE, SUM, PRODUCT, CONCATENATION } kind;
  std::vector<int> inputs; // numbers of values
  int output;
  std::vector<activation> activations; // after all else, one after the other

  // Of a convolution; weight is (outputs, inputs / groups, height, width), or of one as large as the map (outputs, inputs
  // height width); bias (outputs).
  at::Tensor weight, bias;
  int64_t groups = 1;
  std::optional<int> addend; // a value of the same shape that is added; used nowhere after

  // Of convolutions and poolings, each (height, width).  A side of 0 is the whole map's, as is the stride then.
  std::vector<int64_t> window, stride, dilation{ 1, 1 }, padding{ 0, 0 }, padding_after{ 0, 0 };
  bool counts_padding = false; // in averages
  bool ceils = false;          // a last window that is cut off counts, if it begins inside
};

struct steps {
  std::vector<step> list; // in the order of their execution
  int values = 0;         // how many there are; number 0 is the network's input
  int result = 0;
  bool flat = false; // the result is (n, channels), of maps of 1 x 1
};

// The steps of FROZEN; none where it does anything that is not among them.
std::optional<steps> read_steps (const torch::jit::Module &frozen);

#endif

// A frozen network as a list of steps, each one convolution, pooling, sum or the like, with what was fused into it.
#ifndef SLABFIT_STEPS_HPP
#define SLABFIT_STEPS_HPP

#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <vector>

// What becomes of each value: clipped to [low, high], or one of the curves.
struct activation {
  enum { CLIP, RELU, SIGMOID, SWISH } kind;
  float low, high;
};

struct step {
  enum { CONVOLUTION, ACTIVATION, MAXIMUM, AVERAGE, SUM, PRODUCT, CONCATENATION } kind;
  std::vector<int> inputs; // numbers of values
  int output;
  std::optional<struct activation> activation; // after all else

  // Of a convolution; weight is (outputs, inputs / groups, height, width), bias (outputs).
  at::Tensor weight, bias;
  int64_t groups = 1;
  std::optional<int> addend; // a value of the same shape that is added; used nowhere after

  // Of convolutions and poolings, each (height, width).  An empty window is the whole map.
  std::vector<int64_t> window, stride, dilation{ 1, 1 }, padding{ 0, 0 }, padding_after{ 0, 0 };
  bool counts_padding = false; // in averages
};

struct steps {
  std::vector<step> list; // in the order of their execution
  int values = 0;         // how many there are; number 0 is the network's input
  int result = 0;
};

// The steps of FROZEN; none where it does anything that is not among them.
std::optional<steps> read_steps (const torch::jit::Module &frozen);

#endif

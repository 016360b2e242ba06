// The steps of a network as calls of oneDNN, for images of one size.
#ifndef SLABFIT_PROGRAM_HPP
#define SLABFIT_PROGRAM_HPP

#include "arrays.hpp"
#include "blocks.hpp"
#include "steps.hpp"

#include <ATen/Parallel.h>

#include <utility>

// For one thread at a time.
class program
{
public:
  // For IMAGES (n, channels, height, width) with numbers of TYPE, float or bfloat16.  STEPS and ARRAYS are borrowed.
  // Throws dnnl::error where oneDNN has no such step.
  program (const steps &steps, at::ScalarType type, arrays &arrays, const memory::dims &images);

  // The result for IMAGES, contiguous, as float32 (n, channels, height, width), laid out by channels last, or (n,
  // channels).
  at::Tensor run (const at::Tensor &images);

  const memory::dims images;
  const int threads = at::get_num_threads (); // which oneDNN's primitives keep from their making on

private:
  struct value {
    memory::dims shape; // (n, channels, height, width)
    memory where;
    block *held = nullptr; // by it
  };

  void add (const step &step);
  void add_convolution (const step &step);
  void add_pooling (const step &step);
  void add_pair (const step &step);
  void add_concatenation (const step &step);
  void add_activation (const step &step);
  template <typename Description> void add_call (const Description &description, arguments arguments);

  value &input (const step &step, size_t i = 0);
  memory::desc any (const memory::dims &shape);
  memory new_memory (const memory::desc &description, block *&held);
  memory new_output (const step &step, const memory::dims &shape, const memory::desc &description);
  memory reorder (const memory &from, const memory::desc &to, block *&held);
  bool is_used_later (int number) const;
  void release ();

  const steps &steps_;
  memory::data_type type_;
  arrays &arrays_;
  blocks blocks_;
  std::vector<value> values_;
  std::vector<std::pair<dnnl::primitive, arguments> > calls_;
  memory rows_;
  dnnl::stream stream_{ place () };
  size_t index_ = 0; // of the step that is being added
};

#endif

// The type of the numbers that a TorchScript network computes with.
#ifndef SLABFIT_NUMBERS_HPP
#define SLABFIT_NUMBERS_HPP

#include <torch/script.h>

// Makes TYPE of all floating-point numbers in MODULE: parameters, buffers, and what is written in its code.
void convert (torch::jit::Module &module, at::ScalarType type);

#endif

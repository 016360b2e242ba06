// Steps that go into the convolution before them: activations and sums.
#ifndef SLABFIT_FUSION_HPP
#define SLABFIT_FUSION_HPP

#include "steps.hpp"

// Takes them out of STEPS' list.
void fuse_steps (steps &steps);

#endif

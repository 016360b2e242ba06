/* Stochastic gradient descent as Keras defines it.  For a weight w with gradient g, and v = 0 at the start:

     g += 2 l2 w                    for kernels, not for biases: the derivative of the loss's term l2 w^2
     v  = momentum v - rate g
     w += v                         or, with Nesterov's momentum, w += momentum v - rate g  */
#ifndef SLABFIT_SGD_H
#define SLABFIT_SGD_H

#include <stdbool.h>

struct sgd {
  double rate, momentum, l2;
  bool nesterov;
};

/* VALUE, or 0 where it is next to nothing.  The velocity of a weight whose gradient stays zero dies away as momentum^t,
   and gradients vanish as a network learns; processors take a hundred times as long for numbers below 1e-38.  */
static inline float
sgd_rounded (float value)
{
  return value < 1e-30f && value > -1e-30f ? 0 : value;
}

#endif

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

#endif

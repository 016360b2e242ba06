/* The arrays of a weights file, matched with the units of a residual network.  */
#ifndef SLABFIT_MATCHING_H
#define SLABFIT_MATCHING_H

#include "naming.h"

struct matching {
  const struct naming *naming;
  const struct weight *part[RESNET_UNITS][NAMING_PARTS]; /* borrowed; no unit has a bias, or each has one */
  bool classifier;                                       /* the file has one, which is left out */
};

/* Finds the arrays of all units of RESNET in WEIGHTS, whose file PATH is for messages.  Fails where the file is of
   another network, which is named, or an array is missing, misshapen, not finite, or not of this network.  */
int matching_find (struct matching *matching, const struct weights *weights, const struct resnet *resnet,
                   const char *path);

#endif

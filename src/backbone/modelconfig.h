/* The description of a network that a full Keras model carries beside its weights: what its units do is compared with
   what we compute.  */
#ifndef SLABFIT_MODELCONFIG_H
#define SLABFIT_MODELCONFIG_H

#include "naming.h"

/* EPSILON (count): that of each unit's batch normalisation in CONFIG (JSON).  Fails where a layer does something else
   than its unit of RESNET: another stride, padding, data format or activation; PATH is for the message.  */
int modelconfig_check (const char *config, const struct resnet *resnet, const struct naming *naming,
                       const struct resnet_unit *unit, size_t count, double *epsilon, const char *path);

#endif

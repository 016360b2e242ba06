/* The structure of a residual network, ResNet version 1 with bottleneck blocks (He et al. 2015, arXiv:1512.03385): its
   convolutions, each with the batch normalisation that follows it, and the TorchScript text that computes them.

   Keras's networks and torchvision's differ in where the stages 3 to 5 halve the map: the former in a block's first
   convolution, 1 x 1, the latter in its second one, 3 x 3.  */
#ifndef SLABFIT_RESNET_H
#define SLABFIT_RESNET_H

#include "../../shim/network.h"

#include <stddef.h>
#include <stdio.h>

enum { RESNET_STAGES = 4, RESNET_UNITS = 160, RESNET_NAME_BYTES = 32 };

enum resnet_structure { RESNET_KERAS, RESNET_TORCHVISION };

struct resnet {
  const char *name;          /* "resnet50" */
  int blocks[RESNET_STAGES]; /* of the stages conv2 to conv5 */
};

/* A convolution and its batch normalisation.  */
struct resnet_unit {
  int stage;  /* 1 to 5, as the paper's conv1 to conv5 */
  int block;  /* of the stage, counted from 1; 0 in stage 1 */
  int number; /* 1 to 3 in the block, 0 for its shortcut; 0 in stage 1 */
  int inputs, outputs, kernel, stride, padding;
};

/* Where a network ends: behind a block of a stage; stage 1 has none.  NAME is the structure's own.  */
struct resnet_layer {
  int stage, block;
  char name[RESNET_NAME_BYTES];
};

/* The network NAME; NULL with a usage error.  */
const struct resnet *resnet_find (const char *name);

/* The names of all, separated by ", ".  Static.  */
const char *resnet_names (void);

/* The network of so many BLOCKS; NULL, with no error set, where it is none of them.  */
const struct resnet *resnet_identify (const int blocks[RESNET_STAGES]);

/* UNIT (RESNET_UNITS): the units in the order in which they are computed, a shortcut before its block; how many.  */
size_t resnet_units (const struct resnet *resnet, enum resnet_structure structure, struct resnet_unit *unit);

/* The unit's name in its file, Keras's without "_conv" and "_bn": "conv2_block1_1".  */
void resnet_unit_name (const struct resnet_unit *unit, char name[RESNET_NAME_BYTES]);

/* How many of the COUNT units come before the end of LAYER.  */
size_t resnet_units_before (const struct resnet_unit *unit, size_t count, const struct resnet_layer *layer);

/* The layer that TEXT names: "conv4" for the end of the stage, "conv4_block3_out" or "conv1_relu" as Keras, "layer3",
   "layer3.2" or "relu" as torchvision; a usage error where the network has none.  */
int resnet_parse_layer (const struct resnet *resnet, enum resnet_structure structure, const char *text,
                        struct resnet_layer *layer);

/* The TorchScript text of the UNITS (count), pooled at the end; it names the parameters NAME_conv_kernel and
   NAME_conv_bias of each unit.  To be freed by the caller; NULL with the error set.  */
char *resnet_source (const struct resnet_unit *unit, size_t count, enum network_pool pool);

#endif

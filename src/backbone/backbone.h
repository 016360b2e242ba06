/* Backbones: the TorchScript files of networks that turn images into features, with all that is to be known of them
   inside.

   The description is a JSON object: "preprocess" (what becomes of the pixels), "feature_shape" (of a row), "layer",
   "pool", "version" (of slabfit); of a network that was built "architecture", "structure" (keras or torchvision),
   "epsilon", "weights" (the file's name, or "random, seed N") and "weights_sha256"; of one that was wrapped "wrapped"
   and "wrapped_sha256".  */
#ifndef SLABFIT_BACKBONE_H
#define SLABFIT_BACKBONE_H

#include "../../shim/network.h"
#include "../base/file.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct backbone_options {
  const char *output;     /* the file to write */
  bool force;             /* replaces one that is there */
  enum network_pool pool; /* over a map's height and width, inside the network */
  const char *preprocess; /* a specification; NULL, of a network that is built, for its program's own */
  int height, width;      /* of the images that it gives; of no use where it is NULL */
};

/* The network that is to be built.  */
struct backbone_plan {
  const char *architecture; /* one of backbone_architectures */
  const char *weights;      /* the weights' file, or NULL for random ones drawn from SEED */
  uint64_t seed;
  const char *layer; /* where the network ends (resnet_parse_layer); NULL for its end */
  double epsilon;    /* of the batch normalisation; 0 for what the file says, or else its program */
};

struct backbone_report {
  char sha256[FILE_SHA256_BYTES]; /* of the file that was written */
  json_t *description;            /* what travels in it; owned */
  bool classifier;                /* the weights have a classifier, which was left out */
  struct network_trial trial;     /* what a wrapped network gives */
};

/* The names of the architectures, separated by ", ".  Static.  */
const char *backbone_architectures (void);

/* Builds a network with the structure that the names in the weights' file stand for.  Unknown architectures and
   layers are a usage error; a file of other weights is refused.  Random weights give the same bytes for the same
   seed.  */
int backbone_build (const struct backbone_options *options, const struct backbone_plan *plan,
                    struct backbone_report *report);

/* Puts the TorchScript file PATH into one that carries its preprocessing and gives its output number OUTPUT, counted
   from 0.  Other kinds of file are refused.  */
int backbone_wrap (const struct backbone_options *options, const char *path, int output,
                   struct backbone_report *report);

void backbone_report_free (struct backbone_report *report); /* what it owns; after a failure as well */

#endif

/* How programs name the arrays of a residual network in their weights files, and how they lay them out.  */
#ifndef SLABFIT_NAMING_H
#define SLABFIT_NAMING_H

#include "resnet.h"
#include "weights.h"

#include <stdbool.h>

/* Of a unit: its convolution's arrays, then those of its batch normalisation.  */
enum naming_part { NAMING_KERNEL, NAMING_BIAS, NAMING_GAMMA, NAMING_BETA, NAMING_MEAN, NAMING_VARIANCE, NAMING_PARTS };

enum { NAMING_NAME_BYTES = 96, NAMING_SIDE = 224 };

struct naming {
  const char *program; /* for messages */
  enum resnet_structure structure;
  double epsilon;         /* of the batch normalisation in the program's network */
  const char *preprocess; /* what the program does with images, which become NAMING_SIDE x NAMING_SIDE */
  /* Writes the unit's convolution, or its batch normalisation, into NAME (NAMING_NAME_BYTES).  */
  void (*layer) (const struct resnet *resnet, const struct resnet_unit *unit, bool normalisation, char *name);
  const char *part[NAMING_PARTS]; /* what follows it */
};

/* The kinds of names, ended by one without a program.  */
extern const struct naming namings[];

/* PART of UNIT as it is called in a file of these names, into NAME (NAMING_NAME_BYTES).  */
void naming_write (const struct naming *naming, const struct resnet *resnet, const struct resnet_unit *unit,
                   enum naming_part part, char *name);

/* The naming whose names WEIGHTS have, and what stands before all of them ("resnet.", "module."; "" mostly) in PREFIX
   (NAMING_NAME_BYTES).  NULL, with no error set, where it is none.  */
const struct naming *naming_recognise (const struct weights *weights, char *prefix);

/* Whether its names are numbers only, which do not tell the blocks apart.  */
bool naming_has_numbers (const struct naming *naming);

/* Whether NAME is known and of no use in a backbone: a classifier's array, which sets *CLASSIFIER, or a counter.  */
bool naming_is_left_out (const char *name, bool *classifier);

/* The sizes of PART of UNIT in the file's order, (rank); the rank.  */
int naming_shape (const struct naming *naming, const struct resnet_unit *unit, enum naming_part part,
                  int64_t size[NETWORK_RANK]);

#endif

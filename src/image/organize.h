/* Putting a collection of photographs into DATASET/SPLIT/CLASS/.  */
#ifndef SLABFIT_ORGANIZE_H
#define SLABFIT_ORGANIZE_H

#include "../base/text.h"
#include "splitname.h"

#include <stdint.h>

enum { ORGANIZE_SPLITS = USUAL_SPLITS };

struct organize_options {
  struct names classes;          /* for {class}_{id} names: names[class]; empty where SOURCE has CLASS/ folders */
  double share[ORGANIZE_SPLITS]; /* for CLASS/ folders: parts of each split, any positive sum; all 0 where unset */
  uint64_t seed;                 /* of the draw of the splits */
};

struct organize_count {
  char *split, *class_name; /* owned */
  uint64_t images;
};

struct organize_report {
  size_t count;
  struct organize_count *entry;  /* (count) by split, then class */
  uint64_t linked, copied, kept; /* files hard-linked, copied, and already there */
};

/* Takes SOURCE/SPLIT/{class}_{id}.EXT (as Food-5K has it; any of the three splits, others are left), or
   SOURCE/CLASS/FILE divided by OPTIONS->share, into DATASET/SPLIT/CLASS/FILE: hard links where it can, else copies
   (written under a temporary name).  Hidden entries are left out.

   Each class is divided alone: its sorted names are shuffled (stream 2 + class of the seed) and dealt to the splits in
   turn, whose numbers are the shares rounded by largest remainder.  Every split gets a folder for every class.

   Nothing is written before all names are checked.  A file that is there already with the same contents is kept, so
   that running it again changes nothing; one with other contents, one that an earlier division put into another split,
   a name that does not fit and an unknown class are refused by name.  On failure REPORT is empty.  */
int organize (const char *source, const char *dataset, const struct organize_options *options,
              struct organize_report *report);
void organize_report_free (struct organize_report *report);

#endif

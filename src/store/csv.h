/* The tutorial's CSV: a line for each row, "label,value,value,...", the label being the class's number.  */
#ifndef SLABFIT_CSV_H
#define SLABFIT_CSV_H

#include "../base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct workers;

/* Writes the feature file FEATURES as the text CSV, whole or not at all.  Values have the 9 digits that give the same
   float32 back.  Memory holds one block of rows.  */
int csv_export (const char *features, const char *csv, struct workers *workers, uint64_t *rows);

struct csv_options {
  struct names classes; /* names[label]; empty where their names are to be the numbers from 0 to the largest label */
  bool half;            /* float16, else float32 */
  int compress;         /* 0 to 12 */
  const char *command;  /* the command line, recorded in the file; may be NULL */
};

/* Writes the feature file FEATURES from the text CSV, which is read twice (counted, then converted).  The first line
   says how many columns there are; a line of another width, a label that is no class and a value that is not a finite
   number are errors that name line and field, both counted from 1.  Lines end with LF or CRLF; empty ones are passed
   over.  Memory holds one block of lines.  */
int csv_import (const char *csv, const char *features, const struct csv_options *options, struct workers *workers,
                uint64_t *rows);

#endif

/* The tutorial's CSV: a line for each row, "label,value,value,...", the label being the class's number.  */
#ifndef SLABFIT_CSV_H
#define SLABFIT_CSV_H

#include "importer.h"

struct featnames;

/* Writes the feature file FEATURES, its datasets being NAMES, as the text CSV, whole or not at all.  Values have the 9
   digits that give the same float32 back.  Memory holds one block of rows.  */
int csv_export (const char *features, const struct featnames *names, const char *csv, struct workers *workers,
                uint64_t *rows);

/* Writes the feature file FEATURES from the text CSV, which is read twice (counted, then converted).  The first line
   says how many columns there are; a line of another width, a label that is no class and a value that is not a finite
   number are errors that name line and field, both counted from 1.  Values are rounded to float64 and then to float32,
   as NumPy does.  Lines end with LF or CRLF; empty ones and a byte order mark are passed over.  Memory holds one block
   of lines.  */
int csv_import (const char *csv, const char *features, const struct importer_options *options, struct workers *workers,
                uint64_t *rows);

#endif

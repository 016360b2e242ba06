/* The head of a NumPy array file (.npy), as numpy.lib.format documents it: the bytes 93 "NUMPY", a version, the length
   of a text, and the text, a Python dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.  */
#ifndef SLABFIT_NPYHEADER_H
#define SLABFIT_NPYHEADER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { NPYHEADER_RANK_MOST = 4, NPYHEADER_BYTES_MOST = 256 };

struct npyheader {
  char kind;    /* of the elements: 'f' floating-point, 'i' and 'u' whole, 'b' truth values */
  int bytes;    /* of an element */
  bool swapped; /* whether their bytes are not in the order of this processor */
  int rank;
  uint64_t shape[NPYHEADER_RANK_MOST];
  uint64_t elements; /* shape's product; all of them are in the file */
};

/* Reads versions 1.0 to 3.0 from the beginning of STREAM, which PATH names, and leaves it at the first element.  Fails
   where the header is not one, the elements are not whole numbers (WHOLE) or floating-point ones (else) or are in
   Fortran order, or the file has more or fewer bytes than the shape says.  */
int npyheader_read (struct npyheader *header, FILE *stream, bool whole, const char *path);

/* Writes version 1.0 for elements of HEADER's kind, bytes and shape in little-endian order.  Returns its length, a
   multiple of 64.  */
size_t npyheader_format (const struct npyheader *header, char text[NPYHEADER_BYTES_MOST]);

#endif

/* Decimal numbers as text.  */
#ifndef SLABFIT_DECIMAL_H
#define SLABFIT_DECIMAL_H

#include <stdint.h>

enum {
  DECIMAL_BYTES = 16,     /* what decimal_print writes at the most: "-1.17549435e-38" and a 0 */
  DECIMAL_LOOKAHEAD = 16, /* bytes that may be read from the line's end on */
};

/* *VALUE = the float32 nearest to the float64 nearest to the decimal number that begins at TEXT, which is what NumPy
   makes of it: sign, digits with a point, exponent; infinite where it overflows.  A character follows that belongs to
   no number, such as the line's end, and DECIMAL_LOOKAHEAD bytes from there on may be read.  Returns that character;
   NULL where there is no number (no error is set).  */
const char *decimal_parse (const char *text, float *value);

/* Passes over zeros as they are mostly written, "0.0," or "0,", from TEXT on, though not all and at most MOST of them.
   *COUNT says how many, and the first character after them is returned.  */
const char *decimal_skip_zeros (const char *text, uint64_t most, uint64_t *count);

/* Writes the finite VALUE as printf's %.9g does, which decimal_parse makes the same float32 of.  Returns the end, where
   no 0 is.  TO has room for DECIMAL_BYTES.  */
char *decimal_print (char *to, float value);

#endif

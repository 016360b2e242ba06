/* Decimal numbers as text.  */
#ifndef SLABFIT_DECIMAL_H
#define SLABFIT_DECIMAL_H

/* *VALUE = the float32 nearest to the decimal number that begins at TEXT and goes on before END, as strtof reads it
   in the C locale: sign, digits with a point, exponent; infinite where it overflows.  Returns the first character
   after it; NULL where there is no number (no error is set).  */
const char *decimal_parse (const char *text, const char *end, float *value);

#endif

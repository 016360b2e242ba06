/* IEEE 754 half precision (float16) in bulk.  */
#ifndef SLABFIT_HALF_H
#define SLABFIT_HALF_H

#include <stddef.h>
#include <stdint.h>

/* TO (count) = FROM (count) rounded to the nearest float16, ties to even.  A finite value that overflows becomes the
   largest finite one (65504) of its sign; infinities and NaN stay what they are.  */
void half_from_float (uint16_t *to, const float *from, size_t count);

/* TO (count) = FROM (count), exactly.  */
void half_to_float (float *to, const uint16_t *from, size_t count);

/* The same without instructions that only some processors have; for tests.  */
void half_from_float_portable (uint16_t *to, const float *from, size_t count);
void half_to_float_portable (float *to, const uint16_t *from, size_t count);

#endif

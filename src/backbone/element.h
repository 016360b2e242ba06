/* The types of numbers in files of weights, and their values as float32.  */
#ifndef SLABFIT_ELEMENT_H
#define SLABFIT_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct element {
  const char *safetensors; /* its name there: "BF16" */
  const char *torch;       /* and as a storage of PyTorch: "BFloat16Storage"; NULL where there is none */
  char kind;               /* 'f' IEEE 754, 'b' bfloat16, 'i' and 'u' integers with and without a sign */
  unsigned char bytes;
};

/* The type of the name TEXT (LENGTH); NULL, with no error set, where it is not known.  Static.  */
const struct element *element_of_safetensors (const char *text, size_t length);
const struct element *element_of_torch (const char *text, size_t length);

/* The number at AT, its lowest byte first, or last with BIG; rounded to the nearest float32.  */
float element_value (const struct element *element, const unsigned char *at, bool big);

/* TO (count) = the numbers at FROM, one after the other.  */
void element_values (const struct element *element, const unsigned char *from, bool big, float *to, size_t count);

#endif

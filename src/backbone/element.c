#include <config.h>

#include "element.h"

#include "../base/half.h"

#include <stdint.h>
#include <string.h>

static const struct element elements[] = {
  { "F32", "FloatStorage", 'f', 4 }, { "F64", "DoubleStorage", 'f', 8 },
  { "F16", "HalfStorage", 'f', 2 },  { "BF16", "BFloat16Storage", 'b', 2 },
  { "I64", "LongStorage", 'i', 8 },  { "I32", "IntStorage", 'i', 4 },
  { "I16", "ShortStorage", 'i', 2 }, { "I8", "CharStorage", 'i', 1 },
  { "U8", "ByteStorage", 'u', 1 },   { "BOOL", "BoolStorage", 'u', 1 },
  { "U16", NULL, 'u', 2 },           { "U32", NULL, 'u', 4 },
  { "U64", NULL, 'u', 8 },
};

enum { ELEMENTS = sizeof elements / sizeof *elements };

static bool
is (const char *name, const char *text, size_t length)
{
  return name && strlen (name) == length && !memcmp (name, text, length);
}

const struct element *
element_of_safetensors (const char *text, size_t length)
{
  for (int i = 0; i < ELEMENTS; i++)
    if (is (elements[i].safetensors, text, length))
      return &elements[i];
  return NULL;
}

const struct element *
element_of_torch (const char *text, size_t length)
{
  for (int i = 0; i < ELEMENTS; i++)
    if (is (elements[i].torch, text, length))
      return &elements[i];
  return NULL;
}

static float
float_of_bits (uint32_t bits)
{
  float value;
  memcpy (&value, &bits, sizeof value);
  return value;
}

static float
floating_value (uint64_t bits, int bytes)
{
  uint16_t half = (uint16_t) bits;
  double wide;
  float value;
  if (bytes == 4)
    return float_of_bits ((uint32_t) bits);
  if (bytes == 8)
    {
      memcpy (&wide, &bits, sizeof wide);
      return (float) wide;
    }
  half_to_float_portable (&value, &half, 1);
  return value;
}

float
element_value (const struct element *element, const unsigned char *at, bool big)
{
  int bytes = element->bytes, rest = 64 - 8 * bytes;
  uint64_t bits = 0;
  for (int i = 0; i < bytes; i++)
    bits |= (uint64_t) at[big ? bytes - 1 - i : i] << 8 * i;
  switch (element->kind)
    {
    case 'f':
      return floating_value (bits, bytes);
    case 'b':
      return float_of_bits ((uint32_t) bits << 16);
    case 'i':
      return (float) ((int64_t) (bits << rest) >> rest);
    default:
      return (float) bits;
    }
}

void
element_values (const struct element *element, const unsigned char *from, bool big, float *to, size_t count)
{
  bool host_is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
  if (element->kind == 'f' && element->bytes == sizeof *to && big == host_is_big)
    memcpy (to, from, count * sizeof *to); /* as nearly all are */
  else
    for (size_t i = 0; i < count; i++)
      to[i] = element_value (element, from + i * element->bytes, big);
}

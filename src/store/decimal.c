#include <config.h>

#include "decimal.h"

#include "../base/text.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* 10^0 to 10^22 are exact in double.  */
static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* A decimal number in parts: digits * 10^exponent.  */
struct decimal {
  uint64_t digits;
  int exponent;
  bool negative, exact; /* exact: all digits fit */
};

static bool
is_digit (char character)
{
  return character >= '0' && character <= '9';
}

static const char *
scan_exponent (const char *at, const char *end, struct decimal *decimal)
{
  if (at == end || (*at != 'e' && *at != 'E'))
    return at;
  const char *digit = at + 1;
  bool negative = digit < end && *digit == '-';
  if (digit < end && (*digit == '-' || *digit == '+'))
    digit++;
  if (digit == end || !is_digit (*digit))
    return NULL;
  int exponent = 0;
  for (; digit < end && is_digit (*digit); digit++)
    if (exponent < 100000)
      exponent = 10 * exponent + (*digit - '0');
  decimal->exponent += negative ? -exponent : exponent;
  return digit;
}

static const char *
scan (const char *at, const char *end, struct decimal *decimal)
{
  bool any = false, point = false;
  *decimal = (struct decimal){ .exact = true };
  if (at < end && (*at == '-' || *at == '+'))
    decimal->negative = *at++ == '-';
  for (; at < end; at++)
    if (is_digit (*at))
      {
        any = true;
        if (decimal->digits < UINT64_C (100000000000000000))
          {
            decimal->digits = 10 * decimal->digits + (uint64_t) (*at - '0');
            decimal->exponent -= point;
          }
        else
          {
            decimal->exact = false;
            decimal->exponent += !point;
          }
      }
    else if (*at == '.' && !point)
      point = true;
    else
      break;
  return any ? scan_exponent (at, end, decimal) : NULL;
}

/* Rounding once to double and once more to float errs only where the double lies half way between two floats.  */
static bool
is_half_way (double value)
{
  uint64_t bits;
  memcpy (&bits, &value, sizeof bits);
  return (bits & 0x1fffffff) == 0x10000000;
}

static int
parse_slowly (const char *text, const char *end, float *value)
{
  char *copy = text_new ("%.*s", (int) (end - text), text);
  if (!copy)
    return -1;
  *value = strtof (copy, NULL);
  free (copy);
  return 0;
}

const char *
decimal_parse (const char *text, const char *end, float *value)
{
  struct decimal decimal;
  const char *after = scan (text, end, &decimal);
  if (!after)
    return NULL;
  if (decimal.digits == 0)
    {
      *value = decimal.negative ? -0.0f : 0.0f;
      return after;
    }
  /* Clinger 1990: digits and power are exact in double, so their product or quotient is rounded once.  */
  if (decimal.exact && decimal.digits <= UINT64_C (1) << 53 && decimal.exponent >= -22 && decimal.exponent <= 22)
    {
      double wide = decimal.exponent < 0 ? (double) decimal.digits / powers[-decimal.exponent]
                                         : (double) decimal.digits * powers[decimal.exponent];
      if (wide >= (double) FLT_MIN && wide < (double) FLT_MAX && !is_half_way (wide))
        {
          *value = (float) (decimal.negative ? -wide : wide);
          return after;
        }
    }
  return parse_slowly (text, after, value) ? NULL : after;
}

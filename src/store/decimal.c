#include <config.h>

#include "decimal.h"

#include "../base/text.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exact to 10^22, beyond that within half a unit of the last place.  */
static const double powers[] = {
  1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14,
  1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29,
  1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44,
};

enum {
  POWER_MOST = sizeof powers / sizeof *powers - 1,
  DIGITS_MOST = 19, /* of a uint64_t */
  EXPONENT_MOST = 100000,
};

/* A decimal number in parts: about digits * 10^exponent.  */
struct decimal {
  uint64_t digits; /* the first DIGITS_MOST of them from the first that is not 0 */
  int64_t exponent;
  bool negative;
};

static bool
is_digit (char character)
{
  return character >= '0' && character <= '9';
}

static const char *
scan_digits (const char *at, uint64_t *digits)
{
  for (; is_digit (*at); at++)
    *digits = 10 * *digits + (uint64_t) (*at - '0');
  return at;
}

#if defined __GNUC__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

/* The same without a branch for up to 8 digits, which a fraction mostly has: all are made numbers at once, those of
   pairs, of fours, and of all.  */
static inline const char *
scan_fraction (const char *at, uint64_t *digits)
{
  static const uint64_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };
  uint64_t word;
  memcpy (&word, at, sizeof word);
  word ^= UINT64_C (0x3030303030303030);
  uint64_t others = (word | (word + UINT64_C (0x7676767676767676))) & UINT64_C (0x8080808080808080);
  int count = others ? __builtin_ctzll (others) / 8 : 8;
  word = count ? word << (64 - 8 * count) : 0;
  word = (word * 10 + (word >> 8)) & UINT64_C (0x00ff00ff00ff00ff);
  word = (word * 100 + (word >> 16)) & UINT64_C (0x0000ffff0000ffff);
  word = (word * 10000 + (word >> 32)) & UINT64_C (0x00000000ffffffff);
  *digits = *digits * tens[count] + word;
  return count < 8 ? at + count : scan_digits (at + 8, digits);
}

/* How many of the four numbers at TEXT are "0.0," before the first that is not.  */
static inline unsigned
count_zeros (const char *text)
{
  static const char pattern[] = "0.0,0.0,";
  uint64_t zeros, first, second;
  memcpy (&zeros, pattern, sizeof zeros);
  memcpy (&first, text, sizeof first);
  memcpy (&second, text + sizeof first, sizeof second);
  first ^= zeros;
  second ^= zeros;
  return first ? (unsigned) __builtin_ctzll (first) / 32 : second ? 2 + (unsigned) __builtin_ctzll (second) / 32 : 4;
}

#else

static const char *
scan_fraction (const char *at, uint64_t *digits)
{
  return scan_digits (at, digits);
}

static unsigned
count_zeros (const char *text)
{
  unsigned count = 0;
  while (count < 4 && memcmp (text + 4 * count, "0.0,", 4) == 0)
    count++;
  return count;
}

#endif

/* The digits from AT to END anew, where there are too many for all.  */
static void
keep_first (const char *at, const char *end, struct decimal *decimal)
{
  bool point = false;
  int kept = 0;
  decimal->digits = 0;
  decimal->exponent = 0;
  for (; at < end; at++)
    if (*at == '.')
      point = true;
    else if (kept < DIGITS_MOST)
      {
        decimal->digits = 10 * decimal->digits + (uint64_t) (*at - '0');
        decimal->exponent -= point;
        kept += decimal->digits > 0;
      }
    else
      decimal->exponent += !point;
}

static const char *
scan_exponent (const char *at, struct decimal *decimal)
{
  const char *digit = at + 1;
  bool negative = *digit == '-';
  int exponent = 0;
  if (*digit == '-' || *digit == '+')
    digit++;
  if (!is_digit (*digit))
    return NULL;
  for (; is_digit (*digit); digit++)
    if (exponent < EXPONENT_MOST)
      exponent = 10 * exponent + (*digit - '0');
  decimal->exponent += negative ? -exponent : exponent;
  return digit;
}

static inline const char *
scan (const char *at, struct decimal *decimal)
{
  *decimal = (struct decimal){ .negative = *at == '-' };
  at += *at == '-' || *at == '+';
  const char *start = at;
  at = scan_digits (at, &decimal->digits);
  ptrdiff_t count = at - start;
  if (*at == '.')
    {
      const char *point = at;
      at = scan_fraction (at + 1, &decimal->digits);
      decimal->exponent = point + 1 - at;
      count = at - start - 1;
    }
  if (count == 0)
    return NULL;
  if (count > DIGITS_MOST)
    keep_first (start, at, decimal);
  return *at == 'e' || *at == 'E' ? scan_exponent (at, decimal) : at;
}

/* *VALUE = DECIMAL where a double that is about right leaves no doubt.  Digits that were left out, the rounding of the
   digits, of the power and of the result each move the double by at most a unit of its last place, so that it is within
   4 of the number and within 5 of the double nearest to the number.  Both have the same nearest float unless they lie
   near the middle between two floats.  */
static inline bool
round_quickly (const struct decimal *decimal, float *value)
{
  uint64_t bits;
  if (decimal->exponent < -POWER_MOST || decimal->exponent > POWER_MOST)
    return false;
  double wide = decimal->exponent < 0 ? (double) decimal->digits / powers[-decimal->exponent]
                                      : (double) decimal->digits * powers[decimal->exponent];
  memcpy (&bits, &wide, sizeof bits);
  uint64_t below = bits & 0x1fffffff; /* what a float has no room for */
  if (wide < (double) FLT_MIN || wide >= (double) FLT_MAX || (below > 0x10000000 - 8 && below < 0x10000000 + 8))
    return false;
  *value = (float) (decimal->negative ? -wide : wide);
  return true;
}

/* By the C library, which rounds correctly.  */
static int
round_slowly (const char *text, const char *end, float *value)
{
  char *copy = text_new ("%.*s", (int) (end - text), text);
  if (!copy)
    return -1;
  *value = (float) strtod (copy, NULL);
  free (copy);
  return 0;
}

const char *
decimal_parse (const char *text, float *value)
{
  struct decimal decimal;
  const char *after = scan (text, &decimal);
  if (!after)
    return NULL;
  if (decimal.digits == 0)
    *value = decimal.negative ? -0.0f : 0.0f;
  else if (!round_quickly (&decimal, value) && round_slowly (text, after, value))
    return NULL;
  return after;
}

const char *
decimal_skip_zeros (const char *text, uint64_t most, uint64_t *count)
{
  uint64_t left = most;
  for (unsigned found = 4; found == 4 && left >= 4; left -= found)
    {
      found = count_zeros (text);
      text += 4 * found;
    }
  for (; left >= 4 && memcmp (text, "0,0,0,0,", 8) == 0; left -= 4)
    text += 8;
  for (; left > 0 && memcmp (text, "0,", 2) == 0; left--)
    text += 2;
  *count = most - left;
  return text;
}

enum { PRINTED_DIGITS = 9, DIGITS_BEGIN = 100000000, DIGITS_END = 1000000000 };

/* DIGITS (PRINTED_DIGITS of them) and EXPONENT such that d.dddddddd * 10^exponent is MAGNITUDE rounded, where that is
   certain: the scaled number, below 2^30, is wrong by less than 2^-21.  */
static bool
split (double magnitude, uint32_t *digits, int *exponent)
{
  int binary;
  frexp (magnitude, &binary);
  *exponent = (int) floor ((binary - 1) * 0.301029995663981195);
  double scaled = 0.0;
  for (int tries = 0; tries < 2; tries++)
    {
      int power = PRINTED_DIGITS - 1 - *exponent;
      if (power > POWER_MOST || power < -POWER_MOST)
        return false;
      scaled = power < 0 ? magnitude / powers[-power] : magnitude * powers[power];
      if (scaled < DIGITS_END)
        break;
      ++*exponent;
    }
  double whole = floor (scaled), rest = scaled - whole;
  if (scaled < DIGITS_BEGIN || scaled >= DIGITS_END || fabs (rest - 0.5) < 0x1p-20)
    return false;
  *digits = (uint32_t) whole + (rest > 0.5);
  if (*digits == DIGITS_END)
    {
      *digits = DIGITS_BEGIN;
      ++*exponent;
    }
  return true;
}

/* DIGITS without the zeros at their end as TEXT; returns how many.  */
static int
spell (uint32_t digits, char text[PRINTED_DIGITS])
{
  int count = PRINTED_DIGITS;
  for (; digits % 10 == 0; digits /= 10)
    count--;
  for (int i = count - 1; i >= 0; i--, digits /= 10)
    text[i] = (char) ('0' + digits % 10);
  return count;
}

static char *
append (char *to, const char *text, int count)
{
  memcpy (to, text, (size_t) count);
  return to + count;
}

char *
decimal_print (char *to, float value)
{
  char text[PRINTED_DIGITS];
  uint32_t digits;
  int exponent;
  if (value == 0.0f || !split (fabs ((double) value), &digits, &exponent))
    return to + sprintf (to, "%.9g", (double) value);
  int count = spell (digits, text);
  if (value < 0.0f)
    *to++ = '-';
  if (exponent < -4 || exponent >= PRINTED_DIGITS)
    {
      *to++ = text[0];
      if (count > 1)
        *to++ = '.';
      to = append (to, text + 1, count - 1);
      return to + sprintf (to, "e%c%02d", exponent < 0 ? '-' : '+', abs (exponent));
    }
  if (exponent < 0)
    return append (append (to, "0.000", 1 - exponent), text, count);
  int whole = exponent + 1;
  if (count <= whole)
    return append (append (to, text, count), "00000000", whole - count);
  to = append (to, text, whole);
  *to++ = '.';
  return append (to, text + whole, count - whole);
}

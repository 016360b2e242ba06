#include <config.h>

#include "half.h"

#include <math.h>
#include <string.h>

#if defined __x86_64__ && defined __GNUC__
#include <immintrin.h>
#define HAVE_F16C_PATH 1
#endif

static uint32_t
float_bits (float value)
{
  uint32_t bits;
  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static uint16_t
round_to_half (float value)
{
  uint32_t bits = float_bits (value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) /* NaN: quiet, with what fits of its payload */
    return (uint16_t) (sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude == 0x7f800000)
    return (uint16_t) (sign | 0x7c00);
  if (magnitude >= 0x477fe000) /* 65504 and above */
    return (uint16_t) (sign | 0x7bff);
  if (magnitude < 0x38800000) /* below 2^-14: a multiple of 2^-24, which the addition rounds to */
    {
      float absolute;
      memcpy (&absolute, &magnitude, sizeof absolute);
      return (uint16_t) (sign | (float_bits (absolute + 0.5f) - float_bits (0.5f)));
    }
  uint32_t odd = magnitude >> 13 & 1;
  return (uint16_t) (sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
}

static float
widen_half (uint16_t half)
{
  uint32_t sign = (uint32_t) (half & 0x8000) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff, bits;
  float value;
  if (exponent == 0)
    {
      value = (float) fraction * 0x1p-24f;
      return sign ? -value : value;
    }
  if (exponent == 0x1f)
    bits = 0x7f800000 | fraction << 13 | (fraction ? 0x400000 : 0);
  else
    bits = (exponent + 112) << 23 | fraction << 13;
  bits |= sign;
  memcpy (&value, &bits, sizeof value);
  return value;
}

void
half_from_float_portable (uint16_t *to, const float *from, size_t count)
{
  for (size_t i = 0; i < count; i++)
    to[i] = round_to_half (from[i]);
}

void
half_to_float_portable (float *to, const uint16_t *from, size_t count)
{
  for (size_t i = 0; i < count; i++)
    to[i] = widen_half (from[i]);
}

#ifdef HAVE_F16C_PATH

/* Eight at a time; returns how many are done.  */
__attribute__ ((target ("avx,f16c"))) static size_t
from_float_f16c (uint16_t *to, const float *from, size_t count)
{
  const __m256 sign = _mm256_set1_ps (-0.0f), limit = _mm256_set1_ps (65504.0f), infinity = _mm256_set1_ps (INFINITY);
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    {
      __m256 value = _mm256_loadu_ps (from + i);
      __m256 magnitude = _mm256_andnot_ps (sign, value);
      __m256 finite = _mm256_cmp_ps (magnitude, infinity, _CMP_LT_OQ); /* false for NaN too */
      __m256 clamped = _mm256_or_ps (_mm256_min_ps (magnitude, limit), _mm256_and_ps (sign, value));
      __m256 chosen = _mm256_blendv_ps (value, clamped, finite);
      _mm_storeu_si128 ((__m128i *) (void *) (to + i), _mm256_cvtps_ph (chosen, _MM_FROUND_TO_NEAREST_INT));
    }
  return i;
}

__attribute__ ((target ("avx,f16c"))) static size_t
to_float_f16c (float *to, const uint16_t *from, size_t count)
{
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps (to + i, _mm256_cvtph_ps (_mm_loadu_si128 ((const __m128i *) (const void *) (from + i))));
  return i;
}

#endif

void
half_from_float (uint16_t *to, const float *from, size_t count)
{
  size_t done = 0;
#ifdef HAVE_F16C_PATH
  if (__builtin_cpu_supports ("f16c"))
    done = from_float_f16c (to, from, count);
#endif
  half_from_float_portable (to + done, from + done, count - done);
}

void
half_to_float (float *to, const uint16_t *from, size_t count)
{
  size_t done = 0;
#ifdef HAVE_F16C_PATH
  if (__builtin_cpu_supports ("f16c"))
    done = to_float_f16c (to, from, count);
#endif
  half_to_float_portable (to + done, from + done, count - done);
}

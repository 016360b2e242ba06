#include <config.h>

#include "powerlaw.h"

#include <math.h>

double
powerlaw_at (const struct powerlaw *law, double rows)
{
  return law->a + law->b * pow (rows, -law->c);
}

/* The best a and b for C: a line over n^-c, kept from negative intercepts and slopes.  */
static struct powerlaw
fit_line (const double *rows, const double *loss, size_t count, double c)
{
  double x = 0, y = 0, xx = 0, xy = 0, n = (double) count;
  for (size_t i = 0; i < count; i++)
    {
      double power = pow (rows[i], -c);
      x += power;
      y += loss[i];
      xx += power * power;
      xy += power * loss[i];
    }
  double spread = n * xx - x * x, slope = spread > 0 ? (n * xy - x * y) / spread : 0;
  struct powerlaw law = { (y - slope * x) / n, slope, c };
  if (slope < 0)
    law = (struct powerlaw){ y / n, 0, c };
  else if (law.a < 0)
    law = (struct powerlaw){ 0, xy / xx, c };
  return law;
}

struct powerlaw
powerlaw_fit (const double *rows, const double *loss, size_t count)
{
  struct powerlaw best = { 0 };
  double least = INFINITY;
  for (int hundredths = 5; hundredths <= 200; hundredths++)
    {
      struct powerlaw law = fit_line (rows, loss, count, hundredths / 100.0);
      double sum = 0;
      for (size_t i = 0; i < count; i++)
        {
          double rest = loss[i] - powerlaw_at (&law, rows[i]);
          sum += rest * rest;
        }
      if (sum < least)
        {
          least = sum;
          best = law;
        }
    }
  return best;
}

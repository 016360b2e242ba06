#include <config.h>

#include "canvas.h"

#include "../src/base/memory.h"

#include <math.h>
#include <stdlib.h>

struct canvas *
canvas_new (int width, int height, float roll, float zoom)
{
  struct canvas *canvas = memory_new (1, sizeof *canvas);
  struct colour *colour = memory_new ((size_t) width * (size_t) height, sizeof *colour);
  if (!canvas || !colour)
    {
      memory_free (canvas);
      memory_free (colour);
      return NULL;
    }
  *canvas = (struct canvas){ .width = width, .height = height, .colour = colour };
  canvas->aspect = (float) width / (float) height;
  canvas->pixel = 1 / ((float) height * zoom);
  canvas->cosine = cosf (roll) / zoom;
  canvas->sine = sinf (roll) / zoom;
  return canvas;
}

void
canvas_free (struct canvas *canvas)
{
  if (!canvas)
    return;
  memory_free (canvas->colour);
  memory_free (canvas);
}

/* The scene's point at a place in the picture, counted in pixels.  */
static struct point
scene_point (const struct canvas *canvas, float column, float row)
{
  float x = column / (float) canvas->height - canvas->aspect / 2, y = row / (float) canvas->height - 0.5f;
  return (struct point){ canvas->aspect / 2 + canvas->cosine * x - canvas->sine * y,
                         0.5f + canvas->sine * x + canvas->cosine * y };
}

/* The opposite.  */
static struct point
picture_point (const struct canvas *canvas, struct point at)
{
  float zoom = 1 / (canvas->cosine * canvas->cosine + canvas->sine * canvas->sine);
  float x = at.x - canvas->aspect / 2, y = at.y - 0.5f;
  float column = zoom * (canvas->cosine * x + canvas->sine * y) + canvas->aspect / 2;
  float row = zoom * (canvas->cosine * y - canvas->sine * x) + 0.5f;
  return (struct point){ column * (float) canvas->height, row * (float) canvas->height };
}

struct box
canvas_all (const struct canvas *canvas)
{
  float reach = hypotf (canvas->cosine, canvas->sine) * hypotf (canvas->aspect, 1) / 2, middle = canvas->aspect / 2;
  return (struct box){ middle - reach, 0.5f - reach, middle + reach, 0.5f + reach };
}

/* The smallest rows and columns of pixels [first, last] that hold BOX.  */
static void
pixel_range (const struct canvas *canvas, struct box box, int column[2], int row[2])
{
  float low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
  for (int corner = 0; corner < 4; corner++)
    {
      struct point at = { corner & 1 ? box.left : box.right, corner & 2 ? box.top : box.bottom };
      struct point p = picture_point (canvas, at);
      low[0] = fminf (low[0], p.x);
      low[1] = fminf (low[1], p.y);
      high[0] = fmaxf (high[0], p.x);
      high[1] = fmaxf (high[1], p.y);
    }
  column[0] = (int) clamp (low[0] - 2, 0, (float) canvas->width);
  column[1] = (int) clamp (high[0] + 2, -1, (float) canvas->width - 1);
  row[0] = (int) clamp (low[1] - 2, 0, (float) canvas->height);
  row[1] = (int) clamp (high[1] + 2, -1, (float) canvas->height - 1);
}

void
canvas_paint (struct canvas *canvas, struct box box, canvas_shade *layer, const void *context)
{
  int column[2], row[2];
  pixel_range (canvas, box, column, row);
  for (int i = row[0]; i <= row[1]; i++)
    for (int j = column[0]; j <= column[1]; j++)
      {
        struct paint paint = layer (context, scene_point (canvas, (float) j + 0.5f, (float) i + 0.5f));
        struct colour *below = &canvas->colour[(size_t) i * (size_t) canvas->width + (size_t) j];
        *below = mix (*below, paint.colour, paint.cover);
      }
}

struct colour
canvas_colour (const struct canvas *canvas, struct point at)
{
  struct point p = picture_point (canvas, at);
  float x = clamp (p.x - 0.5f, 0, (float) canvas->width - 1.001f);
  float y = clamp (p.y - 0.5f, 0, (float) canvas->height - 1.001f);
  int j = (int) x, i = (int) y;
  const struct colour *upper = &canvas->colour[(size_t) i * (size_t) canvas->width + (size_t) j];
  const struct colour *lower = upper + canvas->width;
  x -= (float) j;
  y -= (float) i;
  return mix (mix (upper[0], upper[1], x), mix (lower[0], lower[1], x), y);
}

/* A quadratic Bezier curve as a dozen straight pieces.  */
static struct paint
paint_stroke (const void *context, struct point at)
{
  const struct stroke *stroke = context;
  float nearest = 1e9f;
  struct point last = stroke->from;
  for (int i = 1; i <= 8; i++)
    {
      float t = (float) i / 8, a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;
      struct point next = { a * stroke->from.x + b * stroke->bend.x + c * stroke->to.x,
                            a * stroke->from.y + b * stroke->bend.y + c * stroke->to.y };
      float x = next.x - last.x, y = next.y - last.y, u = at.x - last.x, v = at.y - last.y;
      float along = clamp ((u * x + v * y) / (x * x + y * y + 1e-12f), 0, 1);
      nearest = fminf (nearest, hypotf (u - along * x, v - along * y));
      last = next;
    }
  float cover = ramp (stroke->width + stroke->pixel, stroke->width - stroke->pixel, nearest);
  return (struct paint){ stroke->colour, cover };
}

void
canvas_stroke (struct canvas *canvas, const struct stroke *stroke)
{
  struct point a = stroke->from, b = stroke->bend, c = stroke->to;
  float reach = stroke->width + stroke->pixel;
  struct box box = { fminf (fminf (a.x, b.x), c.x) - reach, fminf (fminf (a.y, b.y), c.y) - reach,
                     fmaxf (fmaxf (a.x, b.x), c.x) + reach, fmaxf (fmaxf (a.y, b.y), c.y) + reach };
  canvas_paint (canvas, box, paint_stroke, stroke);
}

/* A number in [0, 1) for a point of the lattice (the finaliser of MurmurHash3 over a mixed key).  */
static float
lattice (int32_t x, int32_t y, uint32_t seed)
{
  uint32_t h = (uint32_t) x * 0x8da6b343u ^ (uint32_t) y * 0xd8163841u ^ seed * 0xcb1ab31fu;
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return (float) ((h ^ (h >> 16)) >> 8) * 0x1p-24f;
}

/* floorf without the function call that it is on plain x86-64.  */
static int32_t
floor_of (float x)
{
  int32_t whole = (int32_t) x;
  return whole - ((float) whole > x);
}

float
noise (float x, float y, uint32_t seed)
{
  int32_t i = floor_of (x), j = floor_of (y);
  float u = x - (float) i, v = y - (float) j;
  u *= u * (3 - 2 * u);
  v *= v * (3 - 2 * v);
  float a = lattice (i, j, seed), b = lattice (i + 1, j, seed);
  float c = lattice (i, j + 1, seed), d = lattice (i + 1, j + 1, seed);
  return (a + (b - a) * u) * (1 - v) + (c + (d - c) * u) * v;
}

float
noise_octaves (float x, float y, int octaves, uint32_t seed)
{
  float sum = 0, weight = 1, total = 0;
  for (int i = 0; i < octaves; i++)
    {
      sum += weight * noise (x, y, seed + (uint32_t) i);
      total += weight;
      weight /= 2;
      x *= 2;
      y *= 2;
    }
  return sum / total;
}

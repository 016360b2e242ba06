/* A picture being painted: layers of colour over each other, seen by a camera that may be tilted.

   Scene coordinates: y goes down from 0 at the top to 1 at the bottom, x from 0 to the aspect (width / height), before
   the camera's roll and zoom.  Colours are as shown (gamma-encoded), 0 to 1.  */
#ifndef CANVAS_H
#define CANVAS_H

#include "../src/base/random.h"

#include <stdint.h>

struct point {
  float x, y;
};

struct colour {
  float r, g, b;
};

/* One layer at one point: its colour, and how much of what lies below it covers (0 to 1).  */
struct paint {
  struct colour colour;
  float cover;
};

struct box {
  float left, top, right, bottom; /* in scene coordinates */
};

struct canvas {
  int width, height;
  float aspect;          /* width / height */
  float pixel;           /* a pixel's side in scene coordinates */
  float cosine, sine;    /* of the camera's roll, divided by its zoom */
  struct colour *colour; /* (height, width) */
};

typedef struct paint canvas_shade (const void *context, struct point at);

/* A black canvas, seen by a camera rolled by ROLL radians that shows 1 / ZOOM of the scene.  NULL with the error
   set.  */
struct canvas *canvas_new (int width, int height, float roll, float zoom);
void canvas_free (struct canvas *canvas);

/* Lays LAYER over every pixel whose centre lies near BOX.  */
void canvas_paint (struct canvas *canvas, struct box box, canvas_shade *layer, const void *context);

/* A curve (Bezier's quadratic) from FROM to TO, drawn towards BEND on the way.  */
struct stroke {
  struct point from, bend, to;
  float width, pixel; /* half its width; the canvas's pixel */
  struct colour colour;
};

void canvas_stroke (struct canvas *canvas, const struct stroke *stroke);

/* A box that holds all that the camera sees.  */
struct box canvas_all (const struct canvas *canvas);

/* The colour at a point, the nearest edge's outside the picture.  */
struct colour canvas_colour (const struct canvas *canvas, struct point at);

/* Value noise in [0, 1] with features one unit apart, and OCTAVES of it, each half as strong and twice as fine.  */
float noise (float x, float y, uint32_t seed);
float noise_octaves (float x, float y, int octaves, uint32_t seed);

static inline float
clamp (float value, float low, float high)
{
  return value < low ? low : value > high ? high : value;
}

/* 0 below LOW, 1 above HIGH, smooth between; the other way round where LOW > HIGH.  */
static inline float
ramp (float low, float high, float value)
{
  float t = clamp ((value - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}

static inline struct colour
mix (struct colour a, struct colour b, float t)
{
  return (struct colour){ a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t };
}

static inline struct colour
shade (struct colour a, float factor)
{
  return (struct colour){ a.r * factor, a.g * factor, a.b * factor };
}

static inline struct colour
tint (struct colour a, struct colour b)
{
  return (struct colour){ a.r * b.r, a.g * b.g, a.b * b.b };
}

/* Uniform draws.  */
static inline float
between (struct random *random, float low, float high)
{
  return low + (high - low) * random_uniform (random);
}

static inline int
below (struct random *random, int limit)
{
  return (int) random_below (random, (uint64_t) limit);
}

/* A colour near A.  */
static inline struct colour
vary (struct random *random, struct colour a, float amount)
{
  float r = between (random, -amount, amount), g = between (random, -amount, amount);
  float b = between (random, -amount, amount);
  return (struct colour){ clamp (a.r + r, 0, 1), clamp (a.g + g, 0, 1), clamp (a.b + b, 0, 1) };
}

#endif

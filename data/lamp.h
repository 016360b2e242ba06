/* The lamp of a still life, the table that throws its light back, and shadows.  */
#ifndef LAMP_H
#define LAMP_H

#include "canvas.h"

struct lamp {
  float x, y, z; /* the direction towards the lamp; y goes down, z towards the camera */
  float ambient; /* light that comes from everywhere, 0 to 1 */
  float squash;  /* height over width of a circle that lies on the table: 1 seen from above */
  float pixel;
  struct colour bounce; /* the table's, which lights from below */
};

/* How COLOUR looks on a surface with the normal (X, Y, Z), with a highlight of strength GLOSS.  */
struct colour lamp_light (const struct lamp *lamp, struct colour colour, float x, float y, float z, float gloss);

/* The soft shadow of a thing of half width SIZE that stands at FOOT and is HEIGHT times its half width high.  */
void shadow_paint (struct canvas *canvas, const struct lamp *lamp, struct point foot, float size, float height);

#endif

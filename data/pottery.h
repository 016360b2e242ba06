/* Pottery on a still life's table.  FOOT is the middle of the place where it touches the table, SIZE its half
   width.  */
#ifndef POTTERY_H
#define POTTERY_H

#include "lamp.h"

/* A plate and a bowl, empty or with fruit; a vase, empty or with flowers.  */
void plate_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size,
                  struct colour glaze);
void bowl_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size,
                 struct colour glaze);
void vase_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size,
                 struct colour glaze);

#endif

/* Fruit on a still life's table.  FOOT is the middle of the place where it touches the table, SIZE its half width.  */
#ifndef FRUIT_H
#define FRUIT_H

#include "lamp.h"

/* An apple, orange, lemon, plum, pear or tomato.  */
void fruit_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size);
void grapes_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot,
                   float size);

/* COUNT fruits of one or two kinds, of half width SIZE, heaped within REACH of MIDDLE.  */
void heap_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point middle,
                 float reach, float size, int count);

#endif

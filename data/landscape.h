/* Landscapes: sky, clouds, ranges of hills, water, trees, at any time of the day.  */
#ifndef LANDSCAPE_H
#define LANDSCAPE_H

#include "canvas.h"

/* Paints a landscape drawn from RANDOM over the whole of CANVAS.  */
void landscape_paint (struct canvas *canvas, struct random *random);

#endif

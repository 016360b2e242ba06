/* Still lifes: fruit, bowls, plates, vases and flowers on a table, from the front or from above.  */
#ifndef STILL_LIFE_H
#define STILL_LIFE_H

#include "canvas.h"

/* Paints a still life drawn from RANDOM over the whole of CANVAS.  */
void still_life_paint (struct canvas *canvas, struct random *random);

#endif

/* What a camera adds to a picture, and the photograph's file.  */
#ifndef LENS_H
#define LENS_H

#include "canvas.h"

/* Exposure and white balance, blur, vignette and the sensor's noise, drawn from RANDOM.  */
void lens_apply (struct canvas *canvas, struct random *random);

/* Writes CANVAS as the JPEG file PATH of QUALITY (1 to 100).  -1 with the error set.  */
int lens_write (const struct canvas *canvas, const char *path, int quality);

#endif

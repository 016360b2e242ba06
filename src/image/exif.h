/* The orientation that a camera noted in a photograph's file.  */
#ifndef SLABFIT_EXIF_H
#define SLABFIT_EXIF_H

#include <stddef.h>

/* In an Exif block (TIFF, LENGTH bytes) or in an XMP packet: 1 to 8, where 1 stands for all other numbers too; 0 where
   there is none or the block is damaged.  */
int exif_orientation (const unsigned char *tiff, size_t length);
int exif_orientation_xmp (const char *packet, size_t length);

#endif

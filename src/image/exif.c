#include <config.h>

#include "exif.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static unsigned
read_16 (const unsigned char *bytes, bool big_endian)
{
  return big_endian ? (unsigned) bytes[0] << 8 | bytes[1] : (unsigned) bytes[1] << 8 | bytes[0];
}

static uint32_t
read_32 (const unsigned char *bytes, bool big_endian)
{
  uint32_t first = read_16 (bytes, big_endian), second = read_16 (bytes + 2, big_endian);
  return big_endian ? first << 16 | second : second << 16 | first;
}

/* Pillow takes the number 42 in the wrong order of bytes as well.  */
static bool
has_mark (const unsigned char *tiff)
{
  static const char mark[][5] = { "II*\0", "MM\0*", "II\0*", "MM*\0" };
  for (size_t i = 0; i < sizeof mark / sizeof *mark; i++)
    if (!memcmp (tiff, mark[i], 4))
      return true;
  return false;
}

/* The block is a TIFF file: byte order, offset of a directory, and there 12 bytes for each entry: tag, type, count,
   value (TIFF 6.0, section 2).  */
int
exif_orientation (const unsigned char *tiff, size_t length)
{
  enum { MARK = 6, HEADER = 8, ENTRY = 12, ORIENTATION = 0x0112, TYPE_SHORT = 3, TYPE_LONG = 4 };
  if (length >= MARK && !memcmp (tiff, "Exif\0", MARK)) /* once more, as some programs write it */
    {
      tiff += MARK;
      length -= MARK;
    }
  if (length < HEADER || !has_mark (tiff))
    return 0;
  bool big_endian = tiff[0] == 'M';
  size_t place = read_32 (tiff + 4, big_endian);
  if (place > length - 2)
    return 0;
  unsigned entries = read_16 (tiff + place, big_endian);
  uint32_t value = 0;
  bool found = false;
  for (place += 2; entries > 0 && length - place >= ENTRY; entries--, place += ENTRY)
    if (read_16 (tiff + place, big_endian) == ORIENTATION && read_32 (tiff + place + 4, big_endian) == 1)
      {
        unsigned type = read_16 (tiff + place + 2, big_endian);
        found |= type == TYPE_SHORT || type == TYPE_LONG;
        if (type == TYPE_SHORT)
          value = read_16 (tiff + place + 8, big_endian);
        else if (type == TYPE_LONG)
          value = read_32 (tiff + place + 8, big_endian);
      }
  return value >= 1 && value <= 8 ? (int) value : found;
}

/* Written as an attribute, tiff:Orientation="6", or as an element.  */
int
exif_orientation_xmp (const char *packet, size_t length)
{
  static const char name[] = "tiff:Orientation";
  const char *end = packet + length, *found = packet;
  while ((found = memmem (found, (size_t) (end - found), name, sizeof name - 1)))
    {
      found += sizeof name - 1;
      const char *digit = found + (end - found > 1 && *found == '>' ? 1 : 2);
      if (digit < end && (*found == '>' || (*found == '=' && found[1] == '"')) && *digit >= '0' && *digit <= '9')
        return *digit >= '1' && *digit <= '8' ? *digit - '0' : 1;
    }
  return 0;
}

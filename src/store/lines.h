/* A text file read in blocks of whole lines.  */
#ifndef SLABFIT_LINES_H
#define SLABFIT_LINES_H

#include <stddef.h>
#include <stdint.h>

struct lines;

struct line {
  const char *text; /* without its LF or CRLF; the character after its last may be read */
  size_t length;
  uint64_t number; /* counted from 1 */
};

struct lines *lines_open (const char *path); /* NULL with the error set */
void lines_close (struct lines *lines);      /* NULL is allowed */
void lines_rewind (struct lines *lines);

/* Reads the next lines that are not empty, WANTED of them or what is left: *COUNT.  Fails where one is longer than
   1 GB.  */
int lines_gather (struct lines *lines, size_t wanted, size_t *count);

/* Number INDEX below the *COUNT of the last lines_gather; its text is valid until the next.  */
struct line lines_line (const struct lines *lines, size_t index);

#endif

/* A text file read in blocks of whole lines.  The byte order mark that some programs put before UTF-8 is passed
   over.  */
#ifndef SLABFIT_LINES_H
#define SLABFIT_LINES_H

#include <stddef.h>
#include <stdint.h>

struct lines;

enum { LINES_AFTER = 16 };

struct line {
  const char *text; /* without its LF or CRLF; one of them or a 0 follows, and LINES_AFTER bytes may be read there */
  size_t length;
  uint64_t number; /* counted from 1 */
};

struct lines *lines_open (const char *path); /* NULL with the error set */
void lines_close (struct lines *lines);      /* NULL is allowed */
void lines_rewind (struct lines *lines);

/* Reads the next lines that are not empty, WANTED of them or what is left: *COUNT.  Fails where one is longer than
   256 MB.  */
int lines_gather (struct lines *lines, size_t wanted, size_t *count);

/* Number INDEX below the *COUNT of the last lines_gather; its text is valid until the next.  */
struct line lines_line (const struct lines *lines, size_t index);

#endif

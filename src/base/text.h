/* Small helpers for strings.  */
#ifndef SLABFIT_TEXT_H
#define SLABFIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new string in the form of printf, to be freed by the caller.  NULL with the error set where memory is out.  */
char *text_new (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* The whole of TEXT as a decimal integer in [LOWEST, HIGHEST], or a finite number.  -1 with a usage error that names
   WHAT ("--batch") where it is not one.  */
int text_parse_integer (const char *text, const char *what, int64_t lowest, int64_t highest, int64_t *value);
int text_parse_number (const char *text, const char *what, double *value);

/* A size in bytes with an optional suffix K, M, G or T (powers of 1024), as --memory takes.  */
int text_parse_bytes (const char *text, const char *what, uint64_t *bytes);

bool text_is_utf8 (const char *text);

/* A list of strings that it owns, such as the class names in the order of their labels.  */
struct names {
  size_t count;
  char **name;
};

/* Appends a copy of NAME.  */
int names_add (struct names *names, const char *name);
int names_copy (struct names *to, const struct names *from); /* TO is overwritten, not freed */
void names_sort (struct names *names);                       /* by bytes */
bool names_equal (const struct names *a, const struct names *b);

/* The index of NAME, or -1 where it is not in the list (no error is set).  */
int64_t names_find (const struct names *names, const char *name);

/* The names joined by ", ", to be freed by the caller; NULL with the error set where memory is out.  */
char *names_join (const struct names *names);
void names_free (struct names *names); /* leaves an empty list */

#endif

/* A text of rows and fields, as RFC 4180 has it: separated by commas, semicolons or tabs, whichever the first line has
   most of; a field in quotes may hold separators, line ends, and quotes that are doubled.  Lines end with LF or CRLF;
   empty ones and a byte order mark are passed over.  Blanks around a field that has no quotes do not belong to it.  */
#ifndef SLABFIT_TABLE_H
#define SLABFIT_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table;

struct table *table_open (const char *path); /* NULL with the error set */
void table_close (struct table *table);      /* NULL is allowed */

/* Reads the next row: 1 where there was one, 0 after the last, -1 with an error that names the line: a quote that is
   not closed, text after one, a byte 0, a row that is no text of 1 MB.  */
int table_next (struct table *table);

/* Of the last row: its fields, one of them (borrowed until the next row), and the line that it begins at, from 1.  */
size_t table_fields (const struct table *table);
const char *table_field (const struct table *table, size_t number);
uint64_t table_line (const struct table *table);

#endif

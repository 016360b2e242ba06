/* The left factor of a matrix product, packed for the vector units: four rows together, without the columns in which
   all four are zero.  Features are mostly zeros, so most columns fall away; where they are not, what is left is an
   ordinary dense product.

   A product is made of panels: 64 columns of the right factor, 256 of its rows at a time, which stay in the second
   level cache while all rows of the left factor pass by.  Sums have a fixed order, whoever computes them.  */
#ifndef SLABFIT_FACTOR_H
#define SLABFIT_FACTOR_H

#include <stddef.h>
#include <stdint.h>

enum { FACTOR_GROUP = 4 };   /* rows that are packed together */
enum { FACTOR_DEPTH = 256 }; /* columns of a block, rows of a panel */
enum { PANEL_WIDTH = 64 };   /* columns of a panel */

enum factor_unit { FACTOR_PORTABLE, FACTOR_AVX2, FACTOR_AVX512 }; /* the vector unit to multiply with */

struct factor {
  enum factor_unit unit; /* the processor's best, chosen by factor_new; a test may take a lesser one */
  size_t rows, columns;  /* of what is packed now */
  size_t groups, blocks; /* of rows, the last one filled up with zeros; of columns */
  uint16_t *count;       /* (groups, blocks) columns of a block that are left */
  uint8_t *index;        /* (blocks, groups, FACTOR_DEPTH) their places in the block */
  float *values;         /* (blocks, groups, FACTOR_DEPTH, FACTOR_GROUP) */
};

/* Room for up to ROWS x COLUMNS values, or COLUMNS x ROWS.  -1 with the error set; factor_free leaves it empty.  */
int factor_new (struct factor *factor, size_t rows, size_t columns);
void factor_free (struct factor *factor);
double factor_bytes (double rows, double columns);

/* Sets the shape of what is packed next.  */
void factor_shape (struct factor *factor, size_t rows, size_t columns);

/* Packs group GROUP: the rows ROW (FACTOR_GROUP), each of them (columns); NULL stands for zeros.  */
void factor_pack_rows (struct factor *factor, size_t group, const float *const row[FACTOR_GROUP]);

/* Packs group GROUP from the columns of VALUES (columns, STRIDE) that it names: of a matrix that is multiplied
   transposed.  */
void factor_pack_columns (struct factor *factor, size_t group, const float *values, size_t stride);

/* OUT (groups x FACTOR_GROUP, 64), rows STRIDE floats apart and 64-byte aligned, += block BLOCK of the groups FIRST to
   END times PANEL (FACTOR_DEPTH, 64).  OUT begins with the rows of group FIRST.  */
void factor_multiply (const struct factor *factor, size_t first, size_t end, size_t block, const float *panel,
                      float *out, size_t stride);

/* PANEL (FACTOR_DEPTH, 64) from VALUES (depth, WIDTH), rows STRIDE floats apart; columns from WIDTH on become
   zeros.  */
void panel_pack (float *panel, const float *values, size_t stride, size_t depth, size_t width);

/* The same from the transposed: VALUES (WIDTH, depth).  */
void panel_pack_transposed (float *panel, const float *values, size_t stride, size_t depth, size_t width);

#endif

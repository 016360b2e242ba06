/* The inner loops of gathered.c, compiled once for each vector unit: it includes this file with

     UNIT (name)   the name of a function for the unit
     TARGET        the attribute that lets the compiler use it
     LANE          a vector of floats, as long as the unit's registers
     TILE_LANES    the lanes of a tile of TILE_ROWS rows, whose sums fill two thirds of the registers at most

   The portable unit comes first: the others use it for what is narrower than a lane.  A strip is some lanes of one row
   of C.  Its sums stay in registers while the columns of A pass by.  */

/* C (lanes) = A's row ROW times B, whose rows are UNITS apart.  */
INLINE void
UNIT (sum_strip) (const struct gathered *a, size_t row, const float *b, size_t units, bool add, float *c,
                  const size_t lanes)
{
  LANE sum[STRIP_LANES];
  const uint32_t *column = a->column + row * a->columns;
  const float *value = a->value + row * a->columns;
  size_t count = a->count[row];
  for (size_t i = 0; i < lanes; i++)
    sum[i] = (LANE){ 0 };
  for (size_t k = 0; k < count; k++)
    {
      const LANE *from = (const LANE *) (b + column[k] * units);
      for (size_t i = 0; i < lanes; i++)
        sum[i] += value[k] * from[i];
    }
  for (size_t i = 0; i < lanes; i++)
    ((LANE *) c)[i] = add ? (LANE) (((const LANE *) c)[i] + sum[i]) : sum[i];
}

/* The same for TILE_ROWS rows from ROW on and TILE_LANES lanes, zeros and all.  */
INLINE void
UNIT (sum_tile) (const struct gathered *a, size_t row, const float *b, size_t units, bool add, float *c)
{
  LANE sum[TILE_ROWS][TILE_LANES];
  const float *value = a->source + row * a->row_stride;
  for (size_t r = 0; r < TILE_ROWS; r++)
    for (size_t i = 0; i < TILE_LANES; i++)
      sum[r][i] = (LANE){ 0 };
  for (size_t k = 0; k < a->columns; k++, value += a->column_stride, b += units)
    for (size_t r = 0; r < TILE_ROWS; r++)
      for (size_t i = 0; i < TILE_LANES; i++)
        sum[r][i] += value[r * a->row_stride] * ((const LANE *) b)[i];
  for (size_t r = 0; r < TILE_ROWS; r++)
    for (size_t i = 0; i < TILE_LANES; i++)
      {
        LANE *out = (LANE *) (c + r * units) + i;
        *out = add ? (LANE) (*out + sum[r][i]) : sum[r][i];
      }
}

TARGET static void
UNIT (multiply) (const struct product *product)
{
  enum {
    LANE_UNITS = sizeof (LANE) / sizeof (float),
    TILE = TILE_LANES * LANE_UNITS,
    STRIP = STRIP_LANES * LANE_UNITS
  };
  static const size_t widths[] = { STRIP, TILE, LANE_UNITS, NARROW, 1 };
  const struct gathered *a = product->a;
  size_t units = product->units, tiled = a->dense ? product->rows / TILE_ROWS * TILE_ROWS : 0, kind = 0;
  const float *ahead = product->ahead;
  bool add = product->add;
  for (size_t unit = 0; unit < units; unit += widths[kind])
    {
      while (units - unit < widths[kind])
        kind++;
      const float *b = product->b + unit;
      size_t width = widths[kind], row = 0;
      for (; width >= TILE && row < tiled; row += TILE_ROWS)
        for (size_t i = 0; i < width; i += TILE)
          {
            ahead = fetch (ahead, product->end, TILE_ROWS * TILE);
            UNIT (sum_tile) (a, product->first + row, b + i, units, add, product->c + row * units + unit + i);
          }
      for (; row < product->rows; row++)
        {
          float *c = product->c + row * units + unit;
          size_t from = product->first + row;
          ahead = fetch (ahead, product->end, width);
          if (width == STRIP)
            UNIT (sum_strip) (a, from, b, units, add, c, STRIP_LANES);
          else if (width == TILE)
            UNIT (sum_strip) (a, from, b, units, add, c, TILE_LANES);
          else if (width == LANE_UNITS)
            UNIT (sum_strip) (a, from, b, units, add, c, 1);
          else if (width == NARROW)
            sum_strip_portable (a, from, b, units, add, c, 1);
          else
            *c = (add ? *c : 0) + sum_one (a, from, b, units);
        }
    }
}

#undef UNIT
#undef TARGET
#undef LANE
#undef TILE_LANES

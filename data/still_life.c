#include <config.h>

#include "still_life.h"

#include "fruit.h"
#include "pottery.h"

#include <math.h>
#include <stdbool.h>

static const struct colour walls[] = {
  { .80f, .76f, .68f }, { .36f, .42f, .50f }, { .24f, .22f, .24f }, { .62f, .70f, .72f }, { .74f, .56f, .46f },
  { .48f, .54f, .42f }, { .50f, .40f, .52f }, { .88f, .86f, .82f }, { .20f, .28f, .36f }, { .60f, .36f, .28f },
};

static const struct colour tables[] = {
  { .52f, .34f, .20f }, { .70f, .54f, .36f }, { .30f, .19f, .13f }, { .86f, .84f, .80f },
  { .46f, .50f, .56f }, { .28f, .34f, .44f }, { .62f, .66f, .58f }, { .72f, .46f, .40f },
};

static const struct colour glazes[] = {
  { .90f, .88f, .82f }, { .22f, .38f, .58f }, { .66f, .32f, .22f }, { .24f, .24f, .28f },
  { .42f, .60f, .54f }, { .84f, .66f, .30f }, { .56f, .44f, .62f }, { .32f, .44f, .26f },
};

enum {
  WALLS = sizeof walls / sizeof *walls,
  TABLES = sizeof tables / sizeof *tables,
  GLAZES = sizeof glazes / sizeof *glazes,
  MOST_OBJECTS = 9,
};

enum cover { WOOD, STONE, CHECKED, STRIPED, PLAIN, COVERS };

struct room {
  const struct canvas *canvas;
  struct lamp lamp;
  float edge; /* where the table begins; far above the picture where it is seen from above */
  bool from_above;
  struct colour wall, table, pattern;
  enum cover cover;
  float scale, turn, patch; /* of the table's pattern; its angle; strength of the window's light on the wall */
  uint32_t seed;
};

struct placed {
  enum { FRUIT, PLATE, BOWL, VASE, GRAPES, KINDS } kind;
  struct point foot;
  float size;
};

/* The table's plane: from the front it recedes, from above it does not.  */
static struct point
on_table (const struct room *room, struct point at)
{
  float middle = room->canvas->aspect / 2, depth = room->from_above ? 1 : 0.4f + 1.2f * fmaxf (at.y - room->edge, 0);
  float x = (at.x - middle) / depth, y = room->from_above ? at.y : -0.9f / depth;
  return (struct point){ x * cosf (room->turn) - y * sinf (room->turn), x * sinf (room->turn) + y * cosf (room->turn) };
}

static struct colour
table_colour (const struct room *room, struct point at)
{
  struct point p = on_table (room, at);
  float x = p.x * room->scale, y = p.y * room->scale, soft = 0.06f + 2 * room->canvas->pixel * room->scale;
  float fine = noise_octaves (x * 9, y * 9, 2, room->seed);
  struct colour colour = shade (room->table, 0.94f + 0.12f * fine);
  if (room->cover == WOOD)
    {
      float plank = floorf (y * 0.8f), gap = fabsf (y * 0.8f - plank - 0.5f);
      float figure = noise_octaves (x * 0.5f + plank * 17, y * 9, 3, room->seed + 1);
      float rings = 0.5f + 0.5f * sinf (22 * noise (x * 0.35f + plank * 9, y * 2.2f, room->seed + 2));
      colour = shade (room->table,
                      (0.72f + 0.35f * figure + 0.12f * rings) * (0.9f + 0.2f * noise (plank * 3.3f, 0, room->seed)));
      return mix (colour, shade (colour, 0.45f), ramp (0.48f, 0.495f, gap));
    }
  if (room->cover == STONE)
    {
      float vein = fabsf (noise_octaves (x * 0.8f, y * 0.8f, 5, room->seed + 3) - 0.5f);
      return mix (colour, room->pattern, 0.5f * ramp (0.05f, 0, vein) + 0.25f * fine);
    }
  float along = fabsf (x - floorf (x) - 0.5f), across = fabsf (y - floorf (y) - 0.5f);
  float stripes = ramp (0.25f - soft, 0.25f + soft, along), rows = ramp (0.25f - soft, 0.25f + soft, across);
  if (room->cover == CHECKED)
    return mix (colour, room->pattern, 0.4f * (stripes + rows));
  return room->cover == STRIPED ? mix (colour, room->pattern, 0.7f * stripes) : colour;
}

/* Wall and table in the light of a window: brighter on its side, with a bright slanting patch at times.  */
static struct paint
paint_room (const void *context, struct point at)
{
  const struct room *room = context;
  float pixel = room->canvas->pixel, x = at.x / room->canvas->aspect;
  float side = 0.5f + room->lamp.x * (x - 0.5f);
  float table = room->from_above ? 1 : ramp (room->edge - pixel, room->edge + pixel, at.y);
  struct colour wall = shade (room->wall, 0.93f + 0.14f * noise_octaves (at.x * 5, at.y * 5, 3, room->seed + 5));
  float slant = at.x * 0.5f + at.y * 0.3f * room->lamp.x + 0.3f * noise (0, 0, room->seed);
  float window = ramp (0.38f, 0.42f, fabsf (slant * 2.4f - floorf (slant * 2.4f) - 0.5f));
  wall = shade (wall, (0.62f + 0.7f * side) * (1 + room->patch * (1 - window)));
  if (table <= 0)
    return (struct paint){ wall, 1 };
  struct colour top = shade (table_colour (room, at), 0.72f + 0.5f * side);
  if (!room->from_above)
    top = shade (mix (top, wall, 0.25f * ramp (0.25f, 0, at.y - room->edge)),
                 0.75f + 0.25f * ramp (0, 0.02f, at.y - room->edge));
  return (struct paint){ mix (wall, top, table), 1 };
}

static struct room
draw_room (const struct canvas *canvas, struct random *random)
{
  struct room room = { .canvas = canvas };
  float side = below (random, 2) ? 1 : -1;
  room.from_above = below (random, 10) < 3;
  room.edge = room.from_above ? -9 : between (random, 0.34f, 0.62f);
  room.lamp.x = side * between (random, 0.4f, 0.75f);
  room.lamp.y = -between (random, 0.4f, 0.65f);
  room.lamp.z = sqrtf (fmaxf (1 - room.lamp.x * room.lamp.x - room.lamp.y * room.lamp.y, 0.05f));
  room.lamp.ambient = between (random, 0.22f, 0.45f);
  room.lamp.pixel = canvas->pixel;
  room.lamp.squash = room.from_above ? 1 : between (random, 0.22f, 0.40f);
  room.wall = vary (random, walls[below (random, WALLS)], 0.08f);
  room.table = vary (random, tables[below (random, TABLES)], 0.06f);
  room.pattern = vary (random, glazes[below (random, GLAZES)], 0.08f);
  room.cover = (enum cover) below (random, COVERS);
  room.scale = between (random, 2.5f, 7);
  room.turn = room.cover == WOOD ? between (random, -0.15f, 0.15f) : between (random, -0.6f, 0.6f);
  room.patch = below (random, 2) ? between (random, 0.1f, 0.45f) : 0;
  room.lamp.bounce = room.table;
  room.seed = (uint32_t) random_bits (random);
  return room;
}

/* Finds places on the table that do not crowd each other; returns their number, sorted from the back to the front.  */
static int
draw_places (const struct room *room, struct random *random, struct placed placed[MOST_OBJECTS])
{
  int wanted = 2 + below (random, MOST_OBJECTS - 1), count = 0;
  float scale = between (random, 0.9f, 1.4f) * (wanted < 4 ? 1.4f : 1);
  for (int attempt = 0; attempt < 60 && count < wanted; attempt++)
    {
      struct placed new = { .kind = below (random, KINDS + 3) };
      new.kind = new.kind >= KINDS ? FRUIT : new.kind;
      if (room->from_above && new.kind == VASE)
        new.kind = BOWL;
      new.foot.x = between (random, 0.05f, 0.95f) * room->canvas->aspect;
      new.foot.y = room->from_above ? between (random, 0.1f, 0.9f) : between (random, room->edge + 0.06f, 0.95f);
      float near = room->from_above ? 1 : 0.65f + 0.6f * (new.foot.y - room->edge);
      static const float sizes[KINDS] = { 0.085f, 0.20f, 0.17f, 0.12f, 0.12f }; /* half widths */
      new.size = sizes[new.kind] * scale *near *between (random, 0.85f, 1.15f);
      bool fits = true;
      for (int i = 0; i < count; i++)
        {
          float apart = hypotf (new.foot.x - placed[i].foot.x, (new.foot.y - placed[i].foot.y) / room->lamp.squash);
          fits = fits && apart > 0.8f * (new.size + placed[i].size);
        }
      int place = count;
      for (; fits && place > 0 && placed[place - 1].foot.y > new.foot.y; place--)
        placed[place] = placed[place - 1];
      if (fits)
        placed[place] = new;
      count += fits;
    }
  return count;
}

static void
paint_placed (struct canvas *canvas, struct random *random, const struct room *room, const struct placed *placed)
{
  struct colour glaze = vary (random, glazes[below (random, GLAZES)], 0.08f);
  switch (placed->kind)
    {
    case PLATE:
      plate_paint (canvas, random, &room->lamp, placed->foot, placed->size, glaze);
      break;
    case BOWL:
      bowl_paint (canvas, random, &room->lamp, placed->foot, placed->size, glaze);
      break;
    case VASE:
      vase_paint (canvas, random, &room->lamp, placed->foot, placed->size, glaze);
      break;
    case GRAPES:
      grapes_paint (canvas, random, &room->lamp, placed->foot, placed->size);
      break;
    default:
      fruit_paint (canvas, random, &room->lamp, placed->foot, placed->size);
    }
}

void
still_life_paint (struct canvas *canvas, struct random *random)
{
  struct room room = draw_room (canvas, random);
  struct placed placed[MOST_OBJECTS];
  canvas_paint (canvas, canvas_all (canvas), paint_room, &room);
  int count = draw_places (&room, random, placed);
  for (int i = 0; i < count; i++)
    shadow_paint (canvas, &room.lamp, placed[i].foot, placed[i].size, placed[i].kind == PLATE ? 0.3f : 1);
  for (int i = 0; i < count; i++)
    paint_placed (canvas, random, &room, &placed[i]);
}

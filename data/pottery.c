#include <config.h>

#include "pottery.h"

#include "fruit.h"

#include <math.h>
#include <stdbool.h>

/* A round dish that lies on the table, as rings of its normals, or the upper side of a bowl.  */
struct dish {
  const struct lamp *lamp;
  struct point middle;
  float width, rim, hollow; /* the rim's inner radius, 0 to 1; how steep the inside is */
  struct colour glaze, band;
};

static struct paint
paint_dish (const void *context, struct point at)
{
  const struct dish *dish = context;
  float x = (at.x - dish->middle.x) / dish->width, y = (at.y - dish->middle.y) / (dish->width * dish->lamp->squash);
  float radius = hypotf (x, y), pixel = dish->lamp->pixel / (dish->width * dish->lamp->squash);
  float cover = ramp (1 + pixel, 1 - pixel, radius);
  if (cover <= 0)
    return (struct paint){ { 0, 0, 0 }, 0 };
  float wall = ramp (dish->rim - 0.3f, dish->rim, radius) * ramp (dish->rim + 0.04f, dish->rim, radius);
  float steep = dish->hollow * fmaxf (wall, dish->hollow > 0.5f ? 0.7f * radius : 0);
  float length = fmaxf (radius, 1e-3f), up = dish->lamp->squash > 0.9f ? 0 : -0.6f;
  struct colour colour = mix (dish->glaze, dish->band, 0.8f * ramp (0.90f - pixel, 0.90f + pixel, radius));
  colour = lamp_light (dish->lamp, colour, -steep * x / length, up - steep * y / length * 0.7f, 0.8f, 0.3f);
  float edge = ramp (0.03f + pixel, 0, fabsf (radius - 0.98f));
  colour = mix (colour, (struct colour){ 1, 1, 0.97f }, 0.25f * edge);
  return (struct paint){ shade (colour, 1 - 0.35f * dish->hollow * ramp (1, 0.3f, radius)), cover };
}

static void
dish_paint (struct canvas *canvas, const struct dish *dish)
{
  float reach = dish->width + 2 * dish->lamp->pixel;
  struct box box = { dish->middle.x - reach, dish->middle.y - reach * dish->lamp->squash - dish->lamp->pixel,
                     dish->middle.x + reach, dish->middle.y + reach * dish->lamp->squash + dish->lamp->pixel };
  canvas_paint (canvas, box, paint_dish, dish);
}

void
plate_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size,
             struct colour glaze)
{
  struct dish dish = { .lamp = lamp, .middle = foot, .width = size, .hollow = 0.35f };
  dish.middle.y -= 0.06f * size;
  dish.rim = between (random, 0.62f, 0.78f);
  dish.glaze = glaze;
  dish.band = below (random, 2) ? vary (random, shade (glaze, 0.6f), 0.2f) : glaze;
  dish_paint (canvas, &dish);
  int count = below (random, 4);
  float fruit = size * between (random, 0.24f, 0.34f);
  shadow_paint (canvas, lamp, dish.middle, 0.7f * size * (count > 0), 0.15f);
  heap_paint (canvas, random, lamp, dish.middle, 0.42f * size, fruit, count);
}

/* A thing turned on the potter's wheel: its half width along its height, with a band of another colour.  */
struct turned {
  const struct lamp *lamp;
  struct point foot; /* the lowest point of its outline */
  float size, height, profile[6];
  struct colour glaze, band;
  float band_from, band_to, gloss;
  bool bowl; /* cut off above by the front of its rim */
  uint32_t seed;
};

/* The profile at T (0 foot, 1 rim), in units of size, by Catmull and Rom's spline.  */
static float
profile_at (const struct turned *turned, float t)
{
  float place = clamp (t, 0, 0.9999f) * 5;
  int i = (int) place;
  const float *p = turned->profile;
  float a = p[i > 0 ? i - 1 : 0], b = p[i], c = p[i + 1], d = p[i < 4 ? i + 2 : 5], u = place - (float) i;
  return b + 0.5f * u * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)));
}

static struct paint
paint_turned (const void *context, struct point at)
{
  const struct turned *turned = context;
  float x = (at.x - turned->foot.x) / turned->size, pixel = turned->lamp->pixel / turned->size;
  float squash = turned->lamp->squash, y = turned->foot.y - at.y;
  float inside = sqrtf (fmaxf (1 - x * x, 0)); /* the foot and the rim are ellipses: their fronts hang lower */
  float base = profile_at (turned, 0), round = squash * turned->size * sqrtf (fmaxf (base * base - x * x, 0));
  float t = y / turned->height, half = profile_at (turned, t), slope = profile_at (turned, t + 0.03f) - half;
  float cover = ramp (half + pixel, half - pixel, fabsf (x)) * ramp (-round - turned->lamp->pixel, -round, y);
  float rim = turned->height - (turned->bowl ? squash * turned->size * inside : 0);
  cover *= ramp (rim + turned->lamp->pixel, rim - turned->lamp->pixel, y);
  if (cover <= 0)
    return (struct paint){ { 0, 0, 0 }, 0 };
  float nx = clamp (x / fmaxf (half, 1e-3f), -1, 1), z = sqrtf (fmaxf (1 - nx * nx, 0));
  float ny = clamp (slope * turned->size / (0.03f * turned->height), -0.8f, 0.8f), length = sqrtf (1 + ny * ny);
  float bent = t + 0.25f * squash * z * turned->size / turned->height; /* bands follow the curve of the body */
  float soft = turned->lamp->pixel / turned->height;
  float band = ramp (turned->band_from - soft, turned->band_from + soft, bent)
               * ramp (turned->band_to + soft, turned->band_to - soft, bent);
  struct colour colour = mix (turned->glaze, turned->band, band);
  colour = shade (colour, 0.92f + 0.16f * noise_octaves (nx * 4, t * 6, 3, turned->seed));
  colour = lamp_light (turned->lamp, colour, nx / length, ny / length, z / length, turned->gloss);
  return (struct paint){ shade (colour, 0.82f + 0.18f * z), cover };
}

static void
turned_paint (struct canvas *canvas, const struct turned *turned)
{
  float wide = 1.3f * turned->size;
  struct box box = { turned->foot.x - wide, turned->foot.y - turned->height - turned->lamp->pixel,
                     turned->foot.x + wide, turned->foot.y + turned->lamp->squash * turned->size };
  canvas_paint (canvas, box, paint_turned, turned);
}

void
bowl_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size,
            struct colour glaze)
{
  float tall = lamp->squash > 0.9f ? 0 : size * between (random, 0.7f, 1);
  struct dish inside = { .lamp = lamp, .middle = { foot.x, foot.y - tall }, .width = size, .rim = 0.97f, .hollow = 1 };
  inside.glaze = shade (mix (glaze, (struct colour){ .9f, .88f, .84f }, between (random, 0, 0.8f)), 0.9f);
  inside.band = glaze;
  dish_paint (canvas, &inside);
  int count = below (random, 4) ? 3 + below (random, 4) : 0;
  heap_paint (canvas, random, lamp, inside.middle, 0.5f * size, size * between (random, 0.30f, 0.38f), count);
  if (lamp->squash > 0.9f)
    return;
  struct turned body = { .lamp = lamp, .foot = foot, .size = size, .height = tall, .bowl = true, .gloss = 0.6f };
  static const float shapes[2][6] = { { .42f, .68f, .84f, .93f, .98f, 1 }, { .34f, .48f, .66f, .82f, .94f, 1 } };
  const float *shape = shapes[below (random, 2)];
  for (int i = 0; i < 6; i++)
    body.profile[i] = shape[i];
  body.glaze = glaze;
  body.band = vary (random, shade (glaze, 0.7f), 0.25f);
  body.band_from = between (random, 0.4f, 0.9f);
  body.band_to = body.band_from + between (random, 0, 0.2f);
  body.seed = (uint32_t) random_bits (random);
  turned_paint (canvas, &body);
}

struct blossom {
  struct point middle;
  float size, petals, turn, pixel;
  struct colour colour, heart;
};

static struct paint
paint_blossom (const void *context, struct point at)
{
  const struct blossom *blossom = context;
  float x = (at.x - blossom->middle.x) / blossom->size, y = (at.y - blossom->middle.y) / blossom->size;
  float radius = hypotf (x, y), angle = atan2f (y, x) + blossom->turn, pixel = blossom->pixel / blossom->size;
  float leaf = fabsf (cosf (angle * blossom->petals / 2)), outline = 0.55f + 0.45f * sqrtf (leaf);
  struct colour colour = shade (blossom->colour, 0.62f + 0.3f * leaf + 0.25f * radius - 0.12f * y);
  colour = mix (colour, blossom->heart, ramp (0.3f + pixel, 0.22f, radius));
  return (struct paint){ colour, ramp (outline + pixel, outline - pixel, radius) };
}

static void
flowers_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point mouth, float size)
{
  static const struct colour petals[] = { { .92f, .88f, .84f }, { .86f, .40f, .44f }, { .92f, .74f, .26f },
                                          { .58f, .44f, .74f }, { .90f, .56f, .38f }, { .46f, .56f, .82f } };
  int count = 3 + below (random, 7);
  struct colour colour = petals[below (random, 6)], green = vary (random, (struct colour){ .26f, .38f, .18f }, 0.06f);
  for (int i = 0; i < count; i++)
    {
      float way = between (random, -1, 1), tall = size * between (random, 0.7f, 2.2f) * (1 - 0.3f * fabsf (way));
      struct stroke stem = { .from = mouth, .pixel = lamp->pixel, .width = 0.035f * size, .colour = green };
      stem.bend = (struct point){ mouth.x + 0.2f * way * size, mouth.y - 0.7f * tall };
      stem.to = (struct point){ mouth.x + 1.3f * way * size, mouth.y - tall };
      canvas_stroke (canvas, &stem);
      struct blossom blossom = { .middle = stem.to, .pixel = lamp->pixel, .heart = { .72f, .52f, .16f } };
      blossom.size = size * between (random, 0.30f, 0.5f);
      blossom.petals = (float) (5 + below (random, 4));
      blossom.turn = between (random, 0, 6.28f);
      blossom.colour = vary (random, colour, 0.10f);
      struct box box = { stem.to.x - blossom.size, stem.to.y - blossom.size, stem.to.x + blossom.size,
                         stem.to.y + blossom.size };
      canvas_paint (canvas, box, paint_blossom, &blossom);
    }
}

void
vase_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size,
            struct colour glaze)
{
  static const float shapes[][6] = { { .50f, .85f, 1, .80f, .42f, .50f },
                                     { .60f, .70f, .74f, .70f, .36f, .34f },
                                     { .62f, .96f, .98f, .72f, .50f, .62f },
                                     { .50f, .58f, .68f, .80f, .92f, 1 },
                                     { .72f, .74f, .74f, .60f, .26f, .24f } };
  const float *shape = shapes[below (random, 5)];
  struct turned body = { .lamp = lamp, .foot = foot, .size = size, .gloss = between (random, 0.3f, 0.9f) };
  body.height = size * between (random, 2, 3.2f);
  for (int i = 0; i < 6; i++)
    body.profile[i] = shape[i] * between (random, 0.95f, 1.05f);
  body.glaze = glaze;
  body.band = vary (random, shade (glaze, 0.7f), 0.3f);
  body.band_from = between (random, 0.2f, 0.8f);
  body.band_to = body.band_from + between (random, -0.1f, 0.25f);
  body.seed = (uint32_t) random_bits (random);
  float mouth = size * body.profile[5];
  struct dish opening = { .lamp = lamp, .middle = { foot.x, foot.y - body.height }, .width = mouth, .rim = 0.9f };
  opening.hollow = 1;
  opening.glaze = shade (glaze, 0.35f);
  opening.band = glaze;
  turned_paint (canvas, &body);
  dish_paint (canvas, &opening);
  if (below (random, 5) < 2)
    flowers_paint (canvas, random, lamp, opening.middle, size);
}

#include <config.h>

#include "fruit.h"

#include <math.h>
#include <stdbool.h>

enum skin { APPLE, ORANGE, LEMON, PLUM, PEAR, TOMATO, GRAPE, SKINS };

static const struct fruit_kind {
  struct colour colour, blush;
  float bumps, gloss, tall; /* roughness; highlight; height over width */
} kinds[SKINS] = {
  [APPLE] = { { .74f, .14f, .13f }, { .86f, .72f, .26f }, 0.02f, 0.7f, 0.94f },
  [ORANGE] = { { .93f, .54f, .12f }, { .95f, .62f, .18f }, 0.16f, 0.35f, 0.97f },
  [LEMON] = { { .93f, .82f, .25f }, { .86f, .84f, .36f }, 0.10f, 0.4f, 0.72f },
  [PLUM] = { { .30f, .14f, .32f }, { .46f, .30f, .46f }, 0.02f, 0.35f, 1.05f },
  [PEAR] = { { .68f, .70f, .30f }, { .72f, .46f, .22f }, 0.03f, 0.4f, 1.1f },
  [TOMATO] = { { .80f, .20f, .12f }, { .84f, .34f, .16f }, 0.01f, 0.9f, 0.85f },
  [GRAPE] = { { .40f, .18f, .36f }, { .52f, .30f, .46f }, 0.01f, 0.8f, 1.08f },
};

/* One round body: an ellipsoid, turned in the picture, with a thinner top for pears.  */
struct fruit {
  const struct lamp *lamp;
  struct fruit_kind kind;
  struct point middle;
  float width, height, cosine, sine, neck; /* half axes */
  bool dimple;
  uint32_t seed;
};

static struct paint
paint_fruit (const void *context, struct point at)
{
  const struct fruit *fruit = context;
  float dx = at.x - fruit->middle.x, dy = at.y - fruit->middle.y;
  float x = (dx * fruit->cosine + dy * fruit->sine) / fruit->width;
  float y = (dy * fruit->cosine - dx * fruit->sine) / fruit->height;
  x /= 1 - fruit->neck * ramp (0.15f, -0.75f, y);
  float radius = hypotf (x, y), pixel = fruit->lamp->pixel / fruit->width;
  float cover = ramp (1 + pixel, 1 - pixel, radius);
  if (cover <= 0)
    return (struct paint){ { 0, 0, 0 }, 0 };
  float z = sqrtf (fmaxf (1 - radius * radius, 0)), scale = 26 * fruit->kind.bumps;
  float bump_x = 0, bump_y = 0;
  if (fruit->kind.bumps > 0.05f)
    {
      bump_x = fruit->kind.bumps * (noise (x * scale * 6, y * scale * 6, fruit->seed) - 0.5f);
      bump_y = fruit->kind.bumps * (noise (x * scale * 6 + 40, y * scale * 6, fruit->seed) - 0.5f);
    }
  float streak = noise_octaves (1.5f * x + 3 * x / (0.6f + z), y * 1.1f, 4, fruit->seed + 3);
  struct colour colour = mix (fruit->kind.colour, fruit->kind.blush, ramp (0.30f, 0.90f, streak));
  if (fruit->dimple)
    colour = shade (colour, 1 - 0.6f * ramp (0.34f, 0.04f, hypotf (x, (y + 0.72f) * 2.2f)));
  float nx = (x + bump_x) * fruit->cosine - (y + bump_y) * fruit->sine;
  float ny = (x + bump_x) * fruit->sine + (y + bump_y) * fruit->cosine;
  colour = lamp_light (fruit->lamp, colour, nx, ny, z, fruit->kind.gloss);
  return (struct paint){ shade (colour, 0.8f + 0.2f * z), cover };
}

static void
fruit_body (struct canvas *canvas, const struct fruit *fruit)
{
  float reach = fmaxf (fruit->width, fruit->height) + 2 * fruit->lamp->pixel;
  struct box box = { fruit->middle.x - reach, fruit->middle.y - reach, fruit->middle.x + reach,
                     fruit->middle.y + reach };
  canvas_paint (canvas, box, paint_fruit, fruit);
}

static void
fruit_stem (struct canvas *canvas, struct random *random, const struct fruit *fruit)
{
  float up = fruit->height * (fruit->neck > 0 ? 1.0f : 0.78f), lean = between (random, -0.2f, 0.2f) * fruit->width;
  struct point from = { fruit->middle.x + up * fruit->sine, fruit->middle.y - up * fruit->cosine };
  struct stroke stem = { .from = from, .pixel = fruit->lamp->pixel, .width = 0.05f * fruit->width };
  stem.bend = (struct point){ from.x, from.y - 0.2f * fruit->width };
  stem.to = (struct point){ from.x + lean, from.y - 0.36f * fruit->width };
  stem.colour = (struct colour){ .30f, .22f, .12f };
  canvas_stroke (canvas, &stem);
}

static struct fruit
draw_fruit (struct random *random, const struct lamp *lamp, enum skin skin, struct point middle, float size)
{
  struct fruit fruit = { .lamp = lamp, .kind = kinds[skin], .middle = middle };
  float turn = skin == LEMON ? between (random, -1.2f, 1.2f) : between (random, -0.3f, 0.3f);
  fruit.kind.colour = vary (random, fruit.kind.colour, 0.09f);
  fruit.kind.blush = vary (random, fruit.kind.blush, 0.09f);
  fruit.cosine = cosf (turn);
  fruit.sine = sinf (turn);
  fruit.width = size;
  fruit.height = size * fruit.kind.tall;
  fruit.neck = skin == PEAR ? between (random, 0.35f, 0.5f) : 0;
  fruit.dimple = skin == APPLE || skin == TOMATO;
  fruit.seed = (uint32_t) random_bits (random);
  if (skin == APPLE && below (random, 3) == 0) /* a green one */
    {
      fruit.kind.colour = vary (random, (struct colour){ .52f, .66f, .20f }, 0.06f);
      fruit.kind.blush = vary (random, (struct colour){ .68f, .72f, .30f }, 0.06f);
    }
  if (skin == PEAR)
    fruit.height *= 1.25f;
  return fruit;
}

static void
fruit_at (struct canvas *canvas, struct random *random, const struct lamp *lamp, enum skin skin, struct point middle,
          float size)
{
  struct fruit fruit = draw_fruit (random, lamp, skin, middle, size);
  fruit_body (canvas, &fruit);
  if (skin == APPLE || skin == PEAR)
    fruit_stem (canvas, random, &fruit);
}

void
fruit_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size)
{
  enum skin skin = (enum skin) below (random, GRAPE);
  float up = lamp->squash > 0.9f ? 0 : size * kinds[skin].tall * (skin == PEAR ? 1.2f : 0.85f);
  fruit_at (canvas, random, lamp, skin, (struct point){ foot.x, foot.y - up }, size);
}

void
grapes_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point foot, float size)
{
  struct fruit berry = draw_fruit (random, lamp, GRAPE, foot, size * between (random, 0.20f, 0.27f));
  if (below (random, 2))
    berry.kind.colour = vary (random, (struct colour){ .62f, .68f, .32f }, 0.06f);
  float way = below (random, 2) ? 1 : -1;
  int count = 24 + below (random, 14);
  for (int i = 0; i < count; i++)
    {
      float row = (float) i / (float) count; /* the pile grows from the back to the front */
      float spread = (1 - 0.5f * row) * size, lift = lamp->squash > 0.9f ? 0.6f : 0.35f;
      struct fruit one = berry;
      one.middle.x = foot.x + way * size * 0.4f * (row - 0.5f) + spread * between (random, -0.8f, 0.8f);
      one.middle.y = foot.y - berry.width - lift * size * (1 - 2 * fabsf (row - 0.5f)) * random_uniform (random)
                     + lamp->squash * size * (row - 0.6f);
      one.kind.colour = vary (random, berry.kind.colour, 0.05f);
      fruit_body (canvas, &one);
    }
}

/* The back ones are painted first.  */
void
heap_paint (struct canvas *canvas, struct random *random, const struct lamp *lamp, struct point middle, float reach,
            float size, int count)
{
  enum skin one = (enum skin) below (random, GRAPE), other = (enum skin) below (random, GRAPE);
  float turn = between (random, 0, 6.28f);
  for (int i = 0; i < count; i++)
    {
      float place = (float) i / (float) (count > 1 ? count - 1 : 1); /* 0 at the back, 1 in front */
      float angle = lamp->squash > 0.9f ? turn + 6.28f * place * (float) (count - 1) / (float) count : 0;
      struct point at = { middle.x + reach * between (random, -0.15f, 0.15f), middle.y - 0.3f * size };
      if (lamp->squash > 0.9f)
        at = (struct point){ middle.x + reach * cosf (angle) * (count > 1),
                             middle.y + reach * sinf (angle) * (count > 1) };
      else if (count > 1)
        {
          at.x += reach * (float) ((i * 2) % count - count / 2) / (float) (count / 2 + 1);
          at.y += lamp->squash * reach * (1.2f * place - 0.8f);
        }
      fruit_at (canvas, random, lamp, below (random, 3) ? one : other, at, size * between (random, 0.88f, 1.08f));
    }
}

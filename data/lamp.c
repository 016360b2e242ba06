#include <config.h>

#include "lamp.h"

#include <math.h>

/* Half-Lambert diffuse light, light from the table, and a highlight.  */
struct colour
lamp_light (const struct lamp *lamp, struct colour colour, float x, float y, float z, float gloss)
{
  float facing = x * lamp->x + y * lamp->y + z * lamp->z;
  float diffuse = ramp (-0.45f, 1, facing);
  struct colour seen = shade (colour, lamp->ambient * (0.7f + 0.3f * z) + (1.08f - lamp->ambient) * diffuse);
  struct colour bounced = tint (colour, lamp->bounce);
  seen = mix (seen, bounced, 0.35f * clamp (y, 0, 1));
  float middle = sqrtf (2 + 2 * lamp->z); /* length of lamp + camera, for Blinn's half vector */
  float half = fmaxf ((x * lamp->x + y * lamp->y + z * (lamp->z + 1)) / middle, 0);
  float shine = half * half;
  shine *= shine;
  shine *= shine;
  shine *= shine * shine; /* the 24th power */
  seen = mix (seen, (struct colour){ 1, 1, 0.97f }, clamp (0.25f * gloss * shine, 0, 0.9f));
  return mix (seen, (struct colour){ 1, 1, 0.97f }, clamp (gloss * shine * shine, 0, 0.9f));
}

struct shadow {
  struct point foot, away;
  float width, squash, strength;
};

static struct paint
paint_shadow (const void *context, struct point at)
{
  const struct shadow *shadow = context;
  float cover = 0;
  for (int i = 0; i <= 4; i++) /* a row of soft spots, wider and weaker away from the foot */
    {
      float far = (float) i / 4, width = shadow->width * (1 + 0.35f * far);
      float x = (at.x - shadow->foot.x - far * shadow->away.x) / width;
      float y = (at.y - shadow->foot.y - far * shadow->away.y) / (width * shadow->squash);
      float square = x * x + y * y;
      if (square < 1.25f * 1.25f)
        cover = fmaxf (cover, (1 - 0.6f * far) * ramp (1.25f, 0.35f, sqrtf (square)));
    }
  return (struct paint){ { 0.05f, 0.04f, 0.06f }, shadow->strength * cover };
}

static void
shadow_lay (struct canvas *canvas, const struct shadow *shadow)
{
  float wide = 1.7f * shadow->width, high = wide * shadow->squash;
  struct point foot = shadow->foot, away = shadow->away;
  struct box box = { foot.x + fminf (away.x, 0) - wide, foot.y + fminf (away.y, 0) - high,
                     foot.x + fmaxf (away.x, 0) + wide, foot.y + fmaxf (away.y, 0) + high };
  canvas_paint (canvas, box, paint_shadow, shadow);
}

void
shadow_paint (struct canvas *canvas, const struct lamp *lamp, struct point foot, float size, float height)
{
  struct shadow shadow = { .foot = foot, .width = size, .squash = lamp->squash };
  float reach = 1.6f * height * size;
  shadow.away = (struct point){ -lamp->x * reach, (lamp->squash > 0.9f ? -lamp->y : 0.15f) * reach * 0.6f };
  shadow.strength = 0.8f - lamp->ambient;
  shadow_lay (canvas, &shadow);
  shadow.away = (struct point){ 0, 0 }; /* where it touches, no light comes at all */
  shadow.width = 0.8f * size;
  shadow.strength = 0.55f;
  shadow_lay (canvas, &shadow);
}

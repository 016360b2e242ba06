#include <config.h>

#include "landscape.h"

#include <math.h>
#include <stdbool.h>

/* The light of a time of day or a weather.  */
struct light {
  struct colour top, middle, low; /* the sky, from the zenith to the horizon */
  struct colour haze, sun;
  float brightness; /* of the ground */
};

static const struct light lights[] = {
  { { .22f, .45f, .78f }, { .50f, .70f, .90f }, { .82f, .89f, .93f }, { .70f, .79f, .88f }, { 1, .97f, .88f }, 1.0f },
  { { .36f, .43f, .66f }, { .86f, .68f, .68f }, { 1, .84f, .64f }, { .88f, .73f, .69f }, { 1, .88f, .70f }, .85f },
  { { .24f, .24f, .44f }, { .80f, .44f, .40f }, { 1, .70f, .32f }, { .80f, .50f, .40f }, { 1, .82f, .50f }, .65f },
  { { .10f, .12f, .32f }, { .36f, .28f, .52f }, { .86f, .54f, .52f }, { .44f, .36f, .52f }, { 1, .76f, .58f }, .5f },
  { { .52f, .57f, .63f }, { .68f, .71f, .75f }, { .84f, .85f, .84f }, { .72f, .76f, .79f }, { .9f, .9f, .88f }, .8f },
  { { .02f, .04f, .13f }, { .07f, .12f, .27f }, { .20f, .30f, .46f }, { .15f, .23f, .37f }, { .93f, .95f, 1 }, .3f },
  { { .58f, .70f, .67f }, { .77f, .84f, .78f }, { .94f, .94f, .85f }, { .79f, .86f, .80f }, { 1, 1, .92f }, .8f },
  { { .32f, .52f, .72f }, { .73f, .73f, .67f }, { .96f, .84f, .64f }, { .88f, .73f, .57f }, { 1, .93f, .76f }, 1.0f },
};

static const struct colour grounds[] = {
  { .12f, .24f, .11f }, { .33f, .42f, .13f }, { .52f, .27f, .15f }, { .14f, .21f, .32f }, { .80f, .83f, .90f },
  { .42f, .31f, .50f }, { .58f, .34f, .09f }, { .62f, .52f, .30f }, { .24f, .33f, .22f },
};

enum { LIGHTS = sizeof lights / sizeof *lights, GROUNDS = sizeof grounds / sizeof *grounds, RIDGE_POINTS = 2048 };

struct sky {
  const struct canvas *canvas;
  struct light light;
  float horizon, sun_radius, glow;
  struct point sun;
  float clouds, cloud_scale, cloud_stretch; /* share of the sky; size; how flat */
  bool stars;
  uint32_t seed;
};

/* One range of hills: its outline as a table over [left, right].  */
struct range {
  float pixel, left, right;
  float ridge[RIDGE_POINTS];
  struct colour near, far; /* at its foot and at its ridge */
  struct colour lit;       /* by the sun */
  float sun_side;          /* -1 or 1 */
  float snow;              /* snow lies above this y; 0 for none */
  float grain, depth;      /* size of its texture; how far down its colour changes */
  uint32_t seed;
};

struct water {
  const struct canvas *canvas;
  float shore;
  struct colour colour;
  float ripple, scale, darkness;
  uint32_t seed;
};

static struct colour
add_sun (const struct sky *sky, struct colour colour, struct point at)
{
  float distance = hypotf (at.x - sky->sun.x, at.y - sky->sun.y);
  float glow = sky->glow * expf (-distance * 5) + 0.3f * sky->glow * expf (-distance * 1.6f);
  colour = mix (colour, sky->light.sun, clamp (glow, 0, 0.9f));
  float disk = ramp (sky->sun_radius + sky->canvas->pixel, sky->sun_radius - sky->canvas->pixel, distance);
  return mix (colour, mix (sky->light.sun, (struct colour){ 1, 1, 1 }, 0.5f), disk);
}

/* The colour of a cloud whose thickness towards the sun is the noise at X, Y.  */
static struct colour
cloud_colour (const struct sky *sky, float x, float y)
{
  float thick = noise_octaves (x, y, 3, sky->seed);
  struct colour dark = mix (sky->light.haze, sky->light.top, 0.35f);
  struct colour bright = mix (sky->light.sun, (struct colour){ 1, 1, 1 }, 0.25f);
  struct colour cloud = mix (bright, dark, clamp (0.5f + 2.2f * (thick - 0.45f), 0, 1));
  return sky->light.brightness < 0.4f ? mix (cloud, sky->light.middle, 0.75f) : cloud;
}

static struct paint
paint_sky (const void *context, struct point at)
{
  const struct sky *sky = context;
  float height = clamp (1 - at.y / sky->horizon, 0, 1.2f); /* 0 at the horizon */
  struct colour colour = height < 0.4f ? mix (sky->light.low, sky->light.middle, height / 0.4f)
                                       : mix (sky->light.middle, sky->light.top, ramp (0.4f, 1.1f, height));
  if (sky->stars)
    {
      float star = noise (at.x * 160, at.y * 160, sky->seed + 50);
      colour = mix (colour, (struct colour){ 1, 1, 1 }, ramp (0.94f, 0.99f, star) * ramp (0, 0.5f, height));
    }
  colour = add_sun (sky, colour, at);
  if (sky->clouds > 0 && at.y < sky->horizon + 0.1f)
    {
      float x = at.x * sky->cloud_scale, y = at.y * sky->cloud_scale * sky->cloud_stretch * (1 + at.y);
      float thick = noise_octaves (x, y, 5, sky->seed);
      float cover = ramp (0.68f - 0.34f * sky->clouds, 0.86f - 0.34f * sky->clouds, thick) * ramp (0, 0.15f, height);
      if (cover > 0)
        colour =
          mix (colour, cloud_colour (sky, x + 0.2f * (at.x < sky->sun.x ? 1.0f : -1.0f), y - 0.25f), 0.85f * cover);
    }
  return (struct paint){ colour, 1 };
}

static struct sky
draw_sky (const struct canvas *canvas, struct random *random)
{
  struct sky sky = { .canvas = canvas, .light = lights[below (random, LIGHTS)] };
  sky.horizon = between (random, 0.32f, 0.66f);
  sky.light.top = vary (random, sky.light.top, 0.06f);
  sky.light.middle = vary (random, sky.light.middle, 0.06f);
  sky.light.low = vary (random, sky.light.low, 0.05f);
  sky.light.brightness *= between (random, 0.8f, 1.15f);
  sky.stars = sky.light.brightness < 0.4f;
  sky.sun = (struct point){ between (random, 0, 1) * canvas->aspect, sky.horizon * between (random, 0.05f, 1.05f) };
  sky.sun_radius = between (random, 0.012f, 0.055f);
  sky.glow = between (random, 0.2f, 0.9f) * (sky.stars ? 0.4f : 1);
  sky.clouds = between (random, -0.3f, 1);
  sky.cloud_scale = between (random, 1.5f, 4);
  sky.cloud_stretch = between (random, 1.2f, 4);
  sky.seed = (uint32_t) random_bits (random);
  return sky;
}

/* How far conifers stand above the ground at X, where their trunks are SPACING apart.  */
static float
conifers (float x, float spacing, float height, uint32_t seed)
{
  float most = 0, cell = floorf (x / spacing);
  for (float i = cell - 1; i <= cell + 1; i++)
    {
      float trunk = (i + noise (i * 7.31f, 0.5f, seed)) * spacing;
      float tall = height * (0.35f + 0.65f * noise (i * 3.77f, 9.5f, seed));
      float width = tall * 0.34f, away = fabsf (x - trunk) / width;
      float branches = 0.16f * (away * 6 - floorf (away * 6));
      most = fmaxf (most, tall * (1 - away - branches * (away > 0.08f ? 1 : 0)));
    }
  return most;
}

/* Fills the outline: rolling or rugged by RUGGED (0 to 1), of HEIGHT above FOOT, with TREES high conifers.  Returns its
   highest point's y.  */
static float
draw_ridge (struct range *range, struct random *random, float foot, float height, float rugged, float trees)
{
  float scale = between (random, 0.9f, 2.2f) * (1 + rugged), spacing = trees * between (random, 0.22f, 0.5f), top = 1;
  for (int i = 0; i < RIDGE_POINTS; i++)
    {
      float x = range->left + (range->right - range->left) * (float) i / (RIDGE_POINTS - 1);
      float rolling = noise_octaves (x * scale, 0.5f, 2, range->seed) - 0.5f, sharp = 0, weight = 0.5f;
      for (int octave = 0; octave < 6 && rugged > 0; octave++, weight *= 0.52f)
        {
          float frequency = scale * (float) (1 << octave);
          sharp += weight * (1 - fabsf (2 * noise (x * frequency, 3.5f, range->seed + 9 + (uint32_t) octave) - 1));
        }
      float up = height * (rolling * (1 - rugged) * 1.6f + 0.3f + rugged * (1.5f * sharp - 0.6f));
      range->ridge[i] = foot - up - (trees > 0 ? conifers (x, spacing, trees, range->seed) : 0);
      top = fminf (top, range->ridge[i]);
    }
  return top;
}

static float
ridge_at (const struct range *range, float x)
{
  float place = clamp ((x - range->left) / (range->right - range->left), 0, 0.9995f) * (RIDGE_POINTS - 1);
  int i = (int) place;
  return range->ridge[i] + (range->ridge[i + 1] - range->ridge[i]) * (place - (float) i);
}

static struct paint
paint_range (const void *context, struct point at)
{
  const struct range *range = context;
  float ridge = ridge_at (range, at.x), down = at.y - ridge;
  float cover = ramp (-range->pixel, range->pixel, down);
  if (cover <= 0)
    return (struct paint){ range->far, 0 };
  float x = at.x * range->grain, y = at.y * range->grain * 2.2f;
  float texture = noise_octaves (x, y, 4, range->seed);
  float slope = noise_octaves (x + 0.3f * range->sun_side, y - 0.2f, 3, range->seed) - texture;
  struct colour colour = mix (range->far, range->near, ramp (0, range->depth, down + 0.1f * (texture - 0.5f)));
  colour = shade (colour, 0.75f + 0.5f * texture);
  colour = mix (colour, range->lit, clamp (1.4f * slope, 0, 0.5f));
  if (range->snow > 0)
    {
      float white = ramp (0.03f, -0.03f, at.y - range->snow + 0.16f * (texture - 0.5f) + 0.5f * slope);
      colour = mix (colour, mix (range->lit, (struct colour){ 0.95f, 0.97f, 1 }, 0.8f), 0.85f * white);
    }
  return (struct paint){ colour, cover };
}

/* Where the ground of the range begins that is as NEAR as 0 (the horizon) to 1 (LAST).  */
static float
foot_of (const struct sky *sky, float last, float near)
{
  return sky->horizon + (last - sky->horizon) * powf (near, 1.4f);
}

/* Paints COUNT ranges, from the far one to the near one, from the horizon to LAST.  */
static void
paint_ranges (struct canvas *canvas, struct random *random, const struct sky *sky, int count, float last)
{
  struct box all = canvas_all (canvas);
  float bottom = all.bottom;
  struct colour ground = grounds[below (random, GROUNDS)];
  float rugged = below (random, 2) ? between (random, 0.4f, 1) : 0;
  float height = between (random, 0.08f, 0.30f), wooded = between (random, -0.6f, 1);
  bool snow = rugged > 0 && below (random, 2);
  static _Thread_local struct range range; /* a table too large for a thread's stack */
  for (int i = 0; i < count; i++)
    {
      float near = count > 1 ? (float) i / (float) (count - 1) : 0.7f, far = 1 - near;
      float foot = foot_of (sky, last, near);
      bool trees = wooded > 0 && near > 0.25f && rugged * far < 0.5f;
      struct colour own = shade (vary (random, ground, 0.05f), sky->light.brightness);
      range.pixel = canvas->pixel;
      range.left = all.left;
      range.right = all.right;
      range.seed = (uint32_t) random_bits (random);
      range.far = mix (own, sky->light.haze, 0.85f * powf (far, 0.8f));
      range.near = mix (shade (own, 0.75f), sky->light.haze, 0.95f * far);
      range.lit = mix (tint (own, sky->light.sun), mix (sky->light.sun, sky->light.haze, 0.5f), 0.25f + 0.4f * far);
      range.sun_side = sky->sun.x < canvas->aspect / 2 ? -1 : 1;
      range.grain = between (random, 5, 9) * (1 + near * 2);
      range.depth = between (random, 0.15f, 0.4f);
      all.top = draw_ridge (&range, random, foot, height * (1 - 0.5f * near), rugged * far,
                            trees ? wooded * (0.02f + 0.13f * near * near) : 0);
      range.snow = snow && near < 0.4f ? foot - height * 0.55f : 0;
      float hidden =
        foot_of (sky, last, near + 1 / (float) (count - 1)) + height; /* below it the next range covers all */
      all.bottom = i + 1 < count ? fminf (bottom, hidden) : bottom;
      canvas_paint (canvas, all, paint_range, &range);
    }
}

static struct paint
paint_water (const void *context, struct point at)
{
  const struct water *water = context;
  float below = at.y - water->shore, cover = ramp (-water->canvas->pixel, water->canvas->pixel, below);
  if (cover <= 0)
    return (struct paint){ water->colour, 0 };
  float far = 1 / (0.06f + below); /* ripples shrink towards the shore */
  float wave =
    noise_octaves (at.x * water->scale * (0.4f + 0.25f * far), logf (0.03f + below) * 16, 3, water->seed) - 0.5f;
  struct point mirrored = { at.x + water->ripple * 0.3f * wave, water->shore - below * 0.9f + water->ripple * wave };
  mirrored.y = fminf (mirrored.y, water->shore - 2 * water->canvas->pixel);
  struct colour seen = shade (canvas_colour (water->canvas, mirrored), 1 + 0.5f * water->ripple * 6 * wave);
  return (struct paint){ mix (seen, water->colour, clamp (water->darkness + 0.5f * below, 0, 0.7f)), cover };
}

static void
paint_lake (struct canvas *canvas, struct random *random, const struct sky *sky, float shore)
{
  struct water water = { .canvas = canvas, .shore = shore };
  water.colour = mix (shade (sky->light.top, 0.6f), shade (sky->light.haze, 0.7f), between (random, 0.1f, 0.7f));
  water.ripple = between (random, 0.01f, 0.10f);
  water.scale = between (random, 4, 10);
  water.darkness = between (random, 0.05f, 0.3f);
  water.seed = (uint32_t) random_bits (random);
  struct box box = canvas_all (canvas);
  box.top = shore;
  canvas_paint (canvas, box, paint_water, &water);
}

struct tree {
  float pixel, height, lean;
  struct point foot;
  struct colour leaves, lit, trunk;
  float sun_side;
  uint32_t seed;
};

/* A broad-leaved tree: a trunk, and a crown whose outline and leaves are noise.  */
static struct paint
paint_tree (const void *context, struct point at)
{
  const struct tree *tree = context;
  float x = (at.x - tree->foot.x) / tree->height, y = (tree->foot.y - at.y) / tree->height; /* y: 0 foot, 1 top */
  x -= tree->lean * y;
  float pixel = tree->pixel / tree->height;
  float crown_x = x / 0.36f, crown_y = (y - 0.66f) / 0.34f;
  float texture = noise_octaves (x * 9, y * 9, 4, tree->seed), edge = noise_octaves (x * 5, y * 5, 3, tree->seed + 7);
  float crown = hypotf (crown_x, crown_y) + 1.1f * (edge - 0.5f) + 0.5f * (texture - 0.5f);
  float cover = ramp (1, 0.9f - 4 * pixel, crown);
  float wood = ramp (pixel, -pixel, fabsf (x) - 0.035f * (1.4f - y)) * ramp (0.7f, 0.6f, y) * ramp (-pixel, pixel, y);
  float light = clamp (0.5f + 0.5f * crown_x * tree->sun_side + 0.4f * crown_y + 2 * (texture - 0.5f), 0, 1);
  struct colour colour = mix (tree->leaves, tree->lit, light);
  return (struct paint){ mix (tree->trunk, colour, cover), fmaxf (cover, wood) };
}

static void
paint_trees (struct canvas *canvas, struct random *random, const struct sky *sky, float foot)
{
  int count = below (random, 4);
  struct colour green = vary (random, grounds[below (random, 2)], 0.08f);
  for (int i = 0; i < count; i++)
    {
      struct tree tree = { .pixel = canvas->pixel };
      tree.height = between (random, 0.18f, 0.55f);
      tree.foot.x = between (random, -0.05f, 1.05f) * canvas->aspect;
      tree.foot.y = foot + between (random, 0.02f, 0.10f) + 0.1f * tree.height;
      tree.lean = between (random, -0.06f, 0.06f);
      tree.leaves = shade (green, 0.5f * sky->light.brightness);
      tree.lit = mix (shade (green, 1.5f * sky->light.brightness), sky->light.sun, 0.2f * sky->light.brightness);
      tree.trunk = shade ((struct colour){ .25f, .18f, .13f }, sky->light.brightness);
      tree.sun_side = sky->sun.x < tree.foot.x ? -1 : 1;
      tree.seed = (uint32_t) random_bits (random);
      struct box box = { tree.foot.x - 0.7f * tree.height, tree.foot.y - 1.3f * tree.height,
                         tree.foot.x + 0.7f * tree.height, tree.foot.y + tree.pixel };
      canvas_paint (canvas, box, paint_tree, &tree);
    }
}

void
landscape_paint (struct canvas *canvas, struct random *random)
{
  struct sky sky = draw_sky (canvas, random);
  canvas_paint (canvas, canvas_all (canvas), paint_sky, &sky);
  bool lake = below (random, 5) < 2;
  int count = lake ? 1 + below (random, 4) : 3 + below (random, 4);
  float last = lake ? sky.horizon + 0.04f : between (random, 0.82f, 0.95f);
  paint_ranges (canvas, random, &sky, count, last);
  if (lake)
    paint_lake (canvas, random, &sky, sky.horizon + between (random, 0.05f, 0.12f));
  else
    paint_trees (canvas, random, &sky, last);
}

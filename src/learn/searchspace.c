#include <config.h>

#include "searchspace.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Axis a draws from stream first_stream + a of the seed, and combinations of lists from first_stream + AXES.  */
static const uint64_t first_stream = (uint64_t) 1 << 48;

static const struct {
  const char *option; /* without its dashes */
  char separator;
  bool ranges, whole, logarithmic;
  const char *standard; /* what is tried where the user names nothing; NULL for train's own value */
} axes[AXES] = {
  [AXIS_LR] = { "lr", ',', true, false, true, "0.0001:0.1" },
  [AXIS_MOMENTUM] = { "momentum", ',', true, false, false, "0.5:0.99" },
  [AXIS_L2] = { "l2", ',', true, false, true, "0.000001:0.01" },
  [AXIS_DROPOUT] = { "dropout", ',', true, false, false, NULL },
  [AXIS_EPOCHS] = { "epochs", ',', true, true, false, NULL },
  [AXIS_BATCH] = { "batch", ',', true, true, false, "16,32,64" },
  [AXIS_HIDDEN] = { "hidden", '/', false, false, false, "256,16/64,16" },
  [AXIS_SCHEDULE] = { "schedule", ',', false, false, false, NULL },
};

const char *
axis_option (enum axis_name axis)
{
  return axes[axis].option;
}

bool
axis_given (const struct axis *axis)
{
  return axis->text.count > 0;
}

bool
axis_varies (const struct axis *axis)
{
  return axis->text.count > 1;
}

bool
searchspace_has_range (const struct searchspace *space)
{
  for (int i = 0; i < AXES; i++)
    if (space->axis[i].range)
      return true;
  return false;
}

int
searchspace_use_defaults (struct searchspace *space)
{
  for (enum axis_name axis = 0; axis < AXES; axis++)
    if (axes[axis].standard && searchspace_set (space, axis, axes[axis].standard))
      return -1;
  return 0;
}

/* Cuts TEXT at SEPARATOR.  */
static int
split (const char *text, char separator, const char *what, struct names *pieces)
{
  const char set[] = { separator, '\0' };
  for (const char *piece = text; piece; piece = strchr (piece, separator) ? strchr (piece, separator) + 1 : NULL)
    {
      size_t length = strcspn (piece, set);
      if (length == 0)
        return error_usage ("%s takes values such as A%cB%cC without empty ones, not '%s'", what, separator, separator,
                            text);
      char *copy = strndup (piece, length);
      int result = copy ? names_add (pieces, copy) : error_set ("no memory left for the values of %s", what);
      free (copy);
      if (result)
        return -1;
    }
  return 0;
}

static int
parse_hidden (const char *text, struct train_options *options)
{
  struct names sizes = { 0 };
  int result = split (text, ',', "--hidden", &sizes);
  if (result == 0 && sizes.count > TRAIN_HIDDEN_LIMIT)
    result = error_usage ("--hidden takes up to %d sizes, not %zu", TRAIN_HIDDEN_LIMIT, sizes.count);
  for (size_t i = 0; result == 0 && i < sizes.count; i++)
    {
      int64_t units = 0;
      result = text_parse_integer (sizes.name[i], "--hidden", 1, 1 << 20, &units);
      options->hidden[i] = (uint64_t) units;
    }
  options->hidden_count = sizes.count;
  names_free (&sizes);
  return result;
}

static void
set_number (enum axis_name axis, double value, struct train_options *options)
{
  double *const numbers[] = { [AXIS_LR] = &options->schedule.rate,
                              [AXIS_MOMENTUM] = &options->momentum,
                              [AXIS_L2] = &options->l2,
                              [AXIS_DROPOUT] = &options->dropout };
  if (axis == AXIS_EPOCHS)
    options->epochs = (uint64_t) value;
  else if (axis == AXIS_BATCH)
    options->batch = (size_t) value;
  else
    *numbers[axis] = value;
}

/* *VALUE = the number that is written as TEXT.  */
static int
parse_number (enum axis_name axis, const char *text, double *value)
{
  char what[32];
  int64_t whole = 0;
  snprintf (what, sizeof what, "--%s", axes[axis].option);
  if (!axes[axis].whole)
    return text_parse_number (text, what, value);
  if (text_parse_integer (text, what, 1, axis == AXIS_BATCH ? 1 << 20 : 1 << 30, &whole))
    return -1;
  *value = (double) whole;
  return 0;
}

/* Sets the option of AXIS in OPTIONS to what is written as TEXT.  */
static int
set_text (enum axis_name axis, const char *text, struct train_options *options)
{
  double value;
  if (axis == AXIS_HIDDEN)
    return parse_hidden (text, options);
  if (axis == AXIS_SCHEDULE)
    return schedule_parse (text, &options->schedule);
  if (parse_number (axis, text, &value))
    return -1;
  set_number (axis, value, options);
  return 0;
}

static int
set_range (enum axis_name name, const char *text, const char *what, struct axis *axis)
{
  if (split (text, ':', what, &axis->text))
    return -1;
  if (axis->text.count != 2)
    return error_usage ("%s takes a list such as A,B,C or a range LOW:HIGH, not '%s'", what, text);
  if (parse_number (name, axis->text.name[0], &axis->low) || parse_number (name, axis->text.name[1], &axis->high))
    return -1;
  if (!(axis->low < axis->high))
    return error_usage ("%s takes a range LOW:HIGH with LOW below HIGH, not '%s'", what, text);
  if (axes[name].logarithmic && !(axis->low > 0))
    return error_usage ("%s is drawn evenly on a logarithmic scale, so its range begins above 0, not at '%s'", what,
                        axis->text.name[0]);
  return 0;
}

/* Fails where train would not take one of the values.  */
static int
check_values (const struct searchspace *space, enum axis_name name, const struct axis *axis)
{
  for (size_t i = 0; i < axis->text.count; i++)
    {
      struct train_options options = space->base;
      if (set_text (name, axis->text.name[i], &options) || train_check (&options))
        return -1;
    }
  return 0;
}

int
searchspace_set (struct searchspace *space, enum axis_name name, const char *text)
{
  struct axis axis = { .range = axes[name].ranges && strchr (text, ':') };
  char what[32];
  snprintf (what, sizeof what, "--%s", axes[name].option);
  int result = axis.range ? set_range (name, text, what, &axis) : split (text, axes[name].separator, what, &axis.text);
  if (result || check_values (space, name, &axis))
    {
      names_free (&axis.text);
      return -1;
    }
  names_free (&space->axis[name].text);
  space->axis[name] = axis;
  return 0;
}

void
searchspace_free (struct searchspace *space)
{
  for (int i = 0; i < AXES; i++)
    names_free (&space->axis[i].text);
}

/* How many combinations the lists have, ranges counting as one value; more than the limit is the limit and one.  */
static size_t
grid_size (const struct searchspace *space)
{
  size_t size = 1;
  for (int i = 0; i < AXES; i++)
    {
      size_t count = space->axis[i].range || !axis_given (&space->axis[i]) ? 1 : space->axis[i].text.count;
      size = size > SEARCHSPACE_TRIALS_LIMIT / count ? SEARCHSPACE_TRIALS_LIMIT + 1 : size * count;
    }
  return size;
}

/* Combination number INDEX of the grid.  */
static struct point
grid_point (const struct searchspace *space, size_t index)
{
  struct point point = { 0 };
  for (int i = AXES; i-- > 0;)
    if (axis_given (&space->axis[i]))
      {
        point.value[i] = (double) (index % space->axis[i].text.count);
        index /= space->axis[i].text.count;
      }
  return point;
}

/* VALUE with 3 significant digits, within AXIS.  */
static double
round_value (const struct axis *axis, double value)
{
  char text[32];
  snprintf (text, sizeof text, "%.3g", value);
  return fmin (fmax (strtod (text, NULL), axis->low), axis->high);
}

static double
draw_value (enum axis_name name, const struct axis *axis, struct random *generator)
{
  double share = (double) (random_bits (generator) >> 11) * 0x1p-53, low = axis->low, high = axis->high;
  if (!axis->range)
    return floor (share * (double) axis->text.count);
  if (axes[name].whole)
    return low + floor (share * (high - low + 1));
  return round_value (axis, axes[name].logarithmic ? low * pow (high / low, share) : low + share * (high - low));
}

static struct point
draw_point (const struct searchspace *space, uint64_t seed, size_t index)
{
  struct point point = { 0 };
  for (enum axis_name i = 0; i < AXES; i++)
    if (axis_given (&space->axis[i]))
      {
        struct random generator = random_new (seed, first_stream + i);
        random_skip (&generator, index);
        point.value[i] = draw_value (i, &space->axis[i], &generator);
      }
  return point;
}

/* COUNT of the SIZE combinations, none of them twice.  */
static int
draw_combinations (const struct searchspace *space, size_t size, uint64_t seed, struct point *point, size_t count)
{
  struct random generator = random_new (seed, first_stream + AXES);
  uint64_t *order = memory_new (size, sizeof *order);
  if (!order)
    return -1;
  for (size_t i = 0; i < size; i++)
    order[i] = i;
  random_shuffle (&generator, order, size);
  for (size_t i = 0; i < count; i++)
    point[i] = grid_point (space, (size_t) order[i]);
  memory_free (order);
  return 0;
}

int
searchspace_points (const struct searchspace *space, size_t trials, uint64_t seed, struct point **point, size_t *count)
{
  bool range = searchspace_has_range (space);
  size_t size = grid_size (space);
  if (!range && size > SEARCHSPACE_TRIALS_LIMIT)
    return error_usage ("the grid has more than %d combinations; leave some values out", SEARCHSPACE_TRIALS_LIMIT);
  *count = trials ? trials : range ? SEARCHSPACE_RANDOM : size;
  if (!range && *count > size)
    *count = size;
  *point = memory_new (*count, sizeof **point);
  if (!*point)
    return -1;
  if (!range && *count < size)
    return draw_combinations (space, size, seed, *point, *count);
  for (size_t i = 0; i < *count; i++)
    (*point)[i] = range ? draw_point (space, seed, i) : grid_point (space, i);
  return 0;
}

int
searchspace_apply (const struct searchspace *space, const struct point *point, struct train_options *options)
{
  *options = space->base;
  for (enum axis_name i = 0; i < AXES; i++)
    {
      const struct axis *axis = &space->axis[i];
      if (axis->range)
        set_number (i, point->value[i], options);
      else if (axis_given (axis) && set_text (i, axis->text.name[(size_t) point->value[i]], options))
        return -1;
    }
  return 0;
}

static char *
hidden_text (const struct train_options *options)
{
  char *text = text_new ("%" PRIu64, options->hidden[0]);
  for (size_t i = 1; text && i < options->hidden_count; i++)
    {
      char *longer = text_new ("%s,%" PRIu64, text, options->hidden[i]);
      free (text);
      text = longer;
    }
  return text;
}

char *
axis_text (enum axis_name axis, const struct train_options *options)
{
  switch (axis)
    {
    case AXIS_LR:
      return text_new ("%.15g", options->schedule.rate);
    case AXIS_MOMENTUM:
      return text_new ("%.15g", options->momentum);
    case AXIS_L2:
      return text_new ("%.15g", options->l2);
    case AXIS_DROPOUT:
      return text_new ("%.15g", options->dropout);
    case AXIS_EPOCHS:
      return text_new ("%" PRIu64, options->epochs);
    case AXIS_BATCH:
      return text_new ("%zu", options->batch);
    case AXIS_HIDDEN:
      return hidden_text (options);
    default:
      return schedule_text (&options->schedule);
    }
}

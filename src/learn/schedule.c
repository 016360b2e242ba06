#include <config.h>

#include "schedule.h"

#include "../base/error.h"
#include "../base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS_MOST = 1 << 30 };

static const char *const kinds[] = { "constant", "time", "cosine", "step" };

static double
cosine_rate (const struct schedule *schedule, double step)
{
  double warmup = (double) schedule->warmup * (double) schedule->steps_per_epoch;
  if (step < warmup)
    return schedule->rate * step / warmup;
  if (step >= (double) schedule->steps)
    return 0;
  return schedule->rate * (1 + cos (M_PI * (step - warmup) / ((double) schedule->steps - warmup))) / 2;
}

double
schedule_rate (const struct schedule *schedule, uint64_t step)
{
  switch (schedule->kind)
    {
    case SCHEDULE_TIME:
      return schedule->rate / (1 + schedule->decay * (double) step);
    case SCHEDULE_COSINE:
      return cosine_rate (schedule, (double) step);
    case SCHEDULE_STEP:
      return schedule->rate * pow (schedule->factor, (double) (step / schedule->steps_per_epoch / schedule->every));
    default:
      return schedule->rate;
    }
}

static int
parse_cosine (const char *warmup, struct schedule *schedule)
{
  int64_t epochs = 0;
  if (warmup && text_parse_integer (warmup, "--schedule cosine:WARMUP", 0, EPOCHS_MOST, &epochs))
    return -1;
  schedule->warmup = (uint64_t) epochs;
  return 0;
}

static int
parse_step (const char *every, const char *factor, struct schedule *schedule)
{
  int64_t epochs = 10;
  schedule->factor = 0.1;
  if (every && text_parse_integer (every, "--schedule step:EPOCHS", 1, EPOCHS_MOST, &epochs))
    return -1;
  if (factor && text_parse_number (factor, "--schedule step:EPOCHS:FACTOR", &schedule->factor))
    return -1;
  schedule->every = (uint64_t) epochs;
  return schedule->factor > 0 ? 0 : error_usage ("--schedule's FACTOR must be larger than 0, not %s", factor);
}

/* TEXT without its colons is KIND and what belongs to it; FIRST and SECOND may be NULL.  */
static int
parse_parts (const char *text, const char *kind, const char *first, const char *second, struct schedule *schedule)
{
  if (!strcmp (kind, "constant") && !first)
    schedule->kind = SCHEDULE_CONSTANT;
  else if (!strcmp (kind, "time") && !first)
    schedule->kind = SCHEDULE_TIME;
  else if (!strcmp (kind, "cosine") && !second)
    schedule->kind = SCHEDULE_COSINE;
  else if (!strcmp (kind, "step") && !first == !second)
    schedule->kind = SCHEDULE_STEP;
  else
    return error_usage ("--schedule takes constant, time, cosine[:WARMUP] or step[:EPOCHS:FACTOR], not '%s'", text);
  return schedule->kind == SCHEDULE_COSINE ? parse_cosine (first, schedule)
         : schedule->kind == SCHEDULE_STEP ? parse_step (first, second, schedule)
                                           : 0;
}

int
schedule_parse (const char *text, struct schedule *schedule)
{
  char *copy = text_new ("%s", text), *rest = copy;
  if (!copy)
    return -1;
  const char *kind = strsep (&rest, ":"), *first = strsep (&rest, ":"); /* NULL where there is no more */
  int result = parse_parts (text, kind, first, rest, schedule);
  free (copy);
  return result;
}

char *
schedule_text (const struct schedule *schedule)
{
  const char *kind = kinds[schedule->kind];
  if (schedule->kind == SCHEDULE_STEP)
    return text_new ("%s:%" PRIu64 ":%.15g", kind, schedule->every, schedule->factor);
  if (schedule->kind == SCHEDULE_COSINE && schedule->warmup)
    return text_new ("%s:%" PRIu64, kind, schedule->warmup);
  return text_new ("%s", kind);
}

#include <config.h>

#include "hyperparameters.h"

#include "../base/error.h"

static int
parse_hidden (const char *text, struct train_options *train)
{
  struct names sizes;
  if (options_split (text, "--hidden", &sizes))
    return -1;
  int result = 0;
  if (sizes.count > TRAIN_HIDDEN_LIMIT)
    result = error_usage ("--hidden takes up to %d sizes, not %zu", TRAIN_HIDDEN_LIMIT, sizes.count);
  for (size_t i = 0; result == 0 && i < sizes.count; i++)
    {
      int units = 0;
      result = options_parse_whole (sizes.name[i], "--hidden", 1, 1 << 20, &units);
      train->hidden[i] = (uint64_t) units;
    }
  train->hidden_count = sizes.count;
  names_free (&sizes);
  return result;
}

/* What is a number or a word.  */
static int
parse_value (int key, const char *argument, struct train_options *train)
{
  static const char *const shuffles[] = { "window", "full", "none", NULL }; /* as enum shuffle_kind */
  static const char *const weights[] = { "none", "balanced", NULL };
  int number = 0, result = 0;
  switch (key)
    {
    case KEY_BATCH:
      result = options_parse_whole (argument, "--batch", 1, 1 << 20, &number);
      train->batch = (size_t) number;
      return result;
    case KEY_EPOCHS:
      result = options_parse_whole (argument, "--epochs", 1, 1 << 30, &number);
      train->epochs = (uint64_t) number;
      return result;
    case KEY_CLASS_WEIGHT:
      result = options_parse_word (argument, "--class-weight", weights, "none or balanced", &number);
      train->balanced = number == 1;
      return result;
    case KEY_SHUFFLE:
      result = options_parse_word (argument, "--shuffle", shuffles, "window, full or none", &number);
      train->shuffle = (enum shuffle_kind) number;
      return result;
    case KEY_DECAY:
      return text_parse_number (argument, "--decay", &train->schedule.decay);
    case KEY_DROPOUT:
      return text_parse_number (argument, "--dropout", &train->dropout);
    case KEY_HIDDEN:
      return parse_hidden (argument, train);
    case KEY_L2:
      return text_parse_number (argument, "--l2", &train->l2);
    case KEY_LR:
      return text_parse_number (argument, "--lr", &train->schedule.rate);
    case KEY_MOMENTUM:
      return text_parse_number (argument, "--momentum", &train->momentum);
    default:
      return schedule_parse (argument, &train->schedule);
    }
}

error_t
hyperparameters_parse (int key, const char *argument, struct argp_state *state, struct train_options *train)
{
  if (key < KEY_BATCH || key > KEY_SHUFFLE)
    return ARGP_ERR_UNKNOWN;
  if (key == KEY_NESTEROV)
    train->nesterov = true;
  else if (parse_value (key, argument, train))
    options_fail (state);
  return 0;
}

/* Options: those that every command has, and what the parsers of commands share.  */
#ifndef SLABFIT_OPTIONS_H
#define SLABFIT_OPTIONS_H

#include "../base/text.h"
#include "../store/featinfo.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

/* First in each command's own options.  */
struct common {
  bool json, quiet, force;
  uint64_t seed;
  int threads;
  uint64_t memory_bytes;
  double stop_after;  /* seconds; 0 where not asked for */
  const char *config; /* the configuration file, or NULL; borrowed from argv */
  int configured;     /* how many arguments it gave, which come before those of the command line */
  char *command_line; /* as it was given, shell-quoted where needed; owned; for the record */
};

/* The child parsers of a command's argp; its parser sets state->child_inputs[0] to its struct common.  */
extern const struct argp_child options_children[];
extern const struct argp_option options_common[];

struct command;

/* The option NAME of COMMAND, its own or a common one; NULL where it has none.  */
const struct argp_option *options_find (const struct command *command, const char *name);

/* *VALUE = the whole number TEXT, from LOWEST to HIGHEST; WHAT ("--epochs") is for the message of a usage error.  */
int options_parse_whole (const char *text, const char *what, int lowest, int highest, int *value);

/* *VALUE = the place of TEXT in WORDS, which NULL ends; a usage error that says that WHAT takes TAKES where it is
   none.  */
int options_parse_word (const char *text, const char *what, const char *const *words, const char *takes, int *value);

/* Whether TEXT, the argument of --dtype, is float16 or float32; another one is a usage error.  */
int options_parse_dtype (const char *text, bool *half);

/* Splits TEXT at commas into NAMES.  WHAT ("--classes") is for the message: empty names are a usage error.  */
int options_split (const char *text, const char *what, struct names *names);

/* Entries of the option tables of commands that read feature files, for those of other programs.  */
enum { KEY_FEATURES_DATASET = 0x280, KEY_LABELS_DATASET };
#define OPTIONS_DATASETS                                                                                               \
  { "features-dataset", KEY_FEATURES_DATASET, "NAME", 0, "The dataset of the features (/features)", 0 },               \
  {                                                                                                                    \
    "labels-dataset", KEY_LABELS_DATASET, "NAME", 0, "The dataset of the labels (/labels)", 0                          \
  }

/* What a parser does with their keys, and with those it does not know (ARGP_ERR_UNKNOWN).  */
error_t options_parse_dataset (int key, const char *argument, struct argp_state *state, struct featnames *names);

/* For parsers: whether the option that is parsed stands in the configuration file.  */
bool options_configured (const struct argp_state *state);

/* For parsers: reports the thread's error as argp does, and exits with status 2.  Names the configuration file where
   the option stands there.  */
void options_fail (struct argp_state *state);

#endif

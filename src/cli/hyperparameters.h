/* The options of training that several commands have: each sets a number of struct train_options.  */
#ifndef SLABFIT_HYPERPARAMETERS_H
#define SLABFIT_HYPERPARAMETERS_H

#include "../learn/train.h"
#include "options.h"

enum {
  KEY_BATCH = 0x2c0,
  KEY_CLASS_WEIGHT,
  KEY_DECAY,
  KEY_DROPOUT,
  KEY_EPOCHS,
  KEY_HIDDEN,
  KEY_L2,
  KEY_LR,
  KEY_MOMENTUM,
  KEY_NESTEROV,
  KEY_SCHEDULE,
  KEY_SHUFFLE,
};

/* Entries of a command's option table, in its help's GROUP.  */
#define OPTIONS_HYPERPARAMETERS(GROUP)                                                                                 \
  { "batch", KEY_BATCH, "N", 0, "Rows in a step (32)", GROUP },                                                        \
    { "class-weight", KEY_CLASS_WEIGHT, "KIND", 0, "none, or balanced: rare classes count for more (none)", GROUP },   \
    { "decay", KEY_DECAY, "X", 0, "With --schedule time, the rate of step t is LR / (1 + X t) (0.00004)", GROUP },     \
    { "dropout", KEY_DROPOUT, "P", 0, "Share of the hidden layers' outputs that a step drops (0)", GROUP },            \
    { "epochs", KEY_EPOCHS, "N", 0, "Passes over the rows (25)", GROUP },                                              \
    { "hidden", KEY_HIDDEN, "N,N...", 0, "Units of the hidden layers (256,16)", GROUP },                               \
    { "l2", KEY_L2, "X", 0, "Penalty X times the sum of squared kernel weights (0)", GROUP },                          \
    { "lr", KEY_LR, "X", 0, "Learning rate (0.001)", GROUP },                                                          \
    { "momentum", KEY_MOMENTUM, "X", 0, "Momentum (0.9)", GROUP },                                                     \
    { "nesterov", KEY_NESTEROV, 0, 0, "Nesterov's momentum", GROUP },                                                  \
    { "schedule", KEY_SCHEDULE, "KIND", 0, "constant, time, cosine[:WARMUP EPOCHS] or step[:EPOCHS:FACTOR] (time)",    \
      GROUP },                                                                                                         \
  {                                                                                                                    \
    "shuffle", KEY_SHUFFLE, "KIND", 0, "window, full or none (window)", GROUP                                          \
  }

/* What a parser does with their keys; ARGP_ERR_UNKNOWN for others.  */
error_t hyperparameters_parse (int key, const char *argument, struct argp_state *state, struct train_options *train);

#endif

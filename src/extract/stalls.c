#include <config.h>

#include "stalls.h"

/* A shorter run is mostly its own beginning and end.  A network that works for this share of its time gains little from
   anything else: decoding and compressing on the same processors alone take some percent.  */
static const double short_seconds = 1, busy_share = 0.85;

static const char *const sentences[] = {
  [STALLS_SHORT] = "The run was too short to tell what would make it faster.",
  [STALLS_LIMIT] = "The GPU is at its limit: nothing else would make it faster.",
  [STALLS_GPU] = "The network is the limit: a GPU would be faster, or more cores.",
  [STALLS_BFLOAT16] = "The network is the limit: --precision bf16 would be faster, or a GPU.",
  [STALLS_HALF] = "The GPU is the limit: --precision f16 or tf32 would be faster.",
  [STALLS_DECODING] = "Decoding images is the limit: give the job more cores.",
  [STALLS_COMPRESSING] = "Compression is the limit: give the job more cores.",
  [STALLS_LEVEL] = "Compression is the limit: --compress 1 would be faster, or more cores.",
  [STALLS_READING] = "Reading images is the limit: put them on a faster disk, or on the node's "
                     "own (submit.sh --stage).",
  [STALLS_WRITING] = "Writing features is the limit: put them on a faster disk; --dtype float16 "
                     "halves them.",
};

double
stalls_share (const struct stalls *stalls, double seconds)
{
  double time = stalls->network_threads * stalls->wall;
  return time > 0 ? seconds / time : 0;
}

static enum stalls_advice
advise_network (const struct stalls *stalls)
{
  if (stalls->gpu)
    return stalls->shorter ? STALLS_HALF : STALLS_LIMIT;
  return stalls->shorter ? STALLS_BFLOAT16 : STALLS_GPU;
}

static enum stalls_advice
advise_processors (const struct stalls *stalls)
{
  const struct pipeline_seconds *seconds = &stalls->seconds;
  if (!stalls->gpu && seconds->network > seconds->decode + seconds->compress)
    return advise_network (stalls);
  if (seconds->decode > seconds->compress)
    return STALLS_DECODING;
  return stalls->compress > 1 ? STALLS_LEVEL : STALLS_COMPRESSING;
}

enum stalls_advice
stalls_advise (const struct stalls *stalls)
{
  const struct pipeline_seconds *seconds = &stalls->seconds;
  double idle = stalls->network_threads * stalls->wall - seconds->network, images = seconds->images;
  if (stalls->wall < short_seconds)
    return STALLS_SHORT;
  if (stalls_share (stalls, seconds->network) >= busy_share)
    return advise_network (stalls);
  if (images > idle - images && seconds->read > seconds->decode)
    return STALLS_READING;
  if (images < idle - images && seconds->write > stalls->wall / 2)
    return STALLS_WRITING;
  return advise_processors (stalls);
}

const char *
stalls_sentence (enum stalls_advice advice)
{
  return sentences[advice];
}

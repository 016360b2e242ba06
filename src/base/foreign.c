#include <config.h>

#include "foreign.h"

#include "error.h"
#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUILD "'slabfit backbone ARCHITECTURE --weights' builds a ResNet from them"
#define EXPORT "export the network by torch.jit.trace (network.eval (), images).save (\"FILE.ts\")"

enum { HEAD = 16, TAIL = 1 << 20 };

/* A kind of file: BYTES bytes at PLACE, and what to say.  */
struct kind {
  const char *magic;
  size_t bytes, place;
  const char *what;
};

static const struct kind kinds[] = {
  { "\x89HDF\r\n\x1a\n", 8, 0, "HDF5, such as Keras's weights, and no network; " BUILD },
  { "{", 1, 8, "safetensors, which holds weights and no network; " BUILD },
  { "\x80\x02", 2, 0, "weights in PyTorch's older form (a pickle), and no network; " BUILD ", or " EXPORT },
  { "\x08", 1, 0, "ONNX, which slabfit does not run; " EXPORT },
};

/* The zip archives of PyTorch, by the names of their members, which end the file.  */
static const struct archive {
  const char *has, *lacks, *what;
} archives[] = {
  { "", "PK\5\6", "cut short: what a zip archive ends with is missing; copy or make it again" },
  { "models/model.json", NULL, "an exported program (.pt2), which was not compiled; " EXPORT },
  { "serialized_exported_program.json", NULL, "an exported program (.pt2), which was not compiled; " EXPORT },
  { "model.weights.h5", NULL, "a Keras model; " BUILD },
  { "data.pkl", "constants.pkl", "PyTorch's weights or a pickled network, and no TorchScript; " BUILD ", or " EXPORT },
};

static bool
contains (const char *data, size_t length, const char *text)
{
  return memmem (data, length, text, strlen (text));
}

static int
refuse (const char *path, const char *what)
{
  return error_set ("'%s' is %s", path, what);
}

/* Looks at the last bytes of a zip archive.  */
static int
refuse_archive (FILE *stream, const char *path, bool packages)
{
  char *tail = malloc (TAIL);
  if (!tail)
    return error_set ("no memory to look into '%s'; give the job more memory", path);
  if (fseek (stream, -TAIL, SEEK_END))
    rewind (stream);
  size_t length = fread (tail, 1, TAIL, stream);
  const char *what = NULL;
  bool package = contains (tail, length, "data/aotinductor/");
  if (package && !packages)
    what = "an AOTInductor package (.pt2), which cannot be wrapped; extract takes it as it is, with --preprocess";
  for (size_t i = 0; !package && !what && i < sizeof archives / sizeof *archives; i++)
    if (contains (tail, length, archives[i].has) && !(archives[i].lacks && contains (tail, length, archives[i].lacks)))
      what = archives[i].what;
  free (tail);
  return what ? refuse (path, what) : 0;
}

int
foreign_refuse (const char *path, bool packages)
{
  char head[HEAD] = "";
  FILE *stream = fopen (path, "rbe");
  if (!stream)
    return error_system ("open", path);
  size_t length = fread (head, 1, HEAD, stream);
  int result = ferror (stream) ? error_system ("read", path) : 0;
  for (size_t i = 0; result == 0 && i < sizeof kinds / sizeof *kinds; i++)
    if (length == HEAD && !memcmp (head + kinds[i].place, kinds[i].magic, kinds[i].bytes))
      result = refuse (path, kinds[i].what);
  if (result == 0 && !memcmp (head, "PK\3\4", 4))
    result = refuse_archive (stream, path, packages);
  fclose (stream);
  return result;
}

/* The C side of network.h: loads the network module when it is first needed, and hands each call on to it.

   Loading libtorch takes most of a second and 160 MB, which commands that run no network need not pay.  */
#include <config.h>

#include "network.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
  __typeof__ (network_open) *open;
  __typeof__ (network_close) *close;
  __typeof__ (network_metadata) *metadata;
  __typeof__ (network_prepare) *prepare;
  __typeof__ (network_run) *run;
  __typeof__ (network_use) *use;
  __typeof__ (network_build) *build;
  __typeof__ (network_draft_build) *draft_build;
  __typeof__ (network_draft_wrap) *draft_wrap;
  __typeof__ (network_draft_write) *draft_write;
  __typeof__ (network_draft_close) *draft_close;
  __typeof__ (network_library) *library;
} module;

static char load_error[NETWORK_ERROR_BYTES];

static void *
symbol (void *handle, const char *name)
{
  void *address = dlsym (handle, name);
  if (!address && !load_error[0])
    snprintf (load_error, sizeof load_error, "the network module has no '%s'; install slabfit again", name);
  return address;
}

/* Where the module lies: $SLABFIT_NETWORK, else beside the program (in the build folder), else where it was
   installed.  */
static void
find (char path[4096])
{
  const char *named = getenv ("SLABFIT_NETWORK");
  ssize_t length = readlink ("/proc/self/exe", path, 4096 - sizeof "network.so");
  path[length > 0 ? length : 0] = '\0';
  char *slash = strrchr (path, '/');
  strcpy (slash ? slash + 1 : path, "network.so");
  if (named)
    snprintf (path, 4096, "%s", named);
  else if (access (path, R_OK))
    snprintf (path, 4096, "%s", PKGLIBDIR "/network.so");
}

static void
load (void)
{
  char path[4096];
  find (path);
  void *handle = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    {
      snprintf (load_error, sizeof load_error, "the network module does not load: %s; check that libtorch is there",
                dlerror ());
      return;
    }
  module.open = symbol (handle, "network_open");
  module.close = symbol (handle, "network_close");
  module.metadata = symbol (handle, "network_metadata");
  module.prepare = symbol (handle, "network_prepare");
  module.run = symbol (handle, "network_run");
  module.use = symbol (handle, "network_use");
  module.build = symbol (handle, "network_build");
  module.draft_build = symbol (handle, "network_draft_build");
  module.draft_wrap = symbol (handle, "network_draft_wrap");
  module.draft_write = symbol (handle, "network_draft_write");
  module.draft_close = symbol (handle, "network_draft_close");
  module.library = symbol (handle, "network_library");
}

static int
need_module (char *error)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once (&once, load);
  if (load_error[0] && error)
    snprintf (error, NETWORK_ERROR_BYTES, "%s", load_error);
  return load_error[0] ? -1 : 0;
}

int
network_open (struct network **network, const char *path, const struct network_options *options,
              char error[NETWORK_ERROR_BYTES])
{
  return need_module (error) ? -1 : module.open (network, path, options, error);
}

void
network_close (struct network *network)
{
  if (network)
    module.close (network);
}

const char *
network_metadata (const struct network *network)
{
  return module.metadata (network);
}

int
network_prepare (struct network *network, const struct network_plan *plan, struct network_shape *shape,
                 char error[NETWORK_ERROR_BYTES])
{
  return module.prepare (network, plan, shape, error);
}

int
network_run (struct network *network, const unsigned char *pixels, int count, float *features,
             char error[NETWORK_ERROR_BYTES])
{
  return module.run (network, pixels, count, features, error);
}

void
network_use (const struct network *network, struct network_usage *usage)
{
  module.use (network, usage);
}

int
network_build (const char *path, const char *source, const struct network_tensor *tensors, size_t count,
               const char *metadata, char error[NETWORK_ERROR_BYTES])
{
  return need_module (error) ? -1 : module.build (path, source, tensors, count, metadata, error);
}

int
network_draft_build (struct network_draft **draft, const char *source, const struct network_tensor *tensors,
                     size_t count, int height, int width, struct network_trial *trial, char error[NETWORK_ERROR_BYTES])
{
  return need_module (error) ? -1 : module.draft_build (draft, source, tensors, count, height, width, trial, error);
}

int
network_draft_wrap (struct network_draft **draft, const char *path, int output, enum network_pool pool, int height,
                    int width, struct network_trial *trial, char error[NETWORK_ERROR_BYTES])
{
  return need_module (error) ? -1 : module.draft_wrap (draft, path, output, pool, height, width, trial, error);
}

int
network_draft_write (const struct network_draft *draft, const char *path, const char *metadata,
                     char error[NETWORK_ERROR_BYTES])
{
  return module.draft_write (draft, path, metadata, error);
}

void
network_draft_close (struct network_draft *draft)
{
  if (draft)
    module.draft_close (draft);
}

const char *
network_library (void)
{
  return need_module (NULL) ? "no libtorch" : module.library ();
}

#include <config.h>

#include "concurrencycache.h"

#include "../base/error.h"
#include "../base/machine.h"
#include "../base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRIES_MOST = 1000 }; /* then the file begins anew */

/* $XDG_CACHE_HOME/slabfit/network.json, to be freed by the caller; NULL where there is no such place.  */
static char *
find_file (void)
{
  const char *cache = getenv ("XDG_CACHE_HOME"), *home = getenv ("HOME");
  if (cache && *cache == '/')
    return text_new ("%s/slabfit/network.json", cache);
  return home && *home == '/' ? text_new ("%s/.cache/slabfit/network.json", home) : NULL;
}

/* What the entry depends on, to be freed by the caller.  A node with GPUs is known by its name.  */
static char *
key_new (const struct extractor *extractor, int threads, int batch)
{
  char processor[128], host[128] = "";
  const struct provenance *provenance = &extractor->provenance;
  machine_processor (processor);
  if (strcmp (extractor->device, "cpu") != 0)
    gethostname (host, sizeof host - 1);
  return text_new ("%s %s%s, %d threads, slabfit %s, %s, %s, %d x %d, %s, batch %d", extractor->device, processor, host,
                   threads, PACKAGE_VERSION, network_library (), provenance->backbone_sha256,
                   extractor->preprocess.height, extractor->preprocess.width, provenance->precision, batch);
}

/* The file's object, new; an empty one where it cannot be read.  */
static json_t *
load (const char *path)
{
  json_t *all = path ? json_load_file (path, 0, NULL) : NULL;
  if (json_is_object (all) && json_object_size (all) < ENTRIES_MOST)
    return all;
  json_decref (all);
  return json_object ();
}

static bool
read_entry (json_t *entry, struct concurrency *concurrency)
{
  struct concurrency found = { .origin = CONCURRENCY_REMEMBERED };
  if (json_unpack (entry, "{s:i, s:i, s:i, s:F}", "callers", &found.callers, "threads", &found.threads, "batch",
                   &found.batch, "image_seconds", &found.image_seconds)
      || found.callers < 1 || found.threads < 1 || found.batch < 1 || !(found.image_seconds > 0))
    return false;
  *concurrency = found;
  return true;
}

bool
concurrencycache_get (const struct extractor *extractor, int threads, int batch, struct concurrency *concurrency)
{
  char *path = find_file (), *key = key_new (extractor, threads, batch);
  json_t *all = load (path), *entry = key ? json_object_get (all, key) : NULL;
  bool found = entry && read_entry (entry, concurrency) && concurrency->callers * concurrency->threads <= 2 * threads;
  json_decref (all);
  free (key);
  free (path);
  error_clear ();
  return found;
}

void
concurrencycache_put (const struct extractor *extractor, int threads, int batch, const struct concurrency *concurrency)
{
  char *path = find_file (), *key = key_new (extractor, threads, batch), *slash = path ? strrchr (path, '/') : NULL;
  json_t *all = load (path);
  json_t *entry = json_pack ("{s:i, s:i, s:i, s:f}", "callers", concurrency->callers, "threads", concurrency->threads,
                             "batch", concurrency->batch, "image_seconds", concurrency->image_seconds);
  if (key)
    json_object_set (all, key, entry);
  char *text = json_dumps (all, JSON_INDENT (2) | JSON_SORT_KEYS);
  char *folder = slash ? text_new ("%.*s", (int) (slash - path), path) : NULL;
  if (folder && text && file_make_directories (folder) == 0)
    file_write (path, text, strlen (text));
  json_decref (entry);
  json_decref (all);
  free (folder);
  free (text);
  free (key);
  free (path);
  error_clear ();
}

/* A folder of images: every file in it and in its folders, links followed.  */
#include <config.h>

#include "sourcekind.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/folder.h"

#include <fcntl.h>
#include <stdlib.h>

/* A folder that is being read, and those that it lies in.  */
struct walk {
  const struct walk *above;
  const struct source *source;
  source_visitor *visit;
  void *context;
  const char *path; /* relative to the source; "" is its own folder */
  dev_t device;
  ino_t inode;
};

static int walk_folder (const struct walk *above, const char *path);

static int
walk_file (const struct walk *walk, const char *path, const struct folder_entry *entry)
{
  struct stat status;
  uint64_t bytes = fstatat (entry->descriptor, entry->name, &status, 0) ? 0 : (uint64_t) status.st_size;
  return walk->visit (walk->context, &(struct item){ .kind = ITEM_IMAGE, .path = path, .bytes = bytes });
}

static int
walk_entry (void *context, const struct folder_entry *entry)
{
  const struct walk *walk = context;
  char *path = file_path (walk->path, entry->name);
  int result = path ? 0 : -1;
  if (path && entry->folder)
    result = walk->visit (walk->context, &(struct item){ .kind = ITEM_FOLDER, .path = path });
  if (result == 0)
    result = entry->folder ? walk_folder (walk, path) : walk_file (walk, path, entry);
  free (path);
  return result;
}

static int
check_loop (const struct walk *walk, const char *full)
{
  for (const struct walk *above = walk->above; above; above = above->above)
    if (above->device == walk->device && above->inode == walk->inode)
      return error_set ("'%s' is a link to a folder that it lies in; remove the link", full);
  return 0;
}

/* What stamps are for: a folder changes when a file comes, goes or is renamed in it.  */
static int
walk_open (struct walk *walk, const char *full)
{
  struct stat status;
  if (stat (full, &status))
    return error_system ("open", full);
  walk->device = status.st_dev;
  walk->inode = status.st_ino;
  struct item stamp = source_stamp (walk->path, &status);
  if (check_loop (walk, full) || walk->visit (walk->context, &stamp))
    return -1;
  return folder_visit (full, walk_entry, walk);
}

static int
walk_folder (const struct walk *above, const char *path)
{
  struct walk walk = *above;
  walk.above = above->path ? above : NULL;
  walk.path = path;
  char *full = *path ? file_path (walk.source->folder, path) : text_new ("%s", walk.source->folder);
  int result = full ? walk_open (&walk, full) : -1;
  free (full);
  return result;
}

static int
visit_folder (const struct source *source, source_visitor *visit, void *context)
{
  return walk_folder (&(struct walk){ .source = source, .visit = visit, .context = context }, "");
}

const struct source_kind source_of_folder = { "folder", visit_folder, source_read_file };

/* Where the images of a dataset lie: a folder, a list of paths, a tar file, or a folder of tar files, one for each
   split.

   A source lists what it holds as it comes, in no order; listing.h makes splits, classes and an order of that.  */
#ifndef SLABFIT_SOURCE_H
#define SLABFIT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An image of a source.  */
struct image {
  const char *path; /* relative to the source; borrowed from who lists the images */
  uint64_t bytes;   /* size of the file; 0 where it is not known */
  uint64_t place;   /* where the source keeps it: tar files only */
  int32_t label;    /* number of its class, -1 where there are none */
};

/* The place of an image that is a link to nothing in its tar file.  */
static const uint64_t source_nowhere = UINT64_MAX;

struct source;

/* Opens DATASET and finds out what it is; "" is a source whose paths stand for themselves.  NULL with the error set: it
   is not there, a tar file is compressed, images lie beside tar files, or it is something else.  */
struct source *source_open (const char *dataset);
void source_close (struct source *source); /* NULL is allowed */

/* The bytes of IMAGE, *LENGTH of them, to be freed by the caller.  On failure NULL, and the error is a reason without
   the path.  Any thread.  */
void *source_read (const struct source *source, const struct image *image, size_t *length);

/* What a source says of itself.  */
const char *source_dataset (const struct source *source); /* as it was opened; borrowed */
const char *source_folder (const struct source *source);  /* that stamps lie in: DATASET, or the folder of a file */
const char *source_kind (const struct source *source);    /* "folder", "list", "tar", "tars" */

/* Whether PATH ends as the names of JPEG and PNG files do, in capitals too.  */
bool source_is_image_name (const char *path);

/* One thing that a source lists.  */
struct item {
  enum {
    ITEM_IMAGE,
    ITEM_FOLDER, /* an empty one may be a class */
    ITEM_LINK,   /* of a tar file, to TARGET in it */
    ITEM_STAMP,  /* what the list depends on: PATH in source_folder, when changed, its inode */
  } kind;
  const char *path;               /* "training/food/1_7.jpg" */
  uint64_t bytes, place;          /* as of an image; the number of the line in a list */
  const char *target;             /* of a link */
  uint64_t modified, inode;       /* of a stamp: nanoseconds */
  const char *class_name, *split; /* in a list; NULL where it has none, and where the path tells */
};

/* Calls VISIT for each item until it fails; its failure is returned.  Hidden files and folders (".*") are left out.
   Fails also where something cannot be read, with a message that names folder, line or member.  */
int source_visit (const struct source *source, int (*visit) (void *context, const struct item *item), void *context);

#endif

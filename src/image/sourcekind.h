/* The kinds of sources, for source.c and the files behind it alone: folderlist.c, csvlist.c and tarlist.c.  */
#ifndef SLABFIT_SOURCEKIND_H
#define SLABFIT_SOURCEKIND_H

#include "../base/text.h"
#include "source.h"

#include <sys/stat.h>

struct source {
  const struct source_kind *kind;
  char *dataset, *folder; /* owned */
  struct names tars;      /* the files in FOLDER that images lie in */
  int *descriptor;        /* (tars.count) */
};

typedef int source_visitor (void *context, const struct item *item);

struct source_kind {
  const char *name;
  int (*visit) (const struct source *source, source_visitor *visit, void *context);
  void *(*read) (const struct source *source, const struct image *image, size_t *length);
};

extern const struct source_kind source_of_folder, source_of_list, source_of_tar, source_of_tars;

/* A larger file is no photograph: a reason to fail, not to run out of memory.  */
static const size_t source_bytes_limit = (size_t) 1 << 30;

/* Reads a file of its own at IMAGE->path, absolute or in the source's folder.  */
void *source_read_file (const struct source *source, const struct image *image, size_t *length);

/* The stamp of the file PATH in the source's folder, as STATUS says.  */
struct item source_stamp (const char *path, const struct stat *status);

/* Opens SOURCE->tars.  */
int source_open_tars (struct source *source);

#endif

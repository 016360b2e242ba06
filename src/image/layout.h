/* What the folders of a dataset mean, in a folder and in a tar file alike:

     SPLIT/CLASS/FILE   every file below a class's folder is an image, whatever its name and however deep
     SPLIT/FILE         images without classes; so where folders hold no folders, and there is one or one is known as a
                        split
     CLASS/FILE         one split; so otherwise, unless there is one folder alone, one is known as a split, or each
                        holds folders, not all of one name (CLASS/images/FILE), and no images beside them
     FILE               images without classes, one split

   Of images without classes only files named as JPEG or PNG count.  Where there is one split it is called as the
   dataset is, if that is the name of a split, else training, or all where it has no classes.  A single folder around
   all of a tar file is passed over, unless it is known as a split and holds none.  So it is in each tar file of a set,
   where it holds folders, or is called as the tar file.  */
#ifndef SLABFIT_LAYOUT_H
#define SLABFIT_LAYOUT_H

#include "listing.h"

/* Gives the entries, which are sorted by path, their splits and classes, or -1 as a split.  */
int layout_apply (struct listing *listing);

/* Says that SPLIT of SOURCE has no images; -1.  */
int layout_no_images (const struct source *source, const char *split);

/* The name for a split that has none.  */
char *layout_split_name (const struct source *source, bool labelled);

#endif

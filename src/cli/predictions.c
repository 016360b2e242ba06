#include <config.h>

#include "predictions.h"

#include "../base/error.h"
#include "../base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints TEXT as a CSV field, quoted where it must be (RFC 4180).  */
static void
print_field (FILE *stream, const char *text)
{
  if (!text[strcspn (text, ",\"\r\n")])
    fputs (text, stream);
  else
    {
      fputc ('"', stream);
      for (; *text; text++)
        fputs (*text == '"' ? "\"\"" : (char[]){ *text, 0 }, stream);
      fputc ('"', stream);
    }
}

/* One line: image, class, predicted, and the probability of each class.  */
static void
print_row (FILE *stream, const char *image, const struct names *classes, const struct evaluation *evaluation,
           uint64_t row)
{
  print_field (stream, image);
  fputc (',', stream);
  print_field (stream, classes->name[evaluation->label[row]]);
  fputc (',', stream);
  print_field (stream, classes->name[evaluation->predicted[row]]);
  for (uint64_t i = 0; i < evaluation->classes; i++)
    fprintf (stream, ",%.9g", (double) evaluation->probabilities[row * evaluation->classes + i]);
  fputc ('\n', stream);
}

static int
print_rows (FILE *stream, struct featfile *file, const struct names *classes, const struct evaluation *evaluation)
{
  size_t path_bytes = featfile_info (file)->path_bytes;
  char *image = calloc (1, path_bytes + 24), *end = image;
  int result = image ? 0 : error_set ("no memory left for the predictions; give the job more memory");
  fputs ("image,class,predicted", stream);
  for (size_t i = 0; i < classes->count; i++)
    {
      fputc (',', stream);
      print_field (stream, classes->name[i]);
    }
  fputc ('\n', stream);
  for (uint64_t row = 0; result == 0 && row < evaluation->rows; row++)
    {
      if (path_bytes > 0)
        result = featfile_read_images (file, row, 1, image);
      else
        sprintf (end, "%" PRIu64, row); /* the file has no /images */
      if (result == 0)
        print_row (stream, image, classes, evaluation, row);
    }
  free (image);
  return result;
}

/* Gives the finished TEMPORARY its name PATH.  A file of other contents is not replaced, unless FORCE.  */
static int
keep_predictions (const char *temporary, const char *path, bool force)
{
  char written[FILE_SHA256_BYTES], found[FILE_SHA256_BYTES];
  if (!file_exists (path) || force)
    return file_commit (temporary, path);
  int result = file_sha256 (temporary, written) || file_sha256 (path, found) ? -1 : 0;
  if (result == 0 && strcmp (written, found))
    result = error_set ("'%s' is there already with other contents; choose another name or give --force", path);
  remove (temporary);
  return result;
}

int
predictions_write (const char *path, bool force, struct featfile *file, const struct names *classes,
                   const struct evaluation *evaluation)
{
  char *temporary = file_temporary (path);
  FILE *stream = temporary ? fopen (temporary, "we") : NULL;
  int result = 0;
  if (!stream)
    result = temporary ? error_system ("create", path) : -1;
  else
    {
      result = print_rows (stream, file, classes, evaluation);
      bool failed = ferror (stream) != 0;
      if ((fclose (stream) || failed) && result == 0)
        result = error_system ("write", path);
      if (result)
        remove (temporary);
      else
        result = keep_predictions (temporary, path, force);
    }
  free (temporary);
  return result;
}

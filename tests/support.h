/* What the unit tests share: reference files, a scratch folder for each test, and running them.  */
#ifndef SLABFIT_TESTS_SUPPORT_H
#define SLABFIT_TESTS_SUPPORT_H

#include "../src/base/error.h"
#include "../src/base/file.h"
#include "../src/base/text.h"

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tests/reference/NAME, valid until the next call.  */
static inline const char *
reference_path (const char *name)
{
  static char path[4096];
  const char *source = getenv ("srcdir");
  snprintf (path, sizeof path, "%s/tests/reference/%s", source ? source : ".", name);
  return path;
}

/* The bytes of tests/reference/NAME, with a 0 after them; to be freed.  */
static inline void *
reference_read (const char *name, size_t *length)
{
  void *data = file_read (reference_path (name), 1 << 24, length);
  ck_assert_msg (data != NULL, "%s", error_message ());
  return data;
}

/* The running test's own folder.  */
static char *scratch;

static inline void
scratch_make (void)
{
  const char *base = getenv ("TMPDIR");
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  scratch = text_new ("%s/slabfit-check-XXXXXX", base ? base : "/tmp");
  ck_assert_ptr_nonnull (mkdtemp (scratch));
}

static inline int
scratch_remove_entry (const char *path, const struct stat *status, int kind, struct FTW *place)
{
  (void) status, (void) kind, (void) place;
  return remove (path);
}

static inline void
scratch_remove (void)
{
  nftw (scratch, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  free (scratch);
}

/* The path of NAME in it; to be freed.  */
static inline char *
scratch_path (const char *name)
{
  return file_path (scratch, name);
}

/* Makes it the working directory; leaves it.  */
static inline void
scratch_enter (void)
{
  ck_assert_int_eq (chdir (scratch), 0);
}

static inline void
scratch_leave (void)
{
  ck_assert_int_eq (chdir ("/"), 0);
}

/* Writes TEXT as PATH, in folders that are made.  */
static inline void
write_text (const char *path, const char *text)
{
  char *folder = text_new ("%s", path), *slash = strrchr (folder, '/');
  if (slash)
    {
      *slash = '\0';
      ck_assert_msg (file_make_directories (folder) == 0, "%s", error_message ());
    }
  ck_assert_msg (file_write (path, text, strlen (text)) == 0, "%s", error_message ());
  free (folder);
}

/* PATH holds TEXT and nothing else.  */
static inline void
assert_contents (const char *path, const char *text)
{
  size_t length;
  char *data = file_read (path, 1 << 20, &length);
  ck_assert_msg (data != NULL, "%s", error_message ());
  ck_assert_uint_eq (length, strlen (text));
  ck_assert_str_eq (data, text);
  free (data);
}

/* How many entries FOLDER has.  */
static inline int
count_entries (const char *folder)
{
  int count = -2;
  DIR *stream = opendir (folder);
  while (stream && readdir (stream))
    count++;
  if (stream)
    closedir (stream);
  return count;
}

/* How many threads the process has.  */
static inline int
count_threads (void)
{
  return count_entries ("/proc/self/task");
}

/* The same once threads that were joined before are no longer counted.  */
static inline int
settled_threads (void)
{
  int least = count_threads ();
  for (int waited = 0; waited < 50; waited++)
    {
      usleep (1000);
      int count = count_threads ();
      least = count < least ? count : least;
    }
  return least;
}

/* It has COUNT; the system still counts one that was joined for a moment.  */
static inline void
assert_threads (int count)
{
  for (int waited = 0; waited < 1000 && count_threads () > count; waited++)
    usleep (1000);
  ck_assert_int_eq (count_threads (), count);
}

/* An empty case NAME, each of whose tests is given its folder.  */
static inline TCase *
new_cases (const char *name)
{
  TCase *cases = tcase_create (name);
  tcase_add_checked_fixture (cases, scratch_make, scratch_remove);
  tcase_set_timeout (cases, 120);
  return cases;
}

/* Runs CASES as the suite NAME; returns main's exit status.  */
static inline int
run_cases (TCase *cases, const char *name)
{
  Suite *suite = suite_create (name);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

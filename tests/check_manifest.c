/* The manifest against an independent computation of its order and checksum (reference/make_images.py), what folders
   may hold, and what is refused.  */
#include <config.h>

#include "../src/base/memory.h"
#include "../src/base/stop.h"
#include "../src/image/catalogue.h"
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char *expected; /* manifest.txt */

static void
set_up (void)
{
  size_t length;
  expected = reference_read ("images/manifest.txt", &length); /* before srcdir, which may be relative, changes */
  scratch_enter ();
}

static void
tear_down (void)
{
  scratch_leave ();
  free (expected);
}

static struct source *source;
static struct catalogue *catalogue;

/* The manifest of SPLIT, or the first one where it is NULL, by way of a new catalogue, "listed".  */
static int
take (struct manifest *manifest, const char *dataset, const char *split, uint64_t seed)
{
  *manifest = (struct manifest){ 0 };
  source = source_open (dataset);
  catalogue = source ? catalogue_open (source, "listed", seed) : NULL;
  if (!catalogue)
    return -1;
  return catalogue_manifest (catalogue, split ? split : catalogue_splits (catalogue)->name[0], manifest);
}

static void
leave (struct manifest *manifest)
{
  manifest_free (manifest);
  catalogue_close (catalogue);
  source_close (source);
  source = NULL;
  catalogue = NULL;
  unlink ("listed");
}

static const char *
path_of (const struct manifest *manifest, size_t number)
{
  return manifest_image (manifest, number).path;
}

/* A file of LENGTH bytes in FOLDER, which is made.  */
static void
add_file (const char *folder, const char *name, size_t length)
{
  char *path = file_path (folder, name), *data = calloc (length + 1, 1);
  ck_assert_int_eq (file_make_directories (folder), 0);
  ck_assert_msg (file_write (path, data, length) == 0, "%s", error_message ());
  free (path);
  free (data);
}

/* The files that make_images.py's manifest describes, and much that is left out.  */
static void
add_dataset (void)
{
  static const char *const folders[] = { "data/training/a", "data/training/a-b", "data/training/z\u00e9bra" };
  for (size_t label = 0; label < 3; label++)
    for (size_t i = 0; i < 7 + label; i++)
      {
        char name[32];
        snprintf (name, sizeof name, "%zu_%zu.jpg", label, i);
        add_file (folders[label], name, label + i);
      }
  add_file ("data", "README", 1);
  add_file ("data/training", "list.csv", 1);
  add_file ("data/training/a", ".hidden.jpg", 1);
  add_file ("data/.cache/a", "1.jpg", 1);
  ck_assert_int_eq (mkfifo ("data/training/a/pipe", 0600), 0);
}

START_TEST (order_and_sha256)
{
  struct manifest manifest;
  char line[256], *rest = expected;
  add_dataset ();
  ck_assert_msg (take (&manifest, "data", "training", 42) == 0, "%s", error_message ());
  ck_assert_uint_eq (manifest.count, 7 + 8 + 9);
  ck_assert_str_eq (manifest.sha256, strsep (&rest, "\n"));
  for (size_t i = 0; i < manifest.count; i++)
    {
      struct image image = manifest_image (&manifest, i);
      snprintf (line, sizeof line, "%d %ju %s", image.label, (uintmax_t) image.bytes, image.path);
      ck_assert_str_eq (line, strsep (&rest, "\n"));
    }
  ck_assert_uint_eq (manifest.classes.count, 3);
  ck_assert_str_eq (manifest.classes.name[1], "a-b");
  ck_assert_uint_eq (manifest.path_bytes, strlen ("training/z\u00e9bra/2_0.jpg"));
  ck_assert_uint_eq (manifest.seed, 42);
  leave (&manifest);
  ck_assert_uint_eq (memory_bytes (), 0);
}
END_TEST

START_TEST (seed_and_contents_change_the_sha256)
{
  struct manifest manifest;
  char first[FILE_SHA256_BYTES], *path;
  add_dataset ();
  ck_assert_int_eq (take (&manifest, "data", "training", 1), 0);
  memcpy (first, manifest.sha256, sizeof first);
  path = text_new ("%s", path_of (&manifest, 0));
  leave (&manifest);
  ck_assert_int_eq (take (&manifest, "data/", "training", 2), 0);
  ck_assert_str_ne (manifest.sha256, first);
  leave (&manifest);
  add_file ("data/training/a", "0_0.jpg", 99);
  ck_assert_int_eq (take (&manifest, "data", "training", 1), 0);
  ck_assert_str_ne (manifest.sha256, first);
  ck_assert_str_eq (path_of (&manifest, 0), path);
  leave (&manifest);
  free (path);
}
END_TEST

START_TEST (links)
{
  struct manifest manifest;
  add_file ("data/training/a", "1.jpg", 5);
  add_file ("elsewhere/b", "2.jpg", 6);
  ck_assert_int_eq (symlink ("../../elsewhere/b", "data/training/b"), 0);
  ck_assert_int_eq (symlink ("../../../elsewhere/b/2.jpg", "data/training/a/2.jpg"), 0);
  ck_assert_int_eq (symlink ("nowhere", "data/training/a/3.jpg"), 0);
  ck_assert_msg (take (&manifest, "data", "training", 0) == 0, "%s", error_message ());
  ck_assert_uint_eq (manifest.count, 4);
  for (size_t i = 0; i < 4; i++)
    {
      struct image image = manifest_image (&manifest, i);
      const char *path = image.path;
      uint64_t bytes = strstr (path, "a/1") ? 5 : strstr (path, "a/3") ? 0 : 6;
      ck_assert_uint_eq (image.bytes, bytes);
      ck_assert_int_eq (image.label, strstr (path, "b/") ? 1 : 0);
    }
  leave (&manifest);
}
END_TEST

START_TEST (splits_in_order)
{
  struct manifest manifest;
  static const char *const order[] = { "training", "validation", "evaluation", "A", "extra", "test" };
  for (size_t i = 0; i < 6; i++)
    {
      char folder[64];
      snprintf (folder, sizeof folder, "data/%s/cat", order[5 - i]);
      add_file (folder, "1.jpg", 1);
    }
  ck_assert_msg (take (&manifest, "data", "A", 0) == 0, "%s", error_message ());
  ck_assert_uint_eq (catalogue_splits (catalogue)->count, 6);
  for (size_t i = 0; i < 6; i++)
    ck_assert_str_eq (catalogue_splits (catalogue)->name[i], order[i]);
  leave (&manifest);
}
END_TEST

static void
assert_refused (const char *split, const char *message)
{
  struct manifest manifest;
  ck_assert_int_eq (take (&manifest, "data", split, 42), -1);
  ck_assert_str_eq (error_message (), message);
  ck_assert_int_eq (error_status (), ERROR_FAILED);
  ck_assert_uint_eq (manifest.count, 0);
  leave (&manifest);
  ck_assert_uint_eq (memory_bytes (), 0);
}

START_TEST (no_dataset)
{
  assert_refused ("training", "cannot open 'data': No such file or directory; check the path");
  ck_assert_int_eq (file_make_directories ("data"), 0);
  assert_refused ("training", "'data' has no folders of splits; put images into 'data/training/CLASS/' and so on, or "
                              "make a dataset with slabfit organize");
}
END_TEST

START_TEST (no_such_split)
{
  add_dataset ();
  add_file ("data/extra/a", "1", 1);
  ck_assert_int_eq (file_make_directories ("data/extra/a-b"), 0);
  ck_assert_int_eq (file_make_directories ("data/extra/z\u00e9bra"), 0);
  assert_refused ("validation", "'data' has no split 'validation'; it has training, extra");
}
END_TEST

START_TEST (empty_split)
{
  static const char message[] = "'data/validation' holds no images; put some into 'data/validation/CLASS/' (slabfit "
                                "organize does it), or remove the folder";
  add_dataset ();
  ck_assert_int_eq (file_make_directories ("data/validation"), 0);
  assert_refused ("validation", message);
  assert_refused ("training", message);
  ck_assert_int_eq (file_make_directories ("data/validation/a"), 0);
  ck_assert_int_eq (file_make_directories ("data/validation/a-b"), 0);
  ck_assert_int_eq (file_make_directories ("data/validation/z\u00e9bra"), 0);
  assert_refused ("validation", message);
}
END_TEST

START_TEST (class_in_one_split)
{
  add_file ("data/training/cat", "1.jpg", 1);
  add_file ("data/training/rare", "1.jpg", 1);
  add_file ("data/evaluation/cat", "1.jpg", 1);
  static const char message[] = "class 'rare' is in 'data/training' but not in 'data/evaluation'; add the folder "
                                "'data/evaluation/rare' (empty, if there are no such images) or remove the class";
  assert_refused ("training", message);
  assert_refused ("evaluation", message);
  add_file ("data/evaluation/rare", "1.jpg", 1);
  add_file ("data/evaluation/aardvark", "1.jpg", 1);
  assert_refused ("training", "class 'aardvark' is in 'data/evaluation' but not in 'data/training'; add the folder "
                              "'data/training/aardvark' (empty, if there are no such images) or remove the class");
}
END_TEST

/* What is found in "data": "SPLIT:", its classes, ":", and each image's path and label, sorted by path.  */
static void
assert_found (const char *split, const char *list)
{
  struct manifest manifest;
  struct names lines = { 0 };
  ck_assert_msg (take (&manifest, "data", NULL, 7) == 0, "%s", error_message ());
  ck_assert_str_eq (catalogue_splits (catalogue)->name[0], split);
  for (size_t i = 0; i < manifest.count; i++)
    {
      struct image image = manifest_image (&manifest, i);
      char *line = text_new ("%s %s", image.path, image.label < 0 ? "-" : manifest.classes.name[image.label]);
      ck_assert_int_eq (names_add (&lines, line), 0);
      free (line);
    }
  names_sort (&lines);
  char *found = names_join (&lines);
  ck_assert_str_eq (found, list);
  ck_assert_int_eq (manifest.classes.count == 0, strstr (list, " -") != NULL);
  free (found);
  names_free (&lines);
  leave (&manifest);
}

START_TEST (folders_in_a_class_hold_its_images)
{
  add_file ("data/training/a/images/old", "1.jpg", 1);
  add_file ("data/training/a", "2", 1);
  add_file ("data/training/b/images", "1.jpg", 1);
  assert_found ("training", "training/a/2 a, training/a/images/old/1.jpg a, training/b/images/1.jpg b");
}
END_TEST

START_TEST (images_without_classes)
{
  add_file ("data/test", "1.JPG", 1);
  add_file ("data/test", "2.png", 1);
  add_file ("data/test", "README", 1);
  assert_found ("test", "test/1.JPG -, test/2.png -");
  add_file ("data", "3.jpeg", 1);
  assert_found ("test", "test/1.JPG -, test/2.png -");
  ck_assert_int_eq (rename ("data/test", "elsewhere"), 0);
  assert_found ("all", "3.jpeg -");
}
END_TEST

START_TEST (one_folder_alone_is_no_class)
{
  add_file ("data/photos", "1.jpg", 1);
  assert_found ("photos", "photos/1.jpg -");
}
END_TEST

START_TEST (classes_without_splits)
{
  add_file ("data/dog", "1.jpg", 1);
  add_file ("data/cat", "a b", 1);
  add_file ("data", "list.jpg", 1);
  ck_assert_int_eq (file_make_directories ("data/horse"), 0);
  assert_found ("training", "cat/a b cat, dog/1.jpg dog");
  ck_assert_int_eq (rename ("data", "validation"), 0);
  ck_assert_int_eq (symlink ("validation", "data"), 0);
  struct manifest manifest;
  ck_assert_int_eq (take (&manifest, "./validation//", "validation", 0), 0); /* called as the folder is */
  ck_assert_uint_eq (manifest.classes.count, 3);
  leave (&manifest);
}
END_TEST

START_TEST (classes_of_one_folder_each)
{
  add_file ("data/n01/images", "1.JPEG", 1);
  add_file ("data/n02/images", "2.JPEG", 1);
  assert_found ("training", "n01/images/1.JPEG n01, n02/images/2.JPEG n02");
}
END_TEST

/* Folders below some of the classes, or beside their images, make no splits of them.  */
START_TEST (folders_in_some_classes)
{
  add_file ("data/cat", "1.jpg", 1);
  add_file ("data/dog", "1.jpg", 1);
  add_file ("data/dog/thumbs", "1.jpg", 1);
  assert_found ("training", "cat/1.jpg cat, dog/1.jpg dog, dog/thumbs/1.jpg dog");
  ck_assert_int_eq (unlink ("data/dog/1.jpg"), 0);
  assert_found ("training", "cat/1.jpg cat, dog/thumbs/1.jpg dog");
  add_file ("data/cat/more", "2", 1);
  assert_found ("training", "cat/1.jpg cat, cat/more/2 cat, dog/thumbs/1.jpg dog");
}
END_TEST

START_TEST (splits_of_any_name)
{
  struct manifest manifest;
  add_file ("data/here/cat", "1.jpg", 1);
  add_file ("data/here/dog", "1.jpg", 1);
  add_file ("data/there/cat", "1.jpg", 1);
  ck_assert_int_eq (file_make_directories ("data/there/dog"), 0);
  assert_found ("here", "here/cat/1.jpg cat, here/dog/1.jpg dog");
  ck_assert_int_eq (take (&manifest, "data", "there", 0), 0);
  ck_assert_uint_eq (manifest.count, 1);
  leave (&manifest);
}
END_TEST

START_TEST (empty_classes)
{
  ck_assert_int_eq (file_make_directories ("data/a"), 0);
  ck_assert_int_eq (file_make_directories ("data/b"), 0);
  assert_refused ("training", "'data' holds no images; put some into its folders, such as 'data/a'");
}
END_TEST

/* Of one split the classes are folders, of another there are none, as in contests.  */
START_TEST (a_split_without_classes_beside_others)
{
  struct manifest manifest;
  add_file ("data/train/cat", "1.jpg", 1);
  add_file ("data/train/dog", "1.jpg", 1);
  add_file ("data/test", "9.jpg", 1);
  assert_found ("test", "test/9.jpg -");
  ck_assert_int_eq (take (&manifest, "data", "train", 0), 0);
  ck_assert_uint_eq (manifest.count, 2);
  ck_assert_uint_eq (manifest.classes.count, 2);
  leave (&manifest);
}
END_TEST

START_TEST (a_folder_around_the_dataset)
{
  add_file ("data/photos/training/a", "1.jpg", 1);
  add_file ("data/photos/validation/a", "1.jpg", 1);
  assert_refused ("training",
                  "'data/photos' looks like the dataset, since it has the folder 'training'; give it instead "
                  "of 'data'");
}
END_TEST

START_TEST (links_in_a_circle)
{
  add_file ("data/training/a/b", "1.jpg", 1);
  ck_assert_int_eq (symlink ("../..", "data/training/a/b/up"), 0);
  assert_refused ("training", "'data/training/a/b/up' is a link to a folder that it lies in; remove the link");
}
END_TEST

static void
set_back (const char *path)
{
  const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
  ck_assert_int_eq (utimensat (AT_FDCWD, path, times, 0), 0);
}

static ino_t
number_of (const char *path)
{
  struct stat status;
  ck_assert_int_eq (stat (path, &status), 0);
  return status.st_ino;
}

/* Opens "data"'s catalogue, which is kept; whether it was made anew.  */
static bool
is_made (uint64_t seed)
{
  struct stat before;
  bool there = stat ("listed", &before) == 0;
  int descriptor = open ("listed", O_RDONLY); /* its number is not used again */
  source = source_open ("data");
  catalogue = catalogue_open (source, "listed", seed);
  ck_assert_msg (catalogue != NULL, "%s", error_message ());
  bool made = !there || number_of ("listed") != before.st_ino;
  catalogue_close (catalogue);
  source_close (source);
  if (descriptor >= 0)
    close (descriptor);
  return made;
}

static rlim_t
data_bytes (void)
{
  char line[256];
  unsigned long kilobytes = 0;
  FILE *stream = fopen ("/proc/self/status", "re");
  while (stream && fgets (line, sizeof line, stream) && sscanf (line, "VmData: %lu kB", &kilobytes) != 1)
    ;
  if (stream)
    fclose (stream);
  return (rlim_t) kilobytes * 1024;
}

/* The process's own memory (not the files that it maps) may grow by 4 MB, and the paths alone need more.  */
START_TEST (many_images_in_little_memory)
{
  enum { IMAGES = 200000, ROOM = 4 << 20 };
  struct manifest manifest;
  rlim_t before = data_bytes ();
  add_file (".", "0000000.jpg", 1);
  FILE *stream = fopen ("list.csv", "w");
  for (int i = 0; i < IMAGES; i++)
    fprintf (stream, "%07d.jpg,%d\n", i * 7 % IMAGES, i % 10);
  fclose (stream);
#ifdef __SANITIZE_ADDRESS__
  before = 0; /* it takes memory of its own */
#endif
  if (before == 0)
    return; /* not Linux */
  ck_assert_int_eq (setrlimit (RLIMIT_DATA, &(struct rlimit){ before + ROOM, before + ROOM }), 0);
  ck_assert_ptr_null (malloc (2 * ROOM)); /* the limit holds */
  ck_assert_msg (take (&manifest, "list.csv", "training", 3) == 0, "%s", error_message ());
  ck_assert_uint_eq (manifest.count, IMAGES);
  ck_assert_uint_eq (manifest.classes.count, 10);
  leave (&manifest);
}
END_TEST

START_TEST (listing_stops_when_asked)
{
  struct manifest manifest;
  add_dataset ();
  stop_watch (0);
  ck_assert_int_eq (raise (SIGTERM), 0);
  ck_assert_int_eq (take (&manifest, "data", "training", 1), -1);
  ck_assert_int_eq (error_status (), ERROR_STOPPED);
  ck_assert_str_eq (error_message (), "stopped while listing 'data'; run the same command again");
  leave (&manifest);
}
END_TEST

START_TEST (a_catalogue_is_made_once)
{
  static const char *const folders[] = { "data/training/a", "data/training/a-b", "data/training/z\u00e9bra",
                                         "data/training", "data" };
  add_dataset ();
  ck_assert (is_made (1));
  ck_assert (is_made (1)); /* the folders are of this second */
  for (int i = 0; i < 5; i++)
    set_back (folders[i]);
  ck_assert (is_made (1));
  ck_assert (!is_made (1));
  ck_assert (is_made (2));
  ck_assert (!is_made (2));
  add_file ("data/training/a-b", "new.jpg", 1);
  ck_assert (is_made (2));
  set_back ("data/training/a-b"); /* to the time before the file came, as rsync may */
  ck_assert (is_made (2));
  ck_assert (!is_made (2));
  ck_assert_int_eq (truncate ("listed", 4096), 0);
  ck_assert (is_made (2));
  int descriptor = open ("listed", O_WRONLY);
  ck_assert_int_eq (pwrite (descriptor, "!", 1, 8), 1);
  close (descriptor);
  ck_assert (is_made (2));
  ck_assert (!is_made (2));
}
END_TEST

START_TEST (not_utf8)
{
  add_dataset ();
  add_file ("data/training/a", "caf\xe9.jpg", 1);
  assert_refused ("training", "the name 'training/a/caf\\xe9.jpg' is not UTF-8; rename it (convmv converts whole "
                              "folders)");
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("manifest");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, order_and_sha256);
  tcase_add_test (cases, seed_and_contents_change_the_sha256);
  tcase_add_test (cases, links);
  tcase_add_test (cases, splits_in_order);
  tcase_add_test (cases, no_dataset);
  tcase_add_test (cases, no_such_split);
  tcase_add_test (cases, empty_split);
  tcase_add_test (cases, class_in_one_split);
  tcase_add_test (cases, folders_in_a_class_hold_its_images);
  tcase_add_test (cases, images_without_classes);
  tcase_add_test (cases, one_folder_alone_is_no_class);
  tcase_add_test (cases, classes_without_splits);
  tcase_add_test (cases, classes_of_one_folder_each);
  tcase_add_test (cases, folders_in_some_classes);
  tcase_add_test (cases, splits_of_any_name);
  tcase_add_test (cases, empty_classes);
  tcase_add_test (cases, a_split_without_classes_beside_others);
  tcase_add_test (cases, a_folder_around_the_dataset);
  tcase_add_test (cases, links_in_a_circle);
  tcase_add_test (cases, listing_stops_when_asked);
  tcase_add_test (cases, many_images_in_little_memory);
  tcase_add_test (cases, a_catalogue_is_made_once);
  tcase_add_test (cases, not_utf8);
  return run_cases (cases, "manifest");
}

/* Reading images where they lie.  */
#include <config.h>

#include "../src/image/source.h"

#include "support.h"

static void *
read_image (const struct source *source, const char *path, size_t *length)
{
  return source_read (source, &(struct image){ .path = path }, length);
}

START_TEST (files_of_a_folder)
{
  size_t length = 0;
  char *path = scratch_path ("image.jpg");
  struct source *source = source_open (scratch), *anywhere = source_open ("");
  ck_assert_int_eq (file_write (path, "bytes", 5), 0);
  char *data = read_image (source, "image.jpg", &length);
  ck_assert_uint_eq (length, 5);
  ck_assert_mem_eq (data, "bytes", 5);
  free (data);
  data = read_image (anywhere, path, &length);
  ck_assert_mem_eq (data, "bytes", 5);
  free (data);
  source_close (source);
  source_close (anywhere);
  free (path);
}
END_TEST

/* Reasons do not name the file, which stands beside them.  */
START_TEST (files_that_cannot_be_read)
{
  size_t length;
  struct source *source = source_open (scratch), *anywhere = source_open ("");
  ck_assert_ptr_null (read_image (source, "none.jpg", &length));
  ck_assert_str_eq (error_message (), "cannot be read: No such file or directory");
  ck_assert_ptr_null (read_image (anywhere, scratch, &length));
  ck_assert_str_eq (error_message (), "cannot be read: Is a directory");
  source_close (source);
  source_close (anywhere);
}
END_TEST

/* Runs the shell's COMMAND in the scratch folder.  */
static void
shell (const char *command)
{
  char *full = text_new ("cd '%s' && { %s; }", scratch, command);
  ck_assert_int_eq (system (full), 0);
  free (full);
}

/* The items of a source that are wanted: each image as "PATH=CONTENTS", each link as "PATH->TARGET", sorted.  */
struct found {
  const struct source *source;
  struct names items;
};

static int
note_item (void *context, const struct item *item)
{
  struct found *found = context;
  struct image image = { .path = item->path, .bytes = item->bytes, .place = item->place };
  size_t length;
  char *data = item->kind == ITEM_IMAGE ? source_read (found->source, &image, &length) : NULL, *line = NULL;
  if (item->kind == ITEM_IMAGE)
    line = text_new ("%s=%s", item->path, data ? data : error_message ());
  else if (item->kind == ITEM_LINK)
    line = text_new ("%s->%s", item->path, item->target);
  if (data)
    ck_assert_uint_eq (length, item->bytes);
  if (line)
    ck_assert_int_eq (names_add (&found->items, line), 0);
  free (data);
  free (line);
  return 0;
}

static void
assert_items (const char *name, const char *expected)
{
  char *path = scratch_path (name);
  struct found found = { .source = source_open (path) };
  ck_assert_msg (found.source != NULL, "%s", error_message ());
  int result = source_visit (found.source, note_item, &found);
  ck_assert_msg (result == 0, "%s", error_message ());
  names_sort (&found.items);
  char *items = names_join (&found.items);
  ck_assert_str_eq (items, expected);
  free (items);
  names_free (&found.items);
  source_close ((struct source *) found.source);
  free (path);
}

static const char *const formats[] = { "ustar", "pax", "gnu", "v7" };

/* By GNU tar: images lie where they are read, whatever the format and the length of the names.  */
START_TEST (members_of_a_tar_file)
{
  for (size_t i = 0; i < 4; i++)
    {
      char *command = text_new ("mkdir -p d/a d/.b && printf one >d/a/1.jpg && printf twenty >'d/a/\u00fc \"2\".png' "
                                "&& printf no >d/._x && printf no >d/.b/x && : >d/a/empty && tar -cf %s.tar "
                                "--format=%s -C d .",
                                formats[i], formats[i]);
      shell (command);
      free (command);
      char *name = text_new ("%s.tar", formats[i]);
      assert_items (name, "a/1.jpg=one, a/empty=, a/\u00fc \"2\".png=twenty");
      free (name);
    }
}
END_TEST

START_TEST (long_names_of_a_tar_file)
{
  char name[181], *expected;
  memset (name, 'n', 180);
  name[180] = '\0';
  expected = text_new ("x/%s/%s.jpg=far", name, name);
  for (size_t i = 1; i < 3; i++)
    {
      char *command = text_new ("mkdir -p x/%s && printf far >x/%s/%s.jpg && tar -cf long.tar --format=%s x", name,
                                name, name, formats[i]);
      shell (command);
      assert_items ("long.tar", expected);
      free (command);
    }
  free (expected);
}
END_TEST

START_TEST (links_of_a_tar_file)
{
  shell ("mkdir -p t/a t/b && printf one >t/a/1.jpg && ln t/a/1.jpg t/b/hard.jpg && ln -s ../a/1.jpg t/b/soft.jpg && "
         "ln -s /t/a/1.jpg t/b/top.jpg && tar -cf links.tar t/a/1.jpg t/b/hard.jpg t/b/soft.jpg t/b/top.jpg");
  assert_items ("links.tar", "t/a/1.jpg=one, t/b/hard.jpg->t/a/1.jpg, t/b/soft.jpg->t/a/1.jpg, t/b/top.jpg->t/a/1.jpg");
}
END_TEST

/* Each is a split, whether its members say so or not.  */
START_TEST (tar_files_in_a_folder)
{
  shell ("mkdir -p s training/a a && printf one >training/a/1.jpg && printf two >a/2.jpg && tar -cf s/training.tar "
         "training && tar -cf s/test.tar ./a/2.jpg && : >s/README");
  assert_items ("s", "test/a/2.jpg=two, training/a/1.jpg=one");
}
END_TEST

/* Nothing is unpacked, so such members harm nobody; they are called as tar calls what it unpacks.  */
START_TEST (members_outside_of_the_folder)
{
  shell ("mkdir -p o/a/b o/.d && printf one >o/1.jpg && printf two >o/a/2.jpg && printf three >o/a/b/3.jpg && "
         "printf no >o/.d/4.jpg && cd o/a/b && tar -cPf ../../../outside.tar ../../1.jpg ../b/../2.jpg "
         "../../.d/../a/b/3.jpg ../../.d/4.jpg");
  assert_items ("outside.tar", "1.jpg=one, 2.jpg=two, a/b/3.jpg=three");
}
END_TEST

static void
assert_not_opened (const char *name, const char *message)
{
  char *path = scratch_path (name), *full = text_new (message, path);
  struct source *source = source_open (path);
  int result = source ? source_visit (source, note_item, &(struct found){ .source = source }) : -1;
  ck_assert_int_eq (result, -1);
  ck_assert_str_eq (error_message (), full);
  source_close (source);
  free (full);
  free (path);
}

START_TEST (what_is_no_source)
{
  shell ("head -c 30000 /dev/zero | tr '\\0' x >1.jpg && printf no >2.jpg && tar -cf full.tar 1.jpg 2.jpg && gzip -k "
         "full.tar && head -c 20000 full.tar >short.tar && printf text >text.tar && : >empty && printf 'P\\0' >binary");
  assert_not_opened ("none", "cannot open '%s': No such file or directory; check the path");
  assert_not_opened ("full.tar.gz",
                     "'%s' is compressed, so that no image in it can be read alone; unpack it with gzip -d");
  assert_not_opened ("short.tar", "'%s' ends in the middle of '1.jpg'; copy it again");
  assert_not_opened ("text.tar",
                     "'%s' cannot be read as a tar file: Unrecognized archive format; copy or make it again");
  assert_not_opened ("empty", "'%s' is empty; give a folder of images, a list of their paths, or a tar file");
  assert_not_opened ("binary",
                     "'%s' is neither a list of paths nor a tar file; give one of these, or a folder of images");
}
END_TEST

/* The member's size is not that of what is stored; the file ends in the header that holds its long name.  */
START_TEST (odd_tar_files)
{
  shell (
    "truncate -s 100000 1.jpg && tar --sparse -cf sparse.tar 1.jpg && name=$(printf %0180d 1) && printf far >$name "
    "&& tar -cf long.tar --format=gnu $name && head -c 600 long.tar >cut.tar");
  assert_not_opened ("sparse.tar", "'1.jpg' in '%s' was stored with holes; make the tar file without --sparse");
  char *path = scratch_path ("cut.tar"), *start = text_new ("'%s' cannot be read as a tar file: ", path);
  struct source *source = source_open (path);
  ck_assert_int_eq (source_visit (source, note_item, &(struct found){ .source = source }), -1);
  ck_assert_mem_eq (error_message (), start, strlen (start));
  ck_assert_msg (!strstr (error_message (), "(null)"), "%s",
                 error_message ()); /* the reason is libarchive's, or none */
  source_close (source);
  free (start);
  free (path);
}
END_TEST

START_TEST (lists_in_utf16)
{
  shell ("printf '\\377\\376p\\0' >little.csv && printf '\\376\\377\\0p' >big.csv");
  assert_not_opened ("little.csv", "'%s' is UTF-16; save it as UTF-8");
  assert_not_opened ("big.csv", "'%s' is UTF-16; save it as UTF-8");
}
END_TEST

/* What a folder of tar files would leave out.  */
START_TEST (splits_that_would_be_left_out)
{
  shell ("mkdir -p s && printf no >1.jpg && tar -cf s/training.tar 1.jpg && : >s/validation.tar.gz && : >s/z.txz");
  static const char message[] = "'%s/validation.tar.gz' is compressed, so that no image in it can be read alone; "
                                "unpack it with gzip -d";
  char *folder = scratch_path ("s");
  assert_not_opened ("s", message);
  shell ("rm s/training.tar");
  assert_not_opened ("s", message);
  shell ("mv s/validation.tar.gz s/validation.tar.xz");
  assert_not_opened ("s", "'%s/validation.tar.xz' is compressed, so that no image in it can be read alone; unpack it "
                          "with xz -d");
  shell ("mv 1.jpg s");
  struct source *source = source_open (folder); /* an archive beside its images */
  ck_assert_str_eq (source_kind (source), "folder");
  source_close (source);
  shell ("mv s/validation.tar.xz s/validation.tar");
  assert_not_opened ("s", "'%s' has both images ('1.jpg') and tar files ('validation.tar'); move the ones or the "
                          "others elsewhere");
  free (folder);
}
END_TEST

/* The tar file loses its end after it was listed.  */
START_TEST (members_that_are_gone)
{
  size_t length;
  shell ("head -c 30000 /dev/zero >1.jpg && tar -cf full.tar 1.jpg");
  char *path = scratch_path ("full.tar");
  struct source *source = source_open (path);
  ck_assert_int_eq (truncate (path, 20000), 0);
  struct image image = { .path = "1.jpg", .bytes = 30000, .place = 512 };
  ck_assert_ptr_null (source_read (source, &image, &length));
  ck_assert_str_eq (error_message (), "cannot be read: the tar file ends before it");
  source_close (source);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("source");
  tcase_add_test (cases, files_of_a_folder);
  tcase_add_test (cases, files_that_cannot_be_read);
  tcase_add_test (cases, members_of_a_tar_file);
  tcase_add_test (cases, long_names_of_a_tar_file);
  tcase_add_test (cases, links_of_a_tar_file);
  tcase_add_test (cases, tar_files_in_a_folder);
  tcase_add_test (cases, members_outside_of_the_folder);
  tcase_add_test (cases, what_is_no_source);
  tcase_add_test (cases, odd_tar_files);
  tcase_add_test (cases, lists_in_utf16);
  tcase_add_test (cases, splits_that_would_be_left_out);
  tcase_add_test (cases, members_that_are_gone);
  return run_cases (cases, "source");
}

/* Progress as a log file, a terminal and nobody see it.  */
#include <config.h>

#include "../src/base/progress.h"

#include "support.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

static int kept; /* standard error, while something else stands in its place */

static void
divert_to (int descriptor)
{
  ck_assert_int_ge (descriptor, 0);
  kept = dup (STDERR_FILENO);
  ck_assert_int_eq (dup2 (descriptor, STDERR_FILENO), STDERR_FILENO);
  close (descriptor);
}

static void
divert_to_file (void)
{
  char *path = scratch_path ("log");
  divert_to (open (path, O_WRONLY | O_CREAT | O_TRUNC, 0666));
  free (path);
}

static void
restore (void)
{
  ck_assert_int_eq (dup2 (kept, STDERR_FILENO), STDERR_FILENO);
  close (kept);
}

/* What the file was given; to be freed.  */
static char *
read_log (void)
{
  size_t length;
  char *path = scratch_path ("log"), *text = file_read (path, 1 << 20, &length);
  restore ();
  ck_assert_msg (text != NULL, "%s", error_message ());
  ck_assert_uint_eq (length, strlen (text));
  free (path);
  return text;
}

static void
work (void)
{
  struct progress progress = progress_begin ("extract training", "images", 40);
  for (int i = 0; i < 40; i++)
    progress_advance (&progress, 1);
  progress_end (&progress);
}

START_TEST (a_log_has_the_final_line)
{
  divert_to_file ();
  work ();
  char *text = read_log ();
  static const char begin[] = "extract training 40/40 images, ";
  ck_assert_msg (!strncmp (text, begin, sizeof begin - 1), "'%s'", text);
  ck_assert_ptr_eq (strchr (text, '\n'), text + strlen (text) - 1); /* one line */
  ck_assert_ptr_null (strpbrk (text, "\r\033[#"));
  ck_assert_ptr_nonnull (strstr (text, "/s, "));
  free (text);
}
END_TEST

START_TEST (what_was_not_done_shows)
{
  divert_to_file ();
  struct progress progress = progress_begin ("train", "rows", 7), empty = progress_begin ("merge", "rows", 0);
  progress_advance (&progress, 3);
  progress_end (&progress);
  progress_end (&empty);
  char *text = read_log ();
  ck_assert_ptr_nonnull (strstr (text, "train 3/7 rows, "));
  ck_assert_ptr_nonnull (strstr (text, "\nmerge 0/0 rows, "));
  free (text);
}
END_TEST

START_TEST (messages_have_a_line_of_their_own)
{
  divert_to_file ();
  progress_say ("slabfit: %d images could not be read", 7);
  progress_say ("%s", "second");
  char *text = read_log ();
  ck_assert_str_eq (text, "slabfit: 7 images could not be read\nsecond\n");
  free (text);
}
END_TEST

START_TEST (quiet_prints_nothing)
{
  divert_to_file ();
  progress_be_quiet ();
  work ();
  progress_say ("slabfit: %d images could not be read", 7);
  char *text = read_log ();
  ck_assert_str_eq (text, "");
  free (text);
}
END_TEST

/* The bar is drawn over itself and never longer than the terminal is wide, or it would leave lines behind.  */
START_TEST (a_terminal_has_a_bar)
{
  enum { COLUMNS = 60 };
  char text[4096] = "", *rest = text, *drawn;
  int terminal = posix_openpt (O_RDWR | O_NOCTTY), bars = 0, lines = 0;
  const struct winsize size = { .ws_row = 24, .ws_col = COLUMNS };
  ck_assert (terminal >= 0 && grantpt (terminal) == 0 && unlockpt (terminal) == 0);
  divert_to (open (ptsname (terminal), O_RDWR | O_NOCTTY));
  ck_assert_int_eq (ioctl (STDERR_FILENO, TIOCSWINSZ, &size), 0);
  struct progress progress = progress_begin ("extract training", "images", 40);
  for (int i = 0; i < 4; i++)
    {
      usleep (120000); /* past the time between two bars */
      progress_advance (&progress, 10);
    }
  progress_end (&progress);
  for (size_t used = 0; !strchr (text, '\n'); used = strlen (text))
    ck_assert_int_gt (read (terminal, text + used, sizeof text - 1 - used), 0);
  restore ();
  while ((drawn = strsep (&rest, "\r")))
    {
      drawn += strncmp (drawn, "\033[K", 3) ? 0 : 3;
      bars += strchr (drawn, '[') != NULL;
      lines += *drawn == '\n';
      ck_assert_msg (strlen (drawn) < COLUMNS || strstr (drawn, "40/40"), "'%s'", drawn);
    }
  ck_assert_int_ge (bars, 3);
  ck_assert_int_eq (lines, 1); /* after the last */
  close (terminal);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("progress");
  tcase_add_test (cases, a_log_has_the_final_line);
  tcase_add_test (cases, what_was_not_done_shows);
  tcase_add_test (cases, messages_have_a_line_of_their_own);
  tcase_add_test (cases, a_terminal_has_a_bar);
  tcase_add_test (cases, quiet_prints_nothing); /* the last: it lasts */
  return run_cases (cases, "progress");
}

/* The last error of the calling thread: one message and the exit status that it asks for.

   Who detects an error sets it; callers only return failure.  A message names the file, the dataset and the row,
   and ends with what to do.  Functions that can fail return 0 (or a pointer) for success and -1 (or NULL) for
   failure, with the error set.  */
#ifndef SLABFIT_ERROR_H
#define SLABFIT_ERROR_H

enum {
  ERROR_FAILED = 1,   /* the work could not be done */
  ERROR_USAGE = 2,    /* the command was called wrongly */
  ERROR_STOPPED = 75, /* stopped by a signal or --stop-after: run the same command again */
};

enum { ERROR_MESSAGE_BYTES = 4096 };

/* A copy of an error, to carry it from one thread to another.  */
struct error {
  int status; /* 0 where there is none */
  char message[ERROR_MESSAGE_BYTES];
};

/* Sets the calling thread's error, in the form of printf, with status ERROR_FAILED.  The arguments may point into
   the present message.  Always returns -1.  */
int error_set (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* The same with status ERROR_USAGE, or ERROR_STOPPED.  */
int error_usage (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
int error_stopped (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* For a failed system call on FILE: "cannot WHAT 'FILE': reason; remedy", the reason and a fitting remedy taken from
   errno.  Always returns -1.  */
int error_system (const char *what, const char *file);

/* Puts REMEDY in the place of the message's own, what stands behind its last semicolon, for whoever knows better what
   to do.  Always returns -1.  */
int error_remedy (const char *remedy);

const char *error_message (void); /* borrowed until the thread's next error_set; "" where there is none */
int error_status (void);          /* 0 where there is none */
void error_clear (void);

/* Copies the thread's error out; makes a copy the thread's error.  error_put returns -1.  */
void error_get (struct error *copy);
int error_put (const struct error *copy);

#endif

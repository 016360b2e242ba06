#include <config.h>

#include "memory.h"

#include "error.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { ALIGNMENT = 64 };

/* Buffers of several megabytes lie in huge pages where the system has them: columns of large matrices are then far
   fewer pages apart than rows.  */
static const size_t huge_page = 2 << 20, huge_enough = 8 << 20;

static atomic_uint_least64_t held, peak;

int
memory_multiply (size_t a, size_t b, const char *what, size_t *product)
{
  if (__builtin_mul_overflow (a, b, product))
    return error_set ("%s overflows: %zu x %zu; ask for less", what, a, b);
  return 0;
}

static void
count_up (uint64_t bytes)
{
  uint64_t now = atomic_fetch_add (&held, bytes) + bytes;
  uint64_t before = atomic_load (&peak);
  while (before < now && !atomic_compare_exchange_weak (&peak, &before, now))
    ;
}

/* ROUNDED bytes, a multiple of ALIGNMENT; NULL where they are not to be had.  */
static unsigned char *
allocate (size_t rounded)
{
  if (rounded < huge_enough)
    return aligned_alloc (ALIGNMENT, rounded);
  unsigned char *block = aligned_alloc (huge_page, (rounded + huge_page - 1) / huge_page * huge_page);
#ifdef MADV_HUGEPAGE
  if (block)
    madvise (block, rounded, MADV_HUGEPAGE); /* a wish: nothing is lost where it fails */
#endif
  return block;
}

void *
memory_new (size_t count, size_t size)
{
  size_t bytes;
  if (memory_multiply (count, size, "a buffer's size", &bytes))
    return NULL;
  size_t rounded = (bytes + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; /* a line in front holds the size */
  unsigned char *block = bytes < PTRDIFF_MAX - 2 * huge_page ? allocate (rounded) : NULL;
  if (!block)
    {
      error_set ("no memory for a buffer of %zu bytes; give the job more memory or ask for smaller batches", bytes);
      return NULL;
    }
  memset (block, 0, rounded);
  memcpy (block, &bytes, sizeof bytes);
  count_up (bytes);
  return block + ALIGNMENT;
}

void
memory_free (void *buffer)
{
  if (!buffer)
    return;
  unsigned char *block = (unsigned char *) buffer - ALIGNMENT;
  size_t bytes;
  memcpy (&bytes, block, sizeof bytes);
  atomic_fetch_sub (&held, bytes);
  free (block);
}

uint64_t
memory_bytes (void)
{
  return atomic_load (&held);
}

uint64_t
memory_peak_bytes (void)
{
  return atomic_load (&peak);
}

void
memory_reset_peak (void)
{
  atomic_store (&peak, atomic_load (&held));
}

/* By Linux's /proc: what getrusage says is inherited from a larger process that started this one.  0 elsewhere.  */
static uint64_t
peak_of_proc (void)
{
  char line[256];
  unsigned long kilobytes = 0;
  FILE *stream = fopen ("/proc/self/status", "re");
  while (stream && fgets (line, sizeof line, stream) && sscanf (line, "VmHWM: %lu kB", &kilobytes) != 1)
    ;
  if (stream)
    fclose (stream);
  return (uint64_t) kilobytes * 1024;
}

uint64_t
memory_peak_resident_bytes (void)
{
  struct rusage usage;
  uint64_t bytes = peak_of_proc ();
  if (bytes == 0 && getrusage (RUSAGE_SELF, &usage) == 0)
    bytes = (uint64_t) usage.ru_maxrss * 1024;
  return bytes;
}

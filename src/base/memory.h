/* Counted memory: large buffers come from here, so that their high-water mark is known.  */
#ifndef SLABFIT_MEMORY_H
#define SLABFIT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* COUNT elements of SIZE bytes, zeroed, at a multiple of 64 bytes.  The caller releases it with memory_free.  NULL
   with the error set where there is no such memory or COUNT * SIZE overflows.  COUNT may be 0.  */
void *memory_new (size_t count, size_t size);
void memory_free (void *buffer); /* NULL is allowed */

/* Bytes now held, and the most ever held at once since the last memory_reset_peak.  */
uint64_t memory_bytes (void);
uint64_t memory_peak_bytes (void);
void memory_reset_peak (void);

/* The process's largest resident size so far, in bytes, libraries included.  */
uint64_t memory_peak_resident_bytes (void);

/* *PRODUCT = A * B.  -1 with the error set where it overflows; WHAT names the quantity in the message.  */
int memory_multiply (size_t a, size_t b, const char *what, size_t *product);

#endif

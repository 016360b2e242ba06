/* What this process was given: processors and memory.  */
#ifndef SLABFIT_MACHINE_H
#define SLABFIT_MACHINE_H

#include <stdint.h>

/* Processors for this process: the smallest of its affinity, SLURM_CPUS_PER_TASK and the cgroup's quota (at least 1). */
int machine_threads (void);

/* Bytes of memory for this process: the smallest of the machine's, the cgroup's limit and SLURM's.  */
uint64_t machine_memory_bytes (void);

#endif

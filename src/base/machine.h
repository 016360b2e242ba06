/* What this process was given: processors, memory, and its part of the work.  */
#ifndef SLABFIT_MACHINE_H
#define SLABFIT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Processors for this process: the smallest of its affinity, the cgroup's quota, and SLURM_CPUS_PER_TASK or,
   without it, the job step's processors on this node shared by the step's processes there (at least 1).  The ranks that
   mpirun started on a node share its processors likewise.  */
int machine_threads (void);

/* Bytes of memory for this process: the smallest of the machine's, the cgroup's limit and SLURM's.  The processes
   of a job step, or the ranks that mpirun started, on the same node share them.  */
uint64_t machine_memory_bytes (void);

/* The part of the work that falls to this process: *TASK, from 0, of *TASKS equal ones.  They are counted by the
   SLURM job array that it belongs to, by the processes of its job step (srun), or by both; 0 of 1 elsewhere.  A
   batch script outside of a step is one process, whatever the tasks of its job.  Fails for an array whose numbers
   have holes.  */
int machine_task (int *task, int *tasks);

/* Whether the processor multiplies bfloat16 (avx512_bf16, amx_bf16).  */
bool machine_has_bfloat16 (void);

/* Whether it computes faster in bfloat16 than in float32: avx512_bf16 without AMX works at half the rate on
   Intel's.  */
bool machine_gains_by_bfloat16 (void);

/* The processor's name as the system gives it: "AMD EPYC 9R14"; its architecture where it gives none.  */
void machine_processor (char name[128]);

/* The number, 0 or larger, that the environment variable NAME is; -1 where it is none.  */
double machine_variable (const char *name);

/* The limits of this process's cgroups, of either version, read from ROOT/proc and ROOT/sys (ROOT is "" but in tests);
   INFINITY where there is none.  */
double machine_cgroup_processors (const char *root);
double machine_cgroup_bytes (const char *root);

#endif

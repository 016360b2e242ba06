/* Marks a function whose loops are compiled for the vector units of several processors; the one that the program runs
   on chooses when it starts.  */
#ifndef SLABFIT_VECTORISED_H
#define SLABFIT_VECTORISED_H

#if defined __x86_64__ && defined __GNUC__ && !defined __clang__
#define VECTORISED __attribute__ ((optimize ("O3"), target_clones ("avx512f", "avx2", "default")))
#else
#define VECTORISED
#endif

#endif

# SLABFIT_MPI
# MPI, where --with-mpi[=MPICC] asks for it; a plain build does not look for it.  MPICC is the compiler's wrapper of Open
# MPI, MPICH or their like; without it, CC itself where that is one, else mpicc.  Sets MPI_CFLAGS and MPI_LIBS.
AC_DEFUN([SLABFIT_MPI], [
  AC_ARG_WITH([mpi], [AS_HELP_STRING([--with-mpi@<:@=MPICC@:>@],
    [train on several nodes by MPI, found by the compiler MPICC (mpicc); left out by default])], [], [with_mpi=])
  MPI_CFLAGS= MPI_LIBS= slabfit_mpi_place=none
  AS_CASE([$with_mpi],
    [''|no], [with_mpi=],
    [yes], [SLABFIT_MPI_LINKS([slabfit_mpi_place="as $CC has it"],
      [AC_PATH_PROG([MPICC], [mpicc], [no])
       AS_IF([test "$MPICC" = no], [SLABFIT_MPI_MISSING([mpicc])])
       SLABFIT_MPI_WRAPPER])],
    [AS_IF([command -v "$with_mpi" >/dev/null 2>&1 && test ! -d "$with_mpi"], [],
       [AC_MSG_ERROR([--with-mpi takes the path of an mpicc, and '$with_mpi' is none])])
     MPICC=$with_mpi
     SLABFIT_MPI_WRAPPER])
  AS_IF([test -n "$with_mpi"], [AC_DEFINE([HAVE_MPI], [1], [Define to 1 to train on several nodes by MPI.])])
  AM_CONDITIONAL([WITH_MPI], [test -n "$with_mpi"])
  AC_SUBST([with_mpi])
  AC_SUBST([MPI_CFLAGS])
  AC_SUBST([MPI_LIBS])
])

# What the wrapper MPICC adds to the compiler's command.
AC_DEFUN([SLABFIT_MPI_WRAPPER], [
  SLABFIT_COMMAND_FLAGS([MPI], [`$MPICC -show 2>/dev/null`])
  slabfit_mpi_place="as $MPICC says"
  SLABFIT_MPI_LINKS([], [SLABFIT_MPI_MISSING([an MPI that works with $CC (config.log says what was wrong)])])
])

AC_DEFUN([SLABFIT_MPI_LINKS], [
  AC_MSG_CHECKING([whether $CC links MPI])
  SLABFIT_TRY_LINK([MPI], [@%:@include <mpi.h>],
    [MPI_Init_thread (0, 0, MPI_THREAD_FUNNELED, 0); MPI_Iallreduce (0, 0, 0, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD, 0);],
    [AC_MSG_RESULT([yes])
     $1],
    [AC_MSG_RESULT([no])
     $2])
])

AC_DEFUN([SLABFIT_MPI_MISSING],
  [SLABFIT_MISSING([$1], [libopenmpi-dev and openmpi-bin], [openmpi-devel], [openmpi], [openmpi],
    [or name its compiler: --with-mpi=MPICC, or leave --with-mpi out])])

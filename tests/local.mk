# make check: unit tests by Check, one program for each module, and shell tests of the command line.
test_headers = \
  tests/evaluations.h \
  tests/gray_jpeg.h \
  tests/learning.h \
  tests/matrices.h \
  tests/plain_training.h \
  tests/seed_shape.h \
  tests/store_support.h \
  tests/support.h \
  tests/weights_support.h
unit_tests = \
  tests/check_ahead \
  tests/check_backbone \
  tests/check_blas \
  tests/check_calibration \
  tests/check_checkpoint \
  tests/check_checkup \
  tests/check_concurrency \
  tests/check_csv \
  tests/check_curve \
  tests/check_decode \
  tests/check_dense \
  tests/check_draft \
  tests/check_engines \
  tests/check_error \
  tests/check_extract \
  tests/check_extractor \
  tests/check_factor \
  tests/check_featfile \
  tests/check_featwriter \
  tests/check_file \
  tests/check_folder \
  tests/check_folds \
  tests/check_forecast \
  tests/check_gathered \
  tests/check_gram \
  tests/check_gramcache \
  tests/check_head \
  tests/check_holdout \
  tests/check_hostile \
  tests/check_imagestream \
  tests/check_machine \
  tests/check_manifest \
  tests/check_memory \
  tests/check_metrics \
  tests/check_model \
  tests/check_modelfile \
  tests/check_network \
  tests/check_npy \
  tests/check_package \
  tests/check_organize \
  tests/check_parts \
  tests/check_pickle \
  tests/check_preprocess \
  tests/check_products \
  tests/check_progress \
  tests/check_provenance \
  tests/check_queue \
  tests/check_random \
  tests/check_ranks \
  tests/check_ranking \
  tests/check_recurrence \
  tests/check_report \
  tests/check_rows \
  tests/check_schedule \
  tests/check_scoring \
  tests/check_searchspace \
  tests/check_shuffle \
  tests/check_source \
  tests/check_sparse \
  tests/check_stalls \
  tests/check_spool \
  tests/check_steps \
  tests/check_stop \
  tests/check_sweep \
  tests/check_table \
  tests/check_text \
  tests/check_tile \
  tests/check_tilereader \
  tests/check_train \
  tests/check_trial \
  tests/check_tune \
  tests/check_verify \
  tests/check_weights \
  tests/check_workers \
  tests/check_wrap \
  tests/check_zeros
shell_tests = \
  tests/check-includes.sh \
  tests/cli-backbone.sh \
  tests/cli-baddata.sh \
  tests/cli-badfile.sh \
  tests/cli-badimage.sh \
  tests/cli-bench.sh \
  tests/cli-check.sh \
  tests/cli-config.sh \
  tests/cli-convert.sh \
  tests/cli-device.sh \
  tests/cli-duplicates.sh \
  tests/cli-evaluate.sh \
  tests/cli-extract.sh \
  tests/cli-full.sh \
  tests/cli-input.sh \
  tests/cli-network.sh \
  tests/cli-organize.sh \
  tests/cli-parity.sh \
  tests/cli-predict.sh \
  tests/cli-resume.sh \
  tests/cli-run.sh \
  tests/cli-stalls.sh \
  tests/cli-scaled.sh \
  tests/cli-stop.sh \
  tests/cli-tasks.sh \
  tests/cli-terminal.sh \
  tests/cli-train.sh \
  tests/cli-tune.sh \
  tests/cli-usage.sh \
  tests/gpu.sh \
  tests/lost-damage.sh \
  tests/lost-faults.sh \
  tests/lost-kill.sh \
  tests/lost-stop.sh \
  tests/mpi-train.sh \
  tests/mpi.sh \
  tests/slow-food5k.sh \
  tests/slow-large.sh \
  tests/slurm.sh \
  tests/slurm/srun-ranks.sh \
  tests/slurm/submit-options.sh

check_PROGRAMS += tests/check_network_header tests/make_network tests/make_photographs tests/make_weights
tests_check_network_header_SOURCES = tests/check_network_header.c
tests_check_network_header_CFLAGS = $(AM_CFLAGS) -std=c11 -Wpedantic
tests_check_network_header_LDADD =
tests_make_photographs_LDADD = $(LIBJPEG_LIBS)

# Opened at run time: a network without libtorch, and system calls that fail.
check_PROGRAMS += tests/faults.so tests/stub_network.so
tests_faults_so_SOURCES = tests/faults.c
tests_faults_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_faults_so_LDFLAGS = -shared
tests_faults_so_LDADD =
tests_stub_network_so_SOURCES = tests/stub_network.c
tests_stub_network_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_stub_network_so_LDFLAGS = -shared
tests_stub_network_so_LDADD =

# Several ranks.  Made by ranks.sh, and in a build without MPI by mpicc: transport.c is the one file that MPI changes.
EXTRA_PROGRAMS = tests/ranks_program tests/ranks_slabfit
tests_ranks_program_SOURCES = tests/ranks_program.c src/base/transport.c
tests_ranks_program_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_MPI=1
tests_ranks_program_LDADD = $(SLABFIT_LIBS)
tests_ranks_slabfit_SOURCES = src/base/transport.c
tests_ranks_slabfit_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_MPI=1
tests_ranks_slabfit_LDADD = $(slabfit_OBJECTS) $(SLABFIT_LIBS)

# The shim's own parts, which the module does not show.
tests_check_gpu_SOURCES = tests/check_gpu.cpp
tests_check_gpu_CPPFLAGS = $(network_so_CPPFLAGS)
tests_check_gpu_LDADD = $(network_so_OBJECTS) $(CHECK_LIBS) $(network_so_LDADD)

# What the unit tests link; the other programs say themselves.
LDADD = $(CHECK_LIBS) $(SLABFIT_LIBS)

if HAVE_CHECK
AM_CPPFLAGS += $(CHECK_CFLAGS)
check_PROGRAMS += $(unit_tests) tests/check_gpu tests/make_featfile tests/make_large tests/slow_engines
TESTS += $(unit_tests) tests/check_gpu tests/slow_engines tests/store-interop.sh
else
check-local:
	@echo 'The unit tests were left out: they need Check (Debian: check; Fedora: check-devel; conda and Spack: check).'
endif

TESTS += tests/check_network_header $(shell_tests)
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = \
  srcdir='$(abs_top_srcdir)' abs_top_srcdir='$(abs_top_srcdir)' abs_top_builddir='$(abs_top_builddir)' \
  SLABFIT_NETWORK='$(abs_top_builddir)/network.so' \
  SLABFIT_SHARED="$${SLABFIT_SHARED-$(abs_top_srcdir)/../shared}" PYTHON='$(PYTHON)' \
  PATH='$(abs_top_builddir)':"$$PATH"; \
  export srcdir abs_top_srcdir abs_top_builddir SLABFIT_NETWORK SLABFIT_SHARED PYTHON PATH;

EXTRA_DIST += \
  $(shell_tests) $(test_headers) tests/functions.sh tests/ranks.sh tests/foreign_files.py tests/peers tests/reference \
  tests/slurm/cluster.sh tests/store-interop.sh

# The peers (Keras and others) come from Python's package index, so this stands apart from make check.  PEERS names some
# of the comparisons.
EXTRA_PROGRAMS += tests/peers/check_pixels
tests_peers_check_pixels_LDADD = $(SLABFIT_LIBS)
CLEANFILES = tests/peers/check_pixels tests/ranks_program tests/ranks_slabfit
check-peers: all tests/peers/check_pixels peers/installed
	PATH='$(abs_top_builddir)':"$$PATH" PYTHON='$(abs_top_builddir)/peers/bin/python' srcdir='$(abs_top_srcdir)' \
	  bash $(srcdir)/tests/peers/run.sh $(PEERS)
peers/installed: $(srcdir)/tests/peers/requirements.txt
	rm -rf peers
	python3 -m venv peers
	peers/bin/pip install --quiet -r $(srcdir)/tests/peers/requirements.txt
	touch $@
.PHONY: check-peers

distclean-local:
	rm -rf peers

# A folder is distributed with all that lies in it, Python's leavings too.
dist-hook:
	find $(distdir)/tests -name __pycache__ -prune -exec rm -rf {} +

# The tutorial's configuration, and the generator of the demo's photographs.
dist_pkgdata_DATA = data/food5k.conf

noinst_PROGRAMS += data/demo_images
data_demo_images_SOURCES = \
  data/canvas.c data/canvas.h \
  data/demo_images.c \
  data/fruit.c data/fruit.h \
  data/lamp.c data/lamp.h \
  data/landscape.c data/landscape.h \
  data/lens.c data/lens.h \
  data/pottery.c data/pottery.h \
  data/still_life.c data/still_life.h
data_demo_images_CFLAGS = $(AM_CFLAGS) -fno-math-errno
data_demo_images_LDADD = libslabfit.a $(LIBJPEG_LIBS) $(LIBCRYPTO_LIBS)

# Batch scripts for SLURM.
slurmdir = $(pkgdatadir)/slurm
dist_slurm_SCRIPTS = \
  data/slurm/extract.sbatch \
  data/slurm/merge.sbatch \
  data/slurm/submit.sh \
  data/slurm/train.sbatch

# How other programs read feature and model files; run by make check-peers.
examplesdir = $(pkgdatadir)/examples
dist_examples_DATA = \
  data/examples/keras_sequence.py \
  data/examples/pytorch_dataset.py \
  data/examples/pytorch_model.py

# The manual's pages.
dist_man_MANS = doc/slabfit.1
dist_doc_DATA = \
  NEWS \
  README.md \
  doc/backbones.md \
  doc/durability.md \
  doc/checking.md \
  doc/datasets.md \
  doc/decoding.md \
  doc/evaluation.md \
  doc/extraction.md \
  doc/format.md \
  doc/gpu.md \
  doc/hacking.md \
  doc/results.md \
  doc/scaling.md \
  doc/slurm.md \
  doc/tour.md \
  doc/training.md \
  doc/tuning.md
EXTRA_DIST += \
  doc/decisions/0001-network-module.md \
  doc/decisions/0002-counter-random-numbers.md \
  doc/decisions/0003-merge-order.md \
  doc/decisions/0004-plain-loops.md \
  doc/decisions/0005-errors.md \
  doc/decisions/0006-explicit-classes.md \
  doc/decisions/0007-plain-tiles.md \
  doc/decisions/0008-sparse-deflate.md \
  doc/decisions/0009-chunks-through-hdf5.md \
  doc/decisions/0010-own-products.md \
  doc/decisions/0011-groups-of-steps.md \
  doc/decisions/0012-fused-network.md \
  doc/decisions/0013-shared-cores.md

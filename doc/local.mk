# The manual's pages.
dist_man_MANS = doc/slabfit.1
dist_doc_DATA = \
  NEWS \
  README.md \
  doc/durability.md \
  doc/checking.md \
  doc/evaluation.md \
  doc/format.md \
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
  doc/decisions/0007-plain-tiles.md

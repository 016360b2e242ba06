# The manual's pages.
dist_doc_DATA = \
  NEWS \
  README.md \
  doc/format.md \
  doc/hacking.md \
  doc/results.md \
  doc/tour.md \
  doc/training.md

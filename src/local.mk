# Everything but the command line is a library, which the tests link as well.
noinst_LIBRARIES += libslabfit.a
AM_CPPFLAGS += $(HDF5_CFLAGS) $(JANSSON_CFLAGS) $(LIBARCHIVE_CFLAGS) $(LIBCONFUSE_CFLAGS) $(LIBCRYPTO_CFLAGS) \
  $(LIBDEFLATE_CFLAGS) $(LIBJPEG_CFLAGS) $(LIBSPNG_CFLAGS) $(MPI_CFLAGS) $(OPENBLAS_CFLAGS)

libslabfit_a_SOURCES = \
  src/backbone/backbone.c src/backbone/backbone.h \
  src/backbone/element.c src/backbone/element.h \
  src/backbone/folding.c src/backbone/folding.h \
  src/backbone/isolated.c src/backbone/isolated.h \
  src/backbone/kerasfile.c src/backbone/kerasfile.h \
  src/backbone/keraslist.c src/backbone/keraslist.h \
  src/backbone/kerasreader.c src/backbone/kerasreader.h \
  src/backbone/kerastree.c src/backbone/kerastree.h \
  src/backbone/matching.c src/backbone/matching.h \
  src/backbone/modelconfig.c src/backbone/modelconfig.h \
  src/backbone/naming.c src/backbone/naming.h \
  src/backbone/opcode.h \
  src/backbone/pickle.c src/backbone/pickle.h \
  src/backbone/pyvalue.c src/backbone/pyvalue.h \
  src/backbone/randomweights.c src/backbone/randomweights.h \
  src/backbone/resnet.c src/backbone/resnet.h \
  src/backbone/safetensors.c src/backbone/safetensors.h \
  src/backbone/statedict.c src/backbone/statedict.h \
  src/backbone/torchfile.c src/backbone/torchfile.h \
  src/backbone/weights.c src/backbone/weights.h \
  src/backbone/zipfile.c src/backbone/zipfile.h \
  shim/loader.c shim/network.h \
  src/base/ahead.c src/base/ahead.h \
  src/base/clock.h \
  src/base/draft.c src/base/draft.h \
  src/base/error.c src/base/error.h \
  src/base/file.c src/base/file.h \
  src/base/folder.c src/base/folder.h \
  src/base/foreign.c src/base/foreign.h \
  src/base/half.c src/base/half.h \
  src/base/hdf.c src/base/hdf.h \
  src/base/machine.c src/base/machine.h \
  src/base/memory.c src/base/memory.h \
  src/base/progress.c src/base/progress.h \
  src/base/queue.c src/base/queue.h \
  src/base/random.c src/base/random.h \
  src/base/ranks.c src/base/ranks.h \
  src/base/spool.c src/base/spool.h \
  src/base/stop.c src/base/stop.h \
  src/base/text.c src/base/text.h \
  src/base/transport.c src/base/transport.h \
  src/base/vectorised.h \
  src/base/workers.c src/base/workers.h \
  src/extract/caller.c \
  src/extract/compressor.c \
  src/extract/concurrency.c src/extract/concurrency.h \
  src/extract/concurrencycache.c src/extract/concurrencycache.h \
  src/extract/dealer.c src/extract/dealer.h \
  src/extract/extract.c src/extract/extract.h \
  src/extract/extractor.c src/extract/extractor.h \
  src/extract/imagestream.c src/extract/imagestream.h \
  src/extract/job.c src/extract/job.h \
  src/extract/partwriter.c \
  src/extract/pipeline.c src/extract/pipeline.h \
  src/extract/rowstream.c src/extract/rowstream.h \
  src/extract/space.c src/extract/space.h \
  src/extract/stages.c src/extract/stages.h \
  src/extract/stalls.c src/extract/stalls.h \
  src/image/arrangement.c src/image/arrangement.h \
  src/image/codec.h src/image/codec_jpeg.c src/image/codec_png.c \
  src/image/catalogue.c src/image/catalogue.h \
  src/image/cataloguefile.c src/image/cataloguefile.h \
  src/image/csvlist.c \
  src/image/decode.c src/image/decode.h \
  src/image/exif.c src/image/exif.h \
  src/image/folderlist.c \
  src/image/layout.c src/image/layout.h \
  src/image/listing.c src/image/listing.h \
  src/image/manifest.c src/image/manifest.h \
  src/image/nameset.c src/image/nameset.h \
  src/image/organize.c src/image/organize.h \
  src/image/preprocess.c src/image/preprocess.h \
  src/image/resize.c src/image/resize.h \
  src/image/source.c src/image/source.h src/image/sourcekind.h \
  src/image/splitname.c src/image/splitname.h \
  src/image/table.c src/image/table.h \
  src/image/tarlist.c \
  src/learn/batch.h \
  src/learn/blas.c src/learn/blas.h \
  src/learn/calibration.c src/learn/calibration.h \
  src/learn/checkpoint.c src/learn/checkpoint.h \
  src/learn/checkup.c src/learn/checkup.h \
  src/learn/choice.c src/learn/choice.h \
  src/learn/collection.c src/learn/collection.h \
  src/learn/columns.c src/learn/columns.h \
  src/learn/cosine.c src/learn/cosine.h \
  src/learn/crossval.c src/learn/crossval.h \
  src/learn/curve.c src/learn/curve.h \
  src/learn/dense.c src/learn/dense.h \
  src/learn/engine.c src/learn/engine.h \
  src/learn/evaluate.c src/learn/evaluate.h \
  src/learn/factor.c src/learn/factor.h \
  src/learn/feed.c src/learn/feed.h \
  src/learn/first_layer.h \
  src/learn/folds.c src/learn/folds.h \
  src/learn/forecast.c src/learn/forecast.h \
  src/learn/gathered.c src/learn/gathered.h \
  src/learn/gram.c src/learn/gram.h \
  src/learn/gramcache.c src/learn/gramcache.h \
  src/learn/head.c src/learn/head.h \
  src/learn/history.c src/learn/history.h \
  src/learn/holdout.c src/learn/holdout.h \
  src/learn/keras.c src/learn/keras.h \
  src/learn/learner.c src/learn/learner.h \
  src/learn/metrics.c src/learn/metrics.h \
  src/learn/model.c src/learn/model.h \
  src/learn/modelfile.c src/learn/modelfile.h \
  src/learn/neighbours.c src/learn/neighbours.h \
  src/learn/panels.c src/learn/panels.h \
  src/learn/plan.c src/learn/plan.h \
  src/learn/powerlaw.c src/learn/powerlaw.h \
  src/learn/predictor.c src/learn/predictor.h \
  src/learn/products.c src/learn/products.h \
  src/learn/ranking.c src/learn/ranking.h \
  src/learn/rates.c src/learn/rates.h \
  src/learn/recipe.c src/learn/recipe.h \
  src/learn/recurrence.c src/learn/recurrence.h \
  src/learn/report.c src/learn/report.h \
  src/learn/reportjson.c \
  src/learn/rows.c src/learn/rows.h \
  src/learn/schedule.c src/learn/schedule.h \
  src/learn/scoring.c src/learn/scoring.h \
  src/learn/searchspace.c src/learn/searchspace.h \
  src/learn/separability.c src/learn/separability.h \
  src/learn/sgd.h \
  src/learn/shuffle.c src/learn/shuffle.h \
  src/learn/similarity.c src/learn/similarity.h \
  src/learn/slab.c src/learn/slab.h \
  src/learn/state.h \
  src/learn/strip.h \
  src/learn/sweep.c src/learn/sweep.h \
  src/learn/train.c src/learn/train.h \
  src/learn/trainbench.c src/learn/trainbench.h \
  src/learn/trial.c src/learn/trial.h \
  src/learn/tune.c src/learn/tune.h \
  src/learn/tunefile.c src/learn/tunefile.h \
  src/store/csv.c src/store/csv.h \
  src/store/dataset.c src/store/dataset.h \
  src/store/decimal.c src/store/decimal.h \
  src/store/duplicates.c src/store/duplicates.h \
  src/store/exporter.c src/store/exporter.h \
  src/store/failures.c src/store/failures.h \
  src/store/featfile.c src/store/featfile.h \
  src/store/featinfo.c src/store/featinfo.h \
  src/store/featwriter.c src/store/featwriter.h \
  src/store/importer.c src/store/importer.h \
  src/store/join.c src/store/join.h \
  src/store/labels.c src/store/labels.h \
  src/store/labeltext.c src/store/labeltext.h \
  src/store/leftovers.c src/store/leftovers.h \
  src/store/lines.c src/store/lines.h \
  src/store/matrix.c src/store/matrix.h \
  src/store/merge.c src/store/merge.h \
  src/store/npy.c src/store/npy.h \
  src/store/npyheader.c src/store/npyheader.h \
  src/store/parts.c src/store/parts.h \
  src/store/provenance.c src/store/provenance.h \
  src/store/sparse.c src/store/sparse.h \
  src/store/storebench.c src/store/storebench.h \
  src/store/tile.c src/store/tile.h \
  src/store/tilereader.c src/store/tilereader.h \
  src/store/tilewriter.c src/store/tilewriter.h \
  src/store/verify.c src/store/verify.h \
  src/store/virtual.c src/store/virtual.h \
  src/store/zeros.c src/store/zeros.h

bin_PROGRAMS += slabfit
slabfit_SOURCES = \
  src/cli/arguments.c src/cli/arguments.h \
  src/cli/benchtable.c src/cli/benchtable.h \
  src/cli/cmd_backbone.c \
  src/cli/cmd_bench.c \
  src/cli/cmd_check.c \
  src/cli/cmd_evaluate.c \
  src/cli/cmd_export.c \
  src/cli/cmd_extract.c \
  src/cli/cmd_import.c \
  src/cli/cmd_info.c \
  src/cli/cmd_merge.c \
  src/cli/cmd_organize.c \
  src/cli/cmd_predict.c \
  src/cli/cmd_run.c \
  src/cli/cmd_train.c \
  src/cli/cmd_tune.c \
  src/cli/cmd_verify.c \
  src/cli/command.h \
  src/cli/config_file.c src/cli/config_file.h \
  src/cli/decodebench.c src/cli/decodebench.h \
  src/cli/duplicatetable.c src/cli/duplicatetable.h \
  src/cli/findings.c src/cli/findings.h \
  src/cli/form.c src/cli/form.h \
  src/cli/hyperparameters.c src/cli/hyperparameters.h \
  src/cli/main.c \
  src/cli/networkbench.c src/cli/networkbench.h \
  src/cli/options.c src/cli/options.h \
  src/cli/output.c src/cli/output.h \
  src/cli/predictions.c src/cli/predictions.h \
  src/cli/splits.c src/cli/splits.h \
  src/cli/stalltable.c src/cli/stalltable.h \
  src/cli/trained.c src/cli/trained.h \
  src/cli/tunetable.c src/cli/tunetable.h
slabfit_LDADD = $(SLABFIT_LIBS)

#!/usr/bin/env bash
# Every comparison with a peer: 'ok NAME', 'not ok NAME' or 'skipped NAME' for each, then the counts.  Started by
# make check-peers in the build folder, with PYTHON, srcdir and slabfit on the PATH.  Arguments choose some by name.
set -u
srcdir=${srcdir-.}
peers=$srcdir/tests/peers
PYTHON=${PYTHON:-python3}
SLABFIT_SHARED=${SLABFIT_SHARED-$srcdir/../shared}
DEMO_IMAGES=$PWD/data/demo_images
export PYTHON SLABFIT_SHARED DEMO_IMAGES PYTHONDONTWRITEBYTECODE=1

passed=0 failed=0 skipped=0
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# The program's messages are shown only where it fails: TensorFlow has much to say.
compare ()
{
  local name=$1 status
  shift
  [ -z "$chosen" ] || [[ " $chosen " == *" $name "* ]] || return 0
  "$@" 2> "$log"
  status=$?
  case $status in
    0) passed=$((passed + 1)) && echo "ok $name" ;;
    77) skipped=$((skipped + 1)) && echo "skipped $name" ;;
    *) cat "$log"
      failed=$((failed + 1)) && echo "not ok $name (status $status)" ;;
  esac
}

chosen=$*
shopt -s nullglob
photographs=("$SLABFIT_SHARED"/data/food5k-mini/evaluation/*0.jpg)

compare pixels "$PYTHON" "$peers/pixels.py" tests/peers/check_pixels --sizes 60 "$srcdir"/tests/reference/images/*.{jpg,png} \
  "${photographs[@]}"
compare backbone_keras "$PYTHON" "$peers/backbone_keras.py"
compare backbone_torchvision "$PYTHON" "$peers/backbone_torchvision.py"
compare wrap "$PYTHON" "$peers/wrap.py"
compare architectures "$PYTHON" "$peers/architectures.py"
compare keras_training "$PYTHON" "$peers/keras_training.py"
compare torch_training "$PYTHON" "$peers/torch_training.py"
compare keras_model "$PYTHON" "$peers/keras_model.py"
compare package "$PYTHON" "$peers/package.py"
compare sklearn_report "$PYTHON" "$peers/sklearn_report.py"
compare store_h5py "$PYTHON" "$peers/store_h5py.py"
compare import_csv "$PYTHON" "$peers/import_csv.py"
compare train_speed "$PYTHON" "$peers/train_speed.py"
compare extract_speed "$PYTHON" "$peers/extract_speed.py"
compare tune_search "$PYTHON" "$peers/tune_search.py"
compare examples "$PYTHON" "$peers/examples.py"
compare memory bash "$peers/memory.sh"

if [ $((passed + failed + skipped)) -eq 0 ]; then
  echo "there is no comparison of the name '$chosen'"
  failed=1
fi
if [ "$skipped" -eq 0 ]; then
  echo "$passed passed, $failed failed"
else
  echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" -eq 0 ]

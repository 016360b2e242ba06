#!/bin/bash
# slabfit extract: what a feature file holds, what is kept when the command runs again, and what is refused.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools
need h5diff hdf5-tools

network map
network mean
for split in training validation; do
  mkdir -p dataset/$split/a dataset/$split/b
  cp "$images"/{photo,gray,one}.jpg dataset/$split/a
  cp "$images"/{rgb,cmyk,colour-444,progressive}.jpg dataset/$split/b
done
rm dataset/validation/b/rgb.jpg
for image in dataset/validation/*/*.jpg; do echo >>"$image"; done # no duplicates
extract () { slabfit extract dataset -o f --backbone map.ts --preprocess resize=64x64 "$@"; }

# What is said, and what is there.
run 0 extract --threads 2
head -n 2 out >said
compare 'first lines' said <<'END'
training: 7 rows, 0 of them kept from before, 0 failed
validation: 6 rows, 0 of them kept from before, 0 failed
END
n=' *[0-9.]+'
like "13 images in$n s,$n images/s; of the time of 2 threads:
  read    $n$n %
  decode  $n$n %
  network $n$n %
  compress$n$n %
  write   $n$n %
The network waited$n s \($n %\) for images,$n s \($n %\) for room in the file.
The .*" "$(tail -n +3 out)"
test "$(wc -L <out)" -le 80 || fail "a line is longer than 80 columns"
like "13 x 8 float32 values to make in 'f': 416 bytes before compression, 608 bytes while the merged file stands beside its \
parts; [0-9.]+ [kMGTP]B free" "$(head -n 1 err)"
like 'network: [12] callers? x [12] threads?, batches of [0-9]+ \(not measured: few images\)
extract training 7/7 images, [0-9.]+/s, [0-9.]+ s
extract validation 6/6 images, [0-9.]+/s, [0-9.]+ s' "$(tail -n +2 err)"
test "$(ls f)" = $'training.h5\nvalidation.h5' || fail "there are $(ls f)"
for split in training validation; do
  values f/$split.h5 /images >paths
  sort paths >sorted
  compare "$split's images" sorted < <(cd dataset && find $split -type f | sort)
  values f/$split.h5 /labels >labels
  compare "$split's labels" labels < <(cut -d/ -f2 paths)
  sort -c paths 2>/dev/null && fail "the rows of $split are not shuffled"
done

# Again: kept, and not written.
stat -c '%n %i %y' f/* >before
run 0 extract
output <<'END'
training: 7 rows, 7 of them kept from before, 0 failed
validation: 6 rows, 6 of them kept from before, 0 failed
END
errors </dev/null
run 0 extract --json -q --split validation
errors </dev/null
json "list(d) == ['splits', 'duplicates', 'images_per_second', 'seconds', 'network', 'stalls', 'advice', 'peak_bytes', \
'buffer_bytes'] and \
d['splits'] == {'validation': {'rows': 6, 'failed': 0, 'reused_rows': 6, 'missing_parts': 0}} and \
list(d['seconds']) == ['read', 'decode', 'network', 'compress', 'write', 'wall'] and \
list(d['stalls']) == ['images', 'images_share', 'room', 'room_share', 'disk', 'gpu_busy'] and \
d['advice'] is None and d['peak_bytes'] > 0"

# Another way to make them is refused, naming both values.
remedy='repeat the command that made it, choose another folder, or use --force'
differs () { refuses 1 "slabfit extract: $1; $remedy" extract "${@:2}"; }
differs "preprocess is 'resize=64x64' in 'f/training.h5' and 'resize=64x64,order=bgr' in this command" \
  --preprocess resize=64x64,order=bgr
differs "'f/training.h5' is float32 and this command float16" --dtype float16
sha256 () { sha256sum "$1" | cut -d' ' -f1; }
differs "backbone_sha256 is '$(sha256 map.ts)' in 'f/training.h5' and '$(sha256 mean.ts)' in this command" \
  --backbone mean.ts
mv dataset/validation/a/one.jpg .
run 1 extract
like "slabfit extract: manifest_sha256 is '[0-9a-f]{64}' in 'f/validation.h5' and '[0-9a-f]{64}' in this command: the \
images differ; $remedy" "$(cat err)"
mv one.jpg dataset/validation/a
stat -c '%n %i %y' f/* >after
same before after

# --force makes them anew: float16, and one value of each plane.
run 0 extract --force --pool avg --dtype float16 -q
run 0 slabfit info f/training.h5 --json
json "(d['dtype'], d['pool'], d['feature_shape'], d['rows']) == ('float16', 'avg', [2], 7)"
values f/training.h5 /features >features
json "d['values_sampled'] == $(wc -l <features) and d['zeros'] == $(grep -cx -e 0 -e -0 features) / $(wc -l <features) \
and abs(d['ratio'] - 28 / d['file_bytes']) < 1e-8"
run 0 slabfit verify f/training.h5 f/validation.h5
run 0 extract --force -q

# The same bits from any number of threads and images at once.
run 0 extract -o one --threads 1 --network-batch 1 -q
run 0 h5diff f/training.h5 one/training.h5 /features /features

# The values: those of the only pixel of an image, as Pillow reads it, and in the other order with bgr.
mkdir -p pixel/training/a
cp "$images"/one.jpg pixel/training/a
od -An -v -t u1 -w1 "$images"/one.rgb | tr -d ' ' >rgb
tac rgb >bgr
for order in rgb bgr; do
  run 0 slabfit extract pixel -o $order.f --backbone mean.ts --preprocess resize=32x32,order=$order -q
  values $order.f/training.h5 /features >features
  compare "the pixel in $order" features <$order
done

# A network that carries no preprocessing is taken for one of Keras's, which is said; its information does not make one up.
run 0 slabfit extract pixel -o assumed --backbone mean.ts
grep -Fqx "'mean.ts' does not say how images are made ready for it: taking 'keras'; --preprocess says it otherwise" err \
  || fail "nothing is said of the preprocessing: $(cat err)"
run 0 slabfit extract pixel -o given --backbone mean.ts --preprocess keras
! grep -q 'does not say' err || fail 'the preprocessing was given'
run 0 slabfit info mean.ts --json
json 'd["preprocess"] == "none"'

# No place for the features.
echo file >taken
refuses 1 "slabfit extract: cannot make the folder 'taken': File exists; remove it or choose another name" \
  extract -o taken -q
refuses 1 "slabfit extract: 'dataset' has no split 'test'; check --split and the folder's name" \
  extract -o g --split test
absent g
if can_drop_rights; then
  mkdir locked
  chmod 555 locked
  refuses 1 "slabfit extract: cannot create 'locked/images.catalogue': Permission denied; check its permissions and its \
folder's" unprivileged slabfit extract dataset -o locked --backbone map.ts -q
  test -z "$(ls locked)" || fail "there is $(ls locked)"
else
  left_out 'a folder without permissions: an unprivileged user does not reach slabfit'
fi

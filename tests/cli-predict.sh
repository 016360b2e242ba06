#!/bin/bash
# slabfit predict: from photographs to classes.
. "$(dirname "$0")"/functions.sh || exit 1

# The images of the class dark are so dark that their mean colours tell.  The preprocessing comes with the network.
network mean resize=16x16,scale=1/255,mean=0.35:0.4:0.4
mkdir -p dataset/training/bright dataset/training/dark
cp "$images"/{photo,colour-420,colour-422,colour-444,rgb,progressive}.jpg dataset/training/bright
cp "$images"/{cmyk,ycck}.jpg dataset/training/dark
run 0 slabfit extract dataset -o features --backbone mean.ts -q
run 0 slabfit train features -o model.h5 --hidden 8 --epochs 200 --lr 0.1 --class-weight balanced -q
predict () { slabfit predict model.h5 --backbone mean.ts "$@"; }
bright=dataset/training/bright dark=dataset/training/dark
is () { echo "$1: $2 \((0\.[5-9][0-9]{3}|1\.0000)\)"; }

# Classes that are known, and one that is not.
run 0 predict $bright/photo.jpg $dark/ycck.jpg $bright/rgb.jpg $dark/cmyk.jpg "$images"/one.jpg
errors </dev/null
like "$(is $bright/photo.jpg bright)
$(is $dark/ycck.jpg dark)
$(is $bright/rgb.jpg bright)
$(is $dark/cmyk.jpg dark)
$(is "$images/one.jpg" bright)" "$(cat out)"

# Paths on standard input: one a line, also with a carriage return, an empty line, and none at the end of the last one.
printf '%s\r\n\n%s' $dark/cmyk.jpg $bright/photo.jpg >paths
predict - $dark/ycck.jpg <paths >out 2>err || fail 'paths on standard input are not taken'
command_line='predict -'
errors </dev/null
like "$(is $dark/cmyk.jpg dark)
$(is $bright/photo.jpg bright)
$(is $dark/ycck.jpg dark)" "$(cat out)"

# More images than go through the network at once, in their order; JSON; names that a shell would split.
cp $dark/cmyk.jpg 'a, "b".jpg'
for i in $(seq 20); do echo $bright/rgb.jpg; echo 'a, "b".jpg'; done >paths
predict - --json -q <paths >out 2>err || fail 'JSON of paths on standard input'
command_line='predict - --json'
errors </dev/null
json "list(d) == ['predictions'] and [p['image'] for p in d['predictions']] == open('paths').read().splitlines()"
json "[p['class'] for p in d['predictions']] == 20 * ['bright', 'dark']"
json "all(list(p) == ['image', 'class', 'probabilities'] and list(p['probabilities']) == ['bright', 'dark'] \
and abs(sum(p['probabilities'].values()) - 1) < 1e-6 and \
max(p['probabilities'], key=p['probabilities'].get) == p['class'] for p in d['predictions'])"

# The same probabilities as evaluate gives from the features.
run 0 slabfit evaluate model.h5 features/training.h5 --predictions predictions.csv
tail -n +2 predictions.csv | cut -d, -f1 | sed 's|^|dataset/|' >paths
predict - --json <paths >out 2>err
json "max(abs(p['probabilities'][c] - float(line.split(',')[k])) for p, line in \
zip(d['predictions'], open('predictions.csv').read().splitlines()[1:]) for k, c in ((3, 'bright'), (4, 'dark'))) < 1e-5"

# Images that cannot be read are named, the others predicted.
echo 'not a photograph' >text.jpg
run 1 predict $bright/photo.jpg none.jpg text.jpg dataset $dark/ycck.jpg
like "$(is $bright/photo.jpg bright)
$(is $dark/ycck.jpg dark)" "$(cat out)"
errors <<'END'
slabfit predict: 'none.jpg': cannot be read: No such file or directory
slabfit predict: 'text.jpg': not a JPEG or PNG file
slabfit predict: 'dataset': cannot be read: Is a directory
slabfit predict: 3 of 5 images could not be read, as said above
END
run 1 predict $bright/photo.jpg none.jpg --json
json "[(p['image'], p.get('class'), p.get('error')) for p in d['predictions']] == \
[('$bright/photo.jpg', 'bright', None), ('none.jpg', None, 'cannot be read: No such file or directory')]"
refuses 1 "slabfit predict: 'text.jpg': not a JPEG or PNG file" predict text.jpg

# No image at all.
run 0 predict -
output </dev/null
errors </dev/null

# Many images, which several callers of the network share: in their order, whoever is first; a network that fails; a stop.
export SLABFIT_NETWORK=$helpers/stub_network.so
cp mean.ts stub.ts
run 0 slabfit extract dataset -o g --backbone stub.ts --preprocess resize=16x16 -q
run 0 slabfit train g -o stub.h5 --hidden 4 --epochs 1 -q
for i in $(seq 300); do echo $bright/rgb.jpg; echo none.jpg; echo $dark/cmyk.jpg; done >paths
predict () { slabfit predict stub.h5 --backbone stub.ts --threads 3 -q "$@"; }
predict - --json <paths >out 2>err
json "[p['image'] for p in d['predictions']] == open('paths').read().splitlines()"
json "all(('error' in p) == (p['image'] == 'none.jpg') for p in d['predictions'])"
json "len({p['probabilities']['bright'] for p in d['predictions'] if p['image'].endswith('rgb.jpg')}) == 1"
SLABFIT_STUB_LOG=none/log predict - <paths >out 2>err
status=$? command_line='predict, with a network that fails'
test $status = 1 || fail "'$command_line' exits with $status, not 1"
output </dev/null
like "slabfit predict: the network failed on a batch of [0-9]+ images: the stub cannot work; try a smaller --network-batch" \
  "$(cat err)"
SLABFIT_STUB_MILLISECONDS=200 predict - --stop-after 0.5 <paths >out 2>err
status=$? command_line='predict --stop-after'
test $status = 75 || fail "'$command_line' exits with $status, not 75"
like ".*slabfit predict: stopped as asked; run the same command again" "$(cat err)"

#!/bin/bash
# slabfit backbone: what it prints, what travels inside the file and is used unasked, and what it refuses.
. "$(dirname "$0")"/functions.sh || exit 1

sha256 () { sha256sum "$1" | cut -d' ' -f1; }
"$helpers"/make_weights w.safetensors torchvision && "$helpers"/make_weights w.h5 keras || exit 1

# Structure, layer and preprocessing are those that the names stand for.
run 0 slabfit backbone resnet50 --weights w.safetensors -o t.ts --layer conv1
output <<END
t.ts: resnet50 in torchvision's structure up to relu, weights w.safetensors
features of 112 x 112 x 64, preprocessing 'torchvision'
sha256 $(sha256 t.ts)
END
run 0 slabfit backbone resnet50 --weights ./w.h5 -o k.ts --layer layer1 --pool max
output <<END
k.ts: resnet50 in Keras's structure up to conv2_block3_out, weights w.h5
features of 256, preprocessing 'keras'
sha256 $(sha256 k.ts)
END
refuses 1 "slabfit backbone: 't.ts' is there already; choose another name or give --force" \
  slabfit backbone resnet50 --weights w.safetensors -o t.ts --layer conv1
before=$(sha256 t.ts)
run 0 slabfit backbone resnet50 --weights w.safetensors --output t.ts --layer conv1 --force -q --json
test "$(sha256 t.ts)" = "$before" || fail 'other bytes for the same weights'
json "sorted(d) == sorted('architecture classifier epsilon feature_shape file layer pool preprocess sha256 structure \
version weights weights_sha256'.split()) and d['sha256'] == '$before' and d['feature_shape'] == [112, 112, 64] \
and d['weights_sha256'] == '$(sha256 w.safetensors)' and d['classifier'] and d['epsilon'] == 1e-5 \
and d['architecture'] == 'resnet50' and d['structure'] == 'torchvision' and d['pool'] == 'none'"
run 0 slabfit backbone resnet50 --weights w.h5 -o e.ts --layer conv1 --epsilon 1e-3 --preprocess resize=64x96 --json
json "d['epsilon'] == 1e-3 and d['feature_shape'] == [32, 48, 64] and d['preprocess'] == 'resize=64x96' \
and not d['classifier']"

# The description in a whole Keras model has the epsilon, which no option contradicts.
layer () { printf '{"class_name": "%s", "config": {"name": "%s", %s}}' "$@"; }
unit () { # NAME STRIDE PADDING
  layer Conv2D "$1_conv" '"strides": '"$2"', "padding": "'"$3"'"'; echo ,
  layer BatchNormalization "$1_bn" '"axis": 3, "epsilon": 1.001e-05'; echo ,
}
{
  echo '{"config": {"layers": ['
  layer ZeroPadding2D conv1_pad '"padding": 3'; echo ,
  layer ZeroPadding2D pool1_pad '"padding": 1'; echo ,
  unit conv1 2 valid
  for stage in 2:3 3:4 4:6 5:3; do
    for block in $(seq "${stage#*:}"); do
      name=conv${stage%:*}_block$block stride=1
      if test "$block" = 1 && test "$name" != conv2_block1; then stride=2; fi
      if test "$block" = 1; then unit "${name}_0" $stride valid; fi
      unit "${name}_1" $stride valid
      unit "${name}_2" 1 same
      unit "${name}_3" 1 valid
    done
  done
  layer MaxPooling2D pool1_pool '"padding": "valid", "strides": 2, "pool_size": 3'
  echo ']}}'
} >config.json
"$helpers"/make_weights whole.h5 keras config.json || exit 1
refuses 1 "slabfit backbone: the model in 'whole.h5' has the epsilon 1.001e-05, and --epsilon 0.001 is asked for; \
leave --epsilon out" slabfit backbone resnet50 --weights whole.h5 -o x.ts --layer conv1 --epsilon 1e-3
absent x.ts
for epsilon in '' '--epsilon 1.001e-5'; do
  run 0 slabfit backbone resnet50 --weights whole.h5 -o whole.ts --layer conv1 --force --json $epsilon
  json "d['epsilon'] == 1.001e-5"
done

# extract and info take from the file what is inside, and refuse what does not fit.
mkdir -p photos/training/a && cp "$images"/photo.jpg photos/training/a
run 0 slabfit extract photos -o f --backbone k.ts -q
run 0 slabfit info f/training.h5 --json
json "d['layer'] == 'conv2_block3_out' and d['pool'] == 'max' and d['preprocess'] == 'keras' \
and d['feature_shape'] == [256] and d['backbone_sha256'] == '$(sha256 k.ts)'"
run 0 slabfit info k.ts --json
json "d['kind'] == 'backbone' and d['weights'] == 'w.h5' and d['structure'] == 'keras' and d['pool'] == 'max' \
and d['layer'] == 'conv2_block3_out'"
refuses 1 "slabfit extract: the backbone 'k.ts' pools by max itself; leave --pool out, or make the backbone with --pool \
none" slabfit extract photos -o g --backbone k.ts --pool avg -q

# Other weights; what they hold is named.
refuses 1 "slabfit backbone: the weights in 'w.h5' look like those of resnet50, not of resnet101; build resnet50" \
  slabfit backbone resnet101 --weights w.h5 -o x.ts
refuses 1 "slabfit backbone: cannot open 'none.pth': No such file or directory; check the path" \
  slabfit backbone resnet50 --weights none.pth -o x.ts
refuses 2 "slabfit backbone: resnet50 has no layer 'conv6'; give conv1 to conv5, or a block as conv4_block6_out or layer3.5" \
  slabfit backbone resnet50 --weights w.h5 -o x.ts --layer conv6

# wrap says what the network gives, and which of it is taken.
network=$tests/reference/network-named.ts
run 0 slabfit backbone wrap "$network" -o n.ts --preprocess resize=8x6 --pool avg
output <<END
output 0 maps: 1 x 2 x 8 x 6, taken
output 1 means: 1 x 2
n.ts: maps of network-named.ts
features of 2, preprocessing 'resize=8x6'
sha256 $(sha256 n.ts)
END
errors </dev/null
run 0 slabfit backbone wrap "$network" -o m.ts --preprocess resize=8x6 --output 1
output <<END
output 0 maps: 1 x 2 x 8 x 6
output 1 means: 1 x 2, taken
m.ts: means of network-named.ts
features of 2, preprocessing 'resize=8x6'
sha256 $(sha256 m.ts)
END
errors <<END
the features are a vector; if these are scores of classes, export the network without its last layer
END
run 0 slabfit backbone wrap "$network" -o m.ts --preprocess resize=8x6 --output 1 --json --force -q
json "d['outputs'] == [{'name': 'maps', 'shape': [1, 2, 8, 6]}, {'name': 'means', 'shape': [1, 2]}] \
and d['layer'] == 'means' and d['pool'] == 'none' and d['wrapped'] == 'network-named.ts' \
and d['wrapped_sha256'] == '$(sha256 "$network")' and d['sha256'] == '$(sha256 m.ts)'"
refuses 1 "slabfit backbone: 'm.ts' is there already; choose another name or give --force" \
  slabfit backbone wrap "$network" -o m.ts --preprocess resize=8x6
refuses 1 "slabfit backbone: 'w.h5' is HDF5, such as Keras's weights, and no network; 'slabfit backbone ARCHITECTURE \
--weights' builds a ResNet from them" slabfit backbone wrap w.h5 -o x.ts --preprocess keras

# Rows of a wrapped network are those of the network itself.
network map
run 0 slabfit backbone wrap map.ts -o wrapped.ts --preprocess resize=64x64,order=bgr -q
run 0 slabfit extract photos -o direct --backbone map.ts --preprocess resize=64x64,order=bgr -q
run 0 slabfit extract photos -o indirect --backbone wrapped.ts -q
values direct/training.h5 /features >direct.txt
values indirect/training.h5 /features >indirect.txt
test -s direct.txt || fail 'no features'
same direct.txt indirect.txt

# Usage.
usage () { refuses 2 "slabfit backbone: $1" slabfit backbone "${@:2}"; }
usage 'give the network to wrap: wrap FILE.ts' wrap
usage 'give the file to write: -o FILE.ts' wrap a.ts --output 1
usage 'give the preprocessing that the network was trained with: --preprocess SPEC' wrap a.ts -o x.ts
usage "one FILE.ts, please; 'b.ts' is too many" wrap a.ts b.ts
usage '--weights, --random, --layer and --epsilon are for building; wrap takes none of them' \
  wrap a.ts -o x.ts --preprocess keras --layer conv4
usage "--output takes a whole number from 0 to 1048576, not '1048577'" \
  wrap a.ts -o x.ts --preprocess keras --output 1048577
usage '--output N is for wrap; give the file to write by -o FILE.ts' resnet50 --random 1 --output 2
usage 'the weights come from one place: leave --weights or --random out' resnet50 -o x.ts --random 1 --weights w.h5
usage "--epsilon takes a number above 0, not '0'" resnet50 -o x.ts --weights w.h5 --epsilon 0
usage "--pool takes none, avg or max, not 'mean'" resnet50 -o x.ts --weights w.h5 --pool mean
absent x.ts g
no_temporary .

#!/bin/bash
# --config: a file of options, which those on the command line win over.
. "$(dirname "$0")"/functions.sh || exit 1

# Two classes that one value tells apart.
mkdir features
for i in 1 2 3 4 5 6 7 8 9 10; do echo "0,$i,1"; echo "1,-$i,1"; done >rows.csv
run 0 slabfit import rows.csv -o features/training.h5 --classes low,high

# epochs: those that the model in the file out was trained with.
train () { slabfit train features -o model.h5 --force --json -q "$@"; }
trained_with () { json "[len(d['epochs']), d['model']] == [$1, '${2:-model.h5}']"; }

# Values are taken; the command line wins, before --config or after it.
echo 'epochs = 2' >epochs.conf
run 0 train --config epochs.conf
trained_with 2
run 0 train --config=epochs.conf --epochs 3
trained_with 3
run 0 train --epochs 3 --config epochs.conf
trained_with 3

# All forms of values, remarks, and options of other commands.
cat >all.conf <<'END'
# a remark
epochs = "3"        // another
hidden = '4'
output = "other.h5"
backbone = net.ts
task = 1/2          /* of extract, and wrong for nothing here */
nesterov = true
json = true
quiet = true
force = false
END
run 0 slabfit train features --config all.conf
errors </dev/null
trained_with 3 other.h5
run 0 slabfit info other.h5 --json
json "d['training']['hidden'] == [4] and d['training']['nesterov'] is True"
echo 'nesterov = false' >flag.conf
run 0 train --config flag.conf --epochs 1
run 0 slabfit info model.h5 --json
json "d['training']['nesterov'] is False"

# What a file may not say.
configured () {
  printf "$1" >bad.conf
  refuses "$2" "slabfit train: $3" slabfit train features -o new.h5 --config bad.conf
}
see="see 'slabfit COMMAND --help' for the options"
configured 'epoch = 2\n' 2 "configuration 'bad.conf', line 1: no such option 'epoch'; $see"
configured 'epochs = 2\nlearning-rate = 1\n' 2 "configuration 'bad.conf', line 2: no such option 'learning-rate'; $see"
configured 'config = other.conf\n' 2 "configuration 'bad.conf', line 1: no such option 'config'; $see"
configured 'epochs 2\n' 2 "configuration 'bad.conf', line 1: missing equal sign after option 'epochs'; $see"
configured 'epochs = -2\n' 2 "configuration 'bad.conf': --epochs takes a whole number from 1 to 1073741824, not '-2'"
configured 'lr = fast\n' 2 "configuration 'bad.conf': --lr takes a number, not 'fast'"
configured 'seed = x\n' 2 "configuration 'bad.conf': --seed takes a whole number from 0 to 9223372036854775807, not 'x'"
configured 'nesterov = maybe\n' 2 "configuration 'bad.conf': --nesterov takes true or false, not 'maybe'"
echo 'epochs = 2' >good.conf
refuses 2 "slabfit train: --lr takes a number, not 'fast'" slabfit train features -o new.h5 --config good.conf --lr fast
absent new.h5

# The file itself.
refuses 1 "slabfit train: cannot open 'none.conf': No such file or directory; check the path" train --config none.conf
refuses 1 "slabfit train: 'features' is a folder; give a configuration file" train --config features
refuses 2 'slabfit train: --config is written in full, and once' train --conf epochs.conf
refuses 2 'slabfit train: --config is written in full, and once' train --config flag.conf --config epochs.conf
refuses 2 "slabfit train: option '--config' requires an argument" train --config

# The tutorial's configuration: every command takes it, and it holds the defaults.
tutorial=$abs_top_srcdir/data/food5k.conf
for name in run organize backbone extract merge verify info train evaluate predict export import; do
  run 2 slabfit $name --config "$tutorial"
  grep -q 'configuration\|--config' err && fail "slabfit $name does not take $tutorial: $(cat err)"
done
run 0 train
run 0 slabfit info model.h5 --json
cp out plain
run 0 train --config "$tutorial"
run 0 slabfit info model.h5 --json
cp out configured
if test -n "$python"; then
  "$python" - "$tutorial" <<'END' || fail "$tutorial does not hold the defaults"
import json, re, sys
plain, configured = json.load(open("plain"))["training"], json.load(open("configured"))["training"]
assert plain == configured, (plain, configured)
written = dict(re.findall(r'^([a-z-]+) = "?([^"#\s]*)"?', open(sys.argv[1]).read(), re.M))
tutorial = {"epochs": 25, "batch": 32, "lr": 1e-3, "momentum": 0.9, "decay": 1e-3 / 25, "hidden": [256, 16], "seed": 42}
for name, value in tutorial.items():
    assert json.loads("[%s]" % written[name]) == (value if isinstance(value, list) else [value]), (name, written[name])
    assert plain[name] == value, (name, plain[name])
END
fi
network wide
for split in training validation; do
  mkdir -p dataset/$split/a dataset/$split/b
  cp "$images"/photo.jpg dataset/$split/a
  cp "$images"/rgb.jpg dataset/$split/b
done
run 0 slabfit extract dataset -o f --backbone wide.ts -q
run 0 slabfit extract dataset -o f --backbone wide.ts -q --config "$tutorial" --json
json "[d['splits'][s]['reused_rows'] for s in ('training', 'validation')] == [2, 2]"

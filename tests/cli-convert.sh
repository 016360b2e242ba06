#!/bin/bash
# slabfit export and import: the tutorial's CSV and NumPy's arrays, there and back, and what does not fit.
. "$(dirname "$0")"/functions.sh || exit 1
need h5diff hdf5-tools

# Written and read: all classes and values, also such as 1/3, -0, and the smallest and largest floats.
cat >values.csv <<'END'
0,0,-0,0.333333343,1
2,3.40282347e+38,-3.40282347e+38,1.40129846e-45,1.17549435e-38
1,1e-3, 2.5 ,+7,-.5
0,123456789,16777217,0.1,1e10
END
run 0 slabfit import values.csv -o values.h5
output <<'END'
values.h5: 4 rows
END
errors </dev/null
run 0 slabfit info values.h5 --json
json "(d['rows'], d['columns'], d['classes']) == (4, 4, {'0': 2, '1': 1, '2': 1})"
run 0 slabfit export values.h5 -o again.csv
output <<'END'
again.csv: 4 rows
END
compare 'the CSV' again.csv <<'END'
0,0,-0,0.333333343,1
2,3.40282347e+38,-3.40282347e+38,1.40129846e-45,1.17549435e-38
1,0.00100000005,2.5,7,-0.5
0,123456792,16777216,0.100000001,1e+10
END
run 0 slabfit import again.csv -o again.h5
run 0 h5diff -v values.h5 again.h5 /features /features
run 0 h5diff -v values.h5 again.h5 /labels /labels
run 0 slabfit export again.h5 -o thrice.csv --json
json "d == {'file': 'thrice.csv', 'rows': 4}"
same again.csv thrice.csv

# Features of photographs: named classes, half precision, lines that end as Windows has it, and no end of the last line.
network wide
mkdir -p dataset/training/a dataset/training/b
cp "$images"/photo.jpg "$images"/gray.jpg dataset/training/a
cp "$images"/rgb.jpg "$images"/cmyk.jpg dataset/training/b
run 0 slabfit extract dataset -o features --backbone wide.ts --preprocess resize=96x96 -q
run 0 slabfit export features/training.h5 -o features.csv
sed 's/$/\r/' features.csv | head -c -1 >windows.csv
run 0 slabfit import windows.csv -o features.h5 --classes a,b --json
json "d == {'file': 'features.h5', 'rows': 4}"
run 0 h5diff features.h5 features/training.h5 /features /features
run 0 h5diff features.h5 features/training.h5 /labels /labels
run 0 slabfit import features.csv -o half.h5 --classes a,b --dtype float16
run 0 h5diff -p 0.001 half.h5 features/training.h5 /features /features
run 0 slabfit verify half.h5 features.h5
run 0 slabfit info half.h5 --json
json "(d['dtype'], d['classes']) == ('float16', {'a': 2, 'b': 2})"

# NumPy's arrays and back. The bytes behind the header are h5dump's values.
run 0 slabfit export values.h5 -o values.npy
output <<'END'
values.npy: 4 rows
END
errors </dev/null
run 0 slabfit import values.npy -o back.h5 --json
json "d == {'file': 'back.h5', 'rows': 4}"
run 0 h5diff -v values.h5 back.h5 /features /features
run 0 h5diff -v values.h5 back.h5 /labels /labels
run 0 slabfit export half.h5 -o half.npy --json
json "d == {'file': 'half.npy', 'rows': 4}"
mv half.labels.npy named.npy
run 0 slabfit import half.npy --labels named.npy -o back.h5 --classes a,b --force
run 0 slabfit info back.h5 --json
json "(d['dtype'], d['classes']) == ('float16', {'a': 2, 'b': 2})"
run 0 h5diff half.h5 back.h5 /features /features
run 0 h5diff half.h5 back.h5 /labels /labels
run 0 slabfit import half.npy --labels named.npy -o back.h5 --dtype float32 --force
run 0 slabfit info back.h5 --json
json "d['dtype'] == 'float32'"
if test -n "$python"; then
  "$python" - <<'END' || fail 'the arrays of values.h5'
import ast, struct
def load(path):
    data = open(path, "rb").read()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    length = struct.unpack("<H", data[8:10])[0]
    assert (10 + length) % 64 == 0 and data[9 + length:10 + length] == b"\n"
    return ast.literal_eval(data[10:10 + length].decode()), data[10 + length:]
assert load("values.npy") == ({"descr": "<f4", "fortran_order": False, "shape": (4, 4)}, struct.pack(
    "<16f", 0, -0.0, 1 / 3, 1, 3.40282347e38, -3.40282347e38, 1.40129846e-45, 1.17549435e-38, 1e-3, 2.5, 7, -.5,
    123456789, 16777216, .1, 1e10))
assert load("values.labels.npy") == ({"descr": "<i4", "fortran_order": False, "shape": (4,)},
                                     struct.pack("<4i", 0, 2, 1, 0))
assert load("half.npy")[0]["descr"] == "<f2"
END
fi

# Numbers that are hard to round: every float is what Python's float () is, rounded again to 32 bits.
if test -n "$python"; then
  "$python" - <<'END' || fail 'hard.csv could not be made'
import random, struct
from fractions import Fraction
random.seed(11)
texts = ["1e-400", "-1e-400", "0e999999999999", "1e-999999999999", "0." + "0" * 500 + "1", "1" + "0" * 30 + "e-30",
         "9007199254740993", "9007199254740992.99999", "16777217", "16777217.000000001", "16777216.9999999999999",
         "1.00000005960464477539062500000000001", "1.00000005960464477539062499999999999", "2.2250738585072014e-308",
         "3.4028235677973360e38", "7.0064923216240853e-46", "7.0064923216240854e-46", "4.9e-324",
         "2.4703282292062327e-324", "1.1754943157898258e-38", "0." + "0" * 37 + "11754943157898258", "." + "3" * 800]
def exactly(value, digits):  # a decimal of so many digits below the point
    scaled = value * 10 ** digits
    return "%de-%d" % (scaled.numerator // scaled.denominator, digits)
for _ in range(4000):
    low, = struct.unpack("<f", struct.pack("<I", random.randrange(0x7f7fffff)))
    high, = struct.unpack("<f", struct.pack("<I", struct.unpack("<I", struct.pack("<f", low))[0] + 1))
    middle = (Fraction(low) + Fraction(high)) / 2  # of two floats, and of two doubles
    texts.append(exactly(middle, random.randrange(1, 200)))
    value = struct.unpack("<d", struct.pack("<Q", random.randrange(0x3690000000000000, 0x47efffffe0000000)))[0]
    texts += [repr(value), "%.25e" % value, "%.6f" % value, repr(low), "%.9g" % low]
columns = 50
texts += ["0.0"] * (-len(texts) % columns)
floats = [float(text) for text in texts]
with open("hard.csv", "w") as csv:
    for row in range(0, len(texts), columns):
        csv.write("0,%s\n" % ",".join(texts[row:row + columns]))
open("hard.expected", "wb").write(struct.pack("<%df" % len(floats), *floats))
END
  run 0 slabfit import hard.csv -o hard.h5 -q
  run 0 slabfit export hard.h5 -o hard.npy -q
  tail -c +129 hard.npy >hard.found
  same hard.expected hard.found
  run 0 slabfit export hard.h5 -o hard-again.csv -q
  run 0 slabfit import hard-again.csv -o hard-again.h5 -q
  run 0 slabfit export hard-again.h5 -o hard-again.npy -q
  same hard.npy hard-again.npy
fi

# A byte order mark, blanks, empty lines.
printf '\xef\xbb\xbf0,1, 2\r\n\r\n1 ,3\t,4' >marked.csv
run 0 slabfit import marked.csv -o marked.h5
output <<'END'
marked.h5: 2 rows
END

# Lines that do not fit, each with its place.
bad () { # MESSAGE LINES OPTION...
  printf "$2" >bad.csv
  refuses 1 "slabfit import: $1" slabfit import bad.csv -o bad.h5 "${@:3}"
  absent bad.h5
  no_temporary .
}
form="a line is label,value,value,..."
bad "line 2, field 2 of 'bad.csv' is 'x', not a finite number; correct it" '0,1,2\n1,x,2\n'
bad "line 2, field 3 of 'bad.csv' is '2.5.1', not a finite number; correct it" '0,1,2\n1,1,2.5.1\n'
bad "line 1, field 3 of 'bad.csv' is '', not a finite number; correct it" '0,1,\n1,3,2\n'
bad "line 3, field 2 of 'bad.csv' is '', not a finite number; correct it" '0,1,2\n\n1,,2\n'
for value in nan inf -inf 1e39 0x10 1e '1 2' --1; do
  bad "line 1, field 2 of 'bad.csv' is '$value', not a finite number; correct it" "0,$value,2\n"
done
bad "line 2 of 'bad.csv' has 1 value and the first line 2; correct it" '0,1,2\n1,3\n'
bad "line 2 of 'bad.csv' has 3 values and the first line 2; correct it" '0,1,2\n1,3,2,4\n'
for label in x -1 1.5 1000000 99999999999999999999 ''; do
  bad "line 2, field 1 of 'bad.csv' is '$label', not a class from 0 to 999999; $form" "0,1,2\n$label,3,2\n"
done
bad "line 1, field 1 of 'bad.csv' is 'label', not a class from 0 to 999999; $form" 'label,a,b\n0,1,2\n'
bad "line 2, field 1 of 'bad.csv' is '2', not a class from 0 to 1; $form" '1,1,2\n2,3,2\n' --classes a,b
bad "line 2, field 1 of 'bad.csv' is '?????', not a class from 0 to 999999; $form" '0,1\n\001\002\003\004\005\n'
bad "'bad.csv' has no values; $form" '0\n1\n'
bad "'bad.csv' has no lines; $form" ''
bad "'bad.csv' has no lines; $form" '\n\n'
printf '0,1\n0,' >long.csv
truncate -s 257M long.csv
refuses 1 "slabfit import: line 2 of 'long.csv' is longer than 256 MB; check that it is a CSV file" \
  slabfit import long.csv -o long.h5
rm long.csv
absent long.h5

# Arrays that do not fit (check_npy has more of them), names, and what is there already.
refuses 1 "slabfit import: 'half.labels.npy' is not there; name the labels of 'half.npy' with --labels" \
  slabfit import half.npy -o bad.h5
refuses 1 "slabfit import: cannot open 'none.npy': No such file or directory; check the path" \
  slabfit import half.npy --labels none.npy -o bad.h5
refuses 1 "slabfit import: cannot open 'none.npy': No such file or directory; check the path" \
  slabfit import none.npy -o bad.h5
printf '\x93NUMPY\1\0\x3b\0%-58s\n\0\1\0' \
  "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }" >few.npy
refuses 1 "slabfit import: 'half.npy' has 4 rows and 'few.npy' 3 labels; give the labels of these rows" \
  slabfit import half.npy --labels few.npy -o bad.h5
refuses 1 "slabfit import: 'named.npy' holds elements of the type '<i4', not floating-point numbers; save it \
with astype ('float32')" \
  slabfit import named.npy --labels named.npy -o bad.h5
cp values.csv values.npz
refuses 2 "slabfit import: the form is told by the name's ending, .csv or .npy, which 'values.npz' lacks" \
  slabfit import values.npz -o bad.h5
refuses 2 "slabfit export: the form is told by the name's ending, .csv or .npy, which 'new.npz' lacks" \
  slabfit export values.h5 -o new.npz
refuses 2 "slabfit import: --labels is for FILE.npy; a line of 'values.csv' begins with its label" \
  slabfit import values.csv -o bad.h5 --labels named.npy
there='is there already; choose another name or give --force'
refuses 1 "slabfit export: 'values.npy' $there" slabfit export half.h5 -o values.npy
rm half.npy
echo old >half.labels.npy
refuses 1 "slabfit export: 'half.labels.npy' $there" slabfit export half.h5 -o half.npy
run 0 slabfit export half.h5 -o half.npy --force -q
same half.labels.npy named.npy
no_temporary .

refuses 1 "slabfit import: cannot open 'none.csv': No such file or directory; check the path" \
  slabfit import none.csv -o none.h5
mkdir dataset.csv
refuses 1 "slabfit import: cannot read 'dataset.csv': Is a directory; check the path and the file system" \
  slabfit import dataset.csv -o none.h5
refuses 1 "slabfit export: 'values.csv' is not an HDF5 file; name a feature file, as 'slabfit extract' or h5py writes \
it" \
  slabfit export values.csv -o none.csv
absent none.h5 none.csv bad.h5 new.npz
